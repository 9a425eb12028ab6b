"""Reading what experts answer: lists of terms, and verdicts, as JSON or as free text."""

from __future__ import annotations

import json
import re
from typing import Any

MAX_TERM_WORDS = 6
_BULLET = re.compile(r"^\s*(?:[-*\u2022]|\d+[.)])\s*")


def read_terms(output: str, *, limit: int) -> list[str]:
    """The terms of a list, in order, without repetition, at most `limit`.

    Reads `{"terms": [...]}`, comma-separated words, or one term a line with or without bullets.
    """
    parsed = _json(output)
    if isinstance(parsed, dict) and isinstance(parsed.get("terms"), list):
        raw = [str(term) for term in parsed["terms"]]
    else:
        raw = [part for line in output.splitlines() for part in _BULLET.sub("", line).split(",")]
    terms: dict[str, str] = {}
    for entry in raw:
        term = " ".join(entry.strip(" \t.;:\"'`*[]{}()").split())
        if term and len(term.split()) <= MAX_TERM_WORDS and any(char.isalpha() for char in term):
            terms.setdefault(term.casefold(), term)
    return list(terms.values())[:limit]


def read_verdict(output: str) -> tuple[bool, str]:
    """Whether the analyst finds the document too similar, and the suggestion.

    A verdict that cannot be read counts as "distinct": the harness' own check on duplicates
    still stands behind it.
    """
    parsed = _json(output)
    if isinstance(parsed, dict) and isinstance(parsed.get("verdict"), str):
        return "SIMILAR" in parsed["verdict"].upper(), str(parsed.get("suggestion", "")).strip()
    similar = re.search(r"verdict\W+(too\s+)?similar", output, re.IGNORECASE) is not None
    rest = re.sub(r"^.*verdict.*$", "", output, count=1, flags=re.IGNORECASE | re.MULTILINE)
    return similar, " ".join(rest.split())


def read_line(output: str, *, max_words: int) -> str:
    """One line of text, cut to a number of words."""
    return " ".join(output.split()[:max_words]).strip("\"'` ")


def _json(output: str) -> Any:
    try:
        return json.loads(output)
    except ValueError:
        return None
