"""Figures as SVG without a plotting library: matplotlib would be the largest package of the base install."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

from builders.dataset.untrusted import one_line
from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

INK, FAINT, GREY = "#1b3a57", "#c8ced4", "#555"
ACCENT, BAND = "#b3541e", "#f3ddcf"
LONGEST_NAME = 28


def document(width: float, height: float, parts: Iterable[str]) -> str:
    """A whole figure on white."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11" fill="{INK}">',
            f'<rect width="{width}" height="{height}" fill="white"/>',
            *parts,
            "</svg>\n",
        ]
    )


def text(
    x: float, y: float, words: str, *, fill: str = INK, weight: str = "normal", anchor: str = "start"
) -> str:
    """Words whose baseline begins, ends or is centred at a point, by `anchor`."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" font-weight="{weight}" text-anchor="{anchor}">'
        f"{html.escape(words)}</text>"
    )


def line(
    x: float, y: float, to_x: float, to_y: float, ink: str, *, width: float = 1, dashes: bool = False
) -> str:
    """A straight line."""
    dashed = ' stroke-dasharray="4 3"' if dashes else ""
    return (
        f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="{ink}" '
        f'stroke-width="{width}"{dashed}/>'
    )


def rectangle(x: float, y: float, width: float, height: float, fill: str) -> str:
    """A filled rectangle."""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"/>'


def dot(x: float, y: float, title: str, *, fill: str = INK) -> str:
    """A point that tells its value under the pointer."""
    shown = f"<title>{html.escape(title)}</title>"
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{fill}">{shown}</circle>'


def round_numbers(low: float, high: float, *, about: int = 4) -> list[float]:
    """Marks of an axis from low to high: about so many multiples of 1, 2 or 5 times a power of 10."""
    rough = (high - low) / about
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * steps for steps in (1, 2, 5, 10) if unit * steps >= rough)
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def short(name: str) -> str:
    """A name, cut where it is too long for a figure."""
    name = one_line(name)
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 3] + "..."


def check_plot(path: Path) -> None:
    """See that a figure can be written, before anything is computed.

    Raises:
        UserError: with the remedy.
    """
    if path.suffix.lower() != ".svg":
        raise UserError(f"--plot {path}: the figure is SVG, so let the name end in .svg")
    if not path.parent.is_dir():
        raise UserError(f"--plot {path}: there is no folder {path.parent}; make it first")


def write_plot(path: Path, figure: str) -> None:
    """Write a figure whole or not at all.

    Raises:
        UserError: it cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(figure, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UserError(f"--plot {path}: cannot write it ({error.strerror}); name another file") from None
