"""Probes: whole trajectories at the beginning of a build, and what each of their attempts took."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builders.journal import Journal
    from builders.method import Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """What some attempts took.

    Attributes:
        attempts: tries at a document.
        calls: answered calls.
        prompt: tokens read.
        completion: tokens written.
        seconds: latencies of the calls, one after the other.
    """

    attempts: float = 0.0
    calls: float = 0.0
    prompt: float = 0.0
    completion: float = 0.0
    seconds: float = 0.0

    def __add__(self, other: Spend) -> Spend:
        return Spend(
            attempts=self.attempts + other.attempts,
            calls=self.calls + other.calls,
            prompt=self.prompt + other.prompt,
            completion=self.completion + other.completion,
            seconds=self.seconds + other.seconds,
        )

    def times(self, factor: float) -> Spend:
        """So many times as much."""
        return Spend(
            attempts=self.attempts * factor,
            calls=self.calls * factor,
            prompt=self.prompt * factor,
            completion=self.completion * factor,
            seconds=self.seconds * factor,
        )

    @property
    def tokens(self) -> float:
        """Read and written together."""
        return self.prompt + self.completion


def total(spends: Iterable[Spend]) -> Spend:
    """The sum."""
    return reduce(add, spends, Spend())


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One attempt of a probe.

    Attributes:
        spend: what it took.
        document: it brought a document.
        accepted: the document repeats none of the probes before it.
        tokens: of the document.
        by_endpoint: tokens read and written, by the endpoint's base URL.
    """

    spend: Spend
    document: bool
    accepted: bool
    tokens: int
    by_endpoint: dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A whole trajectory: the documents that it owed, and its attempts in order."""

    quota: int
    steps: tuple[Step, ...]

    @property
    def spend(self) -> Spend:
        """What it took in all."""
        return total(step.spend for step in self.steps)

    @property
    def accepted(self) -> int:
        """Documents accepted."""
        return sum(step.accepted for step in self.steps)

    @property
    def tokens(self) -> int:
        """Of the accepted documents."""
        return sum(step.tokens for step in self.steps if step.accepted)


def read_probes(journal: Journal, quotas: list[int]) -> list[Probe]:
    """The trajectories that the journal holds the attempts of, 0, 1, 2..., with what each owed."""
    steps: list[list[Step]] = [[] for _ in quotas]
    for trajectory, _, accepted, attempt in journal.attempts(last=len(quotas) - 1):
        steps[trajectory].append(_step(attempt, accepted=accepted))
    return [Probe(quota=quota, steps=tuple(own)) for quota, own in zip(quotas, steps, strict=True)]


def _step(attempt: Attempt, *, accepted: bool) -> Step:
    answers = [call.completion for call in attempt.trace]
    by_endpoint: dict[str, tuple[int, int]] = {}
    for answer in answers:
        prompt, completion = by_endpoint.get(answer.endpoint, (0, 0))
        by_endpoint[answer.endpoint] = (prompt + answer.prompt_tokens, completion + answer.completion_tokens)
    return Step(
        spend=Spend(
            attempts=1,
            calls=len(answers),
            prompt=sum(answer.prompt_tokens for answer in answers),
            completion=sum(answer.completion_tokens for answer in answers),
            seconds=sum(answer.latency_s for answer in answers),
        ),
        document=attempt.document is not None,
        accepted=accepted,
        tokens=attempt.document.n_tokens if attempt.document else 0,
        by_endpoint=by_endpoint,
    )
