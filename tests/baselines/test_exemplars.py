"""Promises of the exemplars: any kind of source is read and drawn evenly; a mistake is named by its place."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from builders.baselines.exemplars import SCAN, first_words, load_exemplars
from builders.corpora.base import Exemplars
from builders.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = ["One text.\nOf two lines.", "Zwei \u00e4u\u00dferst kurze W\u00f6rter.", "Three."]


def rows(texts: list[str], *, column: str = "text") -> bytes:
    return "".join(json.dumps({column: text, "id": 1}) + "\n" for text in texts).encode()


def load(source: Path | str, *, seed: int = 0, **fields: object) -> tuple[str, ...]:
    return load_exemplars(Exemplars(source=str(source), **fields), seed=seed)


# Sources


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("real.txt", "\n\n".join(["", *TEXTS, ""]).encode()),
        ("real.txt", "\r\n \r\n".join(TEXTS).encode()),
        ("real.jsonl", rows(TEXTS) + b"\n" + rows(["", "  "])),
        ("real.jsonl.gz", gzip.compress(rows(TEXTS))),
        ("real.jsonl.zst", zstandard.compress(rows(TEXTS))),
    ],
)
def test_every_kind_of_file_gives_the_same_texts(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert load(tmp_path / name) == tuple(TEXTS)


def test_a_dataset_is_streamed_and_its_column_can_be_chosen(tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    (folder / "train.jsonl").write_bytes(rows(TEXTS, column="body"))
    assert load(folder, text_column="body") == tuple(TEXTS)
    with pytest.raises(UserError, match=r"dataset .*real, row 0: .*'text'.* one of 'body', 'id'"):
        load(folder)


def test_each_exemplar_is_cut_to_its_words(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("a b c d e\n\nf  g\nh i")
    assert load(tmp_path / "real.txt", max_words=3) == ("a b c", "f  g\nh")


@given(st.text(), st.integers(1, 5))
def test_a_cut_keeps_the_first_words_and_the_layout_between_them(text: str, count: int) -> None:
    cut = first_words(text, count)
    assert cut.split() == text.split()[:count]
    assert cut in text


# The draw


def test_the_draw_is_a_function_of_the_seed(tmp_path: Path) -> None:
    path = tmp_path / "real.txt"
    path.write_text("\n\n".join(map(str, range(60))))
    assert load(path, pool=10, seed=3) == load(path, pool=10, seed=3)
    assert load(path, pool=10, seed=3) != load(path, pool=10, seed=4)


def test_every_text_within_reach_is_as_likely_and_none_beyond_it(tmp_path: Path) -> None:
    path = tmp_path / "real.txt"
    path.write_text("\n\n".join(map(str, range(200))))
    drawn = Counter(text for seed in range(400) for text in load(path, pool=5, seed=seed))
    assert set(drawn) == {str(number) for number in range(5 * SCAN)}
    assert all(15 <= count <= 75 for count in drawn.values()), "40 of 400 expected"


def test_no_more_than_is_within_reach_is_read(tmp_path: Path) -> None:
    path = tmp_path / "real.jsonl"
    path.write_bytes(rows(["fine"] * 2 * SCAN) + b"not JSON\n")
    assert load(path, pool=2) == ("fine", "fine")


# Mistakes


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("real.jsonl", rows(["a"]) + b"oops\n", "real.jsonl, line 2: not JSON"),
        ("real.jsonl", b'"text"\n', "real.jsonl, line 1: not an object"),
        ("real.jsonl", b"[" * 100_000, "real.jsonl, line 1: not JSON"),
        (
            "real.jsonl",
            b'\n{"body": "a"}\n',
            "real.jsonl, line 2: .*'text'; set .* one of 'body'",
        ),
        ("real.jsonl", b'{"text": 3}\n', "real.jsonl, line 1: field 'text' holds int"),
        ("real.jsonl", b"", "real.jsonl holds no text"),
        ("real.txt", b" \n\n ", "real.txt holds no text"),
        ("real.txt", b"\xff\xfe\x00", "real.txt: not text in UTF-8"),
        ("real.jsonl.gz", b"plain", "real.jsonl.gz: cannot be read"),
        ("real.jsonl.gz", gzip.compress(rows(TEXTS))[:-9], "real.jsonl.gz: cannot be read"),
        ("real.jsonl.zst", b"plain", "real.jsonl.zst: cannot be read"),
        ("real.csv", b"text\na\n", "real.csv: exemplars are read from .txt, .jsonl"),
    ],
)
def test_a_wrong_file_is_named_with_the_line_and_the_field(
    name: str, content: bytes, told: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=told):
        load(tmp_path / name)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no file .*real\.jsonl\.zst; .*`source`"):
        load(tmp_path / "real.jsonl.zst")


def test_a_dataset_that_cannot_be_read_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"the dataset .*empty.* cannot be read"):
        load(tmp_path / "empty")


def test_half_a_surrogate_pair_does_not_reach_a_prompt(tmp_path: Path) -> None:
    (tmp_path / "real.jsonl").write_bytes(b'{"text": "a \\ud83d b"}\n')
    assert load(tmp_path / "real.jsonl") == ("a ? b",)
