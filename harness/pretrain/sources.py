"""What `--data` names: a corpus with its weight, read one document at a time.

A source is a built folder, a folder of Parquet or JSON-lines files, one such file (JSON lines also as .gz or
.zst), a text file with a document a line, or a dataset of the Hub. Its rows are documents where they have the
text column, and else instruction pairs where they have an instruction and a response.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builders.diversity.corpus import TEXT_COLUMN, corpus_files, unknown_kind
from builders.errors import UserError
from builders.reading.files import (
    JSON_LINES,
    PARQUET,
    TEXT,
    checked,
    jsonl_rows,
    kind_of,
    parquet_rows,
    text_lines,
)
from builders.reading.hub import hub_dataset
from harness.pretrain.content import content_key
from harness.pretrain.instructions import join_pair, pair_columns

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

SHOWN_FIELDS = 8
_WEIGHT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf)", re.IGNORECASE)
_UNSAFE = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class Source:
    """A corpus to train on.

    Attributes:
        place: a folder, a file or a Hub id, as the user named it.
        weight: share of the tokens, relative to the other sources' weights; > 0.
    """

    place: str
    weight: float = 1.0

    @property
    def name(self) -> str:
        """What to call it: the last part of its place."""
        return Path(self.place).name or self.place

    @property
    def safe_name(self) -> str:
        """The name as a part of a file name."""
        return _UNSAFE.sub("-", self.name)


@dataclass(frozen=True, slots=True)
class Document:
    """A text to train on, and the key of its content (see `content.py`)."""

    text: str
    key: int


def parse_source(given: str) -> Source:
    """Read `CORPUS` or `CORPUS:WEIGHT`.

    Raises:
        UserError: no corpus is named, or the weight is no number above 0.
    """
    place, colon, weight = given.rpartition(":")
    if not colon or Path(given).exists():
        place, weight = given, "1"
    if not place.strip():
        raise UserError(f"--data {given!r} names no corpus: give CORPUS[:WEIGHT], as in abstracts.jsonl:2")
    if not _WEIGHT.fullmatch(weight):
        raise UserError(
            f"--data {given}: {weight!r} is no weight, and there is no such file: give CORPUS:WEIGHT with a "
            "number above 0"
        )
    if not 0 < float(weight) < math.inf:
        raise UserError(
            f"--data {given}: the weight {weight} is not above 0: weights are shares of the tokens; leave a "
            "corpus out to give it none"
        )
    return Source(place, float(weight))


def parse_sources(given: Iterable[str]) -> tuple[Source, ...]:
    """Read all that `--data` named.

    Raises:
        UserError: there is none, one is named twice, or one cannot be read as CORPUS[:WEIGHT].
    """
    sources = tuple(parse_source(one) for one in given)
    if not sources:
        raise UserError("there is nothing to train on: name a corpus with --data CORPUS[:WEIGHT]")
    for number, source in enumerate(sources):
        if any(source.place == other.place for other in sources[:number]):
            raise UserError(f"--data names {source.place} twice: name it once, with the sum of the weights")
    return sources


def read_documents(place: str, *, text_column: str = TEXT_COLUMN, seed: int = 0) -> Iterator[Document]:
    """Every document of a source, in order; one batch of rows is in memory.

    Args:
        place: a folder, a file or a Hub id.
        text_column: the field that holds documents.
        seed: decides, with the content, by which template an instruction pair becomes a text.

    Raises:
        UserError: there is no such corpus, it cannot be read, or a row has neither the text column nor an
            instruction with its response; told with the file, the line and the field.
    """
    files = corpus_files(place)
    if files is None:
        yield from _documents(_hub_rows(place, text_column), text_column, seed)
        return
    for path in files:
        kind = kind_of(path)
        if kind == TEXT:
            yield from (Document(text, content_key(text)) for text in text_lines(path))
        elif kind == JSON_LINES:
            yield from _documents(jsonl_rows(path), text_column, seed)
        elif kind == PARQUET:
            rows = parquet_rows(path, lambda fields, path=path: _wanted(fields, text_column, str(path)))  # type: ignore[misc]
            yield from _documents(rows, text_column, seed)
        else:
            unknown_kind(path)


def _documents(rows: Iterable[tuple[str, dict[str, Any]]], column: str, seed: int) -> Iterator[Document]:
    for where, row in rows:
        if column in row:
            text = checked(row[column], where, column)
            yield Document(text, content_key(text))
            continue
        instruction, response, *context = _wanted(row, column, where)
        pair = [checked(row[name], where, name) for name in (instruction, response)]
        pair += [checked(row[name] or "", where, name) for name in context]
        key = content_key(*pair)
        yield Document(join_pair(*pair, draw=f"{seed}:{key}"), key)


def _wanted(fields: Collection[str], column: str, where: str) -> Sequence[str]:
    """The columns to read: the documents', or an instruction, its response and perhaps its context."""
    if column in fields:
        return (column,)
    pair = pair_columns(fields)
    if pair is None:
        shown = ", ".join(list(fields)[:SHOWN_FIELDS]) + (", ..." if len(fields) > SHOWN_FIELDS else "")
        raise UserError(
            f"{where}: there is neither a field {column!r} nor an instruction with its response, but "
            f"{shown or 'no field'}: name the field of the text with --text-column"
        )
    return pair.names


def _hub_rows(place: str, column: str) -> Iterator[tuple[str, dict[str, Any]]]:
    rows = hub_dataset(place)
    chosen = rows.select_columns(list(_wanted(rows.column_names, column, place)))
    for number, row in enumerate(chosen, 1):
        yield f"{place}, row {number}", row
