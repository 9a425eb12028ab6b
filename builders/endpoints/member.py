"""An endpoint of the pool: how many calls it takes, whether it is there, and whether it is still itself."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

from builders.endpoints.breaker import Breaker
from builders.endpoints.errors import (
    EndpointError,
    GenerationFailed,
    ModelChanged,
    Overloaded,
    Unavailable,
)
from builders.endpoints.limiter import Limiter
from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from builders.endpoints.base import Endpoint, EndpointInfo

WATCH_S = 2.0
LOOK_EVERY = 15
"""Every so many watches the model is looked at too."""

IDLE_S = 1.0
"""An endpoint without calls in flight for so long may have been restarted unnoticed: it is looked at."""

_AWAY = (EndpointError, UserError, OSError)


class Member:
    """Keeps the calls of one endpoint within what it takes and says how it is.

    Args:
        endpoint: an open endpoint.
        guess: calls in flight to begin with where the server does not tell its limit.
        allow_model_change: go on with another model than the endpoint began with.
        say: told what a person should know, in a line.
        wake: called when more may be admitted than before.
        stop: told what must end the build.

    Attributes:
        breaks: times that connections broke: after each, the server may be another.
        changed: what the server became, where that ends the build.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        guess: int | None,
        allow_model_change: bool,
        say: Callable[[str], None],
        wake: Callable[[], None],
        stop: Callable[[Exception], None],
    ) -> None:
        self.endpoint = endpoint
        self.limiter = Limiter(told=endpoint.info.max_concurrent_requests, guess=guess)
        self.breaker = Breaker()
        self.breaks = 0
        self._allow_model_change = allow_model_change
        self._say = say
        self._wake = wake
        self._stop = stop
        self.changed: ModelChanged | None = None
        self._verified = asyncio.Event()
        self._verified.set()
        self._looked = asyncio.Event()
        self._looked.set()
        self._left_at = time.monotonic()
        self._chores: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The server's base URL."""
        return self.endpoint.info.url

    def admits(self, now: float) -> bool:
        """Whether a call may start here now."""
        if self.breaker.is_open or not self._verified.is_set():
            return False
        self.limiter.grow(now)
        if not self.limiter.admits(now):
            return False
        if not self.limiter.in_flight and now - self._left_at > IDLE_S:
            self._verify_soon()  # wakes whoever waits
            return False
        return True

    def answered(self) -> None:
        """A call was answered."""
        self._left_at = time.monotonic()
        self.limiter.answered()
        self.breaker.answered()

    def unfinished(self) -> None:
        """A call was given up."""
        self._left_at = time.monotonic()
        self.limiter.failed()

    def failed(self, error: EndpointError, now: float) -> None:
        """A call failed."""
        self._left_at = now
        if isinstance(error, Overloaded):
            self.limiter.refused(now)
            return
        self.limiter.failed()
        if not isinstance(error, (Unavailable, GenerationFailed)):
            self.breaker.answered()
        elif self.breaker.failed(now):
            self._lose(f" ({error})")
        if isinstance(error, Unavailable):
            self._verify_soon()

    async def confirmed(self) -> None:
        """Wait until the server was looked at. If it is gone, it did not come back as another meanwhile.

        Raises:
            ModelChanged: it is another one, and that is not allowed.
        """
        await self._looked.wait()
        if self.changed:
            raise self.changed

    async def watch(self) -> None:
        """Look at the server's queue often, and at its model now and then, while it has work."""
        for tick in count(1):
            await asyncio.sleep(WATCH_S)
            if self.breaker.is_open or not self.limiter.in_flight:
                continue
            load = await self.endpoint.load()
            if load:
                self.limiter.queued(time.monotonic(), load)
            if tick % LOOK_EVERY == 0:
                with suppress(*_AWAY):
                    await self._look_at()

    async def close(self) -> None:
        """Stop what is under way and close the endpoint."""
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        await self.endpoint.close()

    def _verify_soon(self) -> None:
        """Hold new calls until the server is looked at: a restart breaks connections."""
        self.breaks += 1
        self._verified.clear()
        if self._looked.is_set():
            self._looked.clear()
            self._start(self._verify())

    async def _verify(self) -> None:
        try:
            while not self._verified.is_set():
                await self._look_at()
        except _AWAY:
            if not self.breaker.is_open:
                self.breaker.open(time.monotonic())
                self._lose()
        else:
            self._wake()
        finally:
            self._looked.set()

    def _lose(self, why: str = "") -> None:
        self._say(f"{self.url} is away{why}; it is asked how it is until it is back")
        self._start(self._revive())

    async def _revive(self) -> None:
        """Ask a server that is away how it is, at growing intervals, until it is well."""
        while True:
            await asyncio.sleep(self.breaker.cool_down_s(time.monotonic()))
            with suppress(*_AWAY):
                if await self.endpoint.healthy():
                    await self._look_at()
                    if self._verified.is_set():
                        break
            self.breaker.open(time.monotonic())
        self.breaker.half_open()
        self._say(f"{self.url} is back")
        self._wake()

    async def _look_at(self) -> None:
        """Ask the server what it is; a model that changed ends the build, or is said aloud."""
        breaks = self.breaks
        info = await self.endpoint.look()
        known = self.endpoint.info
        if (info.model_id, info.model_sha) != (known.model_id, known.model_sha):
            self._change(known, info)
        if info.max_concurrent_requests != known.max_concurrent_requests:
            self.limiter.told(info.max_concurrent_requests)
        self.endpoint.info = replace(
            known,
            model_id=info.model_id,
            model_sha=info.model_sha,
            max_concurrent_requests=info.max_concurrent_requests,
        )
        self._left_at = time.monotonic()
        if breaks == self.breaks:  # what broke during the look wants another one
            self._verified.set()

    def _change(self, known: EndpointInfo, info: EndpointInfo) -> None:
        words = f"the model at {self.url} changed from {model_words(known)} to {model_words(info)}"
        if self._allow_model_change:
            self._say(f"{words}; the build goes on with both, as it was told to")
        else:
            self.changed = ModelChanged(words)
            self._stop(self.changed)

    def _start(self, chore: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)


def model_words(info: EndpointInfo) -> str:
    """A model and its revision, for a person."""
    return f"{info.model_id} at revision {info.model_sha}" if info.model_sha else info.model_id
