"""Tidy what a model wrote before it is judged: packaging goes, the document's words stay."""

from __future__ import annotations

import re

MIN_REMAINING_WORDS = 20

_FENCED = re.compile(r"\A```[\w-]*[ \t]*\n(.*?)\n?```\Z", re.DOTALL)
_QUOTED = re.compile(r"\A(\"\"\"|''')\s*(.*?)\s*(?:\1)?\Z", re.DOTALL)
_DANGLING_QUOTES = re.compile(r"\s*(?:\"\"\"|''')\Z")
_LONE_MARKER = re.compile(r"\n\s*(?:[-*\u2022]|\d{1,2}[.)])\s*\Z")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){3,}")
_WORD_COUNT = re.compile(
    r"\n[ \t]*[*_(\[]*(?:(?:total |approximate )?word count[*_]*[ \t]*[:=][*_ \t~]*\d[\d,]*(?:[ \t]*words)?"
    r"|\d[\d,]*[ \t]*words)[*_)\].]*\Z",
    re.IGNORECASE,
)
_ANNOUNCEMENT = re.compile(
    r"""\A[*_#"\u201c\s]*
    (?:(?:sure|certainly|of\ course|absolutely|okay|ok|great|yes|understood)(?:\ thing)?[,.!]*\s+)?
    (?:here(?:['\u2019]s|\ is|\ are)|below\ is|the\ following\ is)\ (?:the|a|an|my|your|another|one)\b
    [^\n:.!?]{0,40}?\b
    (?:document|article|report|text|essay|summary|draft|version|press\ release|passage|memo|case\ study
      |blog\ post|abstract|response|output|white\ ?paper|newsletter|piece)\b
    (?:[^\n:.!?]{0,120}:[*_"\u201d]*\s+|[^\n:.!?]{0,120}[.!]?[*_"\u201d]*\n\s*)""",
    re.IGNORECASE | re.VERBOSE,
)


def clean_document(text: str) -> str:
    """Strip a model's packaging off a document.

    Removed are surrounding white space, a code fence or triple quotes around the whole, an
    opening line that merely announces the document ("Sure! Here is the article:") where at
    least ``MIN_REMAINING_WORDS`` words follow, a closing "Word count: 213", and the marker of a
    last list item that was never written; three or more blank lines become one. Everything else
    is left for the checks to judge.

    Deterministic and idempotent: passes that only ever shorten the text repeat until
    nothing changes.
    """
    while (tidied := _one_pass(text)) != text:
        text = tidied
    return text


def _one_pass(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    text = _FENCED.sub(r"\1", text)
    text = _QUOTED.sub(r"\2", text)
    text = _DANGLING_QUOTES.sub("", text)
    text = _WORD_COUNT.sub("", text)
    text = _LONE_MARKER.sub("", text)
    text = _BLANK_LINES.sub("\n\n", text)
    return _without_announcement(text).strip()


def _without_announcement(text: str) -> str:
    if not (match := _ANNOUNCEMENT.match(text)):
        return text
    rest = text[match.end() :]
    return rest if len(rest.split()) >= MIN_REMAINING_WORDS else text
