"""Reading what experts answer: lists of terms, and verdicts, as JSON or as free text."""

from __future__ import annotations

import json
import re
from typing import Any

MAX_TERM_WORDS = 6
_BULLET = re.compile(r"^\s*(?:[-*\u2022]|\d+[.)]\s)\s*")
_LABEL = re.compile(r"^[^:,]{0,40}\b(?:keywords?|terms?)\W*:", re.IGNORECASE)
_SIMILAR = re.compile(r"\W*(?:too\s+)?similar\b", re.IGNORECASE)
_VERDICT = re.compile(r"\bverdict\W+((?:too\s+)?similar\b|distinct\b)?[\W_]*", re.IGNORECASE)


def read_terms(output: str, *, limit: int) -> list[str]:
    """The terms of a list, in order, without repetition, at most `limit`.

    Reads `{"terms": [...]}`, comma-separated words, or one term a line with or without bullets.
    """
    parsed = read_json(output)
    if isinstance(parsed, dict) and isinstance(parsed.get("terms"), list):
        raw = [str(term) for term in parsed["terms"]]
    else:
        lines = (_LABEL.sub("", _BULLET.sub("", line)) for line in output.splitlines())
        raw = [part.strip(" \t.;:\"'`*[]{}") for line in lines for part in line.split(",")]
    terms: dict[str, str] = {}
    for entry in raw:
        term = " ".join(entry.split())
        if term and len(term.split()) <= MAX_TERM_WORDS and any(char.isalpha() for char in term):
            terms.setdefault(term.casefold(), term)
    return list(terms.values())[:limit]


def read_verdict(output: str) -> tuple[bool, str]:
    """Whether the analyst finds the document too similar, and the suggestion.

    A verdict that cannot be read counts as "distinct": the harness' own check on duplicates
    still stands behind it.
    """
    parsed = read_json(output)
    if isinstance(parsed, dict) and isinstance(parsed.get("verdict"), str):
        similar = _SIMILAR.match(parsed["verdict"]) is not None
        return similar, " ".join(str(parsed.get("suggestion", "")).split())
    verdict = _VERDICT.search(output)
    similar = verdict is not None and _SIMILAR.match(verdict[1] or "") is not None
    return similar, " ".join(_VERDICT.sub(" ", output, count=1).strip("*#_ ").split())


def read_line(output: str, *, max_words: int) -> str:
    """One line of text, cut to a number of words."""
    return " ".join(output.split()[:max_words]).strip("\"'` ")


def read_json(output: str) -> Any:
    """The JSON value that a text is, or None; None too for one that could not be sent on.

    Nesting that exhausts the parser and strings that UTF-8 cannot hold (half of a surrogate
    pair) count as unreadable.
    """
    try:
        value = json.loads(output)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return value
