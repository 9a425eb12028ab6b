"""Promises of resuming: the same command goes on, to the same bytes, and pays for no answer twice.

A real process builds on the real embedded model and is killed with SIGKILL.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import shutil
import sqlite3
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from console import SCRIPTS, run_builders
from memoising_proxy import memoising_proxy

from builders.serve import embedded_endpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from console import Run
    from memoising_proxy import MemoisingProxy
    from scripted_server import Serve

NAME = "metasynth-biomed"
DOCUMENTS = 4
KILLS = 5
ANSWER_S = 0.03

Fingerprint = tuple[tuple[str, ...], int]


def build(url: str, *, documents: int = DOCUMENTS) -> list[str]:
    return ["build", NAME, "--documents", f"{documents}", "--seed", "1", "--endpoint", url]


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a dataset but the journal."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".journal" not in path.parts
    }


def asked(chat: dict[str, Any]) -> Fingerprint:
    """What tells a request from all others of a build: its messages and its seed."""
    contents = [message["content"] for message in chat["messages"]]
    return tuple(hashlib.sha256(content.encode()).hexdigest()[:32] for content in contents), chat["seed"]


def answered(folder: Path) -> set[Fingerprint]:
    """The requests whose answers a journal holds."""
    path = folder / ".journal" / "journal.sqlite"
    try:
        journal = sqlite3.connect(f"file:{path}?mode=ro", uri=True)  # leaves the write-ahead log as it is
        requests = [json.loads(request) for (request,) in journal.execute("SELECT request FROM calls")]
        journal.close()
    except sqlite3.OperationalError:  # not made yet
        return set()
    return {
        (tuple(digest for _, digest in request["messages"]), request["sampling"]["seed"])
        for request in requests
    }


@pytest_asyncio.fixture(scope="module")
async def proxy() -> AsyncIterator[MemoisingProxy]:
    """The real embedded model, which answers the same request in the same way."""
    pytest.importorskip("xllamacpp")
    async with embedded_endpoint() as url, memoising_proxy(url) as before:
        yield before


@pytest_asyncio.fixture(scope="module")
async def uninterrupted(proxy: MemoisingProxy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a build that nothing disturbed."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    ended = await run_builders(*build(proxy.url), folder=folder, longest_s=280)
    assert ended.code == 0, ended.err
    return folder / NAME


@asynccontextmanager
async def building(folder: Path, url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        SCRIPTS / "builders",
        *build(url),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if not name.startswith("METASYNTH")},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_killed_at_five_random_moments_it_ends_at_the_same_bytes_and_asks_nothing_twice(
    proxy: MemoisingProxy, uninterrupted: Path, tmp_path: Path, record_property: Any
) -> None:
    calls = len(answered(uninterrupted))
    moments = sorted(random.sample(range(1, calls * 4 // 5), KILLS))  # another draw in every run
    record_property("killed when so many calls were recorded", moments)
    print(f"killed when so many of {calls} calls were recorded: {moments}")
    proxy.delay_s = ANSWER_S
    folder = tmp_path / NAME
    again: Counter[Fingerprint] = Counter()

    for moment in moments:
        kept, before = answered(folder), len(proxy.chats)
        async with building(tmp_path, proxy.url) as process:
            while process.returncode is None and len(answered(folder)) < moment:  # noqa: ASYNC110
                await asyncio.sleep(random.uniform(0, ANSWER_S))
            assert process.returncode is None, "it was to be killed at work"
            process.kill()
        again.update(kept & {asked(chat) for chat in proxy.chats[before:]})
        assert kept <= answered(folder), "an answer was lost"
    kept, before = answered(folder), len(proxy.chats)
    ended = await run_builders(*build(proxy.url), folder=tmp_path)
    again.update(kept & {asked(chat) for chat in proxy.chats[before:]})

    assert ended.code == 0, ended.err
    assert not again, "answered calls were asked again"
    assert len(kept) < calls, "the last run had something to do"
    assert files(folder) == files(uninterrupted)


async def test_a_finished_build_asks_nothing_more(proxy: MemoisingProxy, uninterrupted: Path) -> None:
    before, written = len(proxy.chats), files(uninterrupted)

    ended = await run_builders(*build(proxy.url), folder=uninterrupted.parent)

    assert ended.code == 0, ended.err
    assert len(proxy.chats) == before
    assert files(uninterrupted) == written


async def test_a_journal_alone_makes_the_same_dataset_elsewhere(
    proxy: MemoisingProxy, uninterrupted: Path, tmp_path: Path
) -> None:
    before = len(proxy.chats)
    (tmp_path / NAME).mkdir()
    shutil.copytree(uninterrupted / ".journal", tmp_path / NAME / ".journal")

    ended = await run_builders(*build(proxy.url), folder=tmp_path)

    assert ended.code == 0, ended.err
    assert len(proxy.chats) == before
    assert files(tmp_path / NAME) == files(uninterrupted)


async def test_a_larger_build_asks_only_for_what_is_new(builders: Run, serve: Serve, tmp_path: Path) -> None:
    server = await serve()
    small, large = build(server.url, documents=4), build(server.url, documents=12)
    assert (await builders(*small)).code == 0
    assert (await builders(*large)).code == 0
    grown, in_steps = len(server.asked), texts(files(tmp_path / NAME))

    shutil.rmtree(tmp_path / NAME)
    assert (await builders(*large)).code == 0

    assert len(server.asked) - grown == grown
    assert texts(files(tmp_path / NAME)) == in_steps


def texts(dataset: dict[str, bytes]) -> dict[str, bytes]:
    """The documents' files: a trace holds how long an answer took, and that differs."""
    return {name: content for name, content in dataset.items() if name.startswith("data")}
