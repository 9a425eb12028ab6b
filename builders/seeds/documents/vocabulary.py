"""Content words of a text, and the share of them that are words of a domain's keywords."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builders.seeds.keywords import SeedHierarchy

_WORD = re.compile(r"[a-z]{3,}")


def content_words(text: str) -> list[str]:
    """Words of three letters or more in lower case and singular, without stop words, in order."""
    return [_singular(word) for word in _WORD.findall(text.lower()) if word not in stop_words()]


def domain_vocabulary(hierarchy: SeedHierarchy) -> frozenset[str]:
    """Content words of every area, subfield and term of a hierarchy."""
    names = (name for field in hierarchy.subfields for name in (field.area, field.name, *field.terms))
    return frozenset(word for name in names for word in content_words(name))


def domain_share(text: str, vocabulary: frozenset[str]) -> float:
    """Share of the content words, each occurrence counted, that are in a vocabulary; in [0, 1]."""
    words = content_words(text)
    return sum(word in vocabulary for word in words) / len(words) if words else 0.0


@lru_cache(maxsize=1)
def stop_words() -> frozenset[str]:
    """English words that tell nothing of a topic."""
    return frozenset((files(__package__) / "stop_words.txt").read_text("utf-8").split())


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
