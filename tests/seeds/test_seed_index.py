"""Promises of the index: nothing twice, the nearest found, an interruption loses no more than a block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from seed_corpus import seed_texts, write_seeds

from builders.errors import UserError
from builders.seeds import load_hierarchy
from builders.seeds.documents import (
    HashingEmbedder,
    Screen,
    SeedSource,
    SourceText,
    build_index,
    indexing,
    open_source,
)
from builders.seeds.documents.overlap import containment, longest_shared_run, withhold

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OFF_DOMAIN = "The gardener painted every fence of the village green before the summer fair began. " * 8


def screen(**changed: Any) -> Screen:
    settings = {"min_words": 50, "min_domain_words": 0.27, "is_english": lambda text: "und der" not in text}
    return Screen(hierarchy=load_hierarchy("biomed"), **settings | changed)


async def test_every_text_is_kept_or_left_out_for_a_reason(tmp_path: Path) -> None:
    fit = seed_texts(40)
    others = ["too short", OFF_DOMAIN, f"{fit[0]} und der", fit[1]]
    source = open_source(str(write_seeds(tmp_path / "s.jsonl", [*fit, *others])), "text")
    index = await build_index(tmp_path / "i", source, screen=screen(), embed=HashingEmbedder(), most=100)
    facts = index.facts
    assert (facts.read, facts.kept) == (44, 40)
    assert (facts.short, facts.off_domain, facts.other_language, facts.repeated) == (1, 1, 1, 1)
    assert [index.document(number).text for number in range(40)] == fit
    assert index.document(7).id == "s.jsonl#pm-7"


async def test_the_nearest_are_those_of_an_exact_search(tmp_path: Path) -> None:
    texts = seed_texts(400)
    source = open_source(str(write_seeds(tmp_path / "s.jsonl", texts)), "text")
    index = await build_index(tmp_path / "i", source, screen=screen(), embed=HashingEmbedder(), most=400)
    vectors = HashingEmbedder()(texts)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    used = np.zeros(400, dtype=np.bool_)
    used[::5] = True
    for number in (3, 150, 399):
        similar = np.where(used, -2, vectors @ vectors[number])
        assert set(index.nearest(index.vector(number), 8, used=used)) == set(
            np.argsort(-similar)[:8].tolist()
        )
    used[:] = True
    assert index.nearest(index.vector(0), 8, used=used) == []


async def test_an_interruption_loses_a_block_and_ends_at_the_same_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "BLOCK", 16)
    whole = open_source(str(write_seeds(tmp_path / "s.jsonl", seed_texts(100))), "text")
    read: list[int] = []

    def breaking(skip: int) -> Iterator[SourceText]:
        for number, text in enumerate(whole.texts(skip), skip):
            if number == 60:
                raise UserError("the network is gone")
            read.append(number)
            yield text

    half = SeedSource(name=whole.name, revision=whole.revision, total=None, texts=breaking)
    kept: list[int] = []
    with pytest.raises(UserError, match="network"):
        await build_index(
            tmp_path / "i",
            half,
            screen=screen(),
            embed=HashingEmbedder(),
            most=200,
            progress=lambda _, count: kept.append(count),
        )
    assert kept[-1] >= 60 - 16
    again = await build_index(tmp_path / "i", whole, screen=screen(), embed=HashingEmbedder(), most=200)
    at_once = await build_index(tmp_path / "j", whole, screen=screen(), embed=HashingEmbedder(), most=200)
    assert again.facts == at_once.facts
    for name in ("vectors.f16", "sketches.u64", "subfields.f16"):
        assert (tmp_path / "i" / name).read_bytes() == (tmp_path / "j" / name).read_bytes()
    assert [again.document(n) for n in range(len(again))] == [at_once.document(n) for n in range(len(again))]


def test_what_is_shared_is_counted_and_withheld_by_words() -> None:
    seed = " ".join(f"word{number}" for number in range(60))
    text = f"Before. {' '.join(seed.upper().split()[10:45])}, after it. {' '.join(seed.split()[:20])}."
    assert longest_shared_run(text, seed) == 35
    assert (
        withhold(text, seed)
        == f"Before. [35 words of the seed document], after it. {' '.join(seed.split()[:20])}."
    )
    assert containment(seed, seed) == 1
    assert containment("nothing of it at all in this short text here", seed) == 0


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("s.jsonl", '{"body": "x"}\n', "line 1: there is no field 'text', but body"),
        ("s.jsonl", '{"text": null}\n', "line 1: the field 'text' is null"),
        ("s.csv", "text\n", "no .jsonl, .parquet or .txt"),
        ("missing.jsonl", None, "there is no "),
    ],
)
def test_what_cannot_be_read_is_told_before_anything_is_embedded(
    tmp_path: Path, name: str, content: str | None, says: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=says.replace(".", r"\.")):
        open_source(str(tmp_path / name), "text")
