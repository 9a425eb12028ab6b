"""Promises to builds of instructions: whole ones on the simulated endpoint, in seconds."""

from __future__ import annotations

import asyncio
import json
import shutil
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as parquet
import pytest
import pytest_asyncio
from building import SCRIPT, building
from console import SCRIPTS, run_builders

from builders.acceptance.grounded import Grounded
from builders.acceptance.shingles import jaccard, shingle_hashes
from builders.dataset.rows import BuildFacts
from builders.testing import Latency, Simulation, simulated_endpoint

if TYPE_CHECKING:
    from pathlib import Path

SOURCE, NAME = "metasynth-biomed", "metasynth-biomed-instruct"
DOCUMENTS, INSTRUCTIONS = 24, 30


def rows(folder: Path) -> list[dict[str, Any]]:
    return [row for shard in sorted((folder / "data").glob("*.parquet")) for row in _read(shard)]


def _read(shard: Path) -> list[dict[str, Any]]:
    return list(parquet.read_table(shard).to_pylist())


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and ".journal" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def build(url: str, *more: str, count: int = INSTRUCTIONS) -> list[str]:
    return ["build", NAME, "--documents", f"{count}", "--endpoint", url, *more]


@pytest_asyncio.fixture(scope="module")
async def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus of documents, and one of instructions made from it."""
    folder = tmp_path_factory.mktemp("built")
    async with simulated_endpoint(Simulation(told_time_s=0.1)) as server:
        for words in (
            ["build", SOURCE, "--documents", f"{DOCUMENTS}", "--endpoint", server.url],
            build(server.url),
        ):
            ended = await run_builders(*words, folder=folder)
            assert ended.code == 0, ended.err
        assert server.counts.invalid == 0
    return folder


@pytest.fixture
def documents(built: Path, tmp_path: Path) -> Path:
    """A folder of the test's own that holds the corpus of documents alone."""
    shutil.copytree(built / SOURCE, tmp_path / SOURCE)
    return tmp_path


def test_every_response_rests_on_the_document_that_its_row_names(built: Path) -> None:
    texts = {row["id"]: row["text"] for row in rows(built / SOURCE)}
    made = rows(built / NAME)
    assert len(made) == INSTRUCTIONS
    for row in made:
        sources = (texts[row["document_id"]], row["instruction"])
        assert Grounded(min_support=0.5)(row["response"], sources) is None
        assert row["messages"] == [
            {"role": "user", "content": row["instruction"]},
            {"role": "assistant", "content": row["response"]},
        ]
    assert len({row["document_id"] for row in made}) >= INSTRUCTIONS // 2


def test_no_two_instructions_are_alike(built: Path) -> None:
    shingles = [shingle_hashes(row["instruction"], words=2) for row in rows(built / NAME)]
    assert all(jaccard(one, other) < 0.5 for place, one in enumerate(shingles) for other in shingles[:place])


def test_the_evolution_ends_at_the_instruction_and_tells_who_was_told_what(built: Path) -> None:
    for row in rows(built / NAME):
        steps = row["evolution"]
        assert steps[-1]["result"] == row["instruction"]
        assert steps[-1]["expert"] in {"Complexity Expert", "Question Editing Expert"}
        assert "Question Expert" in {step["expert"] for step in steps}
        assert all(step["told"] and step["result"] for step in steps)


async def test_the_facts_and_the_card_tell_of_the_documents(built: Path) -> None:
    facts = BuildFacts.model_validate_json((built / NAME / "build.json").read_text())
    assert facts.method == "instruct"
    assert facts.source is not None
    assert (facts.source.name, facts.source.documents) == (SOURCE, DOCUMENTS)
    assert facts.source.used == len({row["document_id"] for row in rows(built / NAME)})
    card = (built / NAME / "README.md").read_text()
    assert "| `messages` |" in card
    assert "| `evolution` |" in card
    assert f"{facts.source.used} of the {DOCUMENTS} documents of {SOURCE}" in " ".join(card.split())


async def test_it_is_loaded_shown_measured_and_trained_on(built: Path) -> None:
    from datasets import load_dataset

    loaded = load_dataset(str(built / NAME), split="train")
    assert loaded[0]["messages"][0] == {"role": "user", "content": loaded[0]["instruction"]}
    shown = await run_builders("show", NAME, "1", folder=built)
    assert shown.code == 0, shown.err
    assert "How it came about" in shown.out
    assert loaded[0]["document_id"] in shown.out
    measured = await run_builders("measure", NAME, "--metrics", "compression-ratio", "--json", folder=built)
    assert measured.code == 0, measured.err


async def test_the_harness_counts_its_tokens(built: Path) -> None:
    pytest.importorskip("xllamacpp")
    process = await asyncio.create_subprocess_exec(
        *(SCRIPTS / "harness", "pretrain", "--dry-run", "--json", "--base", "embedded"),
        *("--data", NAME, "--output", "adapted"),
        cwd=built,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, err.decode()
    words = sum(row["n_words"] for row in rows(built / NAME))
    assert words < json.loads(out)["tokens"] < 3 * words


@pytest.mark.parametrize("protocol", ["text", "guided"])
async def test_either_protocol_ends(documents: Path, protocol: str) -> None:
    async with simulated_endpoint() as server:
        ended = await run_builders(*build(server.url, "--protocol", protocol, count=8), folder=documents)
    assert ended.code == 0, ended.err
    assert len(rows(documents / NAME)) == 8


async def test_interrupted_it_goes_on_to_the_same_bytes(built: Path, documents: Path) -> None:
    simulation = Simulation(told_time_s=0.1, latency=Latency(mean_s=0.01))
    async with simulated_endpoint(simulation) as server:
        async with building(documents, str(SCRIPT), *build(server.url)) as process:
            await process.says("[4/")
            process.interrupt()
            assert (await process.ended())[0] == 130
        ended = await run_builders(*build(server.url), folder=documents)
        assert ended.code == 0, ended.err
        assert server.log.repeated == 0
    assert files(documents / NAME) == files(built / NAME)


async def test_without_its_documents_it_says_what_to_build(tmp_path: Path) -> None:
    ended = await run_builders(*build("http://127.0.0.1:1"), folder=tmp_path)
    assert f"there is no corpus in {SOURCE}: build it with `builders build {SOURCE}`" in ended.error


async def test_other_documents_than_it_was_begun_with_are_refused_and_the_old_ones_resume(
    built: Path, documents: Path
) -> None:
    async with simulated_endpoint(Simulation(told_time_s=0.1)) as server:
        begun = await run_builders(*build(server.url, count=4), folder=documents)
        assert begun.code == 0, begun.err
        (documents / SOURCE).rename(documents / "old")
        other = ["build", SOURCE, "--documents", "6", "--seed", "5", "--endpoint", server.url]
        assert (await run_builders(*other, folder=documents)).code == 0

        refused = await run_builders(*build(server.url), folder=documents)
        told = refused.error
        assert "was begun from metasynth-biomed as version" in told
        assert "differs in its settings, seed or model, the number of its documents, its documents" in told

        resumed = await run_builders(*build(server.url, "--from", "old"), folder=documents)
        assert resumed.code == 0, resumed.err
    assert rows(documents / NAME) == rows(built / NAME)


async def test_documents_of_another_version_are_told(documents: Path) -> None:
    facts = documents / SOURCE / "build.json"
    async with simulated_endpoint() as server:
        assert (await run_builders(*build(server.url, count=4), folder=documents)).code == 0
        told = json.loads(facts.read_text())
        facts.write_text(json.dumps(told | {"version": "0.0.1"}))
        refused = await run_builders(*build(server.url), folder=documents)
        assert "differs in the version that built it" in refused.error
        facts.write_text(json.dumps(told | {"schema_version": 2}))
        assert "cannot be read" in (await run_builders(*build(server.url), folder=documents)).error


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("metasynth-finance-instruct", "--from", SOURCE), "'finance' is wanted"),
        (("metasynth-biomed", "--from", SOURCE), "--from is for corpora of instructions"),
    ],
)
async def test_documents_that_do_not_fit_are_told(documents: Path, words: tuple[str, ...], told: str) -> None:
    ended = await run_builders("build", *words, "--endpoint", "http://127.0.0.1:1", folder=documents)
    assert told in ended.error
