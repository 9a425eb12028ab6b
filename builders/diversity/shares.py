"""Shares of documents that have company: the form that near-duplicates and like openings share.

Documents are in groups; the share is of those whose group holds another document too. It grows with the
sample, as a larger one gives company to more, so only samples of equal size compare.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from builders.diversity.intervals import Subsampling, one_by_one

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import NDArray

    from builders.diversity.base import Interval, Sample


def numbered(labels: Sequence[Hashable]) -> NDArray[np.intp]:
    """Groups as numbers from 0: equal labels share one, and each None is a group of its own."""
    numbers: dict[Hashable, int] = {}
    keys = ((place,) if label is None else (0, label) for place, label in enumerate(labels))
    return np.fromiter((numbers.setdefault(key, len(numbers)) for key in keys), dtype=np.intp)


def share_in_company(groups: NDArray[np.intp]) -> float:
    """Share of documents whose group holds at least two, in [0, 1]; NaN without documents."""
    if not len(groups):
        return math.nan
    sizes = np.bincount(groups)
    return float(sizes[sizes > 1].sum()) / len(groups)


def share_interval(groups: NDArray[np.intp], sample: Sample, *, name: str) -> Interval | None:
    """The interval of that share."""
    if not sample.with_intervals:
        return None
    return Subsampling(len(groups), sample.seed, name).interval(
        share_in_company(groups),
        one_by_one(lambda chosen: share_in_company(groups[chosen])),
        bounds=(0.0, 1.0),
    )
