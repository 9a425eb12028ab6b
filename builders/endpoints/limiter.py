"""How many requests an endpoint takes at once, found out while working.

Additive increase, multiplicative decrease, with two things that a server's immediate refusal (429)
gives away: the requests still in flight at that moment are what it admits, and a request that was not
refused within moments is admitted. So the limit falls to what is in flight, exactly, and a probe that
is not refused is followed by a larger one. A server that queues instead of refusing gives neither
away; there, growth must pay in answers per second, and the queue that the server tells holds it down.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builders.endpoints.server_load import ServerLoad

OPENING = 16
BLIND = 64
"""Requests that any server may be sent without evidence that it gains from them."""

MOST = 1024
VERDICT_S = 0.1
PROBE_S = 1.0
PROBE_ANSWERS = 40
GAIN = 1.05
HOLD_S = 30.0
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0


class Limiter:
    """The limit of one endpoint. Times are seconds of one monotonic clock.

    Attributes:
        limit: requests that may be in flight now, >= 1.
        in_flight: requests that are.
        refusals: 429s so far.

    Args:
        told: what the server says it admits; never exceeded. None where it says nothing.
        guess: requests that it may well admit, where it says nothing.
    """

    def __init__(
        self, *, told: int | None, guess: int | None = None, jitter: random.Random | None = None
    ) -> None:
        self._jitter = jitter or random.Random()
        self._guess = guess or BLIND
        self.in_flight = 0
        self.refusals = 0
        self.told(told)

    def told(self, told: int | None) -> None:
        """Begin anew with what the server says of itself."""
        self._ceiling = told or max(MOST, self._guess)
        self.limit = told or min(self._guess, OPENING)
        self._blind = self._ceiling if told else max(self._guess, BLIND)
        self._growing = True
        self._grown_at = 0.0
        self._before = self.limit
        self._answers = 0
        self._rate = 0.0
        self._held_until = 0.0
        self._refused_at = 0.0
        self._pause_s = 0.0
        self._paused_until = 0.0
        self._queues = 0
        self._shut = False

    def admits(self, now: float) -> bool:
        """Whether another request may start."""
        return self.in_flight < self.limit and now >= self._paused_until

    @property
    def free(self) -> int:
        """Requests that may start before the limit is reached."""
        return self.limit - self.in_flight

    def started(self) -> None:
        """A request goes out."""
        self.in_flight += 1

    def answered(self) -> None:
        """A request was answered."""
        self.in_flight -= 1
        self._answers += 1
        self._pause_s = 0.0
        if self._shut:  # what was found before the server shut its door holds no more: find out anew
            self._shut = False
            self._growing = True

    def failed(self) -> None:
        """A request failed for a reason that says nothing of the limit."""
        self.in_flight -= 1

    def refused(self, now: float) -> None:
        """The server refused a request because it has too many."""
        self.in_flight -= 1
        self.refusals += 1
        self.limit = max(1, min(self.limit, self.in_flight))
        self._growing = False
        self._refused_at = now
        self._answers = 0
        if self.in_flight == 0:  # not even one: others keep it busy, so leave it alone for a while
            self._pause_s = min(max(2 * self._pause_s, FIRST_PAUSE_S), LONGEST_PAUSE_S)
            self._paused_until = now + self._pause_s * self._jitter.uniform(0.75, 1.25)
            self._shut = True

    def queued(self, now: float, load: ServerLoad) -> None:
        """The server tells its queue: what waits there twice in a row is asked too early."""
        self._queues = self._queues + 1 if load.waiting > max(2, load.processing // 4) else 0
        if self._queues >= 2:
            self.limit = max(1, min(self.limit, load.processing + max(1, load.processing // 8)))
            self._growing = False
            self._refused_at = now
            self._answers = 0

    def grow(self, now: float) -> None:
        """Raise the limit if it is used up and nothing speaks against it. Call before :meth:`admits`."""
        if self.in_flight < self.limit or self.limit >= self._ceiling or now < self._paused_until:
            return
        if not self._growing:
            if self._answers >= PROBE_ANSWERS and now - self._refused_at >= PROBE_S:
                self._growing = True
                self._raise(self.limit + 1, now)
        elif self.limit < self._blind:
            if now - self._grown_at >= VERDICT_S:
                self._raise(min(self.limit + max(1, self.limit // 2), self._blind), now)
        elif self._answers >= self.limit and now >= self._held_until:
            rate = self._answers / max(now - self._grown_at, 1e-9)
            if rate >= GAIN * self._rate:
                self._rate = rate
                self._raise(self.limit + max(1, self.limit // 2), now)
            else:
                self.limit, self._rate = self._before, 0.0
                self._held_until = now + HOLD_S

    def wakes_at(self, now: float) -> float | None:
        """When time alone may admit a request; None when only an answer can."""
        if now < self._paused_until:
            return self._paused_until
        if self._growing and self.in_flight >= self.limit < min(self._blind, self._ceiling):
            return self._grown_at + VERDICT_S
        return None

    def _raise(self, limit: int, now: float) -> None:
        self._before, self.limit = self.limit, min(limit, self._ceiling)
        self._grown_at = now
        self._answers = 0
