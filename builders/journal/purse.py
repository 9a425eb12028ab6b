"""What a build may spend, and has spent: over all of its runs, since the ledger is the journal's."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builders.endpoints.base import Completion, Message, Sampling
    from builders.journal.journal import Journal

CHARACTERS_PER_TOKEN = 3
"""Fewer than English has: what is set aside for a prompt is rather too much."""

_SECONDS = "seconds"
_KEEP_EVERY_S = 5.0


class BudgetSpentError(Exception):
    """The next call might exceed the budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Of a million tokens, in a currency of the user's: read, and written."""

    prompt: float = 0.0
    completion: float = 0.0

    def of(self, prompt_tokens: float, completion_tokens: float) -> float:
        """What so many tokens cost."""
        return (self.prompt * prompt_tokens + self.completion * completion_tokens) / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits of a build; None for no limit.

    Attributes:
        tokens: prompt and completion tokens together.
        cost: money, by the prices.
        hours: time at work, over all runs.
        prices: by the endpoint's base URL; free where there is none.
    """

    tokens: int | None = None
    cost: float | None = None
    hours: float | None = None
    prices: dict[str, Price] = field(default_factory=dict)


@dataclass(slots=True)
class Purse:
    """Admits calls as long as the budget has room for the longest answer that they ask for."""

    budget: Budget
    journal: Journal
    tokens: float = 0.0
    cost: float = 0.0
    _earlier_s: float = 0.0
    _began: float = 0.0
    _kept_at: float = 0.0

    def __post_init__(self) -> None:
        for endpoint, prompt, completion in self.journal.spent_by_endpoint():
            self.tokens += prompt + completion
            self.cost += self._price(endpoint).of(prompt, completion)
        self._earlier_s = float(self.journal.meta(_SECONDS) or 0.0)
        self._began = self._kept_at = time.monotonic()

    @property
    def hours(self) -> float:
        """Time at work so far, over all runs."""
        return (self._earlier_s + time.monotonic() - self._began) / 3600

    @contextmanager
    def reserve(self, messages: list[Message], sampling: Sampling) -> Iterator[None]:
        """Set aside what a call may cost until it is answered.

        Raises:
            BudgetSpentError: there is not so much left.
        """
        self._keep_time()
        prompt = sum(len(message["content"]) for message in messages) / CHARACTERS_PER_TOKEN
        tokens = prompt + sampling.max_tokens
        dearest = max(
            (price.of(prompt, sampling.max_tokens) for price in self.budget.prices.values()), default=0.0
        )
        for name, spent, limit in (
            ("tokens", self.tokens + tokens, self.budget.tokens),
            ("cost", self.cost + dearest, self.budget.cost),
            ("hours", self.hours, self.budget.hours),
        ):
            if limit is not None and spent > limit:
                raise BudgetSpentError(f"the budget of {limit:g} {name} has no room for another call")
        self.tokens += tokens
        self.cost += dearest
        try:
            yield
        finally:
            self.tokens -= tokens
            self.cost -= dearest

    def pay(self, completion: Completion) -> None:
        """Book an answer."""
        self.tokens += completion.prompt_tokens + completion.completion_tokens
        self.cost += self._price(completion.endpoint).of(
            completion.prompt_tokens, completion.completion_tokens
        )

    def _price(self, endpoint: str) -> Price:
        return self.budget.prices.get(endpoint, Price())

    def _keep_time(self) -> None:
        now = time.monotonic()
        if now - self._kept_at >= _KEEP_EVERY_S:
            self._kept_at = now
            self.journal.set_meta(_SECONDS, f"{self.hours * 3600:.0f}")
