"""Looks at the drafts of one guided trajectory: stock openings, and repetition of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders.acceptance.shingles import jaccard, shingle_hashes
from builders.diversity.openings import opening
from builders.method import Draft, Judge, Judgement, Rejection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builders.corpora.base import Corpus
    from builders.steering.guidance import Guidance

STOCK_OPENING = "stock-opening"
NEAR_DUPLICATE = "near-duplicate"
REPETITION = frozenset({STOCK_OPENING, NEAR_DUPLICATE, "too-similar"})
DRY_ATTEMPTS = 2
"""Attempts in a row, dropped for repetition, after which a trajectory ends."""


class Watch:
    """A judge for one trajectory: the corpus' own, and then what steering adds.

    A draft that begins with an overused opening, or as an earlier document of the trajectory does, is
    refused with the words to avoid; the last draft that an attempt may make begins as it likes, so that
    no document is lost for its opening. A draft that nearly repeats an earlier document of the
    trajectory is refused here, before it costs more calls: the corpus would refuse it later.

    Args:
        judge: the corpus' own.
        guidance: the facts for this trajectory.
        corpus: for its limits.
    """

    def __init__(self, judge: Judge, guidance: Guidance, corpus: Corpus) -> None:
        self._judge = judge
        self._stock = {entry.what for entry in guidance.openings}
        self._threshold = corpus.near_duplicate_threshold
        self._shingle_words = corpus.near_duplicate_shingle
        self._earlier: list[frozenset[int]] = []
        self._rewrites = corpus.max_rewrites
        self._drafts = 0
        self._dry = 0

    def __call__(self, draft: Draft) -> Judgement:
        """Judge one draft; depends on the earlier drafts of the trajectory and on nothing else."""
        self._drafts += 1
        judgement = self._judge(draft)
        if judgement.rejection:
            return judgement
        begins = opening(judgement.text)
        if begins in self._stock and self._drafts <= self._rewrites:
            return Judgement(
                text=judgement.text,
                rejection=Rejection(STOCK_OPENING, f'Begin with other words than "{begins}".'),
            )
        if self._threshold is not None:
            own = self._shingles(judgement.text)
            if any(jaccard(own, other) >= self._threshold for other in self._earlier):
                return Judgement(
                    text=judgement.text,
                    rejection=Rejection(NEAR_DUPLICATE, "Write about something else, in other words."),
                )
        return judgement

    def ended(self, text: str | None, rejections: Sequence[Rejection]) -> None:
        """An attempt ended with a document, or was dropped; the last rejection says why."""
        self._drafts = 0
        if text is not None:
            self._dry = 0
            if begins := opening(text):
                self._stock.add(begins)
            if self._threshold is not None:
                self._earlier.append(self._shingles(text))
        else:
            repeated = bool(rejections) and rejections[-1].reason in REPETITION
            self._dry = self._dry + 1 if repeated else 0

    @property
    def dry(self) -> bool:
        """The trajectory only repeats itself."""
        return self._dry >= DRY_ATTEMPTS

    def _shingles(self, text: str) -> frozenset[int]:
        return shingle_hashes(text, words=self._shingle_words)
