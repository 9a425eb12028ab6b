"""A model's score in a task by itself, with an interval over its independent rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.compare.change import FEWEST_CLUSTERS, LEVEL
from harness.compare.measures import Mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.compare.measures import Floats, Measure

Z = 1.959963984540054
AT_ONCE = 4_000_000
"""Counts that are drawn at a time."""


def score_of(
    values: list[Any], clusters: NDArray[np.int64], measure: Measure, *, resamples: int, seed: int
) -> tuple[float, tuple[float, float] | None]:
    """The metric and its 95 % interval; no interval with fewer than `FEWEST_CLUSTERS` clusters.

    Of an accuracy, Wilson's interval for as many independent rows as the clusters are worth; of any other
    metric, the percentiles of a bootstrap of clusters.

    Args:
        values: of the rows.
        clusters: number of each row's cluster, from 0; shape (n,).
        measure: of the values.
        resamples, seed: of the bootstrap.
    """
    counts = measure.counts([values])[0]
    score = float(measure.value(counts.sum(axis=0)))
    size = int(clusters.max()) + 1
    if size < FEWEST_CLUSTERS:
        return score, None
    sums = np.zeros((size, counts.shape[1]))
    np.add.at(sums, clusters, counts)
    if isinstance(measure, Mean) and np.isin(counts[:, 0], (0, 1)).all():
        return score, _wilson(score, _independent(sums, score))
    return score, _resampled(sums, measure, resamples=resamples, seed=seed)


def _independent(sums: Floats, score: float) -> float:
    """So many independent rows would vary as much: the variance of a ratio over clusters (Cochran, 1977)."""
    rows, groups = float(sums[:, 1].sum()), len(sums)
    if groups == rows or score in (0.0, 1.0):
        return float(groups)
    deviations = sums[:, 0] - score * sums[:, 1]
    variance = groups / (groups - 1) * float((deviations**2).sum()) / rows**2
    return min(score * (1 - score) / variance, rows) if variance else float(groups)


def _wilson(score: float, n: float) -> tuple[float, float]:
    middle = (score + Z**2 / (2 * n)) / (1 + Z**2 / n)
    reach = Z / (1 + Z**2 / n) * math.sqrt(score * (1 - score) / n + Z**2 / (4 * n**2))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _resampled(sums: Floats, measure: Measure, *, resamples: int, seed: int) -> tuple[float, float]:
    draw, size = np.random.default_rng(seed), len(sums)
    values: list[Floats] = []
    step = max(1, AT_ONCE // size)
    for begin in range(0, resamples, step):
        weights = draw.multinomial(size, np.full(size, 1 / size), size=min(step, resamples - begin))
        values.append(measure.value(weights @ sums))
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(np.concatenate(values), [tail, 1 - tail])
    return float(low), float(high)
