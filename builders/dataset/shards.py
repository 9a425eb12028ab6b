"""The Parquet files of one configuration, written row group by row group."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from builders.dataset.rows import ChatMessage, DocumentRow, EvolutionStep, TraceRow

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel

ROWS_PER_GROUP = 1_000


def _struct(record: type[BaseModel]) -> Any:
    return pa.struct([(name, pa.string()) for name in record.model_fields])


_COLUMN_TYPES: dict[Any, Any] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    list[str]: pa.list_(pa.string()),
    int | None: pa.int64(),
    float | None: pa.float64(),
    list[ChatMessage]: pa.list_(_struct(ChatMessage)),
    list[EvolutionStep]: pa.list_(_struct(EvolutionStep)),
}


def schema(row: type[BaseModel]) -> Any:
    """The Arrow schema of a row."""
    return pa.schema([(name, _COLUMN_TYPES[field.annotation]) for name, field in row.model_fields.items()])


DOCUMENT_SCHEMA = schema(DocumentRow)
TRACE_SCHEMA = schema(TraceRow)


class Shards:
    """Writes one configuration into `folder`; a context manager, so that no file stays open.

    Attributes:
        count: rows taken.
    """

    def __init__(self, folder: Path, schema: Any, *, rows_per_shard: int) -> None:
        self.count = 0
        self._folder = folder
        self._schema = schema
        self._rows_per_shard = rows_per_shard
        self._paths: list[Path] = []
        self._pending: list[dict[str, Any]] = []
        self._open = ExitStack()
        self._writer: Any = None
        self._room = 0
        folder.mkdir()

    def __enter__(self) -> Shards:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # after a failure; `finish` has closed everything otherwise
            self._open.close()

    def add(self, row: BaseModel) -> None:
        """Take one row; it reaches the disk with its row group."""
        if not self._room:
            self._start_shard()
        self._pending.append(row.model_dump())
        self.count += 1
        self._room -= 1
        if not self._room or len(self._pending) == ROWS_PER_GROUP:
            self._write_group()

    def finish(self) -> None:
        """Write what is pending and give the shards their names. No rows make one empty shard."""
        if not self._paths:
            self._start_shard()
        self._write_group()
        self._open.close()
        for number, path in enumerate(self._paths):
            path.rename(self._folder / f"train-{number:05}-of-{len(self._paths):05}.parquet")

    def _start_shard(self) -> None:
        self._open.close()
        path = self._folder / f"{len(self._paths):05}.parquet"
        self._paths.append(path)
        file = self._open.enter_context(path.open("wb"))
        self._open.callback(lambda: os.fsync(file.fileno()))
        self._open.callback(file.flush)
        self._writer = self._open.enter_context(pq.ParquetWriter(file, self._schema, compression="zstd"))
        self._room = self._rows_per_shard

    def _write_group(self) -> None:
        if self._pending:
            table = pa.Table.from_pylist(self._pending, schema=self._schema)
            self._writer.write_table(table, row_group_size=ROWS_PER_GROUP)
            self._pending.clear()
