"""Permits to generate, whose number may change while they are held."""

from __future__ import annotations

import asyncio
from collections import deque


class Permits:
    """At most `limit` holders at once; the others are refused, or wait in order of arrival.

    Attributes:
        limit: lowered, it takes no permit away; those given back are withheld until it is met.
        held: permits given out.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """Length of the queue."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """None is free."""
        return self.held >= self.limit

    def take(self) -> bool:
        """Take a permit if one is free."""
        if self.full:
            return False
        self.held += 1
        return True

    async def wait(self) -> None:
        """Take a permit as soon as one is free and nobody has waited longer."""
        if not self._waiting and self.take():
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back()
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise

    def give_back(self) -> None:
        """Return a permit; whoever waits longest gets it."""
        self.held -= 1
        self._serve()

    def set_limit(self, limit: int) -> None:
        """Change their number."""
        self.limit = limit
        self._serve()

    def _serve(self) -> None:
        while self._waiting and not self.full:
            turn = self._waiting.popleft()
            if not turn.done():
                self.held += 1
                turn.set_result(None)
