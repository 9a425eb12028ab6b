"""Promises to whole builds: they end on a simulated endpoint, in seconds, and say that they are simulated."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import TYPE_CHECKING

import pytest
from console import SCRIPTS, run_builders

from builders.acceptance import ExactDuplicates
from builders.dataset.rows import BuildFacts
from builders.testing import Fault, Simulation, simulated_endpoint

if TYPE_CHECKING:
    from pathlib import Path

    from console import Run

DOCUMENTS = 200
BUILDS = [
    ("metasynth-biomed", "guided"),
    ("metasynth-finance", "text"),
    ("template-finance", "guided"),
]


def facts(folder: Path) -> BuildFacts:
    return BuildFacts.model_validate_json((folder / "build.json").read_text())


def texts(folder: Path) -> list[str]:
    import pyarrow.parquet as parquet

    return [
        text
        for shard in sorted((folder / "data").glob("*.parquet"))
        for text in parquet.read_table(shard)["text"].to_pylist()
    ]


@pytest.mark.parametrize(("name", "protocol"), BUILDS)
async def test_a_whole_build_ends_and_says_that_it_is_simulated(
    builders: Run, tmp_path: Path, name: str, protocol: str
) -> None:
    async with simulated_endpoint() as server:
        ended = await builders(
            *("build", name, "--endpoint", server.url, "--documents", f"{DOCUMENTS}", "--protocol", protocol)
        )
        assert ended.code == 0, ended.err
        counts = server.counts
        assert (counts.refused, counts.invalid) == (0, 0)
        assert server.log.repeated == 0
    built = facts(tmp_path / name)
    assert (built.documents, built.attempts, built.simulated) == (DOCUMENTS, DOCUMENTS, True)
    assert built.model_id == "metasynth/simulated"
    if built.method == "metasynth":
        assert built.protocol == protocol
        assert built.calls >= 10 * DOCUMENTS, "each document takes every expert"
    assert "A simulated endpoint produced its text" in (tmp_path / name / "README.md").read_text()
    seen = ExactDuplicates()
    for text in texts(tmp_path / name):
        assert not seen.seen(text)
        seen.add(text)


async def test_two_builds_are_the_same_byte_for_byte(tmp_path: Path) -> None:
    async def build(name: str, **settings: object) -> dict[str, bytes]:
        folder = tmp_path / name
        folder.mkdir()
        async with simulated_endpoint(Simulation(told_time_s=0.1, **settings)) as server:
            ended = await run_builders(
                *("build", "metasynth-biomed", "--documents", "20", "--endpoint", server.url),
                folder=folder,
            )
        assert ended.code == 0, ended.err
        return {path.name: path.read_bytes() for path in (folder / "metasynth-biomed").rglob("*.parquet")}

    faults = (
        Fault("incomplete_generation", share=0.03),
        Fault("drop", share=0.02),
        Fault("overloaded", share=0.02),
    )
    calm = await build("calm")
    assert calm
    assert await build("rough", faults=faults, seed=5) == calm


async def test_rejected_documents_are_written_anew(builders: Run, tmp_path: Path) -> None:
    async with simulated_endpoint(Simulation(reject_share=0.3)) as server:
        ended = await builders(*("build", "metasynth-biomed", "--documents", "40", "--endpoint", server.url))
    assert ended.code == 0, ended.err
    built = facts(tmp_path / "metasynth-biomed")
    assert built.documents == 40
    assert set(built.redrafted) == {"too-short"}


async def test_the_command_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    words = ("serve", "--simulate", "--port", "0", "--permits", "5", "--fault", "overloaded=0.05")
    process = await asyncio.create_subprocess_exec(
        SCRIPTS / "builders", *words, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
        assert line.startswith("Serving metasynth/simulated at http://127.0.0.1:")
        url = line.split(" at ")[1].split()[0]
        ended = await run_builders(
            *("build", "template-biomed", "--documents", "10", "--endpoint", url, "--json"), folder=tmp_path
        )
        assert ended.code == 0, ended.err
        assert json.loads(ended.out)["simulated"] is True
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 10) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("--permits", "3"), "--permits needs --simulate"),
        (("--simulate", "--model", "x"), "--model does not go with --simulate"),
        (("--simulate", "--fault", "flood"), "there is no fault 'flood'"),
        (("--simulate", "--fault", "drop=lots"), "write KIND[=SHARE][@AFTER[+FOR]]"),
        (("--simulate", "--fault", "drop=2"), "must be in [0, 1]"),
        (("--simulate", "--duplicate-share", "0.6", "--reject-share", "0.6"), "so is their sum"),
    ],
)
async def test_an_option_that_makes_no_sense_is_told(
    builders: Run, words: tuple[str, ...], remedy: str
) -> None:
    assert remedy in (await builders("serve", "--port", "0", *words)).error
