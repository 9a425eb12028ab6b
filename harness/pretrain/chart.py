"""The chart of a run, as SVG: the loss, and what the monitor saw of each slice, over the tokens."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from builders.svg import ACCENT, FAINT, GREY, INK, document, dot, line, round_numbers, short, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.pretrain.curves import StepLine, WatchLine

WIDTH, PANEL, LEFT, RIGHT, HEAD, GAP, FOOT = 760, 200, 62, 220, 44, 50, 44
LOSS = "#8fa3b5"
COLOURS = (ACCENT, "#1b7f5c", "#5b4b9a", "#b08900", INK, "#a23b72")
SMOOTHED = 50
"""Points of the loss that are drawn, each a mean."""


def chart(
    steps: Sequence[StepLine], watches: Sequence[WatchLine], roles: Mapping[str, str], *, title: str
) -> str:
    """The whole figure.

    Args:
        steps: of the run.
        watches: the monitor's measurements; may be none.
        roles: what each slice is, by its name.
        title: a line above, such as the model's name and what stood in.
    """
    height = HEAD + PANEL + (GAP + PANEL if watches else 0) + FOOT
    tokens = {0: 0} | {step.step: step.tokens for step in steps}
    end = max(tokens.values())
    parts = [text(LEFT, 18, title, weight="bold"), *_loss(steps, end)]
    if watches:
        parts += _watched(watches, roles, tokens, end)
    return document(WIDTH, height, parts)


def _loss(steps: Sequence[StepLine], end: int) -> Iterator[str]:
    size = math.ceil(len(steps) / SMOOTHED)
    points = [
        (part[-1].tokens, sum(line.loss for line in part) / len(part))
        for part in (steps[begin : begin + size] for begin in range(0, len(steps), size))
    ]
    frame = _Frame(HEAD, end, [value for _, value in points])
    yield text(LEFT, HEAD - 8, "training loss, nats per token")
    yield from frame.axes(lambda value: f"{value:.3g}")
    yield frame.curve(points, LOSS)


def _watched(
    watches: Sequence[WatchLine], roles: Mapping[str, str], tokens: Mapping[int, int], end: int
) -> Iterator[str]:
    before = watches[0].bits_per_byte
    changes = {
        name: [(tokens[line.step], 100 * (line.bits_per_byte[name] / value - 1)) for line in watches]
        for name, value in before.items()
    }
    top = HEAD + PANEL + GAP
    frame = _Frame(top, end, [0.0, *(value for points in changes.values() for _, value in points)])
    yield text(LEFT, top - 8, "held-out bits per byte, change since before training (lower is better)")
    yield from frame.axes(lambda value: f"{value:+.3g} %" if value else "0")
    for number, (name, points) in enumerate(changes.items()):
        colour = COLOURS[number % len(COLOURS)]
        yield frame.curve(points, colour)
        yield from (dot(frame.across(x), frame.down(y), f"{y:+.2f} %", fill=colour) for x, y in points)
        last = watches[-1].bits_per_byte[name]
        height = top + 12 + 30 * number
        yield text(WIDTH - RIGHT + 12, height, f"{short(name)} ({roles[name]})", fill=colour)
        yield text(
            WIDTH - RIGHT + 12,
            height + 13,
            f"{before[name]:.4f} to {last:.4f}, {points[-1][1]:+.2f} %",
            fill=colour,
        )


class _Frame:
    """A panel with its scales: tokens across, values upwards."""

    def __init__(self, top: float, end: int, values: Sequence[float]) -> None:
        low, high = min(values), max(values)
        room = (high - low) * 0.08 or max(abs(high), 1e-9) * 0.1
        self._top, self._end = top, max(end, 1)
        self._low, self._high = low - room, high + room

    def across(self, tokens: float) -> float:
        return LEFT + tokens / self._end * (WIDTH - LEFT - RIGHT)

    def down(self, value: float) -> float:
        return self._top + (self._high - value) / (self._high - self._low) * PANEL

    def axes(self, written: Callable[[float], str]) -> Iterator[str]:
        bottom, right = self._top + PANEL, WIDTH - RIGHT
        for value in round_numbers(self._low, self._high, about=6):
            y = self.down(value)
            yield line(LEFT, y, right, y, FAINT)
            yield text(LEFT - 6, y + 4, written(value), anchor="end", fill=GREY)
        for tokens in round_numbers(0, self._end):
            x = self.across(tokens)
            yield text(x, bottom + 15, f"{tokens:,.0f}", anchor="middle", fill=GREY)
        yield text((LEFT + right) / 2, bottom + 30, "tokens", anchor="middle", fill=GREY)

    def curve(self, points: Sequence[tuple[float, float]], colour: str) -> str:
        path = " ".join(f"{self.across(x):.1f},{self.down(y):.1f}" for x, y in points)
        return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>'
