"""What no document may be: one that was accepted before, word for word or nearly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders.acceptance.base import Candidate
from builders.acceptance.duplicates import ExactDuplicates
from builders.acceptance.near_duplicates import NearDuplicates

if TYPE_CHECKING:
    from pathlib import Path

    from builders.acceptance.base import Rejection
    from builders.acceptance.semantic import SemanticDuplicates
    from builders.corpora.base import Corpus

FILE_NAME = "repeats.sqlite"


class Repeats:
    """The accepted documents of a build, as far as telling a repetition needs them.

    Begins empty: a build derives its decisions anew, in the same order.

    Args:
        corpus: its thresholds say what is looked for.
        folder: where the indices are kept; they may be deleted between builds.

    Raises:
        UserError: an index cannot be written, or a package is missing that the corpus asks for.
    """

    def __init__(self, corpus: Corpus, folder: Path) -> None:
        self._exact = ExactDuplicates()
        self._near: list[NearDuplicates | SemanticDuplicates] = []
        if corpus.near_duplicate_threshold is not None:
            self._near.append(
                NearDuplicates(
                    folder / FILE_NAME,
                    threshold=corpus.near_duplicate_threshold,
                    shingle_words=corpus.near_duplicate_shingle,
                    fresh=True,
                )
            )
        if corpus.semantic_threshold is not None:
            from builders.acceptance.semantic import SemanticDuplicates

            self._near.append(SemanticDuplicates(folder / FILE_NAME, threshold=corpus.semantic_threshold))

    def rejection(self, text: str) -> Rejection | None:
        """Why a document repeats an earlier one; None when it does not."""
        candidate = Candidate(text)
        for check in (self._exact, *self._near):
            if rejection := check(candidate):
                return rejection
        return None

    def add(self, key: str, text: str) -> None:
        """Remember an accepted document."""
        self._exact.add(text)
        for index in self._near:
            index.add(key, text)

    def close(self) -> None:
        """Close the indices."""
        for index in self._near:
            index.close()
