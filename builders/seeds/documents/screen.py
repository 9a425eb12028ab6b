"""Which texts of a seed corpus may be seeds: long enough, in English, and of the domain.

A text is of the domain when enough of its content words are words of the domain's keyword lists. The paper
says only that its documents were domain-specific; this filter is ours. It is lexical, not a similarity of
embeddings, so that what it leaves out is never embedded: that is what an index costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from builders.seeds.documents.vocabulary import domain_share, domain_vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable

    from builders.seeds.keywords import SeedHierarchy

READ_WORDS = 300
"""Words of a text that tell its topic: what is screened and embedded."""

Unfit = Literal["short", "off_domain", "other_language"]


@dataclass(frozen=True, kw_only=True)
class Screen:
    """Judges texts one by one.

    Attributes:
        hierarchy: the domain.
        min_words: fewest whitespace-separated words.
        min_domain_words: least share of domain words, in [0, 1].
        is_english: judges the language.
    """

    hierarchy: SeedHierarchy
    min_words: int
    min_domain_words: float
    is_english: Callable[[str], bool]

    def unfit(self, text: str) -> Unfit | None:
        """Why a text cannot be a seed; None when it can."""
        words = text.split(maxsplit=READ_WORDS)
        if len(words) < self.min_words:
            return "short"
        if not self.is_english(text):
            return "other_language"
        if domain_share(opening(text), self._vocabulary) < self.min_domain_words:
            return "off_domain"
        return None

    @cached_property
    def _vocabulary(self) -> frozenset[str]:
        return domain_vocabulary(self.hierarchy)


def opening(text: str) -> str:
    """The first `READ_WORDS` words of a text, one space between them."""
    return " ".join(text.split(maxsplit=READ_WORDS)[:READ_WORDS])
