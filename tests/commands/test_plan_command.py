"""Promises of `builders plan`: people and machines read the same, mistakes are one line, Ctrl-C keeps all."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import pytest
from console import SCRIPTS, run_builders

from builders.dataset.rows import BuildFacts
from builders.forecast import Forecast
from builders.testing import Latency, Simulation, simulated_endpoint

if TYPE_CHECKING:
    from pathlib import Path

    from console import Run

NAME = "template-biomed"
INTERRUPTED = 130


async def test_a_person_reads_a_line_for_each_figure_and_what_it_rests_on(builders: Run) -> None:
    async with simulated_endpoint(Simulation(reject_share=0.2)) as server:
        ended = await builders(
            *("plan", NAME, "--endpoint", server.url, "--documents", "200", "--price", "0.2/0.6")
        )

    assert ended.code == 0, ended.err
    for figure in ("documents", "calls", "prompt tokens", "completion tokens", "hours", "money", "accepted"):
        assert any(line.startswith(figure) or figure in line for line in ended.out.splitlines()), figure
    for words in (
        "95% interval",
        "asks none of them again",
        "jackknife",
        "near-duplicates:",
        "calls at once",
    ):
        assert words in ended.out
    assert "a simulated endpoint answered" in ended.out
    assert "probing template-biomed: 60 documents with metasynth/simulated" in ended.err
    assert "[60/60]" in ended.err


async def test_a_machine_reads_the_forecast_and_the_build_goes_on_from_the_probes(builders: Run) -> None:
    async with simulated_endpoint(Simulation(reject_share=0.2)) as server:
        words = (NAME, "--endpoint", server.url, "--documents", "120", "--price", "1/2", "--seed", "4")
        ended = await builders("plan", *words, "--probes", "4", "--json")
        assert ended.code == 0, ended.err
        forecast = Forecast.model_validate_json(ended.out)
        assert forecast.probes.trajectories == 4
        assert forecast.probes.calls_asked == server.counts.answered
        assert forecast.endpoints[0].price_written == 2
        built = await builders("build", *words, "--json")
        assert built.code == 0, built.err
        assert server.log.repeated == 0
    facts = BuildFacts.model_validate_json(built.out)
    assert facts.documents == 120
    assert forecast.money is not None
    money = (facts.prompt_tokens + 2 * facts.completion_tokens) / 1e6
    assert forecast.money.low / 1.5 <= money <= forecast.money.high * 1.5


async def test_without_a_price_there_is_no_money(builders: Run) -> None:
    async with simulated_endpoint() as server:
        ended = await builders("plan", NAME, "--endpoint", server.url, "--documents", "40", "--json")

    assert Forecast.model_validate_json(ended.out).money is None


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("metasynth-biomd",), "did you mean 'metasynth-biomed'?"),
        ((NAME, "--documents", "9", "--tokens", "9k"), "--documents and --tokens exclude each other"),
        ((NAME, "--price", "0.2/0.6"), "--price needs --endpoint"),
        ((NAME, "--endpoint", "http://127.0.0.1:9"), "cannot reach http://127.0.0.1:9"),
    ],
)
async def test_a_mistake_is_one_line_with_the_remedy(
    builders: Run, words: tuple[str, ...], remedy: str
) -> None:
    assert remedy in (await builders("plan", *words)).error


async def test_one_probe_is_refused_for_it_tells_no_interval(builders: Run) -> None:
    ended = await builders("plan", NAME, "--probes", "1")

    assert ended.code == 2
    assert ended.err.splitlines()[-1].startswith("Error: Invalid value for '--probes'")


async def test_probes_that_bring_nothing_are_told(builders: Run) -> None:
    async with simulated_endpoint(Simulation(reject_share=1.0)) as server:
        ended = await builders("plan", NAME, "--endpoint", server.url, "--documents", "40")

    assert "probes brought a document (too-short" in ended.error


async def test_ctrl_c_keeps_what_was_answered_and_says_how_to_go_on(tmp_path: Path) -> None:
    async with simulated_endpoint(Simulation(permits=4, latency=Latency(mean_s=0.2))) as server:
        words = ("plan", NAME, "--endpoint", server.url, "--documents", "200")
        process = await asyncio.create_subprocess_exec(
            SCRIPTS / "builders",
            *words,
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            while server.counts.answered < 5:  # noqa: ASYNC110 - the probes are at work
                await asyncio.sleep(0.02)
            process.send_signal(signal.SIGINT)
            out, err = await asyncio.wait_for(process.communicate(), 20)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert (process.returncode, out) == (INTERRUPTED, b"")
        assert "run `builders plan template-biomed" in err.decode().splitlines()[-1]
        ended = await run_builders(*words, folder=tmp_path)
        assert ended.code == 0, ended.err
        assert server.log.repeated == 0, "nothing was asked twice"
