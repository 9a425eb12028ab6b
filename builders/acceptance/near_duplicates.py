"""No document almost twice: word shingles in common with any accepted document, at any time.

Two documents are near-duplicates when their sets of word shingles have a Jaccard similarity of at least
the threshold. Candidates come from MinHash bands (:mod:`builders.acceptance.banding`); each is
then verified exactly, on its kept shingle hashes, so no document is turned down for an estimate.
Keeping the hashes costs 8 bytes a word on disk. It was chosen over fetching the text of a
candidate from the caller, which is smaller but would shingle every candidate anew (0.2 ms
instead of 0.02 ms) and would tie the index to where texts are.

What is found depends on the documents added, their order and the settings; not on the process, the
machine or the hash seed of Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from builders.acceptance.band_index import BandIndex
from builders.acceptance.banding import SLOTS, Banding
from builders.acceptance.base import Rejection
from builders.acceptance.shingles import jaccard, shingle_hashes

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from builders.acceptance.base import Candidate

SCHEMA_VERSION = 1
"""Of what the index keeps; rises when a hash changes its meaning."""


@dataclass(frozen=True, slots=True)
class Match:
    """An earlier document that a text nearly repeats.

    Attributes:
        key: what the document was added as.
        similarity: Jaccard similarity of the sets of shingles, in [threshold, 1].
    """

    key: str
    similarity: float


class _Sketch(NamedTuple):
    shingles: frozenset[int]
    bands: list[int]


class NearDuplicates:
    """Wants at least some new wording: fewer shingles in common with each earlier document.

    Fulfils :class:`builders.acceptance.Check`. The check does not remember what it judges: call
    :meth:`add` with what was accepted, in an order that does not depend on chance.

    Args:
        where: SQLite file or connection for the index, see
            :class:`builders.acceptance.side_database.SideDatabase`. A build that resumes begins
            with `fresh`, or calls :meth:`clear`, and adds again what it accepts again.
        threshold: Jaccard similarity from which on two documents are near-duplicates, in
            [0.1, 1]. Of pairs at the threshold up to 2 % are missed, fewer with every step above
            it (:class:`builders.acceptance.banding.Banding`); none below it is reported.
        shingle_words: words of a shingle, >= 1. One changed word in the middle of a document of
            n words changes `shingle_words` of its n shingles.
        fresh: begin with an empty index, whatever the tables hold.

    Raises:
        ValueError: threshold or shingle_words out of range.
        UserError: the tables hold documents under other settings, are damaged, or cannot be
            written (from every method).
    """

    name: ClassVar[str] = "near-duplicate"

    def __init__(
        self,
        where: sqlite3.Connection | Path | str,
        *,
        threshold: float = 0.7,
        shingle_words: int = 5,
        fresh: bool = False,
    ) -> None:
        if shingle_words < 1:
            raise ValueError(f"shingle_words {shingle_words} is not >= 1")
        self.threshold = threshold
        self.shingle_words = shingle_words
        self.banding = Banding.for_threshold(threshold)
        settings = (
            f"version {SCHEMA_VERSION}, shingles of {shingle_words} words, {SLOTS} slots, "
            f"{self.banding.bands} bands of {self.banding.rows}"
        )
        self._index = BandIndex(where, settings=settings, fresh=fresh)
        self._last: tuple[str, _Sketch] | None = None

    def __call__(self, candidate: Candidate) -> Rejection | None:
        """Reject as ``near-duplicate``, naming the earlier document."""
        if match := self.find(candidate.text):
            return Rejection(
                "near-duplicate", f"{match.similarity:.0%} of its wording is that of document {match.key}"
            )
        return None

    def __len__(self) -> int:
        return len(self._index)

    def find(self, text: str) -> Match | None:
        """The most similar earlier document, if one reaches the threshold; of equals the earliest.

        A text without words is like no other.
        """
        sketch = self._sketch(text)
        best: Match | None = None
        for key, shingles in self._index.candidates(sketch.bands):
            similarity = jaccard(sketch.shingles, shingles)
            if similarity >= self.threshold and (best is None or similarity > best.similarity):
                best = Match(key, similarity)
        return best

    def add(self, key: str, text: str) -> None:
        """Remember a document under the caller's key, which need not be unique."""
        sketch = self._sketch(text)
        self._index.add(key, sketch.bands, sketch.shingles)

    def clear(self) -> None:
        """Forget every document."""
        self._index.clear()

    def commit(self) -> None:
        """Keep what was added to a file; for a connection that is the caller's to do."""
        self._index.commit()

    def close(self) -> None:
        """Commit and close the index's file; a caller's connection stays open."""
        self._index.close()

    def _sketch(self, text: str) -> _Sketch:
        """Shingles and bands of a text. The last ones are kept: what passes `find` is added next."""
        if self._last is None or self._last[0] != text:
            shingles = shingle_hashes(text, words=self.shingle_words)
            self._last = text, _Sketch(shingles, self.banding.hashes(shingles) if shingles else [])
        return self._last[1]
