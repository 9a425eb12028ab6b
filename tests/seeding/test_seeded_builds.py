"""Promises to builds from seed documents: topics differ, resuming repeats nothing, nothing is copied."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as parquet
import pytest
from console import run_builders
from seed_corpus import seed_texts, write_seeds

from builders.seeds.documents.overlap import longest_shared_run
from builders.testing import Simulation, simulated_endpoint

if TYPE_CHECKING:
    from pathlib import Path

NAME = "metasynth-biomed"
M = 3
CALM = Simulation(told_time_s=0.01)
CORPUS = """
from builders.corpora import Corpus, SeedDocuments
CORPUS = Corpus(
    name="metasynth-biomed", domain="biomed",
    seed_documents=SeedDocuments(source={source!r}, embedder="hashing"{more}),
)
"""


def corpus(folder: Path, texts: list[str], *, more: str = "", column: str = "text") -> None:
    source = write_seeds(folder / "seeds.jsonl", texts, column=column)
    (folder / "corpus.py").write_text(CORPUS.format(source=str(source), more=more))


async def build(folder: Path, url: str, *more: str, documents: int = 16, protocol: str = "guided") -> Any:
    words = ("build", "corpus.py", "--documents", f"{documents}", "--endpoint", url, "--protocol", protocol)
    return await run_builders(*words, *more, folder=folder, XDG_CACHE_HOME=str(folder / "cache"))


def rows(folder: Path, kind: str = "data") -> list[dict[str, Any]]:
    shards = sorted((folder / NAME / kind).glob("*"))
    return [row for path in shards for row in parquet.read_table(path).to_pylist()]


def runs(text: str) -> set[tuple[str, ...]]:
    """Every 21 words in a row."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[at : at + 21]) for at in range(len(words) - 20)}


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted((folder / NAME).rglob("*"))
        if path.is_file() and ".journal" not in path.parts
    }


@pytest.mark.parametrize("protocol", ["guided", "text"])
async def test_documents_tell_their_seeds_whose_topics_differ_and_whose_text_is_nowhere(
    tmp_path: Path, protocol: str
) -> None:
    texts = seed_texts(120)
    corpus(tmp_path, texts)
    async with simulated_endpoint(CALM) as server:
        ended = await build(tmp_path, server.url, documents=30, protocol=protocol)
        assert ended.code == 0, ended.err
        assert server.log.repeated == 0
    by_id = {f"seeds.jsonl#pm-{number}": text for number, text in enumerate(texts)}
    documents = rows(tmp_path)
    for row in documents:
        seed = by_id[row["seed_id"]]
        assert row["seed_sha256"] == hashlib.sha256(seed.encode()).hexdigest()
        assert longest_shared_run(row["text"], seed) <= 20
        assert 0 <= row["seed_overlap"] <= 1
    seeds = list({row["seed_id"]: row["seed_topic"].casefold() for row in documents}.items())
    assert len(seeds) >= 30 / M
    for at in range(len(seeds) - M + 1):
        assert len({topic for _, topic in seeds[at : at + M]}) == M
    most_of_one = max(sum(row["seed_id"] == seed for row in documents) for seed, _ in seeds)
    assert most_of_one <= M
    traces = rows(tmp_path, "traces")
    assert {"Topic Label Expert", "Seed Keyword Extraction Expert"} <= {call["role"] for call in traces}
    secret = set().union(*map(runs, texts))
    assert not any(secret & runs(call["instruction"]) or secret & runs(call["output"]) for call in traces)
    shown = (tmp_path / NAME / "README.md").read_text()
    assert "## Seed documents" in shown
    assert "0 repeated within 3 seeds" in shown
    assert not [name for name, content in files(tmp_path).items() if str(tmp_path).encode() in content]
    facts = json.loads((tmp_path / NAME / "build.json").read_text())["seeds"]
    assert facts["source"] == "seeds.jsonl"
    audited = [row for row in documents if row["grounding"] is not None]
    assert sum(entry["facts"] for entry in facts["grounding"]) >= len(audited)


async def test_a_build_that_is_stopped_asks_nothing_twice_and_ends_at_the_same_bytes(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
        corpus(folder, seed_texts(80))
        text = (folder / "corpus.py").read_text().replace(str(folder / "seeds.jsonl"), "seeds.jsonl")
        (folder / "corpus.py").write_text(text)
    async with simulated_endpoint(CALM) as server:
        ended = await build(whole, server.url)
        assert ended.code == 0, ended.err
    async with simulated_endpoint(CALM) as server:
        for budget in ("8k", "20k", "45k"):
            ended = await build(broken, server.url, "--max-tokens-spent", budget)
            assert ended.code == 3, ended.err
        ended = await build(broken, server.url)
        assert ended.code == 0, ended.err
        assert server.log.repeated == 0
    assert files(whole) == files(broken)


async def test_the_index_is_found_again_and_another_corpus_makes_another(tmp_path: Path) -> None:
    corpus(tmp_path, seed_texts(60))
    folder = tmp_path / "cache" / "metasynth" / "seed-indexes"
    async with simulated_endpoint(CALM) as server:
        assert (await build(tmp_path, server.url, documents=4)).code == 0
        (index,) = folder.iterdir()
        made = (index / "vectors.f16").stat().st_mtime_ns
        assert (await build(tmp_path, server.url, documents=8)).code == 0
        assert [path.name for path in folder.iterdir()] == [index.name]
        assert (index / "vectors.f16").stat().st_mtime_ns == made
        corpus(tmp_path, seed_texts(61))
        assert (await build(tmp_path, server.url, documents=8)).code == 0
    assert len(list(folder.iterdir())) == 2


GERMAN = (
    "Die Patienten wurden nach der Behandlung mit dem neuen Medikament untersucht, und der Blutdruck sank "
    "bei den meisten von ihnen deutlich, wie die Forscher in ihrem Bericht schreiben. Auch die Werte der "
    "Leber und der Niere wurden gemessen, weil andere Mittel sie oft verschlechtern, was hier nicht so war. "
    "Weitere Studien mit mehr Teilnehmern sollen folgen, bevor die Behörden entscheiden, Nummer {number}."
)


@pytest.mark.parametrize(
    ("texts", "column", "says"),
    [
        (seed_texts(30), "body", "there is no field 'text', but id, body: name one with --text-column"),
        (seed_texts(3), "text", "has 3 fit seed documents, and at least 20 are needed (3 texts read)"),
        ([GERMAN.format(number=n) for n in range(30)], "text", "30 not in English); name a larger corpus"),
    ],
    ids=["no such column", "three documents", "another language"],
)
async def test_a_seed_corpus_of_no_use_is_one_clear_line(
    tmp_path: Path, texts: list[str], column: str, says: str
) -> None:
    corpus(tmp_path, texts, column=column)
    async with simulated_endpoint(CALM) as server:
        ended = await build(tmp_path, server.url)
        assert says in ended.error
        assert server.counts.answered == 0
        corpus(tmp_path, seed_texts(40))
        assert (await build(tmp_path, server.url, documents=4)).code == 0


async def test_a_corpus_that_is_used_up_says_so_and_goes_on_with_more(tmp_path: Path) -> None:
    corpus(tmp_path, seed_texts(22))
    async with simulated_endpoint(CALM) as server:
        ended = await build(tmp_path, server.url, documents=70)
        assert "seed documents of" in ended.error
        assert "used" in ended.error
