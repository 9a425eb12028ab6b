"""Promises of a build that is interrupted, suspended, or not alone: nothing is lost."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING

import pytest
from building import SCRIPT, building
from console import run_builders
from ordeal import NAME, JournalReader, dataset

from builders.testing import Fault, Latency, Simulation, simulated_endpoint

if TYPE_CHECKING:
    from pathlib import Path

    from console import Run

LATENCY = Latency(mean_s=0.05, sigma=0.6)
FOREVER = range(60, 10**9)


def build(url: str, *, documents: int = 20) -> list[str]:
    return ["build", NAME, "--protocol", "guided", "--documents", f"{documents}", "--endpoint", url]


async def test_ctrl_c_in_a_storm_of_refusals_ends_the_build_at_once(builders: Run, tmp_path: Path) -> None:
    storm = Simulation(permits=8, latency=LATENCY, faults=(Fault("overloaded", requests=FOREVER),))
    journal = JournalReader(tmp_path / NAME)
    async with simulated_endpoint(storm) as server:
        async with building(tmp_path, str(SCRIPT), *build(server.url)) as work:
            await work.says("protocol guided")
            while server.counts.faults["overloaded"] < 10:  # noqa: ASYNC110 - every call waits for a place
                await asyncio.sleep(0.02)
            began = time.monotonic()
            work.interrupt()
            code, _ = await work.ended()
        took = time.monotonic() - began
        assert code == 130
        assert took < 3
        assert "stopping: waiting for the calls in flight" in work.said
        assert "stopped; everything answered is kept, run `" in work.said.splitlines()[-1]
        assert "Traceback" not in work.said
        assert await journal.calls() == server.counts.answered
        kept, answers = await journal.calls(), server.counts.answered
    async with simulated_endpoint(Simulation()) as calm:
        ended = await builders(*build(calm.url))
        assert ended.code == 0, ended.err
        assert kept == answers
        assert await journal.calls() == kept + calm.counts.answered, "and it goes on from there"


@pytest.mark.parametrize("suspended_s", [4.0, pytest.param(60.0, marks=pytest.mark.slow)])
@pytest.mark.parametrize("connections", ["stay", "are closed"])
async def test_a_suspended_build_goes_on_as_if_nothing_had_been(
    tmp_path: Path, suspended_s: float, connections: str
) -> None:
    """As a laptop's lid does it; meanwhile the server may give up, and its connections are gone."""
    async with simulated_endpoint(Simulation(permits=8, latency=LATENCY)) as server:
        async with building(tmp_path, str(SCRIPT), *build(server.url)) as work:
            await work.says("protocol guided")
            while server.counts.answered < 100:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            work.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(suspended_s / 2)
            if connections == "are closed":
                await server.stop()
                await server.start()
            await asyncio.sleep(suspended_s / 2)
            asked = server.counts.requests
            work.process.send_signal(signal.SIGCONT)
            code, out = await work.ended()
        assert code == 0, work.said
        assert out.startswith("20 documents")
        assert "Traceback" not in work.said
        assert server.counts.requests > asked
        if connections == "stay":
            assert server.log.repeated == 0
        else:
            assert server.log.repeated <= 8, "answers that were under way when the connections closed"


async def test_two_builds_beside_each_other_do_not_disturb_each_other(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    async with simulated_endpoint(Simulation(permits=8, latency=LATENCY, told_time_s=0.1)) as server:
        for folder in folders:
            folder.mkdir()
        ends = await asyncio.gather(*(run_builders(*build(server.url), folder=folder) for folder in folders))
        print(f"{server.counts.refused} of {server.counts.requests} refused: eight places for two builds")
    assert [ended.code for ended in ends] == [0, 0], [ended.err for ended in ends]
    assert dataset(folders[0] / NAME) == dataset(folders[1] / NAME)
