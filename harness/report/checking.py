"""Reads the figures of a page back, and compares each with what its source says today."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import yaml

from harness.report.artefacts import parted, read_data, value_at
from harness.report.formats import written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}


@dataclass(frozen=True, slots=True)
class PageFigure:
    """A figure as it stands on a page.

    Attributes:
        line: of the page, from 1.
    """

    line: int
    text: str
    source: str
    format: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that is not what its source says.

    Attributes:
        expected: as it should be written, or why that cannot be told.
    """

    figure: PageFigure
    expected: str


def figures_of(page: Path) -> list[PageFigure]:
    """Every element with a `data-source`, in order.

    Raises:
        OSError: the page cannot be read.
    """
    reader = _Reader()
    reader.feed(page.read_text("utf-8"))
    reader.close()
    return reader.found


def differences(page: Path) -> Iterator[Difference]:
    """Figures that differ from their sources, which lie where they lay when the page was made.

    Raises:
        OSError: the page cannot be read.
    """

    @cache
    def data(place: str) -> Any:
        return read_data(page.parent / place)

    @cache
    def digest(place: str) -> str:
        with (page.parent / place).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def value(source: str) -> Any:
        place, pointer = parted(source)
        return digest(place) if pointer is None else value_at(data(place), pointer)

    for figure in figures_of(page):
        try:
            expected = written(figure.format, [value(source) for source in figure.source.split()])
        except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
            yield Difference(figure, f"cannot be told: {error}")
            continue
        if expected != figure.text:
            yield Difference(figure, expected)


class _Reader(HTMLParser):
    """Collects figures; they do not lie within each other."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[PageFigure] = []
        self._attributes: dict[str, str | None] = {}
        self._line = self._depth = 0
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            return
        if self._depth:
            self._depth += 1
        elif any(name == "data-source" for name, _ in attrs):
            self._attributes, self._line, self._depth, self._text = dict(attrs), self.getpos()[0], 1, []

    def handle_data(self, data: str) -> None:
        if self._depth:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if not self._depth:
            return
        self._depth -= 1
        if not self._depth:
            source, named = self._attributes["data-source"] or "", self._attributes.get("data-format") or ""
            self.found.append(PageFigure(self._line, "".join(self._text), source, named))
