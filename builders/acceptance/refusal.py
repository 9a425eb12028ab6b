"""No refusals: the model wrote a document instead of declining to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from builders.acceptance.base import Rejection
from builders.acceptance.phrases import phrase_book
from builders.acceptance.words import excerpt

if TYPE_CHECKING:
    from builders.acceptance.base import Candidate


@dataclass(frozen=True, slots=True)
class Refusal:
    """Wants none of the phrases of ``refusal.yaml``: a model that declines or asks for more."""

    name: ClassVar[str] = "refusal"

    def __call__(self, candidate: Candidate) -> Rejection | None:
        """Reject as ``refusal``, quoting the phrase."""
        if phrase := phrase_book("refusal").find(candidate.text):
            return Rejection("refusal", f"declines to write: {excerpt(phrase.words)}")
        return None
