"""Reads real texts for the template baseline's prompts: from a file, or from the Hub.

Corpora of web text are often sorted by date or site, so the first texts are a poor sample; and
they are often too large to read through. So `pool` texts are drawn evenly from the first
`SCAN` * `pool`, in one pass that holds no more than the pool in memory.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import zlib
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

import zstandard

from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from builders.corpora.base import Exemplars

SCAN = 10
"""Texts looked at for each text kept."""

_JSON_LINES = (".jsonl", ".jsonl.gz", ".jsonl.zst")
_FILES = (".txt", *_JSON_LINES)


def load_exemplars(exemplars: Exemplars, *, seed: int) -> tuple[str, ...]:
    """The pool of exemplars, each cut to `max_words`: a function of the source and the seed.

    Args:
        exemplars: what to read, and how much of it.
        seed: which texts are drawn.

    Raises:
        UserError: the source cannot be found or read, or holds no text; names the file, line
            and field, and the remedy.
    """
    texts = (text.strip() for text in _texts(exemplars))
    pool = _reservoir((text for text in texts if text), size=exemplars.pool, seed=seed)
    if not pool:
        raise UserError(f"{exemplars.source} holds no text; give a source with at least one")
    return tuple(first_words(text, exemplars.max_words) for text in pool)


def first_words(text: str, count: int) -> str:
    """The text up to its `count`-th whitespace-separated word, its layout kept."""
    words = list(islice(re.finditer(r"\S+", text), count))
    return text[words[0].start() : words[-1].end()] if words else ""


def _reservoir(texts: Iterable[str], *, size: int, seed: int) -> list[str]:
    """Algorithm R over the first `SCAN * size` texts, each equally likely to be kept."""
    draw = random.Random(seed)
    kept: list[str] = []
    for index, text in enumerate(islice(texts, SCAN * size)):
        if index < size:
            kept.append(text)
        elif (place := draw.randint(0, index)) < size:
            kept[place] = text
    return kept


def _texts(exemplars: Exemplars) -> Iterator[str]:
    path = Path(exemplars.source)
    if exemplars.source.endswith(_FILES):
        if not path.is_file():
            raise UserError(f"there is no file {path}; mend `source` in the corpus field `exemplars`")
        return _paragraphs(path) if path.suffix == ".txt" else _json_lines(path, exemplars.text_column)
    if path.is_file():
        raise UserError(f"{path}: exemplars are read from {', '.join(_FILES)} files; convert it to one")
    return _hub(exemplars.source, exemplars.text_column)


def _paragraphs(path: Path) -> Iterator[str]:
    """Texts that blank lines separate."""
    lines: list[str] = []
    for line in _lines(path):
        if line.strip():
            lines.append(line)
        elif lines:
            yield "".join(lines)
            lines = []
    yield "".join(lines)


def _json_lines(path: Path, field: str) -> Iterator[str]:
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise UserError(f"{where}: not JSON; every line must hold one object") from None
        if not isinstance(row, dict):
            raise UserError(f'{where}: not an object; every line must hold one, such as {{"text": ...}}')
        yield _field(row, field, where)


def _field(row: dict[str, object], field: str, where: str) -> str:
    if field not in row:
        raise UserError(
            f"{where}: there is no field {field!r}; set `text_column` to one of {', '.join(map(repr, row))}"
        )
    text = row[field]
    if not isinstance(text, str):
        kind = type(text).__name__
        raise UserError(f"{where}: field {field!r} holds {kind}; set `text_column` to one that holds text")
    return text.encode("utf-8", "replace").decode()  # a lone surrogate could not be sent


def _lines(path: Path) -> Iterator[str]:
    openers: dict[str, Callable[..., IO[str]]] = {".gz": gzip.open, ".zst": zstandard.open}
    try:
        with openers.get(path.suffix, open)(path, "rt", encoding="utf-8") as file:
            yield from file
    except UnicodeDecodeError:
        raise UserError(f"{path}: not text in UTF-8; save it as such") from None
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise UserError(f"{path}: cannot be read ({error}); make it readable, or compress it anew") from error


def _hub(name: str, field: str) -> Iterator[str]:
    """Texts of the split `train` of a dataset on the Hub, or in a folder, as they stream in."""
    from datasets import load_dataset

    try:
        for number, row in enumerate(load_dataset(name, split="train", streaming=True)):
            yield _field(row, field, f"dataset {name}, row {number}")
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"exemplars: the dataset {name!r} cannot be read ({reason}); give the id of one on the Hub with "
            f"a split `train`, or a {', '.join(_FILES)} file"
        ) from error
