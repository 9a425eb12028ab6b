"""The documents that instructions are made from: copied out of a built corpus, and read by number.

A trajectory jumps between documents; in Parquet each jump would unpack a thousand rows. So they are copied
into one uncompressed Arrow file, which is mapped and not read into memory.
"""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from builders.dataset.reader import open_dataset
from builders.dataset.rows import SourceFacts
from builders.errors import UserError
from builders.method import derive_seed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from builders.dataset.reader import DatasetReader

FILE = "documents.arrow"
BATCH = 1_000
_COLUMNS = ("id", "text", "genre", "keywords")
_SCHEMA = pa.schema(
    [("id", pa.string()), ("text", pa.string()), ("genre", pa.string()), ("keywords", pa.list_(pa.string()))]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDocument:
    """A document to make an instruction from."""

    id: str
    text: str
    genre: str
    keywords: tuple[str, ...]


@dataclass(frozen=True)
class Documents:
    """The documents of a corpus, in an order that a seed decides.

    Attributes:
        facts: of the corpus.
    """

    facts: SourceFacts
    _table: Any
    _order: Sequence[int]

    def __len__(self) -> int:
        return len(self._order)

    def at(self, place: int) -> SourceDocument:
        """The document at a place of the order; after the last one it begins anew."""
        row = self._order[place % len(self._order)]
        told = {name: self._table.column(name)[row].as_py() for name in _COLUMNS}
        return SourceDocument(**{**told, "keywords": tuple(told["keywords"])})


def read_documents(folder: Path, *, domain: str, copy: Path, corpus_seed: int) -> Documents:
    """Open the documents of a finished corpus.

    Args:
        folder: the corpus' folder.
        domain: that it must be of.
        copy: folder that the copy is written into.
        corpus_seed: seed of the build; decides the order.

    Raises:
        UserError: there is no finished corpus of documents of this domain, or no room for the copy.
    """
    reader = open_dataset(folder)
    if reader.facts.method == "instruct":
        raise UserError(f"{folder} holds instructions, and instructions are made from documents: name others")
    if reader.facts.domain != domain:
        raise UserError(
            f"{folder} is a corpus of the domain {reader.facts.domain!r}, and {domain!r} is wanted: name "
            "another with --from"
        )
    digest, path = hashlib.sha256(), copy / FILE
    try:
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, _SCHEMA) as writer:
            for rows in _batches(reader):
                for row in rows:
                    digest.update(json.dumps([row["id"], row["text"]]).encode())
                writer.write_batch(pa.RecordBatch.from_pylist(rows, schema=_SCHEMA))
    except OSError as error:
        raise UserError(
            f"cannot write {path} ({error}); free disk space, or choose another --output"
        ) from None
    table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    if not len(table):
        raise UserError(f"the corpus in {folder} holds no document: build it with more of them")
    order = list(range(len(table)))
    random.Random(derive_seed("source-order", corpus_seed)).shuffle(order)
    return Documents(_facts(reader, digest.hexdigest()), table, order)


def _batches(reader: DatasetReader) -> Any:
    batch: list[dict[str, Any]] = []
    for row in reader.columns(*_COLUMNS):
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _facts(reader: DatasetReader, sha256: str) -> SourceFacts:
    facts = reader.facts
    settings = json.dumps(
        [facts.settings, facts.corpus_seed, facts.protocol, facts.model_sha], sort_keys=True
    )
    return SourceFacts(
        name=facts.name,
        sha256=sha256,
        documents=facts.documents,
        version=facts.version,
        digest=hashlib.sha256(settings.encode()).hexdigest(),
        model_id=facts.model_id,
        stand_in=facts.stand_in,
        simulated=facts.simulated,
    )
