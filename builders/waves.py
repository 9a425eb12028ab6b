"""Waves of trajectories, until exactly the documents asked for are accepted.

A wave asks its trajectories for as many documents as are still missing, divided among them
beforehand. When all have ended, documents are settled in order of (trajectory, step), so that
the outcome depends on the answers alone and never on which came first; the next wave asks for
what is missing then. No wave can bring more than is missing: nothing is generated in vain.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from builders.acceptance import ExactDuplicates
from builders.endpoints.errors import EndpointError
from builders.errors import UserError
from builders.journal import DrainingError

if TYPE_CHECKING:
    from builders.corpora.base import Corpus
    from builders.journal import Journal, Recorder
    from builders.method import Attempt, Method

DUPLICATE = "duplicate"
BARREN_TRAJECTORIES = 12
"""Trajectories in a row without one accepted document, after which a build gives up.

Counted in trajectories because the last waves are small: three unlucky ones of a single
trajectory each are no reason to give up a build of thousands of documents.
"""


class WaveListener(Protocol):
    """Hears of a build's progress."""

    def attempted(self, trajectory: int, attempt: Attempt) -> None:
        """An attempt at a document ended."""
        ...

    def settled(self, accepted: int, wanted: int) -> None:
        """A wave ended; so many documents are accepted for good."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a build ended: documents accepted, trajectories run, attempts made."""

    documents: int
    trajectories: int
    attempts: int
    redrafted: dict[str, int]


async def run_waves(
    corpus: Corpus,
    method: Method,
    *,
    recorder: Recorder,
    journal: Journal,
    documents: int,
    concurrency: int,
    listener: WaveListener,
) -> Outcome:
    """Run waves until `documents` documents are accepted.

    Args:
        corpus: the corpus, for its limits.
        method: runs trajectories.
        recorder: answers calls; told to drain when a call fails for good.
        journal: takes the decisions.
        documents: accepted documents to end with, >= 1.
        concurrency: trajectories at work at once, >= 1.
        listener: hears of the progress.

    Raises:
        UserError: wave after wave brings nothing; says what stopped the attempts.
        EndpointError: a call failed for good. The other calls in flight were finished first.
        DrainingError: the build was told to stop. Likewise.
    """
    journal.forget_attempts()
    accepted = trajectories = attempts = barren = 0
    redrafted: Counter[str] = Counter()
    seen = ExactDuplicates()
    while accepted < documents:
        wave = dict(enumerate(quotas(documents - accepted, corpus=corpus), start=trajectories))
        counts = await _run_wave(
            wave, method, recorder=recorder, journal=journal, concurrency=concurrency, listener=listener
        )
        attempts += sum(counts)
        settled = _settle(journal, seen, first=trajectories, redrafted=redrafted)
        trajectories += len(wave)
        accepted += settled
        listener.settled(accepted, documents)
        barren = 0 if settled else barren + len(wave)
        if barren >= BARREN_TRAJECTORIES:
            raise UserError(_why_barren(journal, trajectories))
    return Outcome(
        documents=accepted,
        trajectories=trajectories,
        attempts=attempts,
        redrafted=dict(redrafted.most_common()),
    )


def quotas(missing: int, *, corpus: Corpus) -> list[int]:
    """Documents that each trajectory of a wave owes: as equal as can be, `missing` in all."""
    full = -(-missing // corpus.documents_per_trajectory)
    trajectories = max(full, min(missing, corpus.min_trajectories))
    share, rest = divmod(missing, trajectories)
    return [share + (number < rest) for number in range(trajectories)]


async def _run_wave(
    wave: dict[int, int],
    method: Method,
    *,
    recorder: Recorder,
    journal: Journal,
    concurrency: int,
    listener: WaveListener,
) -> list[int]:
    """Run the trajectories of a wave, a few at a time; returns the attempts each made."""
    waiting = iter(wave.items())
    failures: list[EndpointError | DrainingError] = []

    async def worker() -> int:
        made = 0
        try:
            for trajectory, quota in waiting:
                number = 0
                async for attempt in method.attempts(trajectory=trajectory, quota=quota, chat=recorder):
                    journal.record_attempt(trajectory, number, attempt)
                    listener.attempted(trajectory, attempt)
                    number += 1
                made += number
        except (EndpointError, DrainingError) as failure:
            recorder.draining = True  # the other workers keep the answers they wait for
            failures.append(failure)
        return made

    tasks = [asyncio.create_task(worker()) for _ in range(min(concurrency, len(wave)))]
    try:
        counts = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # nobody writes to a closed journal
    if failures:
        raise failures[0]
    return counts


def _settle(journal: Journal, seen: ExactDuplicates, *, first: int, redrafted: Counter[str]) -> int:
    """Accept the documents of a wave in order, refusing exact duplicates of earlier ones."""
    accepted = 0
    duplicates = []
    for trajectory, number, _, attempt in journal.attempts(first=first):
        survived = attempt.rejections if attempt.document else attempt.rejections[:-1]
        redrafted.update(rejection.reason for rejection in survived)
        if attempt.document is None:
            continue
        if seen.seen(attempt.document.text):
            duplicates.append((trajectory, number))
        else:
            seen.add(attempt.document.text)
            accepted += 1
    for trajectory, number in duplicates:
        journal.reject_attempt(trajectory, number, DUPLICATE)
    return accepted


def _why_barren(journal: Journal, trajectories: int) -> str:
    reasons = ", ".join(f"{reason} {count}" for reason, count in journal.dropped().items()) or "no attempt"
    details = [attempt.rejections[-1].detail for _, _, _, attempt in journal.attempts() if attempt.rejections]
    return (
        f"{trajectories} trajectories brought no further document ({reasons}; last: "
        f"{details[-1] if details else '-'}); the model may be too small or the limits too tight: "
        "see min_words and max_rewrites of the corpus, or use another model"
    )
