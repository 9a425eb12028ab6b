"""Corpora wherever they lie: what is named on the command line becomes documents.

A corpus is a built folder, a folder of Parquet or JSON-lines files, one such file, a text file, or a
dataset on the Hub. Everything is read before anything is measured, so a corpus that cannot be read costs
nothing; what is wrong is told with the file, the line and the field.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from builders.dataset.contamination import RECORD
from builders.dataset.reader import DATA, FACTS, open_dataset
from builders.errors import UserError
from builders.reading.files import (
    JSON_LINES,
    PARQUET,
    TEXT,
    jsonl_texts,
    kind_of,
    parquet_texts,
    text_lines,
)
from builders.reading.hub import hub_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT_COLUMN = "text"
FEWEST = 2
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Documents and what to call them.

    Attributes:
        name: the last part of what the user named, unique in a report.
        place: what the user named.
        texts: the documents.
    """

    name: str
    place: str
    texts: tuple[str, ...]


def read_corpus(place: str, *, text_column: str = TEXT_COLUMN) -> Corpus:
    """Read all documents of a corpus.

    Args:
        place: a folder, a file, or a Hub id as `OWNER/NAME` or `OWNER/NAME@REVISION`.
        text_column: the field that holds the documents; a text file has none.

    Raises:
        UserError: there is no such corpus, it cannot be read, or it has fewer than two documents.
    """
    texts = tuple(documents(place, text_column))
    if len(texts) < FEWEST:
        count = "one document" if texts else "no document"
        raise UserError(
            f"{place} holds {count}: diversity is between documents, so name a corpus of at least {FEWEST}"
        )
    if not any(text.strip() for text in texts):
        raise UserError(
            f"all {len(texts)} documents of {place} are empty: name the field of the text with --text-column"
        )
    return Corpus(Path(place).name or place, place, texts)


def corpus_files(place: str) -> list[Path] | None:
    """The files of a corpus on this machine, in their order; None for a dataset of the Hub.

    Args:
        place: a folder, a file, or a Hub id as `OWNER/NAME` or `OWNER/NAME@REVISION`.

    Raises:
        UserError: there is no such corpus, or a built one is not finished.
    """
    path = Path(place)
    if path.is_dir():
        return _files_of_folder(path)
    if path.is_file():
        return [path]
    if path.exists():
        raise UserError(f"{place} is neither a file nor a folder: name a corpus that is one")
    if _HUB_ID.fullmatch(place) and kind_of(path) is None:
        return None
    raise UserError(
        f"there is no {place}: name a built folder, a JSONL, Parquet or text file, or a dataset of the Hub "
        "as OWNER/NAME"
    )


def unknown_kind(path: Path) -> NoReturn:
    """Raise for a file whose name tells no kind."""
    raise UserError(
        f"{path}: its name tells no kind of file that can be read: let it end in .jsonl, .parquet or .txt "
        "(.jsonl and .txt may be followed by .gz or .zst)"
    )


def documents(place: str, column: str = TEXT_COLUMN) -> Iterator[str]:
    """The documents of a corpus, one at a time, as :func:`read_corpus` reads them.

    Raises:
        UserError: there is no such corpus, or (while reading) it cannot be read.
    """
    files = corpus_files(place)
    if files is None:
        return hub_texts(place, column)
    return (text for path in files for text in _of_file(path, column))


def _files_of_folder(folder: Path) -> list[Path]:
    files = sorted(folder.glob(f"{DATA}/*.parquet")) or sorted(
        path
        for path in folder.iterdir()
        if kind_of(path) in {PARQUET, JSON_LINES} and not path.name.endswith(RECORD)
    )
    if (folder / FACTS).exists() or not files:
        open_dataset(folder)  # refuses a build that is not finished
    return files


def _of_file(path: Path, column: str) -> Iterator[str]:
    kind = kind_of(path)
    if kind == PARQUET:
        return parquet_texts(path, column)
    if kind == JSON_LINES:
        return jsonl_texts(path, column)
    if kind == TEXT:
        return text_lines(path)
    unknown_kind(path)
