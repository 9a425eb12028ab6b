"""Drawings of the page: tracks that stretch with their row, and line charts.

Colours are classes of `page.css`, so that they follow light and dark. A track has no text in it: what it
shows stands beside it, in letters of the page's own size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from builders.svg import round_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TRACK, MIDDLE, HIGH = 1000.0, 8.0, 16.0
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 360.0, 200.0, 50.0, 24.0, 12.0, 40.0
SERIES = 5
"""Colours of what is compared; more of it begin anew. One more, `REFERENCE`, is real text's."""

REFERENCE = f"s{SERIES}"


def colour(place: int) -> str:
    """The class of the colour of a series, by its place."""
    return f"s{place % SERIES}"


@dataclass(frozen=True, slots=True)
class Scale:
    """Ends of an axis, never the same."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float], *, floor: float | None = None) -> Scale:
        """Holds all values, with some room."""
        low, high = min(values, default=0.0), max(values, default=1.0)
        room = (high - low) * 0.07 or abs(high) * 0.1 or 1.0
        low -= room
        return cls(low if floor is None else max(low, floor), high + room)

    @classmethod
    def around_zero(cls, values: Sequence[float], *, least: float) -> Scale:
        """As far to the left as to the right."""
        reach = 1.06 * max([least, *(abs(value) for value in values)])
        return cls(-reach, reach)

    def across(self, value: float) -> float:
        """Where a value lies on a track."""
        return (value - self.low) / (self.high - self.low) * TRACK

    def ticks(self) -> list[float]:
        """Round numbers between the ends."""
        return round_numbers(self.low, self.high)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart: points from left to right, and the class of its colour."""

    name: str
    kind: str
    points: Sequence[tuple[float, float]]


def bar(share: float, *, kind: str) -> Markup:
    """A share of a track, in [0, 1]."""
    width = max(share * TRACK, 0.0)
    return _track(
        f'<rect class="rail" width="{TRACK:g}" height="{HIGH:g}"/>'
        f'<rect class="{kind}" width="{width:.1f}" height="{HIGH:g}"/>'
    )


def interval(
    scale: Scale,
    value: float | None,
    ends: tuple[float, float] | None,
    *,
    kind: str,
    band: tuple[float, float] | None = None,
    mark: float | None = None,
) -> Markup:
    """A value as a dot on a line for its interval.

    Args:
        scale: of the track.
        value: None draws none.
        ends: of the interval.
        kind: class of the drawing.
        band: shaded, behind.
        mark: a dashed line across.
    """
    parts = []
    if band:
        begins, width = scale.across(band[0]), scale.across(band[1]) - scale.across(band[0])
        parts.append(f'<rect class="band" x="{begins:.1f}" width="{width:.1f}" height="{HIGH:g}"/>')
    parts.append(f'<line class="rail" x1="0" y1="{MIDDLE:g}" x2="{TRACK:g}" y2="{MIDDLE:g}"/>')
    if mark is not None:
        x = scale.across(mark)
        parts.append(f'<line class="mark" x1="{x:.1f}" y1="0" x2="{x:.1f}" y2="{HIGH:g}"/>')
    if ends:
        begins, stops = scale.across(ends[0]), scale.across(ends[1])
        drawn = f'x1="{begins:.1f}" y1="{MIDDLE:g}" x2="{stops:.1f}" y2="{MIDDLE:g}"'
        parts.append(f'<line class="reach {kind}" {drawn}/>')
    if value is not None:
        x = scale.across(value)
        drawn = f'x1="{x:.1f}" y1="{MIDDLE:g}" x2="{x:.1f}" y2="{MIDDLE:g}"'
        parts.append(f'<line class="point {kind}" {drawn}/>')
    return _track("".join(parts))


def line_chart(
    lines: Sequence[Line],
    *,
    across: str,
    label: str,
    tick: Callable[[float], str],
    zero: bool = False,
    dots: bool = True,
) -> Markup:
    """Lines over a common horizontal axis that begins at 0 or at their first point.

    Args:
        lines: none of them empty.
        across: what the horizontal axis counts.
        label: what is drawn, for who cannot see it.
        tick: writes the numbers of the vertical axis.
        zero: the vertical axis shows 0, as a line.
        dots: mark each point.
    """
    xs = [x for line in lines for x, _ in line.points]
    wide = Scale(min(0.0, *xs), max(*xs, 1e-9))
    ys = [y for line in lines for _, y in line.points] + ([0.0] if zero else [])
    high = Scale.of(ys, floor=0.0 if min(ys) >= 0 and not zero else None)

    def right(x: float) -> float:
        return LEFT + wide.across(x) / TRACK * (WIDTH - LEFT - RIGHT)

    def down(y: float) -> float:
        return TOP + (1 - high.across(y) / TRACK) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg class="lines" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{escape(label)}">'
    ]
    for value in high.ticks():
        y = down(value)
        kind = "zero" if zero and value == 0 else "grid"
        parts.append(f'<line class="{kind}" x1="{LEFT:g}" y1="{y:.1f}" x2="{WIDTH - RIGHT:g}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6:g}" y="{y + 4:.1f}" text-anchor="end">{escape(tick(value))}</text>')
    for value in wide.ticks():
        words = f"{value:,.0f}" if value < 1e6 else f"{value / 1e6:,g} M"
        parts.append(
            f'<text x="{right(value):.1f}" y="{HEIGHT - BOTTOM + 17:g}" text-anchor="middle">{words}</text>'
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle:g}" y="{HEIGHT - 6:g}" text-anchor="middle">{escape(across)}</text>')
    for line in lines:
        points = [(right(x), down(y)) for x, y in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline class="line {line.kind}" points="{path}"/>')
        if dots:
            parts += [f'<circle class="dot {line.kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in points]
    return Markup("".join([*parts, "</svg>"]))  # noqa: S704  # all words in it are escaped above


def _track(inner: str) -> Markup:
    return Markup(  # noqa: S704  # numbers and class names alone
        f'<svg class="track" viewBox="0 0 {TRACK:g} {HIGH:g}" preserveAspectRatio="none" aria-hidden="true">'
        f"{inner}</svg>"
    )
