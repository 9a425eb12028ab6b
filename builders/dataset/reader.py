"""Reading a corpus back: its facts, its documents, the calls behind one of them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pydantic import ValidationError

from builders.dataset.rows import BuildFacts, TraceRow, row_type
from builders.dataset.untrusted import one_line
from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from builders.dataset.rows import Row

DATA, TRACES = "data", "traces"
FACTS = "build.json"
BATCH = 1_000


def open_dataset(folder: Path) -> DatasetReader:
    """Open a finished corpus for reading.

    Raises:
        UserError: there is none, or it is unfinished, damaged or of another version.
    """
    if not folder.is_dir():
        raise UserError(
            f"there is no corpus in {folder}: build it with `builders build {folder.name}`, "
            "or say with --output in which folder it lies"
        )
    documents, traces = (sorted(folder.glob(f"{name}/train-*.parquet")) for name in (DATA, TRACES))
    if not (folder / FACTS).is_file() or not documents or not traces:
        raise UserError(
            f"the corpus in {folder} is not finished: run `builders build {folder.name}` again, "
            "which takes up where it stopped"
        )
    with _reading(folder):
        facts = BuildFacts.model_validate_json((folder / FACTS).read_bytes())
    return DatasetReader(folder, facts, tuple(documents), tuple(traces))


@dataclass(frozen=True, slots=True)
class DatasetReader:
    """A finished corpus. Rows are read when asked for; the corpus is never held in memory."""

    folder: Path
    facts: BuildFacts
    _documents: tuple[Path, ...]
    _traces: tuple[Path, ...]

    def documents(self) -> Iterator[Row]:
        """Every document, or instruction, in order."""
        row_of = row_type(self.facts.method)
        for row in self.columns(*row_of.model_fields):
            with _reading(self.folder):
                document = row_of(**row)
            yield document

    def columns(self, *names: str) -> Iterator[dict[str, Any]]:
        """A few columns of every document, in order: much faster than the whole rows."""
        return self._rows(self._documents, names)

    def traces(self) -> Iterator[list[TraceRow]]:
        """The calls that led to each document, in the order of the documents."""
        rows = self._rows(self._traces, tuple(TraceRow.model_fields))
        for _, calls in groupby(rows, key=itemgetter("document_id")):
            with _reading(self.folder):
                trace = [TraceRow(**call) for call in calls]
            yield trace

    def document(self, key: str) -> Row | None:
        """The document with an id, or with a number from 1; None where there is none."""
        if key.isdecimal():
            return self._numbered(int(key))
        with _reading(self.folder):
            found = _where(self._documents, "id", key)
            return row_type(self.facts.method)(**found[0]) if found else None

    def trace(self, document_id: str) -> list[TraceRow]:
        """The calls that led to a document, in the order made.

        Reads only the row groups whose statistics admit the id.
        """
        with _reading(self.folder):
            rows = [TraceRow(**row) for row in _where(self._traces, "document_id", document_id)]
        return sorted(rows, key=lambda row: row.call)

    def _rows(self, shards: Sequence[Path], columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        for path in shards:
            with _reading(self.folder), pq.ParquetFile(path) as shard:
                for batch in shard.iter_batches(BATCH, columns=list(columns)):
                    yield from batch.to_pylist()

    def _numbered(self, number: int) -> Row | None:
        left = number - 1
        for path in self._documents:
            with _reading(self.folder), pq.ParquetFile(path) as shard:
                for group in range(shard.metadata.num_row_groups):
                    size = shard.metadata.row_group(group).num_rows
                    if 0 <= left < size:
                        row = shard.read_row_group(group).slice(left, 1).to_pylist()[0]
                        return row_type(self.facts.method)(**row)
                    left -= size
        return None


def _where(shards: Sequence[Path], column: str, value: str) -> list[dict[str, Any]]:
    dataset = ds.dataset([str(path) for path in shards], format="parquet")
    rows: list[dict[str, Any]] = dataset.to_table(filter=ds.field(column) == value).to_pylist()
    return rows


@contextmanager
def _reading(folder: Path) -> Iterator[None]:
    """Tell a file that cannot be read, or that another version wrote, as the user's to mend."""
    try:
        yield
    except (OSError, pa.ArrowException, ValidationError) as error:
        why = one_line(str(error).partition("\n")[0])
        raise UserError(
            f"the corpus in {folder} cannot be read ({why}): run `builders build {folder.name}` again"
        ) from error
