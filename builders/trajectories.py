"""Trajectories side by side, settled in order, until exactly what was asked for is accepted.

A trajectory is asked for a number of documents, and no more are asked for than are missing: those
accepted, and those that trajectories at work still owe, never exceed the target. When the first
trajectory that is not settled yet has ended, its documents are settled, against all that were accepted
before; what it fell short of is asked of further trajectories. So the outcome depends on the answers
alone and never on which came first, nothing is generated in vain, and no endpoint waits for the slowest
trajectory of a batch.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from builders.crew import Crew
from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from builders.corpora.base import Corpus
    from builders.crew import TrajectoryListener
    from builders.journal import Journal, Recorder
    from builders.method import Attempt, Document, Method, Rejection

WINDOW = 1024
"""Trajectories that may be begun before the first of them is settled. Part of what makes a build
reproducible: it does not depend on how many endpoints there are."""

STEERED_WINDOW = 64
"""The same where settled trajectories guide those that are begun: what a trajectory is told is so many
trajectories old at most, and no more of them are ever at work."""

BARREN_TRAJECTORIES = 12
"""Trajectories in a row without one accepted document, after which a build gives up."""

_ENOUGH = 0.95
"""Share of the missing tokens that documents are asked for: their length is only expected."""

EXPECTED_TOKENS = 250
SURPLUS = "surplus"


class Keeper(Protocol):
    """Keeps accepted documents and knows one that repeats them."""

    def rejection(self, document: Document) -> Rejection | None:
        """Why a document repeats an earlier one; None when it does not."""
        ...

    def add(self, trajectory: int, step: int, attempt: Attempt) -> None:
        """Keep a document, the `step`-th of its trajectory, from 1."""
        ...

    def flush(self) -> None:
        """A trajectory is settled: let others see what was kept."""
        ...


class Steering(Protocol):
    """Guides each trajectory by what was settled before it was taken on."""

    def quota(self, trajectory: int, quota: int) -> int:
        """Documents that a trajectory is asked for, of those that it would owe."""
        ...

    def method(self, trajectory: int) -> Method:
        """The method for a trajectory. Called once for each, in order."""
        ...

    def settle(self, trajectory: int, quota: int, attempts: list[tuple[Attempt, bool]]) -> None:
        """A trajectory is settled: what it owed, its attempts with a document, whether accepted."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """How much to accept: a number of documents, or documents until they have so many tokens.

    A target in tokens is met by the fewest documents, in order, that have that many.
    """

    documents: int | None = None
    tokens: int | None = None

    def missing(self, accepted: int, tokens: int, *, owed: int) -> int:
        """Documents to ask for, beside those owed; a token target asks for a little too few."""
        if self.documents is not None:
            return self.documents - accepted - owed
        left = (self.tokens or 0) - tokens
        if left <= 0:
            return 0
        expected = tokens / accepted if accepted else EXPECTED_TOKENS
        return max(int(_ENOUGH * left / expected), 1) - owed

    def __str__(self) -> str:
        return f"{self.documents:,} documents" if self.documents is not None else f"{self.tokens:,} tokens"

    def met(self, accepted: int, tokens: int) -> bool:
        """Nothing more is wanted."""
        return accepted >= self.documents if self.documents is not None else tokens >= (self.tokens or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a build ended: documents accepted, trajectories run, attempts made, drafts written anew."""

    documents: int
    trajectories: int
    attempts: int
    redrafted: dict[str, int]


@dataclass(slots=True)
class _Progress:
    """What is settled, and what is owed beyond."""

    accepted: int = 0
    tokens: int = 0
    attempts: int = 0
    begun: int = 0
    settled: int = 0
    barren: int = 0
    owed: int = 0
    quotas: dict[int, int] = field(default_factory=dict)
    redrafted: Counter[str] = field(default_factory=Counter)


async def run_trajectories(
    corpus: Corpus,
    method: Method,
    *,
    recorder: Recorder,
    journal: Journal,
    target: Target,
    concurrency: Callable[[], int],
    accepted: Keeper,
    listener: TrajectoryListener,
    most: int | None = None,
    steering: Steering | None = None,
) -> Outcome:
    """Run trajectories until the target is met, or the first `most` of them.

    Args:
        corpus: the corpus, for its limits.
        method: runs trajectories, unless they are steered.
        recorder: answers calls; told to drain when a call fails for good.
        journal: takes the decisions.
        target: how much to accept.
        concurrency: trajectories that may be at work at once, asked now and then, >= 1.
        accepted: keeps documents and refuses those that repeat earlier ones.
        listener: hears of the progress.
        most: trajectories to run at most: a probe of a build makes the calls that the build begins with.
        steering: guides trajectories; None for the same method for each.

    Raises:
        UserError: trajectory after trajectory brings nothing; says what stopped the attempts.
        EndpointError: a call failed for good. The other calls in flight were finished first.
        DrainingError: the build was told to stop. Likewise.
    """
    journal.forget_attempts()
    progress = _Progress()
    crew = Crew(recorder=recorder, journal=journal, listener=listener)

    def plan() -> None:
        for trajectory, quota in _plan(progress, target, corpus, most=most, steering=steering):
            crew.enlist(trajectory, quota, steering.method(trajectory) if steering else method)

    try:
        plan()
        while progress.quotas:
            crew.man(concurrency())
            for trajectory in await crew.ended():
                progress.attempts += crew.attempts.pop(trajectory)
            while progress.settled in crew.finished:
                crew.finished.remove(progress.settled)
                _settle(progress, target, journal=journal, keeper=accepted, steering=steering)
                listener.settled(progress.accepted, progress.tokens)
                if progress.barren >= BARREN_TRAJECTORIES:
                    raise UserError(_why_barren(journal, progress.settled))
                plan()  # after each one: what ended at the same time must not matter
    finally:
        await crew.dismiss()
    return Outcome(
        documents=progress.accepted,
        trajectories=progress.settled,
        attempts=progress.attempts,
        redrafted=dict(progress.redrafted.most_common()),
    )


def rehearse(
    target: Target, corpus: Corpus, outcome: Callable[[int, int, int], tuple[int, int]]
) -> list[int]:
    """The course of a build whose outcomes are known beforehand: what each trajectory owes, in order.

    Args:
        target: how much to accept.
        corpus: for its limits.
        outcome: told a trajectory, the documents that it owes and how many trajectories were settled
            when it was taken on, gives the documents accepted of it and their tokens. Called in order
            of trajectories; over some of them together it must accept something.
    """
    progress, quotas, taken_on = _Progress(), list[int](), list[int]()
    while True:
        for _, quota in _plan(progress, target, corpus):
            quotas.append(quota)
            taken_on.append(progress.settled)
        if not progress.quotas:
            return quotas
        now = progress.settled
        accepted, tokens = outcome(now, quotas[now], taken_on[now])
        progress.accepted += accepted
        progress.tokens += tokens
        progress.owed -= progress.quotas.pop(now)
        progress.settled += 1


def opening_quotas(target: Target, corpus: Corpus) -> list[int]:
    """What the trajectories owe that a build takes on at its start; a pure function of the target."""
    return [quota for _, quota in _plan(_Progress(), target, corpus)]


def _plan(
    progress: _Progress,
    target: Target,
    corpus: Corpus,
    *,
    most: int | None = None,
    steering: Steering | None = None,
) -> list[tuple[int, int]]:
    """Trajectories to begin now, with the documents that each owes: as equal as can be."""
    begun, window = [], _window(target, corpus)
    while progress.begun - progress.settled < window and (most is None or progress.begun < most):
        missing = target.missing(progress.accepted, progress.tokens, owed=progress.owed)
        if missing <= 0:
            break
        quota = share(missing, begun=progress.begun, corpus=corpus)
        if steering:
            quota = steering.quota(progress.begun, quota)
        progress.quotas[progress.begun] = quota
        progress.owed += quota
        begun.append((progress.begun, quota))
        progress.begun += 1
    return begun


def _window(target: Target, corpus: Corpus) -> int:
    """Trajectories begun ahead; where they are steered, few enough that a small build is guided too."""
    if not corpus.steering:
        return WINDOW
    trajectories = target.missing(0, 0, owed=0) // corpus.documents_per_trajectory
    return min(max(corpus.min_trajectories, trajectories // 8), STEERED_WINDOW)


def share(missing: int, *, begun: int, corpus: Corpus) -> int:
    """Documents that the next trajectory owes, of those missing."""
    full = -(-missing // corpus.documents_per_trajectory)
    trajectories = max(full, min(missing, corpus.min_trajectories - begun))
    return -(-missing // trajectories)


def _settle(
    progress: _Progress, target: Target, *, journal: Journal, keeper: Keeper, steering: Steering | None
) -> None:
    """Accept the documents of the next trajectory in order, refusing what repeats earlier ones."""
    trajectory, accepted = progress.settled, 0
    refused: list[tuple[int, str]] = []
    judged: list[tuple[Attempt, bool]] = []
    for _, number, _, attempt in journal.attempts(first=trajectory, last=trajectory):
        survived = attempt.rejections if attempt.document else attempt.rejections[:-1]
        progress.redrafted.update(rejection.reason for rejection in survived)
        if attempt.document is None:
            continue
        if target.met(progress.accepted, progress.tokens):
            refused.append((number, SURPLUS))
            continue
        if rejection := keeper.rejection(attempt.document):
            refused.append((number, rejection.reason))
        else:
            accepted += 1
            keeper.add(trajectory, accepted, attempt)
            progress.accepted += 1
            progress.tokens += attempt.document.n_tokens
        judged.append((attempt, not rejection))
    if steering:
        steering.settle(trajectory, progress.quotas[trajectory], judged)
    for number, reason in refused:
        journal.reject_attempt(trajectory, number, reason)
    keeper.flush()
    progress.owed -= progress.quotas.pop(trajectory)
    progress.settled += 1
    progress.barren = 0 if accepted else progress.barren + 1


def _why_barren(journal: Journal, trajectories: int) -> str:
    reasons = ", ".join(f"{reason} {count}" for reason, count in journal.dropped().items()) or "no attempt"
    details = [attempt.rejections[-1].detail for _, _, _, attempt in journal.attempts() if attempt.rejections]
    return (
        f"{BARREN_TRAJECTORIES} trajectories in a row, of {trajectories}, brought no further document "
        f"({reasons}; last: {details[-1] if details else '-'}); the model may be too small or the limits "
        "too tight: see min_words and max_rewrites of the corpus, or use another model"
    )
