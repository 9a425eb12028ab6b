"""Seed corpora wherever they lie: a file, a folder of files, or a dataset streamed from the Hub.

A text keeps the `id` that its row gives, and else the number of its row, so that a seed can be found again.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builders.errors import UserError
from builders.reading.files import (
    JSON_LINES,
    PARQUET,
    TEXT,
    checked,
    jsonl_rows,
    kind_of,
    no_column,
    parquet_rows,
    text_lines,
)
from builders.reading.hub import hub_revision, hub_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ID_COLUMN = "id"
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")


@dataclass(frozen=True, slots=True)
class SourceText:
    """A text and what it is called: `FILE#ID`, or `OWNER/NAME#ID`."""

    id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedSource:
    """A seed corpus that can be read from any text on.

    Attributes:
        name: what the user named.
        revision: changes when the texts do.
        total: texts that it holds; None where that is not known before it is read.
        texts: the texts in order, without the first so many.
    """

    name: str
    revision: str
    total: int | None
    texts: Callable[[int], Iterator[SourceText]]


def open_source(place: str, column: str) -> SeedSource:
    """Find a seed corpus. Files are read through once, so what is wrong in them is told at once.

    Args:
        place: a file, a folder, or a Hub id as `OWNER/NAME` or `OWNER/NAME@REVISION`.
        column: the field of the text; a text file has none, and a text a line.

    Raises:
        UserError: there is no such corpus, or it cannot be read.
    """
    path = Path(place)
    if path.exists():
        return _local(place, column, _files(path))
    if _HUB_ID.fullmatch(place) and kind_of(path) is None:
        return _hub(place, column)
    raise UserError(
        f"there is no {place} to take seeds from: name a JSONL, Parquet or text file, a folder of them, or a "
        "dataset of the Hub as OWNER/NAME"
    )


def _local(place: str, column: str, files: Sequence[Path]) -> SeedSource:
    revision = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            revision.update(path.name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())

    def texts(skip: int) -> Iterator[SourceText]:
        return islice((text for path in files for text in _of_file(path, column)), skip, None)

    total = sum(1 for _ in texts(0))
    return SeedSource(name=place, revision=revision.hexdigest(), total=total, texts=texts)


def _hub(place: str, column: str) -> SeedSource:
    name, revision = place.partition("@")[0], hub_revision(place)

    def texts(skip: int) -> Iterator[SourceText]:
        for number, row in enumerate(hub_stream(name, revision, skip=skip), skip + 1):
            yield _text(
                row, column, where=f"{place}, row {number}", id_=f"{name}#{row.get(ID_COLUMN, number)}"
            )

    return SeedSource(name=place, revision=revision, total=None, texts=texts)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        found = [path]
    else:
        found = sorted(file for file in path.rglob("*") if file.is_file() and _readable(file, path))
    if not found or kind_of(found[0]) is None:
        raise UserError(f"{path} holds no .jsonl, .parquet or .txt text: name a file or folder that does")
    return found


def _readable(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return kind_of(file) is not None and not hidden and file.suffix != ".json"


def _of_file(path: Path, column: str) -> Iterator[SourceText]:
    match kind_of(path):
        case kind if kind == PARQUET:
            rows = parquet_rows(path, lambda fields: _wanted(fields, column, path))
        case kind if kind == JSON_LINES:
            rows = jsonl_rows(path)
        case kind if kind == TEXT:
            rows = ((f"{path}, text {n}", {column: text}) for n, text in enumerate(text_lines(path), 1))
    for number, (where, row) in enumerate(rows, 1):
        yield _text(row, column, where=where, id_=f"{path.name}#{row.get(ID_COLUMN, number)}")


def _text(row: dict[str, Any], column: str, *, where: str, id_: str) -> SourceText:
    if column not in row:
        no_column(where, column, row)
    return SourceText(id_, checked(row[column], where, column))


def _wanted(fields: list[str], column: str, path: Path) -> list[str]:
    if column not in fields:
        no_column(str(path), column, fields)
    return [column, ID_COLUMN] if ID_COLUMN in fields and column != ID_COLUMN else [column]
