"""Diversity as the corpus grows: cheap metrics of one part after the other, of equal size.

Every metric depends on how much text it sees, so the accepted documents are cut into parts of
`PART_DOCUMENTS` documents, of each as many words as the shortest accepted document may have: parts
have equally many documents and words, and their values compare. A part is measured when it is full;
a document costs the same whatever the size of the corpus, and the memory is that of one part.

Remote clique and Chamfer distance are those of word counts hashed into `DIMENSIONS` places, not of
sentence embeddings: they cost no model, and compare only with each other.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from builders.acceptance.words import normalised_words
from builders.dataset.rows import GrowthFacts, GrowthStage
from builders.diversity.chamfer import chamfer_distance
from builders.diversity.clique import remote_clique
from builders.diversity.compression import compression_ratio
from builders.diversity.near_duplicate_share import near_duplicate_share
from builders.diversity.ngrams import ngram_diversity
from builders.diversity.openings import shared_opening_share
from builders.diversity.sampling import cut
from builders.diversity.skeletons import repeated_skeleton_share

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

PART_DOCUMENTS = 50
DIMENSIONS = 256
MOST_STAGES = 20
DIGITS = 4

METRICS: dict[str, Callable[[Sequence[str]], float]] = {
    "compression-ratio": compression_ratio,
    "1-gram-diversity": lambda texts: ngram_diversity(texts, 1),
    "4-gram-diversity": lambda texts: ngram_diversity(texts, 4),
    "remote-clique-of-words": lambda texts: remote_clique(word_vectors(texts)),
    "chamfer-distance-of-words": lambda texts: chamfer_distance(word_vectors(texts)),
    "near-duplicates": near_duplicate_share,
    "shared-openings": shared_opening_share,
    "repeated-skeletons": repeated_skeleton_share,
}


class Growth:
    """Measures part after part.

    Args:
        words: of each document, >= 1: the fewest that an accepted one has.
    """

    def __init__(self, words: int) -> None:
        self._words = words
        self._open: list[str] = []
        self._parts: list[dict[str, float]] = []

    def add(self, text: str) -> None:
        """Take an accepted document."""
        self._open.append(cut(text, self._words))
        if len(self._open) == PART_DOCUMENTS:
            self._parts.append({name: metric(self._open) for name, metric in METRICS.items()})
            self._open = []

    def facts(self) -> GrowthFacts | None:
        """Up to `MOST_STAGES` stretches of the corpus; None with fewer than two parts."""
        if len(self._parts) < 2:
            return None
        stages = min(MOST_STAGES, len(self._parts))
        ends = [len(self._parts) * (stage + 1) // stages for stage in range(stages)]
        return GrowthFacts(
            documents=PART_DOCUMENTS,
            words=self._words,
            stages=tuple(
                GrowthStage(documents=end * PART_DOCUMENTS, values=_means(self._parts[begin:end]))
                for begin, end in pairwise([0, *ends])
            ),
        )


def _means(parts: Sequence[dict[str, float]]) -> dict[str, float]:
    """Metrics that no part has a value for are left out: NaN is no JSON."""
    found = {name: [part[name] for part in parts if not math.isnan(part[name])] for name in METRICS}
    return {name: round(sum(values) / len(values), DIGITS) for name, values in found.items() if values}


def word_vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """Counts of words, each hashed to a place and a sign; shape (documents, DIMENSIONS)."""
    vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    for row, text in enumerate(texts):
        hashes = np.fromiter((crc32(word.encode()) for word in normalised_words(text)), dtype=np.uint32)
        signs = np.where(hashes & 1, np.float32(1), np.float32(-1))
        np.add.at(vectors[row], (hashes >> 1) % DIMENSIONS, signs)
    return vectors
