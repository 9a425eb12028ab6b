"""The figure of a report, as SVG: corpora as rows, metrics as columns, intervals drawn.

Each column has a scale of its own; the reference is a line through it, with its interval as a band.
Drawn without a plotting library: matplotlib would be the largest package of the base install.
"""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

from builders.dataset.untrusted import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from builders.diversity.records import CorpusRecord, MeasurementRecord, Report

NAMES, COLUMN, ROW, HEAD, FOOT, MARGIN = 190, 150, 34, 64, 46, 14
"""Widths of the corpora's names and of a metric, heights of a row, of the headings and of the scales."""

INK, FAINT, REFERENCE, BAND = "#1b3a57", "#c8ced4", "#b3541e", "#f3ddcf"
LONGEST_NAME = 28
LINE = 22
"""Characters of a heading's line."""


def figure(report: Report) -> str:
    """The whole figure; its size follows from the numbers of corpora and metrics."""
    rows = [corpus for corpus in report.corpora if corpus.role == "corpus"]
    reference = next((corpus for corpus in report.corpora if corpus.role == "reference"), None)
    columns = len(report.corpora[0].measurements)
    width = NAMES + columns * COLUMN + MARGIN
    height = HEAD + len(rows) * ROW + FOOT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11" fill="{INK}">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for number, corpus in enumerate(rows):
        parts.append(_text(MARGIN, HEAD + (number + 0.62) * ROW, _short(corpus.name)))
    for column in range(columns):
        found = [corpus.measurements[column] for corpus in rows]
        parts.extend(_column(column, found, reference.measurements[column] if reference else None))
    parts.append(_text(MARGIN, height - 10, _caption(report, reference), fill="#555"))
    return "\n".join([*parts, "</svg>\n"])


def _column(
    column: int, found: Sequence[MeasurementRecord], reference: MeasurementRecord | None
) -> Iterator[str]:
    left, right = NAMES + column * COLUMN + 12, NAMES + (column + 1) * COLUMN - 12
    bottom = HEAD + len(found) * ROW
    low, high = _range([*found, *([reference] if reference else [])])

    def across(value: float) -> float:
        return left + (value - low) / (high - low) * (right - left)

    for line, words in enumerate(_lines(found[0].title)):
        yield _text(left, 16 + 13 * line, words, weight="bold")
    yield _text(left, HEAD - 8, f"{found[0].more_diverse} is more diverse", fill="#555")
    if reference and reference.value is not None:
        if reference.interval:
            start, end = across(reference.interval.low), across(reference.interval.high)
            size = f'width="{end - start:.1f}" height="{bottom - HEAD}"'
            yield f'<rect x="{start:.1f}" y="{HEAD}" {size} fill="{BAND}"/>'
        x = across(reference.value)
        yield _line(x, HEAD, x, bottom, REFERENCE, dashes=True)
    yield _line(left, bottom, right, bottom, FAINT)
    yield _text(left, bottom + 14, _number(low), fill="#555")
    yield _text(right, bottom + 14, _number(high), fill="#555", anchor="end")
    for row, measured in enumerate(found):
        y = HEAD + (row + 0.5) * ROW
        if measured.value is None:
            yield _text((left + right) / 2, y + 4, "none", fill="#555", anchor="middle")
            continue
        if measured.interval:
            yield _line(across(measured.interval.low), y, across(measured.interval.high), y, INK, width=2)
        yield (
            f'<circle cx="{across(measured.value):.1f}" cy="{y:.1f}" r="3.5">'
            f"<title>{_number(measured.value)}</title></circle>"
        )


def _range(found: Sequence[MeasurementRecord]) -> tuple[float, float]:
    """Ends of a scale that all values and intervals lie on; never empty."""
    values = [measured.value for measured in found if measured.value is not None]
    for measured in found:
        if measured.interval:
            values += [measured.interval.low, measured.interval.high]
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = (high - low) * 0.08 or max(abs(high), 1e-9) * 0.1
    return low - room, high + room


def _caption(report: Report, reference: CorpusRecord | None) -> str:
    first = report.corpora[0]
    size = f"{first.n_documents:,} documents and {first.n_words:,} words of each"
    if not report.equal_size:
        size = "UNEQUAL SIZES: not comparable"
    line = f"; dashed line: {_short(reference.name)}" if reference else ""
    return f"{size}; lines: 95 % intervals by subsampling; definition {report.definition}{line}"


def _lines(title: str) -> list[str]:
    lines = [""]
    for word in title.split():
        if lines[-1] and len(lines[-1]) + len(word) >= LINE:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines[:3]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10_000 and math.isfinite(value) else f"{value:.3g}"


def _short(name: str) -> str:
    name = one_line(name)
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 3] + "..."


def _text(
    x: float, y: float, words: str, *, fill: str = INK, weight: str = "normal", anchor: str = "start"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" font-weight="{weight}" text-anchor="{anchor}">'
        f"{html.escape(words)}</text>"
    )


def _line(
    x: float, y: float, to_x: float, to_y: float, ink: str, *, width: float = 1, dashes: bool = False
) -> str:
    dashed = ' stroke-dasharray="4 3"' if dashes else ""
    return (
        f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="{ink}" '
        f'stroke-width="{width}"{dashed}/>'
    )
