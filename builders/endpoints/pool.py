"""The pool: what the rest of the product asks, whichever endpoint answers.

It holds each endpoint to a number of calls in flight (seeded from `/info`) and repeats a call
that failed for a passing reason. Adaptive admission, circuit breaking and failover take the
place of :meth:`Pool._ask` and of the semaphore.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from builders.endpoints.errors import (
    EndpointError,
    GenerationFailed,
    Incomplete,
    Overloaded,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from builders.endpoints.base import Completion, Endpoint, EndpointInfo, JsonSchema, Message, Sampling

UNTOLD_CONCURRENCY = 16
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often a call is asked again, by what went wrong, and how long to wait in between.

    Waits grow as `first_wait_s * 2**n` up to `longest_wait_s`, each scaled by a random factor
    in [0.5, 1.5].
    """

    overloaded: int = 40
    unavailable: int = 8
    generation_failed: int = 4
    incomplete: int = 3
    first_wait_s: float = 0.25
    longest_wait_s: float = 15.0

    def allowed(self, error: EndpointError) -> int:
        """Repetitions for this class of error; zero for what a repetition cannot mend."""
        limits: dict[type[EndpointError], int] = {
            Overloaded: self.overloaded,
            Unavailable: self.unavailable,
            GenerationFailed: self.generation_failed,
            Incomplete: self.incomplete,
        }
        return limits.get(type(error), 0)

    def wait_s(self, repetition: int, *, jitter: random.Random) -> float:
        """Seconds to wait before repetition 0, 1, 2..."""
        wait = self.first_wait_s * 2.0 ** min(repetition, 20)
        return min(wait, self.longest_wait_s) * jitter.uniform(0.5, 1.5)


class Pool:
    """Admits calls to one endpoint and repeats the ones that failed in passing."""

    def __init__(
        self, endpoint: Endpoint, *, concurrency: int | None = None, retries: Retries | None = None
    ) -> None:
        self._endpoint = endpoint
        self._retries = retries or Retries()
        self._jitter = random.Random()
        self.concurrency = concurrency or endpoint.info.max_concurrent_requests or UNTOLD_CONCURRENCY
        self._admission = asyncio.Semaphore(self.concurrency)

    @property
    def info(self) -> EndpointInfo:
        """What the endpoint says of itself."""
        return self._endpoint.info

    async def chat(
        self, messages: list[Message], sampling: Sampling, schema: JsonSchema | None = None
    ) -> Completion:
        """Answer a conversation; see :meth:`Chat.chat`.

        An answer that came back incomplete is asked for again with twice the room and the
        next seed; any other repetition is the same request.
        """

        def ask(incomplete: int) -> Awaitable[Completion]:
            roomier = replace(
                sampling,
                max_tokens=self._room(sampling.max_tokens * 2**incomplete),
                seed=sampling.seed + incomplete,
            )
            return self._endpoint.chat(messages, roomier, schema)

        return await self._ask(ask)

    async def count_tokens(self, text: str) -> int:
        """Count tokens with the served model's tokenizer."""
        return await self._ask(lambda _: self._endpoint.count_tokens(text))

    async def close(self) -> None:
        """Close the endpoint."""
        await self._endpoint.close()

    def _room(self, max_tokens: int) -> int:
        """Never ask for more than half of the context: the prompt needs the rest."""
        total = self.info.max_total_tokens
        return min(max_tokens, max(total // 2, 1)) if total else max_tokens

    async def _ask(self, call: Callable[[int], Awaitable[Answer]]) -> Answer:
        failures: dict[type[EndpointError], int] = {}
        while True:
            try:
                async with self._admission:
                    return await call(failures.get(Incomplete, 0))
            except EndpointError as error:
                count = failures[type(error)] = failures.get(type(error), 0) + 1
                if count > self._retries.allowed(error):
                    raise
            await asyncio.sleep(self._retries.wait_s(count - 1, jitter=self._jitter))
