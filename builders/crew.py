"""The trajectories at work, as many as there is room for.

A trajectory whose calls fail for good while others succeed is set aside and tried again when no others
wait. A failure of another kind ends the work: in order, with the calls in flight finished, where the
endpoints or the user ended it; at once where the cause is unknown.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Protocol

from builders.endpoints.errors import EndpointError, GenerationFailed, Unavailable
from builders.journal import BudgetSpentError, DrainingError

if TYPE_CHECKING:
    from builders.journal import Journal, Recorder
    from builders.method import Attempt, Method

TRIES = 3
"""Times that a trajectory is begun whose calls fail for good."""

_PASSING = (Unavailable, GenerationFailed)
_ORDERLY = (EndpointError, DrainingError, BudgetSpentError)
"""Failures after which the calls in flight are finished; after any other, all work ends at once."""

MOMENT_S = 0.5
"""Longest wait for an end, before the room is looked at again."""


class TrajectoryListener(Protocol):
    """Hears of a build's progress."""

    def attempted(self, trajectory: int, attempt: Attempt) -> None:
        """An attempt at a document ended."""
        ...

    def settled(self, accepted: int, tokens: int) -> None:
        """So many documents, of so many tokens, are accepted for good."""
        ...

    def set_aside(self, trajectory: int, error: EndpointError) -> None:
        """A trajectory's calls failed; it is tried again when the others are done."""
        ...


class _Work(NamedTuple):
    trajectory: int
    quota: int
    method: Method


class Crew:
    """The trajectories at work.

    Attributes:
        finished: trajectories that ended and are not settled.
        attempts: made by trajectories that ended.
    """

    def __init__(self, *, recorder: Recorder, journal: Journal, listener: TrajectoryListener) -> None:
        self.finished: set[int] = set()
        self.attempts: dict[int, int] = {}
        self._recorder = recorder
        self._journal = journal
        self._listener = listener
        self._waiting: deque[_Work] = deque()
        self._aside: deque[_Work] = deque()
        self._tries: Counter[int] = Counter()
        self._at_work: set[asyncio.Task[None]] = set()
        self._ends: asyncio.Queue[int] = asyncio.Queue()
        self._failure: Exception | None = None

    def enlist(self, trajectory: int, quota: int, method: Method) -> None:
        """Take on a trajectory; it begins when there is room."""
        self._waiting.append(_Work(trajectory, quota, method))

    def man(self, concurrency: int) -> None:
        """Begin trajectories while there is room; those set aside when no others wait."""
        while len(self._at_work) < concurrency and not self._failure:
            if self._waiting:
                begun = self._waiting.popleft()
            elif self._aside:
                begun = self._aside.popleft()
            else:
                return
            task = asyncio.create_task(self._work(begun))
            self._at_work.add(task)
            task.add_done_callback(self._at_work.discard)

    async def ended(self) -> list[int]:
        """Wait until a trajectory ends, or a moment has passed; those that finished.

        Raises:
            Exception: what the work failed with; nobody is at work any more.
        """
        ended = []
        with suppress(TimeoutError):
            async with asyncio.timeout(MOMENT_S):
                ended.append(await self._ends.get())
        while not self._ends.empty():
            ended.append(self._ends.get_nowait())
        if self._failure:
            if not isinstance(self._failure, _ORDERLY):
                await self.dismiss()
            await asyncio.gather(*self._at_work, return_exceptions=True)
            raise self._failure
        return [trajectory for trajectory in ended if trajectory in self.finished]

    async def dismiss(self) -> None:
        """End all work at once: nobody writes to a closed journal."""
        for task in self._at_work:
            task.cancel()
        await asyncio.gather(*self._at_work, return_exceptions=True)

    async def _work(self, work: _Work) -> None:
        """Run one trajectory to its end, or set it aside."""
        number, trajectory = 0, work.trajectory
        chat = self._recorder.of(trajectory)
        try:
            async for attempt in work.method.attempts(trajectory=trajectory, quota=work.quota, chat=chat):
                self._journal.record_attempt(trajectory, number, attempt)
                self._listener.attempted(trajectory, attempt)
                number += 1
            self.attempts[trajectory] = number
            self.finished.add(trajectory)
        except Exception as error:
            self._tries[trajectory] += 1
            if isinstance(error, _PASSING) and self._tries[trajectory] < TRIES and not self._failure:
                self._journal.forget_attempts(trajectory)
                self._aside.append(work)
                self._listener.set_aside(trajectory, error)
            else:
                self._failure = self._failure or error
                self._recorder.drain()  # the others keep the answers that they wait for
        finally:
            self._recorder.leave(trajectory)
            self._ends.put_nowait(trajectory)
