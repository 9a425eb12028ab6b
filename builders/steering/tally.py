"""Counts over the last accepted documents: what is used too often, in memory that does not grow.

A trait counts once for each document that has it. Beyond `RECENT` documents the oldest is forgotten, so
that the counts tell how the corpus is written now, and adding a document costs the same at any size.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builders.steering.guidance import Overused

if TYPE_CHECKING:
    from collections.abc import Iterable

RECENT = 1_000


@dataclass(slots=True)
class Tally:
    """How many of the last documents have each trait of one kind.

    Attributes:
        least: documents that make a trait overused, at least.
        factor: and so many times the mean of all traits seen; 0 where a trait should not come back at all.
        share: and this share of the documents.
    """

    least: int
    factor: float = 0.0
    share: float = 0.0
    _last: deque[tuple[str, ...]] = field(default_factory=deque)
    _counts: Counter[str] = field(default_factory=Counter)

    def add(self, traits: Iterable[str]) -> None:
        """Count one document's traits."""
        if len(self._last) == RECENT:
            for trait in self._last.popleft():
                self._counts[trait] -= 1
                if not self._counts[trait]:
                    del self._counts[trait]
        own = tuple(dict.fromkeys(trait.strip() for trait in traits if trait.strip()))
        self._last.append(own)
        self._counts.update(own)

    def overused(self) -> tuple[Overused, ...]:
        """The traits that are overused, most frequent first; of equals by name."""
        if not self._counts:
            return ()
        mean = self._counts.total() / len(self._counts)
        bar = max(self.least, self.factor * mean, self.share * len(self._last))
        found = [(-count, trait) for trait, count in self._counts.items() if count >= bar]
        return tuple(Overused(trait, -count) for count, trait in sorted(found))

    def __len__(self) -> int:
        return len(self._last)
