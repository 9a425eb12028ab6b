"""No prompt in the document: neither its words nor the marks of a chat template."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, ClassVar

from builders.acceptance.base import Rejection
from builders.acceptance.phrases import phrase_book
from builders.acceptance.words import excerpt, normalised_words

if TYPE_CHECKING:
    from builders.acceptance.base import Candidate

_KEYWORD_LIST = re.compile(r"\bkeywords?\b[^:\n]{0,40}:[ \t]*([^\n]+)", re.IGNORECASE)
_MIN_KEYWORDS = 3


@dataclass(frozen=True, kw_only=True)
class PromptLeak:
    """Wants no run of ``words`` consecutive words of a prompt, case and punctuation aside.

    A prompt's list after ``keywords:`` counts as a run however short it is, from three
    keywords on: documents use keywords, they do not list them in the prompt's order.

    Attributes:
        words: length of the shortest run that counts. Real abstracts share runs of 8 words
            with a prompt by chance less than once in a thousand (docs/acceptance.md).
        allowed: names and titles that a document may share with its prompt, such as
            "United States Securities and Exchange Commission". A run whose every word belongs
            to one of them is no leak. Seed keywords do not belong here.
    """

    name: ClassVar[str] = "prompt-leak"

    words: int = 8
    allowed: tuple[str, ...] = ()

    def __call__(self, candidate: Candidate) -> Rejection | None:
        """Reject as ``prompt-leak``, quoting what leaked."""
        if residue := phrase_book("residue").find(candidate.text):
            return Rejection("prompt-leak", f"holds a remnant of an instruction: {excerpt(residue.words)}")
        if not candidate.prompts:
            return None
        document = normalised_words(candidate.text)
        for prompt in candidate.prompts:
            if leaked := self._shared_run(document, prompt) or _shared_keyword_list(document, prompt):
                count = len(leaked)
                return Rejection(
                    "prompt-leak", f"copies {count} words of its instruction: {excerpt(' '.join(leaked))}"
                )
        return None

    @cached_property
    def _allowed_words(self) -> frozenset[str]:
        return frozenset(word for term in self.allowed for word in normalised_words(term))

    def _shared_run(self, document: list[str], prompt: str) -> list[str]:
        """Return the first shared run, as long as it gets, that is not made of allowed terms."""
        runs = _runs(prompt, self.words)
        start = 0
        for position, run in enumerate(_windows(document, self.words)):
            if run in runs:
                continue
            if self._counts(document[start : position + self.words - 1]):
                return document[start : position + self.words - 1]
            start = position + 1
        return document[start:] if self._counts(document[start:]) else []

    def _counts(self, shared: list[str]) -> bool:
        return len(shared) >= self.words and not self._allowed_words.issuperset(shared)


def _windows(words: list[str], length: int) -> zip[tuple[str, ...]]:
    return zip(*(words[offset:] for offset in range(length)), strict=False)


@lru_cache(maxsize=64)
def _runs(prompt: str, length: int) -> frozenset[tuple[str, ...]]:
    """Every run of ``length`` words of a prompt; one prompt serves many documents."""
    return frozenset(_windows(normalised_words(prompt), length))


def _shared_keyword_list(document: list[str], prompt: str) -> list[str]:
    spaced = f" {' '.join(document)} "
    for match in _KEYWORD_LIST.finditer(prompt):
        keywords = [normalised_words(keyword) for keyword in re.split("[,;|]", match[1])]
        listed = [word for keyword in keywords for word in keyword]
        if sum(map(bool, keywords)) >= _MIN_KEYWORDS and f" {' '.join(listed)} " in spaced:
            return listed
    return []
