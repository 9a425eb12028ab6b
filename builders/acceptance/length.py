"""Neither a stub nor a ramble."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from builders.acceptance.base import Rejection

if TYPE_CHECKING:
    from builders.acceptance.base import Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """Wants between ``min_words`` and ``max_words`` words, both included.

    Words are runs of non-space characters, as in the paper's "at most 400 words".
    """

    name: ClassVar[str] = "length"

    min_words: int = 60
    max_words: int = 400

    def __call__(self, candidate: Candidate) -> Rejection | None:
        """Reject as ``too-short`` or ``too-long``."""
        words = len(candidate.text.split())
        if words < self.min_words:
            return Rejection("too-short", f"{words} words, at least {self.min_words} wanted")
        if words > self.max_words:
            return Rejection("too-long", f"{words} words, at most {self.max_words} wanted")
        return None
