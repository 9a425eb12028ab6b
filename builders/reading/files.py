"""Documents in files: JSON lines and text lines, compressed or not, and Parquet.

What cannot be read is told with the file, the line and the field. Nothing is guessed: a null is no
empty document, and bytes that are not UTF-8 are not replaced.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from typing import TYPE_CHECKING, Any, NoReturn, cast

from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import IO

PARQUET, JSON_LINES, TEXT = "parquet", "jsonl", "text"
KINDS = {".parquet": PARQUET, ".jsonl": JSON_LINES, ".ndjson": JSON_LINES, ".json": JSON_LINES, ".txt": TEXT}
COMPRESSED = (".gz", ".zst")
BATCH = 1_000
SHOWN_FIELDS = 8
PAIR = ("instruction", "response")
"""Columns of instructions, which stand for a document together."""


def kind_of(path: Path) -> str | None:
    """The kind of a file by its name; None where the name tells none."""
    name = path.with_suffix("") if path.suffix.lower() in COMPRESSED else path
    kind = KINDS.get(name.suffix.lower())
    return None if kind == PARQUET and name != path else kind


def jsonl_texts(path: Path, column: str) -> Iterator[str]:
    """One document a line, in a field of its object; blank lines are none.

    Raises:
        UserError: the file cannot be read, or a line is not such an object.
    """
    for where, row in jsonl_rows(path):
        yield whole_text(row, text_columns(column, row, where), where)


def jsonl_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """One object a line, and where it stands; blank lines are none.

    Raises:
        UserError: the file cannot be read, or a line is no object.
    """
    for number, line in _lines(path):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(
                f"{path}, line {number}: not JSON ({error}): mend it; let a file of plain lines end in .txt"
            ) from None
        if not isinstance(row, dict):
            raise UserError(
                f"{path}, line {number}: not a JSON object: each line is one, with the text in a field"
            )
        yield f"{path}, line {number}", row


def text_lines(path: Path) -> Iterator[str]:
    """One document a line; blank lines are none.

    Raises:
        UserError: the file cannot be read.
    """
    return (line.strip() for _, line in _lines(path) if line.strip())


def parquet_texts(path: Path, column: str) -> Iterator[str]:
    """One document a row.

    Raises:
        UserError: the file cannot be read, or has no such column of texts.
    """
    for where, row in parquet_rows(path, lambda fields: text_columns(column, fields, str(path))):
        yield whole_text(row, tuple(row), where)


def parquet_rows(
    path: Path, choose: Callable[[list[str]], Sequence[str]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Some columns of every row, and where it stands.

    Args:
        path: the file.
        choose: picks the columns to read among those that there are.

    Raises:
        UserError: the file cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            columns = list(choose(file.schema_arrow.names))
            number = 0
            for batch in file.iter_batches(BATCH, columns=columns):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}, row {number}", row
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        why = " ".join(str(error).split())[:160]
        raise UserError(f"{path} cannot be read ({why}): is it a whole Parquet file?") from None


def checked(value: Any, where: str, column: str) -> str:
    """The document, if it is one.

    Raises:
        UserError: a null, another type, or half a surrogate pair.
    """
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise UserError(
                f"{where}: the field {column!r} holds half a surrogate pair, which is no text: mend the line"
            ) from None
        return value
    if value is None:
        raise UserError(
            f"{where}: the field {column!r} is null: drop the row, or name another field with --text-column"
        )
    raise UserError(
        f"{where}: the field {column!r} holds {type(value).__name__}, not text: name the field of the text "
        "with --text-column"
    )


def text_columns(column: str, fields: Iterable[str], where: str) -> tuple[str, ...]:
    """The columns that make a document: the one named, or in the place of `text` instruction and response.

    Raises:
        UserError: there is neither.
    """
    names = set(fields)
    if column == "text" and column not in names and names.issuperset(PAIR):
        return PAIR
    return only(column, fields, where)


def whole_text(row: dict[str, Any], columns: Sequence[str], where: str) -> str:
    """What these columns hold, a blank line between them."""
    return "\n\n".join(checked(row[column], where, column) for column in columns)


def only(column: str, fields: Iterable[str], where: str) -> tuple[str]:
    """This column, if it is one of the fields.

    Raises:
        UserError: it is not.
    """
    if column not in fields:
        no_column(where, column, fields)
    return (column,)


def no_column(where: str, column: str, fields: Iterable[str]) -> NoReturn:
    """Raise for a field that is not there, with those that are."""
    names = list(fields)
    shown = ", ".join(names[:SHOWN_FIELDS]) + (", ..." if len(names) > SHOWN_FIELDS else "")
    raise UserError(
        f"{where}: there is no field {column!r}, but {shown or 'none'}: name one with --text-column"
    )


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines with their numbers from 1, without their ends."""
    import zstandard

    number = 0
    try:
        with path.open("rb") as raw, _opened(path, raw) as file:
            for line in file:
                text = line.decode("utf-8" if number else "utf-8-sig")
                number += 1
                yield number, text.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}, line {number + 1}: byte {error.start + 1} is not UTF-8 ({error.reason}): convert the "
            "file, for example with `iconv -f latin1 -t utf-8`"
        ) from None
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise UserError(
            f"{path} cannot be read after line {number} ({error}): is it whole, and readable for you?"
        ) from None


def _opened(path: Path, raw: IO[bytes]) -> IO[bytes]:
    import zstandard

    if path.suffix.lower() == ".gz":
        return cast("IO[bytes]", gzip.open(raw))
    if path.suffix.lower() == ".zst":
        reader = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
        return io.BufferedReader(cast("io.RawIOBase", reader))
    return raw
