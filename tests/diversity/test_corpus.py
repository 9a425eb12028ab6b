"""A corpus is read whole or refused with the file, the line, the field and the remedy."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from builders.diversity.corpus import read_corpus
from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXTS = ["Rates rose.\n\nThen they fell.", "", "caf\u00e9 \U0001f4c8", " two  spaces "]
LINES = "".join(json.dumps({"text": text, "n": 1}) + "\n" for text in TEXTS).encode()


def zstd(content: bytes) -> bytes:
    """Two frames, as a file that was appended to has."""
    half = len(content) // 2
    return b"".join(zstandard.ZstdCompressor().compress(part) for part in (content[:half], content[half:]))


def refusal(path: Path, **options: str) -> str:
    with pytest.raises(UserError) as caught:
        read_corpus(str(path), **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "compress"),
    [("c.jsonl", bytes), ("c.json", bytes), ("c.jsonl.gz", gzip.compress), ("c.jsonl.zst", zstd)],
)
def test_json_lines_are_read_plain_and_compressed(
    tmp_path: Path, name: str, compress: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / name
    path.write_bytes(compress(b"\xef\xbb\xbf" + LINES + b"\n"))
    corpus = read_corpus(str(path))
    assert corpus.texts == tuple(TEXTS)
    assert corpus.name == name


def test_parquet_and_folders_of_files_are_read(tmp_path: Path) -> None:
    for number, part in enumerate((TEXTS[:1], TEXTS[1:])):
        pq.write_table(pa.table({"body": part}), tmp_path / f"part-{number}.parquet")
    (tmp_path / "notes.txt").write_text("not a part\n")
    assert read_corpus(str(tmp_path), text_column="body").texts == tuple(TEXTS)


def test_each_line_of_a_text_file_is_a_document(tmp_path: Path) -> None:
    path = tmp_path / "c.txt"
    path.write_text("first \r\n\n second\n")
    assert read_corpus(str(path)).texts == ("first", "second")


def test_a_missing_field_is_told_with_those_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text('{"text": "a"}\n\n{"body": "b", "id": 1}\n')
    told = refusal(path)
    assert "c.jsonl, line 3: there is no field 'text', but body, id" in told
    assert "--text-column" in told
    table = tmp_path / "c.parquet"
    pq.write_table(pa.table({"body": ["a", "b"]}), table)
    assert "no field 'text', but body" in refusal(table)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("null", "is null:"),
        ("7", "holds int"),
        ('["a"]', "holds list"),
        ('"\\ud800"', "holds half a surrogate pair"),
    ],
)
def test_what_is_no_text_is_told_with_its_line(tmp_path: Path, value: str, what: str) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text(f'{{"text": "a"}}\n{{"text": {value}}}\n')
    assert f"c.jsonl, line 2: the field 'text' {what}" in refusal(path)


def test_a_null_in_parquet_is_told_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    pq.write_table(pa.table({"text": ["a"] * 1500 + [None]}), path)
    assert "c.parquet, row 1501: the field 'text' is null" in refusal(path)


@pytest.mark.parametrize("line", ["caf\u00e9 a", '{"text": "caf\u00e9"}'])
def test_another_encoding_is_told_with_its_line_and_a_converter(tmp_path: Path, line: str) -> None:
    path = tmp_path / ("c.jsonl" if line.startswith("{") else "c.txt")
    path.write_bytes(b'{"text": "a"}\n' + line.encode("latin1") + b"\n")
    told = refusal(path)
    assert "line 2: byte" in told
    assert "iconv" in told
    path.write_bytes(LINES.decode().encode("utf-16"))
    assert "line 1: byte 1 is not UTF-8" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"\n\n", b'{"text": "only"}\n'])
def test_fewer_than_two_documents_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(content)
    assert "at least 2" in refusal(path)


def test_a_corpus_without_a_word_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text('{"text": ""}\n{"text": " "}\n')
    assert "all 2 documents" in refusal(path)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("c.jsonl", b"{oops\n", "line 1: not JSON"),
        ("c.jsonl", b"[1]\n", "line 1: not a JSON object"),
        ("c.jsonl", b"[" * 100_000, "line 1: not JSON"),
        ("c.jsonl.gz", gzip.compress(LINES * 50)[:-20], "cannot be read after line"),
        ("c.jsonl.gz", b"no gzip", "cannot be read after line 0"),
        ("c.jsonl.zst", b"no zstd", "cannot be read after line 0"),
        ("c.parquet", b"no parquet", "cannot be read"),
        ("c.csv", b"text\na\n", "its name tells no kind of file"),
    ],
)
def test_damaged_and_unknown_files_are_told(tmp_path: Path, name: str, content: bytes, what: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert what in refusal(path)


def test_what_is_not_there_is_told_without_asking_the_hub(tmp_path: Path) -> None:
    assert "there is no" in refusal(tmp_path / "nothing.jsonl")
    with pytest.raises(UserError, match="there is no mistyped"):
        read_corpus("mistyped")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "is not finished" in refusal(empty)


def test_a_dataset_that_cannot_be_had_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import datasets

    def offline(*_: object, **__: object) -> None:
        raise ConnectionError("Couldn't reach the Hub\nand more")

    monkeypatch.setattr(datasets, "load_dataset", offline)
    with pytest.raises(UserError, match=r"dataset owner/name of the Hub cannot be read \(Couldn't reach"):
        read_corpus("owner/name")


def test_a_dataset_of_the_hub_is_read_by_its_text_column(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    asked = []

    def load(name: str, *, revision: str | None, split: str) -> datasets.Dataset:
        asked.append((name, revision, split))
        return datasets.Dataset.from_dict({"body": ["a", "b"]})

    monkeypatch.setattr(datasets, "load_dataset", load)
    assert read_corpus("owner/name@v1", text_column="body").texts == ("a", "b")
    assert asked == [("owner/name", "v1", "train")]
    with pytest.raises(UserError, match="no field 'text', but body"):
        read_corpus("owner/name")


def test_instructions_of_the_hub_are_read_with_their_responses(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    rows = datasets.Dataset.from_dict({"instruction": ["What?", "Why?"], "response": ["That.", "So."]})
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: rows)
    assert read_corpus("owner/name").texts == ("What?\n\nThat.", "Why?\n\nSo.")
