"""Telltale phrases, kept in YAML files beside this module and anchored to where they tell.

A file maps a position to regular expressions, one a line. They ignore case, a space stands
for any one white-space character, and ``<name>`` stands for any of the expressions under ``words: name``.

- ``opening``: the first words of the document.
- ``closing``: the start of a sentence of the last line.
- ``sentence``: the start of any sentence or line.
- ``anywhere``: anywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

_MARKUP = r"""[\s"\u201c'(*_#>~-]*"""
_START = rf"""(?:^|[.!?:]["”')*_]*\s){_MARKUP}"""
_FRAMES = {
    "opening": rf"\A{_MARKUP}(?P<words>%s)",
    "closing": rf"{_START}(?P<words>%s)[^\n]*\Z",
    "sentence": rf"{_START}(?P<words>%s)",
    "anywhere": r"(?P<words>%s)",
}
_CLOSING_CHARACTERS = 800


@dataclass(frozen=True, slots=True)
class Phrase:
    """A telltale phrase that a text holds: where (``opening``, ...) and its words."""

    position: str
    words: str


class PhraseBook:
    """The phrases of one YAML file, ready to search for.

    Args:
        name: file stem, such as ``chatter``.

    Raises:
        KeyError: the file names a position that does not exist.
        re.error: one of its expressions is malformed.
    """

    def __init__(self, name: str) -> None:
        book = yaml.safe_load((files(__package__) / f"{name}.yaml").read_text(encoding="utf-8"))
        words: dict[str, str] = book.pop("words", {})
        self._patterns = {position: _compile(position, book[position], words) for position in book}

    def find(self, text: str) -> Phrase | None:
        """Return the first phrase found, positions in the order of the file; else None."""
        text = text.replace("\u2019", "'")
        for position, pattern in self._patterns.items():
            where = text.rstrip()[-_CLOSING_CHARACTERS:] if position == "closing" else text
            if match := pattern.search(where):
                return Phrase(position, match["words"])
        return None


@cache
def phrase_book(name: str) -> PhraseBook:
    """Return the phrases of a file, compiled once per process."""
    return PhraseBook(name)


def _compile(position: str, phrases: str, words: dict[str, str]) -> re.Pattern[str]:
    alternatives = "|".join(phrases.splitlines())
    for name, values in words.items():
        alternatives = alternatives.replace(f"<{name}>", f"(?:{'|'.join(values.splitlines())})")
    spaced = alternatives.replace(" ", r"\s")
    return re.compile(_FRAMES[position] % spaced, re.IGNORECASE | re.MULTILINE)
