"""A response that rests on its document: its words, numbers and names are found there.

A cheap stand-in for entailment. Words are compared by their beginnings, so that "hormone" supports
"hormonal"; a response that says the opposite in the document's words passes, and is left to the expert who
checks grounding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import yaml

from builders.acceptance.base import Rejection
from builders.acceptance.words import excerpt, normalised_words

if TYPE_CHECKING:
    from collections.abc import Iterable

STEM = 6
SHORTEST = 4
"""Letters of the shortest content word."""

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_LIST_MARK = re.compile(r"^\s*(?:\d{1,2}[.):]|step \d{1,2}\b)", re.MULTILINE | re.IGNORECASE)
_NAME = re.compile(r"(?<=[a-z,;] )(?:[A-Z][a-z]+|[A-Z]{2,}[\w-]*)(?:[ -](?:[A-Z][a-z]+|[A-Z]{2,}))*")
_SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounded:
    """Wants nothing that its sources do not hold.

    Attributes:
        min_support: smallest share, in [0, 1], of the different content words that the sources hold.
        max_names: most names (capitalised within a sentence, or acronyms) that they do not hold. Numbers
            must all be there; those that count list items aside.
    """

    min_support: float = 0.5
    max_names: int = 0

    def __call__(self, text: str, sources: Iterable[str]) -> Rejection | None:
        """Reject as ``ungrounded``, naming what has no support."""
        whole = "\n".join(sources)
        numbers = sorted(_numbers(text) - _numbers(whole))
        if numbers:
            return _ungrounded("numbers", numbers)
        held = set(normalised_words(whole))
        names = [name for name in _NAME.findall(text) if not held.issuperset(normalised_words(name))]
        if len(names) > self.max_names:
            return _ungrounded("names", names)
        words = content_words(text)
        known = content_words(whole)
        missing = [word for stem, word in words.items() if stem not in known]
        share = 1 - len(missing) / len(words) if words else 1.0
        if share < self.min_support:
            found = _ungrounded("words", missing)
            return Rejection(found.reason, f"{share:.0%} of its content words have support; {found.detail}")
        return None


def content_words(text: str) -> dict[str, str]:
    """Content words by their stem: their first six letters, a plural's s aside."""
    words = (word.removesuffix("'s") for word in normalised_words(text))
    function = listed_words("function_words")
    return {
        word.removesuffix("s")[:STEM]: word
        for word in words
        if len(word) >= SHORTEST and word not in function and not word[0].isdigit()
    }


@cache
def listed_words(name: str) -> frozenset[str]:
    """A list of `instruction.yaml`."""
    told = yaml.safe_load((files(__package__) / "instruction.yaml").read_text(encoding="utf-8"))
    return frozenset(told[name].split())


def longest_run(text: str, source: str) -> float:
    """Share of the words of a text in the longest run of words that it has in common with a source."""
    words, other = normalised_words(text), normalised_words(source)
    if not words:
        return 0.0
    longest, ends = 0, [0] * (len(other) + 1)
    for word in words:
        before = 0
        for place, theirs in enumerate(other, 1):
            here = before + 1 if theirs == word else 0
            before, ends[place] = ends[place], here
            longest = max(longest, here)
    return longest / len(words)


def _numbers(text: str) -> set[str]:
    plain = _LIST_MARK.sub("", text)
    return {number.replace(",", "").rstrip(".") for number in _NUMBER.findall(plain)}


def _ungrounded(what: str, found: list[str]) -> Rejection:
    shown = ", ".join(dict.fromkeys(found[:_SHOWN]))
    return Rejection("ungrounded", f"{what} that the document does not hold: {excerpt(shown)}")
