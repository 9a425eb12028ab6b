"""Intervals from few probes.

Probes are few, and what a build takes is no plain mean of them. So the whole forecast is made anew
without each probe in turn (jackknife): how much the k forecasts differ tells how well it is known. With
V their jackknife variance, the m trajectories to come vary around what is expected of them, which the
factor 1 + k/m adds; and Student's t with k - 1 degrees of freedom pays for V being an estimate:

    forecast +- t(k - 1) * sqrt(V * (1 + k / m))

How many documents will repeat earlier ones is known least: it grows with the corpus. Of n documents of
the probes c repeated an earlier one, so 2c are of a kind that repeats; the ends of Wilson's interval of
2c in n, the upper one grown as a larger corpus may let it, are forecast too. Their distance is added to the
half of the interval that it widens, and not in quadrature: it is an error that all documents to come share.
All at 95 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist, fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVEL = 0.95
METHOD = (
    "95 % prediction interval: the forecast made anew without each probe in turn (jackknife), Student's t "
    "over the probes, widened for the trajectories to come and for near-duplicates that only a larger "
    "corpus shows"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Forecasts of one quantity, from which its interval follows.

    Attributes:
        value: from all probes.
        without: without each probe in turn; empty with a single probe.
        ahead: trajectories to come, counted in probes, >= 0.
        shifts: by how much it may change for reasons that the probes do not show, as when fewer, or more,
            documents repeat earlier ones.
        paid: the part of it that is certain; also the variation assumed of the rest by a single probe.
    """

    value: float
    without: Sequence[float]
    ahead: float
    shifts: Sequence[float] = ()
    paid: float = 0.0

    def ends(self) -> tuple[float, float]:
        """Lower and upper end of the interval; the lower one is never below what is certain."""
        half = self._half()
        up = half + max(0.0, *self.shifts, 0.0)
        down = half + max(0.0, *(-shift for shift in self.shifts), 0.0)
        return max(self.paid, self.value - down), self.value + up

    def _half(self) -> float:
        count = len(self.without)
        if count < 2:
            return self.value - self.paid
        mean = fmean(self.without)
        variance = (count - 1) / count * sum((value - mean) ** 2 for value in self.without)
        ahead = 1 + count / self.ahead if self.ahead else 1.0
        return student_t(count - 1) * math.sqrt(variance * ahead)


@cache
def student_t(freedom: int, *, level: float = LEVEL) -> float:
    """The t that Student's distribution keeps within +-t with this probability.

    By bisection of the finite sums for whole degrees of freedom (Abramowitz and Stegun 26.7.3, 26.7.4).
    """
    low, high = 0.0, math.pi / 2
    for _ in range(80):
        angle = (low + high) / 2
        low, high = (angle, high) if _within(angle, freedom) < level else (low, angle)
    return math.sqrt(freedom) * math.tan(low)


def _within(angle: float, freedom: int) -> float:
    """Probability of |t| < sqrt(freedom) * tan(angle)."""
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    summed = term if freedom > 1 else 0.0
    for number in range(2 + odd, freedom - 1, 2):
        term *= math.cos(angle) ** 2 * (number - 1) / number
        summed += term
    if odd:
        return 2 / math.pi * (angle + math.sin(angle) * summed)
    return math.sin(angle) * summed


def wilson(hits: float, count: int, *, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's interval of a share, of which `hits` in `count` were seen; count >= 1."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, scale = min(hits / count, 1.0), 1 + z * z / count
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    middle = share + z * z / (2 * count)
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)
