"""Ranks of models from all pairwise tests: a rank is an interval, and what is not shown is a tie."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from scipy.special import ndtr

from harness.compare.change import LEVEL
from harness.compare.holm import holm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.compare.mean import Mean

Pair = tuple[str, str]


def ranks(models: Sequence[str], tests: Mapping[Pair, tuple[float, float]]) -> dict[str, tuple[int, int]]:
    """Best and worst rank of each model.

    Best is 1 and the number of models that are significantly better; worst is the number of models less
    those that are significantly worse. Both hold at once with the chance of the level, because the tests of
    all pairs are corrected together (Holm).

    Args:
        models: their names.
        tests: of each pair, the difference (second less first) and its two-sided p-value.
    """
    pairs = list(tests)
    corrected = holm([tests[pair][1] for pair in pairs])
    above = dict.fromkeys(models, 0)
    below = dict.fromkeys(models, 0)
    for (first, second), p in zip(pairs, corrected, strict=True):
        difference = tests[first, second][0]
        if p > 1 - LEVEL or not difference:
            continue
        better, worse = (second, first) if difference > 0 else (first, second)
        above[worse] += 1
        below[better] += 1
    return {name: (1 + above[name], len(models) - below[name]) for name in models}


def p_of_mean(mean: Mean) -> float:
    """Two-sided p-value of no difference between two means: that of their interval, as of a normal one."""
    if mean.interval is None:
        return 1.0
    low, high = mean.interval
    width = mean.difference - low if mean.difference > 0 else high - mean.difference
    if not width:
        return 1.0 if not mean.difference else 0.0
    z = 1.959963984540054 * abs(mean.difference) / width
    return float(2 * ndtr(-z)) if math.isfinite(z) else 0.0
