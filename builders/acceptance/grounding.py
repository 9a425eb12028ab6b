"""The grounding audit: which checkable facts of a document stand in the seed document that it started from.

Facts are what can be looked up word for word: numbers, names of drugs, tickers, and quotations. That one
stands in the seed does not make it true of what the document says; that it does not stand there means only
that the seed does not vouch for it. Both are lower bounds, and the selection of facts is ours.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from builders.acceptance.words import normalised_words
from builders.method import Claim

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_QUOTED_WORDS = 3
_NUMBER = re.compile(r"(?<![\w.,])[+-]?\d+(?:,\d{3})*(?:\.\d+)?(?![\w]*\d)")
_LIST_MARKER = re.compile(r"^[ \t]*(?:\(?\d{1,2}[.)]|[-*#\u2022])[ \t]+", re.MULTILINE)
_TICKER = re.compile(
    r"\$([A-Z]{1,5}(?:\.[A-Z])?)\b"
    r"|\b(?:NYSE|NASDAQ|Nasdaq|LSE|AMEX|TSX|HKEX)(?:\s*:\s*|\s+)([A-Z]{1,5}(?:\.[A-Z])?)\b"
    r"|<([A-Z]{1,5}(?:\.[A-Z]{1,2})?)>"
    r"|\bticker(?:\s+symbol)?\s+\(?([A-Z]{1,5})\b"
)
_QUOTED = re.compile('"([^"\\n]{8,400})"|\u201c([^\u201d\\n]{8,400})\u201d')
_WORD = re.compile(r"[A-Za-z][A-Za-z-]{4,}")


def audit(text: str, seed: str) -> tuple[Claim, ...]:
    """The facts of a document, each once, kind by kind; `supported` where the seed has them."""
    spoken = f" {' '.join(normalised_words(seed))} "
    known = {(kind, key) for kind, key, _ in _facts(seed)}
    claims: dict[tuple[str, str], Claim] = {}
    for kind, key, written in _facts(text):
        match kind:
            case "quotation":
                supported = f" {key} " in spoken
            case "ticker":  # the seed may have it without the mark of an exchange
                supported = re.search(rf"(?<!\w){re.escape(key)}(?!\w)", seed) is not None
            case _:
                supported = (kind, key) in known
        claims.setdefault((kind, key), Claim(kind=kind, text=written, supported=supported))
    return tuple(claims.values())


def _facts(text: str) -> Iterator[tuple[str, str, str]]:
    """Kind, what is compared, and as written."""
    for match in _NUMBER.finditer(_LIST_MARKER.sub("", text)):
        yield "number", _plain_number(match[0]), match[0]
    for match in _WORD.finditer(text):
        if is_drug(match[0]):
            yield "drug", match[0].lower().removesuffix("s"), match[0]
    for match in _TICKER.finditer(text):
        symbol = next(group for group in match.groups() if group)
        yield "ticker", symbol, symbol
    for match in _QUOTED.finditer(text):
        words = normalised_words(match[1] or match[2])
        if len(words) >= MIN_QUOTED_WORDS:
            yield "quotation", " ".join(words), (match[1] or match[2]).strip()


def _plain_number(written: str) -> str:
    """`1,200.50`, `+1200.5` and `1200.5` are the same number."""
    number = written.replace(",", "").lstrip("+-")
    number = number.rstrip("0").rstrip(".") if "." in number else number
    return number.lstrip("0") or "0"


def is_drug(word: str) -> bool:
    """Whether a word is a drug's name: listed, or with a stem of the WHO's nonproprietary names."""
    names, stems, never = _drug_words()
    plain = word.lower()
    if plain in never or plain.removesuffix("s") in never:
        return False
    return plain in names or plain.removesuffix("s") in names or stems.search(plain) is not None


@cache
def _drug_words() -> tuple[frozenset[str], re.Pattern[str], frozenset[str]]:
    lists: dict[str, list[str]] = {}
    for line in (files(__package__) / "drugs.txt").read_text("utf-8").splitlines():
        if line.startswith("#") or not line.strip():
            continue
        name, _, words = line.partition(":")
        lists.setdefault(name, []).extend(words.split())
    stems = re.compile(rf"\w{{2,}}(?:{'|'.join(lists['stems'])})s?\Z")
    return frozenset(lists["names"]), stems, frozenset(lists["never"])
