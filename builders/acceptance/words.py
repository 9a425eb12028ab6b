"""Words as the checks compare and quote them."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def normalised_words(text: str) -> list[str]:
    """Split a text into words, blind to case, punctuation and the kind of apostrophe.

    ``"Long-term. Don't!"`` gives ``["long", "term", "don't"]``.
    """
    return _WORD.findall(text.casefold().replace("\u2019", "'"))


def excerpt(text: str, limit: int = 80) -> str:
    """Quote a text on one line, cut at ``limit`` characters."""
    line = " ".join(text.split())
    return f'"{line}"' if len(line) <= limit else f'"{line[: limit - 3].rstrip()}..."'
