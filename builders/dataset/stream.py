"""Accepted documents on disk while a build runs: JSON lines, compressed by zstd.

The stream is what the Parquet files are made from at the end. It is derived anew by every run of a
build, so a crash may leave it cut; whole blocks can be read at any time, for example with
`zstdcat NAME/.journal/accepted/*.jsonl.zst`.
"""

from __future__ import annotations

import io
import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import zstandard

from builders.dataset.rows import DocumentRow, InstructionRow, Row, TraceRow
from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHARD_DOCUMENTS = 1_000
LEVEL = 3


class DocumentStream:
    """Documents with their traces, one after the other, in shards of `SHARD_DOCUMENTS`.

    Begins empty, in place of an earlier one.

    Raises:
        UserError: the folder cannot be written to (from every method).
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written = 0
        self._shard: Any = None
        with self._explained():
            if folder.exists():
                shutil.rmtree(folder)
            folder.mkdir(parents=True)

    def add(self, document: Row, trace: list[TraceRow]) -> None:
        """Append a document."""
        if self._written % SHARD_DOCUMENTS == 0:
            self.close()
            path = self._folder / f"{self._written // SHARD_DOCUMENTS:05}.jsonl.zst"
            with self._explained():
                self._shard = zstandard.ZstdCompressor(level=LEVEL).stream_writer(path.open("wb"))
        line = {
            "document": document.model_dump(mode="json"),
            "trace": [call.model_dump(mode="json") for call in trace],
        }
        with self._explained():
            self._shard.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        self._written += 1

    def flush(self) -> None:
        """Let readers see what was added."""
        if self._shard:
            with self._explained():
                self._shard.flush(zstandard.FLUSH_BLOCK)

    def rows(self) -> Iterator[tuple[Row, list[TraceRow]]]:
        """Every document added, in order; one at a time is in memory. Ends the writing."""
        for told in self._told():
            trace = [TraceRow.model_validate(call) for call in told["trace"]]
            yield _row(told["document"]), trace

    def texts(self) -> Iterator[str]:
        """The text of every document added, in order. Ends the writing."""
        return (_row(told["document"]).text for told in self._told())

    def _told(self) -> Iterator[dict[str, Any]]:
        self.close()
        for path in sorted(self._folder.glob("*.jsonl.zst")):
            with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as plain:
                for line in io.TextIOWrapper(plain, encoding="utf-8", newline="\n"):
                    yield json.loads(line)

    def close(self) -> None:
        """End the shard at hand."""
        shard, self._shard = self._shard, None
        if shard:
            with self._explained():
                shard.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UserError(
                f"cannot write to {self._folder} ({error.strerror or error}); free disk space or choose "
                "another --output, then run the same command: nothing that was answered is lost"
            ) from None


def _row(told: dict[str, Any]) -> Row:
    return (InstructionRow if "instruction" in told else DocumentRow).model_validate(told)
