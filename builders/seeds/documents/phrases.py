"""Key phrases of a document, by RAKE (Rose et al. 2010, "Automatic keyword extraction").

What they are for: a trajectory needs terms before an expert has read its seed, and a model too small to
extract keywords picks from them.
"""

from __future__ import annotations

import re
from collections import Counter

from builders.seeds.documents.vocabulary import stop_words

MAX_PHRASE_WORDS = 3
_PIECE = re.compile(r"[^.,;:!?()\[\]\"\n\u201c\u201d]+")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9'-]*")


def key_phrases(text: str, *, count: int) -> tuple[str, ...]:
    """The phrases of a text that score highest, as they are written where they occur first.

    A phrase is a run of words without stop words and punctuation, of at most `MAX_PHRASE_WORDS` words. A
    word scores its degree over its frequency, a phrase the sum of its words times how often it occurs.
    """
    written: dict[str, str] = {}
    occurs: Counter[str] = Counter()
    frequency: Counter[str] = Counter()
    degree: Counter[str] = Counter()
    for phrase in _candidates(text):
        words = phrase.lower().split()
        written.setdefault(phrase.lower(), phrase)
        occurs[phrase.lower()] += 1
        for word in words:
            frequency[word] += 1
            degree[word] += len(words)

    def score(phrase: str) -> float:
        return occurs[phrase] * sum(degree[word] / frequency[word] for word in phrase.split())

    ranked = sorted(occurs, key=lambda phrase: (-score(phrase), phrase))
    return tuple(written[phrase] for phrase in ranked[:count])


def _candidates(text: str) -> list[str]:
    found: list[str] = []
    for piece in _PIECE.findall(text):
        run: list[str] = []
        for word in piece.split():
            plain = match[0] if (match := _WORD.fullmatch(word.strip("'-"))) else ""
            if len(plain) > 2 and plain.lower() not in stop_words():
                run.append(plain)
                continue
            found.append(" ".join(run))
            run = []
        found.append(" ".join(run))
    return [phrase for phrase in found if phrase and len(phrase.split()) <= MAX_PHRASE_WORDS]
