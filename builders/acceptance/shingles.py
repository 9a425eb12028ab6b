"""Word shingles: the sets whose overlap says how alike two documents are.

A shingle is a run of consecutive words (Broder 1997, "On the resemblance and containment of
documents"). Words are compared by :func:`builders.acceptance.words.normalised_words`: case,
punctuation and white space make no difference.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from builders.acceptance.words import normalised_words

if TYPE_CHECKING:
    from collections.abc import Collection


def shingle_hashes(text: str, *, words: int) -> frozenset[int]:
    """The shingles of a text, each as 64 bits of its BLAKE2b hash.

    Two sets of 400 shingles hold an accidental agreement with probability 1e-14, so set
    operations on the hashes count as exact. The hashes are the same on every machine.

    Args:
        text: any text.
        words: words of a shingle, >= 1. A text with fewer words is one shingle; a text without
            words has none.
    """
    spoken = [word.encode("utf-8", "surrogatepass") for word in normalised_words(text)]
    starts = range(max(len(spoken) - words + 1, min(len(spoken), 1)))
    return frozenset(_hash(b" ".join(spoken[start : start + words])) for start in starts)


def jaccard(one: frozenset[int], other: Collection[int]) -> float:
    """Size of the intersection over size of the union, in [0, 1]; 0 where both are empty.

    `other` holds nothing twice.
    """
    shared = len(one.intersection(other))
    union = len(one) + len(other) - shared
    return shared / union if union else 0.0


def _hash(shingle: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(shingle, digest_size=8).digest(), "little")
