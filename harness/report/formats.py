"""How a figure is written: a function of the values behind it, by the name that the page gives it.

The page says of each figure where its values lie and how they are written, so whoever has the files can
write it again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from builders.dataset.places import without_places
from builders.dataset.untrusted import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NONE = "none"
SMALLEST_P = 0.001


def written(name: str, values: Sequence[Any]) -> str:
    """Values in a format.

    Raises:
        KeyError: there is no such format.
    """
    return FORMATS[name](*values)


def _number(value: float | None) -> str:
    if value is None:
        return NONE
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.3g}"


def _plain(value: Any) -> str:
    """A setting; of a folder of a machine only its name."""
    value = without_places(value)
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _share(part: float, *wholes: float) -> str:
    whole = sum(wholes)
    return f"{100 * part / whole:.1f} %" if whole else NONE


FORMATS: dict[str, Callable[..., str]] = {
    "plain": _plain,
    "integer": "{:,}".format,
    "number": _number,
    "interval": lambda low, high: f"[{_number(low)}, {_number(high)}]",
    "fixed4": "{:.4f}".format,
    "share": _share,
    "share-of-one": lambda share: f"{100 * share:.1f} %",
    "overlap": lambda share: f"{100 * share:.3f} %",
    "relative": lambda before, after: f"{100 * (after / before - 1):+.2f} %" if before else NONE,
    "percent": lambda score: f"{100 * score:.2f}",
    "points": lambda change: f"{100 * change:+.2f}",
    "points-interval": lambda low, high: f"[{100 * low:+.2f}, {100 * high:+.2f}]",
    "relative-change": lambda change: NONE if change is None else f"{100 * change:+.1f} %",
    "p": lambda p: f"< {SMALLEST_P}" if p < SMALLEST_P else f"{p:.3f}",
    "minutes": lambda seconds: f"{seconds / 60:,.1f} min",
    "count": lambda items: f"{len(items):,}",
}
"""`share`: the first value over the sum of the others. `relative`: the second over the first, less 1."""
