"""A circuit breaker: an endpoint that fails again and again is left alone, then tried with one call."""

from __future__ import annotations

import random

FAILURES = 5
FIRST_COOL_DOWN_S = 0.5
LONGEST_COOL_DOWN_S = 30.0


class Breaker:
    """Open after `FAILURES` failures in a row; half open after a cool-down that doubles each time.

    Times are seconds of one monotonic clock.
    """

    def __init__(self, *, jitter: random.Random | None = None) -> None:
        self._jitter = jitter or random.Random()
        self._failures = 0
        self._cool_down_s = 0.0
        self._open_until = 0.0
        self.is_open = False

    def failed(self, now: float) -> bool:
        """A call failed; True when that opens the circuit."""
        self._failures += 1
        if self.is_open or self._failures < FAILURES:
            return False
        self.open(now)
        return True

    def open(self, now: float) -> None:
        """Let nothing through until the cool-down is over."""
        self.is_open = True
        self._cool_down_s = min(max(2 * self._cool_down_s, FIRST_COOL_DOWN_S), LONGEST_COOL_DOWN_S)
        self._open_until = now + self._cool_down_s * self._jitter.uniform(0.75, 1.25)

    def half_open(self) -> None:
        """The endpoint says it is well: the next failure opens the circuit again."""
        self.is_open = False
        self._failures = FAILURES - 1

    def answered(self) -> None:
        """A call was answered: the circuit is closed."""
        self._failures = 0
        self._cool_down_s = 0.0

    def cool_down_s(self, now: float) -> float:
        """Seconds until it is worth asking how the endpoint is."""
        return max(self._open_until - now, 0.0)
