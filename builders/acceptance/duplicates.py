"""No document twice."""

from __future__ import annotations

import hashlib
from array import array
from typing import TYPE_CHECKING, ClassVar

from builders.acceptance.base import Rejection
from builders.acceptance.words import normalised_words

if TYPE_CHECKING:
    from builders.acceptance.base import Candidate

_FIRST_SLOTS = 1 << 10


class ExactDuplicates:
    """Wants words that no earlier document had in that order, case and punctuation aside.

    Remembers 64 bits of each document's SHA-256 in an open-addressing table at most three
    quarters full: 11 to 21 bytes a document, where a Python set takes 60 to 100. Two different
    documents of a million collide with probability 3e-8.

    The check does not remember what it judges: call :meth:`add` with what was accepted.
    """

    name: ClassVar[str] = "duplicate"

    def __init__(self) -> None:
        self._table = array("Q", bytes(8 * _FIRST_SLOTS))
        self._size = 0

    def __call__(self, candidate: Candidate) -> Rejection | None:
        """Reject as ``duplicate``."""
        if self.seen(candidate.text):
            return Rejection("duplicate", "the same words as an earlier document")
        return None

    def __len__(self) -> int:
        return self._size

    @property
    def nbytes(self) -> int:
        """Size of the table in bytes."""
        return self._table.itemsize * len(self._table)

    def seen(self, text: str) -> bool:
        """Tell whether a document with the same words was added."""
        return self._table[self._slot(_fingerprint(text))] != 0

    def add(self, text: str) -> None:
        """Remember a document."""
        self._insert(_fingerprint(text))
        if 4 * self._size > 3 * len(self._table):
            self._grow()

    def _insert(self, fingerprint: int) -> None:
        slot = self._slot(fingerprint)
        self._size += self._table[slot] == 0
        self._table[slot] = fingerprint

    def _slot(self, fingerprint: int) -> int:
        """Find where a fingerprint is, or where it would go; zero marks a free slot."""
        mask = len(self._table) - 1
        slot = fingerprint & mask
        while self._table[slot] not in (0, fingerprint):
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        old = self._table
        self._table = array("Q", bytes(16 * len(old)))
        self._size = 0
        for fingerprint in filter(None, old):
            self._insert(fingerprint)


def _fingerprint(text: str) -> int:
    digest = hashlib.sha256(" ".join(normalised_words(text)).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") or 1
