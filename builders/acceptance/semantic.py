"""No document that says the same in other words: cosine similarity to every accepted document.

The nearest documents come from an HNSW graph (Malkov and Yashunin 2016, arXiv 1603.09320; library
usearch), whose search takes about the logarithm of its size. The graph is approximate but not
random: single-threaded insertion in one order gives the same bytes. What it proposes is compared
anew in double precision, so no document is turned down for an approximation.

The graph is in memory, about 1.2 kB a document (60 MB for 48,000), and derived anew from the kept
vectors. An exact scan of all vectors would need no graph and take 0.13 ms per 1,000 documents
and look-up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from builders.acceptance.base import Rejection
from builders.acceptance.embeddings import Embed, KeptEmbeddings, MiniLM
from builders.acceptance.near_duplicates import Match
from builders.errors import UserError

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from builders.acceptance.base import Candidate

PROPOSED = 8
"""Nearest documents of the graph that are compared anew."""

_CONNECTIVITY = 16
_EXPANSION = 128


class SemanticDuplicates:
    """Wants something new to be said. Fulfils :class:`builders.acceptance.Check`.

    The check does not remember what it judges: call :meth:`add` with what was accepted, in an
    order that does not depend on chance.

    Args:
        where: SQLite file or connection that keeps the vectors, see
            :class:`builders.acceptance.side_database.SideDatabase`. Vectors of earlier builds are
            used again; documents are always added anew.
        threshold: cosine similarity in (0, 1] from which on two documents say the same
            (docs/acceptance.md has figures on real text).
        embed: what makes the vectors; all-MiniLM-L6-v2 unless given.

    Raises:
        ValueError: threshold out of range.
        UserError: the extra `[metrics]` is not installed; the vectors' tables are damaged or
            cannot be written (from every method).
    """

    name: ClassVar[str] = "semantic-duplicate"

    def __init__(
        self, where: sqlite3.Connection | Path | str, *, threshold: float = 0.95, embed: Embed | None = None
    ) -> None:
        if not 0 < threshold <= 1:
            raise ValueError(f"threshold {threshold} is not in (0, 1]")
        _require_usearch()
        self.threshold = threshold
        self._vectors = KeptEmbeddings(where, embed=embed or MiniLM())
        self._last: tuple[str, NDArray[np.float16]] | None = None
        self._keys: list[str] = []
        self._graph: Any = None

    def __call__(self, candidate: Candidate) -> Rejection | None:
        """Reject as ``semantic-duplicate``, naming the earlier document."""
        if match := self.find(candidate.text):
            return Rejection(
                "semantic-duplicate", f"says what document {match.key} says (cosine {match.similarity:.2f})"
            )
        return None

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, text: str) -> Match | None:
        """The earlier document nearest in meaning, if it reaches the threshold; of equals the earliest."""
        if not self._keys:
            return None
        vector = self._vector(text)
        proposed = self._graph.search(vector, PROPOSED, threads=1).keys
        best: Match | None = None
        for number in sorted(int(key) for key in proposed):
            similarity = _cosine(vector, self._graph.get(number))
            if similarity >= self.threshold and (best is None or similarity > best.similarity):
                best = Match(self._keys[number], similarity)
        return best

    def add(self, key: str, text: str) -> None:
        """Remember a document under the caller's key, which need not be unique."""
        vector = self._vector(text)
        if self._graph is None:
            self._graph = _graph(len(vector))
        self._graph.add(len(self._keys), vector, threads=1)
        self._keys.append(key)

    def clear(self) -> None:
        """Forget every document; their vectors stay kept."""
        self._keys = []
        self._graph = None

    def close(self) -> None:
        """Close the file of the vectors; a caller's connection stays open."""
        self._vectors.close()

    def _vector(self, text: str) -> NDArray[np.float16]:
        if self._last is None or self._last[0] != text:
            self._last = text, self._vectors(text)
        return self._last[1]


def _cosine(one: NDArray[np.float16], other: NDArray[np.float16]) -> float:
    """In [-1, 1]; products of half-precision numbers are exact in double precision."""
    import numpy as np

    mine, theirs = one.astype(np.float64), other.astype(np.float64)
    return min(float((mine @ theirs) / np.sqrt((mine @ mine) * (theirs @ theirs))), 1.0)


def _graph(dimensions: int) -> Any:
    from usearch.index import Index

    return Index(
        ndim=dimensions,
        metric="ip",
        dtype="f16",
        connectivity=_CONNECTIVITY,
        expansion_add=_EXPANSION,
        expansion_search=_EXPANSION // 2,
    )


def _require_usearch() -> None:
    try:
        import usearch.index  # noqa: F401
    except ImportError:
        raise UserError(
            "semantic_threshold needs the extra [metrics]; pip install 'metasynth[metrics]', or leave it out"
        ) from None
