"""A corpus without its hits: every column of the documents that are left, as compressed JSON lines.

OUT/train.jsonl.zst       loaded by `load_dataset("OUT")`, `builders measure OUT`, `harness pretrain`
OUT/contamination.json    the check of what is left, and what was left out
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import zstandard

from builders.contamination.check import Corpus
from builders.dataset.contamination import RECORD, Dropped, file_hashes
from builders.diversity.corpus import corpus_files
from builders.errors import UserError
from builders.reading.files import JSON_LINES, PARQUET, jsonl_rows, kind_of, parquet_rows, text_lines
from builders.reading.hub import hub_dataset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from builders.contamination.check import Check, Progress
    from builders.dataset.contamination import Contamination

ROWS = "train.jsonl.zst"
LEVEL = 6


def refuse_existing(folder: Path) -> None:
    """Raise where a clean corpus cannot be written.

    Raises:
        UserError: the folder exists, or has no parent.
    """
    if folder.exists():
        raise UserError(f"--drop {folder}: it is there already: remove it, or name another folder")
    if not folder.resolve().parent.is_dir():
        raise UserError(f"--drop {folder}: there is no folder {folder.parent}; make it first")


def write_clean(
    folder: Path, *, place: str, record: Contamination, check: Check, progress: Progress | None = None
) -> Contamination:
    """Write the documents without a hit; whole or not at all.

    Args:
        folder: a new folder.
        place: the corpus that was checked.
        record: what was found in it.
        check: what found it; the documents that are left are counted anew.
        progress: told how far it is.

    Raises:
        UserError: the folder cannot be written, or the corpus is not what it was.
    """
    part = folder.with_name(f"{folder.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        with (part / ROWS).open("wb") as file, zstandard.ZstdCompressor(LEVEL).stream_writer(file) as out:
            corpus = Corpus(
                name=folder.name,
                texts=lambda: _kept(place, record, lambda line: out.write(line)),
                text_column=record.text_column,
            )
            left = check(corpus, progress, paraphrases=False)
        left = left.model_copy(
            update={
                "corpus": left.corpus.model_copy(update={"files": file_hashes([part / ROWS], part)}),
                "dropped": Dropped(sha256=record.corpus.sha256, documents=record.flagged),
            }
        )
        (part / RECORD).write_text(left.model_dump_json(indent=2) + "\n", encoding="utf-8")
        part.rename(folder)
    except OSError as error:
        raise UserError(
            f"--drop {folder}: cannot write it ({error.strerror or error}); name another folder"
        ) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return left


def _kept(place: str, record: Contamination, write: Callable[[bytes], Any]) -> Iterator[str]:
    """Write each row without a hit, and give its text."""
    flagged = frozenset(record.flagged)
    for number, row in enumerate(_rows(place, record.text_column), 1):
        if number not in flagged:
            write(json.dumps(row, ensure_ascii=False, default=str).encode() + b"\n")
            yield row[record.text_column]


def _rows(place: str, column: str) -> Iterator[dict[str, Any]]:
    """Every row with all its columns, in the order of the texts."""
    files = corpus_files(place)
    if files is None:
        yield from hub_dataset(place)
        return
    for path in files:
        kind = kind_of(path)
        if kind == PARQUET:
            yield from (row for _, row in parquet_rows(path, lambda names: names))
        elif kind == JSON_LINES:
            yield from (row for _, row in jsonl_rows(path))
        else:
            yield from ({column: text} for text in text_lines(path))
