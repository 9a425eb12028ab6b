"""How long a trajectory stays worth its calls: the share of fresh documents at each of its steps.

A document is fresh when it was accepted, none of its drafts was refused for repetition, and it does not
begin as too many others do. Where the later steps
of the last trajectories bring clearly fewer fresh documents than the first ones, trajectories have dried
up by then, and new ones are asked for fewer documents. Every few trajectories one goes the whole way,
so that a recovery is noticed.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

RECENT_TRAJECTORIES = 64
FEWEST_SEEN = 5
"""Documents at a step, before anything is concluded from it."""

FIRST_STEPS = 2
DRY = 0.75
"""Steps are dry whose share of fresh documents is below this part of that of the first steps."""

WHOLE_WAY_EVERY = 8


@dataclass(slots=True)
class Yields:
    """Fresh and other documents by step, of the last trajectories."""

    _last: deque[tuple[bool, ...]] = field(default_factory=deque)
    _seen: Counter[int] = field(default_factory=Counter)
    _fresh: Counter[int] = field(default_factory=Counter)

    def add(self, fresh: tuple[bool, ...]) -> None:
        """Note a trajectory: for each document that it brought, in order, whether it was fresh."""
        if len(self._last) == RECENT_TRAJECTORIES:
            self._count(self._last.popleft(), -1)
        self._last.append(fresh)
        self._count(fresh, 1)

    def _count(self, fresh: tuple[bool, ...], times: int) -> None:
        for step, good in enumerate(fresh):
            self._seen[step] += times
            self._fresh[step] += times * good

    def most_documents(self, trajectory: int, limit: int) -> int:
        """Documents to ask a new trajectory for, in [FIRST_STEPS, limit]."""
        if trajectory % WHOLE_WAY_EVERY == WHOLE_WAY_EVERY - 1:
            return limit
        seen = sum(self._seen[step] for step in range(FIRST_STEPS))
        if seen < FEWEST_SEEN:
            return limit
        bar = DRY * sum(self._fresh[step] for step in range(FIRST_STEPS)) / seen
        for step in range(FIRST_STEPS, limit):
            later = range(step, limit)
            if self._seen[step] < FEWEST_SEEN:
                return limit
            if self._fresh[step] < bar * self._seen[step] and self._share(later) < bar:
                return step
        return limit

    def _share(self, steps: range) -> float:
        return sum(self._fresh[step] for step in steps) / sum(self._seen[step] for step in steps)
