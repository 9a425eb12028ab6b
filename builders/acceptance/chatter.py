"""No words about the task: a document does not announce itself or ask how it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from builders.acceptance.base import Rejection
from builders.acceptance.phrases import phrase_book
from builders.acceptance.words import excerpt

if TYPE_CHECKING:
    from builders.acceptance.base import Candidate


@dataclass(frozen=True, slots=True)
class Chatter:
    """Wants none of the phrases of ``chatter.yaml``: announcements, sign-offs, placeholders."""

    name: ClassVar[str] = "chatter"

    def __call__(self, candidate: Candidate) -> Rejection | None:
        """Reject as ``chatter``, quoting the phrase."""
        if phrase := phrase_book("chatter").find(candidate.text):
            return Rejection("chatter", f"talks about the task ({phrase.position}): {excerpt(phrase.words)}")
        return None
