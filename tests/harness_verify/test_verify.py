"""Promises of `harness verify`: what the commands leave is true, and no changed digit goes unnoticed."""

from __future__ import annotations

import json
import random
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from builders.errors import UserError
from harness.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

CARDS = ("README.md", "*.html", "*.svg")
RECORDS = {
    "metasynth-biomed/build.json": '"words": ',
    "models/adapted/run.json": '"tokens": ',
    "comparison.json": '"change": ',
}


@pytest.fixture
def copy(story: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The story, to be tampered with."""
    monkeypatch.chdir(shutil.copytree(story, tmp_path / "story"))
    return tmp_path / "story"


def test_what_the_commands_leave_is_true(story: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(story)
    kinds = [done.kind for done in verify([story], lambda _: None)]
    assert sorted(set(kinds)) == [
        "comparison",
        "corpus",
        "evaluation",
        "model",
        "published model",
        "results dataset",
    ]


def digits(story: Path) -> list[tuple[Path, int]]:
    """Every digit of every card, page and chart: file and place."""
    found = []
    for pattern in CARDS:
        for path in sorted(story.rglob(pattern)):
            found += [(path, match.start()) for match in re.finditer(r"\d", path.read_text("utf-8"))]
    return found


@pytest.mark.parametrize("seed", range(10))
def test_any_digit_that_is_changed_is_found_and_its_place_named(copy: Path, seed: int) -> None:
    draw = random.Random(seed)
    path = draw.choice(sorted({path for path, _ in digits(copy)}))
    place = draw.choice([at for own, at in digits(copy) if own == path])
    text = path.read_text("utf-8")
    other = draw.choice([digit for digit in "0123456789" if digit != text[place]])
    path.write_text(text[:place] + other + text[place + 1 :], "utf-8")
    with pytest.raises(UserError) as error:
        verify([copy], lambda _: None)
    assert str(path) in str(error.value)
    if "missing" not in str(error.value):
        line = text.count("\n", 0, place) + 1
        assert f"line {line}" in str(error.value)


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_that_was_changed_is_found(copy: Path, name: str) -> None:
    path = copy / name
    text = path.read_text("utf-8")
    at = text.index(RECORDS[name]) + len(RECORDS[name])
    number = re.compile(r"-?[\d.]+").match(text, at)
    assert number is not None
    path.write_text(f"{text[:at]}{float(number[0]) + 1:g}{text[number.end() :]}", "utf-8")
    with pytest.raises(UserError) as error:
        verify([copy], lambda _: None)
    assert str(path.parent if path.parent != copy else path) in str(error.value)


def test_an_answer_that_was_changed_is_found(copy: Path) -> None:
    path = next((copy / "results" / "adapted").glob("samples_fpb_*.jsonl"))
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    rows[0]["score"] = 1 - rows[0]["score"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    with pytest.raises(UserError, match="fpb"):
        verify([copy / "results"], lambda _: None)


def test_a_folder_with_nothing_in_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing to verify"):
        verify([tmp_path], lambda _: None)
