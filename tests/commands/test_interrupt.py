"""Promises of Ctrl-C: once, what was asked is kept; twice, it stops at once; and it goes on from there."""

from __future__ import annotations

import asyncio
import json
import shlex
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest
from building import SCRIPT, building
from scripted_server import tgi_pages

from builders.dataset.rows import BuildFacts

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Serve
    from scripted_server import ScriptedServer

DOCUMENTS = 24
INTERRUPTED = 130


@pytest.fixture
async def server(serve: Serve) -> ScriptedServer:
    """Admits four calls at once and takes a fifth of a second for each."""
    started = await serve(tgi_pages(max_concurrent_requests=4))
    started.least_delay_s = 0.2
    return started


def command(server: ScriptedServer, *more: str) -> list[str]:
    words = ["build", "template-biomed", "--documents", f"{DOCUMENTS}", "--endpoint", server.url, *more]
    return [str(SCRIPT), *words]


def recorded(folder: Path) -> int:
    with sqlite3.connect(folder / "template-biomed" / ".journal" / "journal.sqlite") as journal:
        return int(journal.execute("SELECT COUNT(*) FROM calls").fetchone()[0])


def distinct(server: ScriptedServer) -> int:
    return len({json.dumps(payload, sort_keys=True) for payload in server.asked})


async def test_ctrl_c_once_keeps_the_calls_in_flight_and_says_how_to_go_on(
    tmp_path: Path, server: ScriptedServer
) -> None:
    async with building(tmp_path, *command(server)) as build:
        await build.says("[3/24]")
        build.interrupt()
        code, out = await build.ended()
    assert (code, out) == (INTERRUPTED, "")
    assert "stopping: waiting for the calls in flight (Ctrl-C again to stop at once)" in build.said
    assert "Traceback" not in build.said
    asked = len(server.asked)
    assert 6 <= asked < DOCUMENTS, "some calls were in flight, and the build was far from its end"
    assert recorded(tmp_path) == asked, "every call that was made is kept"

    last = build.said.splitlines()[-1]
    prefix, again, suffix = last.split("`")
    assert (prefix, suffix) == ("stopped; everything answered is kept, run ", " to go on")
    async with building(tmp_path, *[str(SCRIPT), *shlex.split(again)[1:]]) as build:
        code, out = await build.ended()
    assert code == 0, build.said
    assert out.startswith("24 documents (")
    assert len(server.asked) == distinct(server), "nothing was asked twice"


async def test_ctrl_c_twice_stops_at_once_and_the_same_command_finishes(
    tmp_path: Path, server: ScriptedServer
) -> None:
    async with building(tmp_path, *command(server)) as build:
        await build.says("[3/24]")
        server.least_delay_s = 600.0
        kept_before = len(server.asked)
        while len(server.asked) < kept_before + 4:  # noqa: ASYNC110 - four calls hang
            await asyncio.sleep(0.01)
        build.interrupt()
        await build.says("stopping")
        build.interrupt()
        began = time.monotonic()
        code, out = await build.ended()
    assert time.monotonic() - began < 3
    assert (code, out) == (INTERRUPTED, "")
    assert "Traceback" not in build.said
    assert build.said.splitlines()[-1].startswith("stopped; everything answered is kept, run `builders build")
    kept, abandoned = recorded(tmp_path), len(server.asked) - recorded(tmp_path)
    assert kept >= 3
    assert 1 <= abandoned <= 4

    server.least_delay_s = 0.0
    async with building(tmp_path, *command(server)) as build:
        code, _ = await build.ended()
    assert code == 0, build.said
    assert len(server.asked) - distinct(server) == abandoned, "only what was abandoned was asked again"


async def test_ctrl_c_before_the_server_answers_stops_at_once(tmp_path: Path) -> None:
    connected = asyncio.Event()
    hanging = await asyncio.start_server(lambda *_: connected.set(), "127.0.0.1", 0)
    port = hanging.sockets[0].getsockname()[1]
    words = ["build", "template-biomed", "--documents", "1", "--endpoint", f"http://127.0.0.1:{port}"]
    async with hanging, building(tmp_path, str(SCRIPT), *words) as build:
        await asyncio.wait_for(connected.wait(), timeout=20)
        build.interrupt()
        began = time.monotonic()
        code, out = await build.ended()
    assert time.monotonic() - began < 3
    assert (code, out) == (INTERRUPTED, "")
    assert "Traceback" not in build.said
    assert "stopped" in build.said.splitlines()[-1]


async def test_stdout_carries_the_result_alone(tmp_path: Path, server: ScriptedServer) -> None:
    server.least_delay_s = 0.0
    async with building(tmp_path, *command(server)) as build:
        code, out = await build.ended()
    assert code == 0, build.said
    assert out.startswith("24 documents (")
    assert "building template-biomed: 24 documents with example/Scripted-7B" in build.said
    assert "trajectory" not in out


async def test_json_is_the_facts_of_the_build(tmp_path: Path, server: ScriptedServer) -> None:
    server.least_delay_s = 0.0
    async with building(tmp_path, *command(server, "--json")) as build:
        code, out = await build.ended()
    assert code == 0, build.said
    facts = BuildFacts.model_validate_json(out)
    assert facts.documents == DOCUMENTS
    assert json.loads(out) == json.loads((tmp_path / "template-biomed" / "build.json").read_text())
