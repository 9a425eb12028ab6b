"""No loops, and prose rather than an outline.

The rules follow Gopher's repetition filters (Rae et al. 2021, arXiv 2112.11446, Table A1):
the share of a document that repeated sentences, repeated n-grams and its most frequent
n-grams cover. Gopher cleans long web pages. In an abstract of 60 words one term named three
times covers as much as a loop does in a page, so here an n-gram also has to come back often
before its coverage counts; thresholds are calibrated on real text (docs/acceptance.md).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from builders.acceptance.base import Rejection
from builders.acceptance.words import excerpt, normalised_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builders.acceptance.base import Candidate

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\s*\n\s*")
_BULLET = re.compile(r"\s*(?:[-*\u2022\u2013]|\d{1,2}[.)])\s")
_HEADING = re.compile(r"\s*(?:#{1,6}\s|\*\*[^*]+\*\*:?\s*$)")
_MIN_WORDS = 20
_TAIL_WORDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Degenerate:
    """Wants text that moves on. All shares are in [0, 1].

    Attributes:
        repeated_sentences: largest share of the characters in sentences (or lines) that
            stood there before.
        sentence_run: a sentence of three words or more this often in a row is a loop.
        repeated_4grams: largest share of 4-grams that stood there before.
        tail_repeated_4grams: the same within the last 60 words, where a model that has run dry
            starts to loop.
        top_ngrams: largest share of the words that one n-gram covers, by n (Gopher's shares
            for n of 2, 3 and 4).
        ngram_count: an n-gram's coverage counts from so many occurrences on.
        wordless: largest share of words without a letter in them.
        listed: largest share of the words in list items and headings.
        empty_headings: this many headings with nothing below them are an outline.
    """

    name: ClassVar[str] = "degenerate"

    repeated_sentences: float = 0.2
    sentence_run: int = 3
    repeated_4grams: float = 0.3
    tail_repeated_4grams: float = 0.5
    top_ngrams: tuple[tuple[int, float], ...] = ((1, 0.30), (2, 0.20), (3, 0.18), (4, 0.16))
    ngram_count: int = 5
    wordless: float = 0.5
    listed: float = 0.8
    empty_headings: int = 3

    def __call__(self, candidate: Candidate) -> Rejection | None:
        """Reject as ``degenerate``, naming the first rule that is broken."""
        for complaint in self._complaints(candidate.text):
            return Rejection("degenerate", complaint)
        return None

    def _complaints(self, text: str) -> Iterator[str]:
        yield from self._repeated_sentences(text)
        words = normalised_words(text)
        if len(words) >= _MIN_WORDS:
            yield from self._repeated_words(words)
        yield from self._outline(text.splitlines())

    def _repeated_sentences(self, text: str) -> Iterator[str]:
        sentences = [sentence for sentence in _SENTENCE_END.split(text) if sentence]
        seen: set[str] = set()
        repeated, run, previous = 0, 0, ""
        for sentence in sentences:
            run = run + 1 if sentence == previous else 1
            if run >= self.sentence_run and sentence.count(" ") >= 2:
                yield f"the same sentence {run} times in a row: {excerpt(sentence)}"
            if sentence in seen:
                repeated += len(sentence)
            seen.add(sentence)
            previous = sentence
        share = repeated / max(1, sum(map(len, sentences)))
        if share > self.repeated_sentences:
            yield f"{share:.0%} of the text is sentences that stood there before"

    def _repeated_words(self, words: list[str]) -> Iterator[str]:
        total = len(words)
        wordless = sum(word.isdigit() for word in words) / total
        if wordless > self.wordless:
            yield f"{wordless:.0%} of the words are bare numbers"
        for n, limit in self.top_ngrams:
            counts = Counter(_grams(words, n))
            gram, count = counts.most_common(1)[0]
            if count >= self.ngram_count and count * n / total > limit:
                yield f"{excerpt(' '.join(gram))} makes up {count * n / total:.0%} of the words"
        for part, limit in ((words, self.repeated_4grams), (words[-_TAIL_WORDS:], self.tail_repeated_4grams)):
            share = 1 - len(set(_grams(part, 4))) / (len(part) - 3)
            if share > limit:
                yield f"{share:.0%} of the four-word phrases of the last {len(part)} words stood there before"

    def _outline(self, lines: list[str]) -> Iterator[str]:
        filled = [line for line in lines if line.strip()]
        headings = [bool(_HEADING.match(line)) for line in filled]
        empty = sum(here and below for here, below in pairwise([*headings, True]))
        if empty >= self.empty_headings:
            yield f"{empty} headings have nothing below them"
        listed = [line for line in filled if _BULLET.match(line) or _HEADING.match(line)]
        share = _word_count(listed) / max(1, _word_count(filled))
        if len(listed) > 3 and share > self.listed:
            yield f"{share:.0%} of the words stand in list items and headings"


def _grams(words: list[str], n: int) -> Iterator[tuple[str, ...]]:
    return zip(*(words[offset:] for offset in range(n)), strict=False)


def _word_count(lines: list[str]) -> int:
    return sum(len(line.split()) for line in lines)
