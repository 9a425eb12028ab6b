"""Generated and user-given text, made harmless for a terminal and for a Markdown page.

A model can write anything, escape sequences and markup included; what it wrote must neither
steer the reader's terminal nor break out of the table cell that it stands in.
"""

from __future__ import annotations

import re
import unicodedata

_STRING_SEQUENCE = re.compile(r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f]).*?(?:\x07|\x1b\\|\x9c)", re.DOTALL)
_CONTROL_SEQUENCE = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]")
_REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")  # within a word it is no emphasis
_MARKDOWN = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;"} | {character: f"\\{character}" for character in "\\`*{}[]#|~$!"}
)


def printable(text: str) -> str:
    """The text without terminal sequences, control characters and reordering of letters.

    Newlines and tabs stay, and so does everything that joins letters and emoji.
    """
    text = _STRING_SEQUENCE.sub("", text.replace("\r\n", "\n"))
    return "".join(filter(_harmless, _CONTROL_SEQUENCE.sub("", text)))


def one_line(text: str) -> str:
    """The printable text with every run of whitespace made one space."""
    return " ".join(printable(text).split())


def markdown(value: object) -> str:
    """A value as literal text within a line or a table cell of Markdown."""
    return _UNDERSCORE.sub(r"\\_", one_line(str(value)).translate(_MARKDOWN))


def _harmless(character: str) -> bool:
    return character in "\n\t" or (unicodedata.category(character) != "Cc" and character not in _REORDERING)
