"""The index of seed documents: what is near a document, among a million, without holding them in memory.

    FOLDER/documents.sqlite   texts, their ids and hashes; how far the source is read
    FOLDER/vectors.f16        unit vectors, row by row
    FOLDER/sketches.u64       signs of random projections, one plane of 64 of them after another
    FOLDER/subfields.f16      unit vectors of the domain's subfields
    FOLDER/index.json         the facts, once all is there

A query first compares sketches (SimHash; Charikar 2002), 64 bytes a document, and then the vectors of the
nearest by sketch, exactly. All files are memory-mapped.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import zstandard
from pydantic import BaseModel, ConfigDict, ValidationError

from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

FACTS, TEXTS = "index.json", "documents.sqlite"
VECTORS, SKETCHES, SUBFIELDS = "vectors.f16", "sketches.u64", "subfields.f16"
PLANES = 8
SCAN = 65_536
"""Rows of a sketch that are compared at a time."""

COMPARED = 4_096
"""Documents, nearest by sketch, whose vectors are compared; more where more are asked for."""


class IndexFacts(BaseModel):
    """What an index holds, and of what.

    Attributes:
        source, revision: the seed corpus.
        embedder: what made the vectors.
        read: texts read; each was kept, or left out for one of the reasons below.
        kept: seed documents.
        short, off_domain, other_language, repeated: texts left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = 1
    source: str
    revision: str
    embedder: str
    dimensions: int
    read: int
    kept: int
    short: int
    off_domain: int
    other_language: int
    repeated: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedDocument:
    """A text of the seed corpus; `number` is its place in the index, from 0."""

    number: int
    id: str
    sha256: str
    text: str


class SeedIndex:
    """A finished index, for reading.

    Raises:
        UserError: it is damaged (from every method).
    """

    def __init__(self, folder: Path) -> None:
        import numpy as np

        self.folder = folder
        with _damaged(folder):
            self.facts = IndexFacts.model_validate_json((folder / FACTS).read_bytes())
            self._db = sqlite3.connect(f"file:{folder / TEXTS}?mode=ro", uri=True)
            if not len(self):
                return
            count, dimensions = len(self), self.facts.dimensions
            self._vectors = np.memmap(folder / VECTORS, "<f2", "r", shape=(count, dimensions))
            self._sketches = np.memmap(folder / SKETCHES, "<u8", "r", shape=(PLANES, count))
            fields = np.fromfile(folder / SUBFIELDS, "<f2")
            self._subfields = fields.reshape(-1, dimensions).astype(np.float32)

    def __len__(self) -> int:
        return self.facts.kept

    def document(self, number: int) -> SeedDocument:
        """A document by its place."""
        with _damaged(self.folder):
            row = self._db.execute(
                "SELECT id, sha256, text FROM documents WHERE number = ?", (number,)
            ).fetchone()
            text = zstandard.ZstdDecompressor().decompress(row[2]).decode()
        return SeedDocument(number=number, id=row[0], sha256=row[1].hex(), text=text)

    def vector(self, number: int) -> NDArray[np.float32]:
        """The unit vector of a document."""
        import numpy as np

        vector: NDArray[np.float32] = self._vectors[number].astype(np.float32)
        return vector

    def subfield(self, place: int) -> NDArray[np.float32]:
        """The unit vector of a subfield, by its place in the hierarchy."""
        vector: NDArray[np.float32] = self._subfields[place]
        return vector

    def nearest_subfield(self, number: int) -> int:
        """The subfield whose terms are nearest to a document."""
        return int((self._subfields @ self.vector(number)).argmax())

    def nearest(self, query: NDArray[np.float32], k: int, *, used: NDArray[np.bool_]) -> list[int]:
        """The documents nearest to a vector by cosine, nearest first, without those used.

        Args:
            query: shape (dimensions,).
            k: how many, at most.
            used: which documents to leave out, shape (n,).
        """
        import numpy as np

        distances = np.concatenate(list(self._distances(sketches_of(query[None])[0])))
        distances[used] = PLANES * 64 + 1
        reached = np.cumsum(np.bincount(distances, minlength=PLANES * 64 + 2)[:-1])
        limit = int(np.searchsorted(reached, min(max(COMPARED, 8 * k), int(reached[-1]))))
        rows = np.flatnonzero(distances <= min(limit, PLANES * 64))
        similar = self._vectors[rows].astype(np.float64) @ query.astype(np.float64)
        order = np.lexsort((rows, -similar.round(9)))  # not by digits that depend on the processor
        return [int(number) for number in rows[order[:k]]]

    def close(self) -> None:
        """Close the files."""
        self._db.close()

    def _distances(self, sketch: NDArray[np.uint64]) -> Iterator[NDArray[np.uint16]]:
        """Hamming distances of the documents' sketches to one, some rows at a time."""
        import numpy as np

        for start in range(0, len(self), SCAN):
            rows = self._sketches[:, start : start + SCAN]
            total = np.zeros(rows.shape[1], dtype=np.uint16)
            for plane, bits in zip(rows, sketch, strict=True):
                total += np.bitwise_count(plane ^ bits)
            yield total


def sketches_of(vectors: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Signs of `PLANES * 64` random projections, packed: shape (n, PLANES)."""
    import numpy as np

    return np.packbits(vectors @ _directions(vectors.shape[1]) > 0, axis=1).view("<u8")


@cache
def _directions(dimensions: int) -> NDArray[np.float32]:
    """The directions that vectors are projected on; the same ones always."""
    import numpy as np

    return np.random.default_rng(0).standard_normal((dimensions, PLANES * 64), dtype=np.float32)


@contextmanager
def _damaged(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, TypeError, sqlite3.Error, ValidationError, zstandard.ZstdError) as error:
        why = " ".join(str(error).split())[:160]
        raise UserError(
            f"the index of seeds in {folder} is damaged ({why}): delete it; it is made anew"
        ) from None
