"""Simulated prose: documents of plain English that differ from each other and pass acceptance.

A document is a handful of sentences, each a form (of two dozen) whose places are filled from word
lists; among millions of documents two hardly ever share more than a few runs of five words. It
means nothing.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.resources import files
from random import Random
from typing import Any

import yaml

SHORTEST_WORDS, LONGEST_WORDS = 75, 190
LONGEST_SENTENCE_WORDS = 30
TOPICS_PER_DOCUMENT = 4
"""Fewer than the five repetitions from which acceptance looks at how much one phrase covers."""

CHANGED_WORDS = 2
_PARAGRAPH = 4


class Prose:
    """Fills forms from the vocabulary; a function of its seed.

    Args:
        seed: of all that it writes.
        topics: terms that `{topic}` stands for.
    """

    def __init__(self, seed: int | str, topics: tuple[str, ...] = ()) -> None:
        self.uniform = Random(seed).random
        self._topics = topics

    def pick(self, words: list[str]) -> str:
        """One of some words."""
        return words[int(self.uniform() * len(words))]

    def some(self, words: list[str], count: int) -> list[str]:
        """Different ones of some words, as many as there are at most."""
        left = list(words)
        return [left.pop(int(self.uniform() * len(left))) for _ in range(min(count, len(left)))]

    def write(self, kind: str) -> str:
        """A text of one kind: `forms`, `instructions`, `summaries` or `phrases`."""
        return self._fill(self.pick_form(kind))

    def pick_form(self, kind: str, *, topical: bool | None = None) -> tuple[str, ...]:
        """A form of a kind, as pieces that alternate between words and the names of lists.

        With `topical` it is one that holds a topic, or does not.
        """
        forms = _forms(kind, topical=topical)
        return forms[int(self.uniform() * len(forms))]

    def sentences(self, words: int) -> list[str]:
        """Sentences of so many words together, or a few more; the first is on a topic."""
        written: list[str] = []
        left, topical = words, TOPICS_PER_DOCUMENT
        while left > 0:
            form = self.pick_form("forms", topical=None if written and topical else topical > 0)
            topical -= "topic" in form
            sentence = self._fill(form)
            written.append(sentence[0].upper() + sentence[1:])
            left -= sentence.count(" ") + 1
        return written

    def _fill(self, form: tuple[str, ...]) -> str:
        pieces = list(form)
        for place in range(1, len(pieces), 2):
            pieces[place] = self._word(pieces[place])
        return "".join(pieces)

    def _word(self, name: str) -> str:
        match name:
            case "topic":
                return self.pick(list(self._topics)) if self._topics else "the " + self._word("noun")
            case "number":
                return str(11 + int(self.uniform() * 86))
            case "digit":
                return self.pick(["two", "three", "four", "five", "six", "seven", "eight", "nine"])
            case "year":
                return str(1950 + int(self.uniform() * 75))
        return self.pick(vocabulary()[f"{name}s"])


def document(prose: Prose, *, most_words: int) -> str:
    """A document of about 75 to 190 words, and of `most_words` at most, in paragraphs."""
    return paragraphs(prose.sentences(document_words(prose, most_words=most_words)))


def document_words(prose: Prose, *, most_words: int) -> int:
    """How long a document becomes."""
    longest = max(1, min(LONGEST_WORDS, most_words - LONGEST_SENTENCE_WORDS))
    shortest = min(SHORTEST_WORDS, longest)
    return shortest + int(prose.uniform() * (longest - shortest))


def too_short(prose: Prose) -> str:
    """One or two sentences, under 40 words."""
    return " ".join(prose.sentences(9))


def near_duplicate(prose: Prose, *, pool: int) -> str:
    """One document of a pool of so many, one or two of whose words are others."""
    words = _pooled(int(prose.uniform() * pool)).split(" ")
    bare = [place for place, word in enumerate(words) if word.isalpha()]
    for _ in range(1 + int(prose.uniform() * CHANGED_WORDS)):
        words[bare[int(prose.uniform() * len(bare))]] = prose.pick(vocabulary()["adjectives"])
    return " ".join(words)


@lru_cache(maxsize=4096)
def _pooled(number: int) -> str:
    """The longest kind of document, so that a changed word weighs little."""
    return paragraphs(Prose(f"pool {number}").sentences(LONGEST_WORDS))


def paragraphs(sentences: list[str]) -> str:
    """Sentences, a few to a paragraph."""
    starts = range(0, len(sentences), _PARAGRAPH)
    return "\n\n".join(" ".join(sentences[at : at + _PARAGRAPH]) for at in starts)


@cache
def vocabulary() -> dict[str, list[str]]:
    """The word lists and forms."""
    text = files("builders.testing").joinpath("vocabulary.yaml").read_text("utf-8")
    lists: dict[str, Any] = yaml.safe_load(text)
    return {name: [str(entry) for entry in entries] for name, entries in lists.items()}


@cache
def _forms(kind: str, *, topical: bool | None) -> list[tuple[str, ...]]:
    forms = [tuple(re.split(r"\{(\w+)\}", form)) for form in vocabulary()[kind]]
    return [form for form in forms if topical in (None, "topic" in form)]
