"""What a text shares with a seed document, word for word; case and punctuation make no difference."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_SHARED = 20
"""Words in a row that may be shared with a seed, in a document and in what is published beside it."""

NGRAM = 8
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def longest_shared_run(text: str, seed: str) -> int:
    """Words of the longest run that two texts share."""
    places: dict[str, list[int]] = {}
    for place, word in enumerate(_words(seed)):
        places.setdefault(word, []).append(place)
    longest, ending = 0, dict[int, int]()
    for word in _words(text):
        ending = {place: ending.get(place - 1, 0) + 1 for place in places.get(word, ())}
        longest = max(longest, max(ending.values(), default=0))
    return longest


def containment(text: str, seed: str) -> float:
    """Share of the text's distinct 8-grams that occur in the seed, in [0, 1]."""
    own = _ngrams(_words(text), NGRAM)
    return len(own & _ngrams(_words(seed), NGRAM)) / len(own) if own else 0.0


def withhold(text: str, seed: str) -> str:
    """The text with every run of more than `MOST_SHARED` words of the seed replaced by a note.

    For what is published beside a document: prompts that its seed was shown in, and answers that repeat it.
    """
    length = MOST_SHARED + 1
    spoken = list(_spoken(text))
    words, spans = [word for word, _ in spoken], [span for _, span in spoken]
    runs = _ngrams(_words(seed), length)
    shared = [tuple(words[at : at + length]) in runs for at in range(len(words) - length + 1)]
    pieces, done, at = list[str](), 0, 0
    while at < len(shared):
        if not shared[at]:
            at += 1
            continue
        first = at
        while at < len(shared) and shared[at]:
            at += 1
        last = at + length - 2
        if first and spans[first][0] < done:  # the run before it ends within this one
            first = next(place for place in range(first, last + 1) if spans[place][0] >= done)
        pieces += [text[done : spans[first][0]], f"[{last - first + 1} words of the seed document]"]
        done = spans[last][1]
    return "".join([*pieces, text[done:]])


def _words(text: str) -> list[str]:
    return [word for word, _ in _spoken(text)]


def _spoken(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Each word in lower case, and where it stands."""
    for match in _WORD.finditer(text.replace("\u2019", "'")):
        yield match[0].casefold(), match.span()


def _ngrams(words: list[str], length: int) -> set[tuple[str, ...]]:
    return set(zip(*(words[offset:] for offset in range(length)), strict=False))
