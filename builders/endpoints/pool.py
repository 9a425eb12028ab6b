"""The pool: what the rest of the product asks, whichever endpoint answers.

A call waits for a place at an endpoint; earlier trajectories come first. It goes to the endpoint where
its trajectory was before, whose prefix cache knows the conversation; else to the one with most room.
How many places an endpoint has is its limiter's to say, whether it is there its breaker's. A call that
failed for a passing reason is asked again, at another endpoint if one has room.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from builders.endpoints.errors import EndpointError, GenerationFailed, Incomplete, Overloaded, Unavailable
from builders.endpoints.member import Member, model_words
from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from builders.endpoints.base import Completion, Endpoint, EndpointInfo, JsonSchema, Message, Sampling

Answer = TypeVar("Answer")
NO_TRAJECTORY = -1
LONGEST_NAP_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often a call is asked again, by what went wrong, and how long to wait in between.

    Waits grow as `first_wait_s * 2**n` up to `longest_wait_s`, each scaled by a random factor
    in [0.5, 1.5]. A refusal (429) does not count: the call waits for a place again.

    Attributes:
        unavailable: repetitions after a broken connection, a time-out or a 503.
        generation_failed: repetitions after a 424 or 500.
        incomplete: repetitions with more room after an empty or cut answer.
        patience_s: how long to wait while no endpoint answers anything, in seconds.
    """

    unavailable: int = 8
    generation_failed: int = 6
    incomplete: int = 3
    patience_s: float = 600.0
    first_wait_s: float = 0.05
    longest_wait_s: float = 15.0

    def allowed(self, error: EndpointError) -> int:
        """Repetitions for this class of error; zero for what a repetition cannot mend."""
        limits: dict[type[EndpointError], int] = {
            Unavailable: self.unavailable,
            GenerationFailed: self.generation_failed,
            Incomplete: self.incomplete,
        }
        return limits.get(type(error), 0)

    def wait_s(self, repetition: int, *, jitter: random.Random) -> float:
        """Seconds to wait before repetition 0, 1, 2..."""
        wait = self.first_wait_s * 2.0 ** min(repetition, 20)
        return min(wait, self.longest_wait_s) * jitter.uniform(0.5, 1.5)


@dataclass(slots=True, order=True)
class _Waiter:
    trajectory: int
    number: int
    avoid: Member | None = field(compare=False)
    place: asyncio.Future[Member] = field(compare=False)


class Pool:
    """Admits calls to one or more endpoints and repeats the ones that failed in passing.

    Args:
        endpoints: open endpoints, at least one; the first gives the build its model.
        most: calls in flight at most, over all endpoints; None for what they take.
        start: calls in flight that an endpoint which does not tell its limit may well take.
        retries: how often a call is asked again.
        allow_model_change: accept answers of different models.
        say: told what a person should know, in a line.

    Raises:
        UserError: the endpoints serve different models.
    """

    def __init__(
        self,
        *endpoints: Endpoint,
        most: int | None = None,
        start: int | None = None,
        retries: Retries | None = None,
        allow_model_change: bool = False,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        if not allow_model_change:
            _require_one_model([endpoint.info for endpoint in endpoints])
        self._guess = start or most
        self._allow_model_change = allow_model_change
        self._say = say
        self._members = [self._member(endpoint) for endpoint in endpoints]
        self._most = most
        self._retries = retries or Retries()
        self._jitter = random.Random()
        self._numbers = count()
        self._waiting: list[_Waiter] = []
        self._homes: dict[int, Member] = {}
        self._in_flight = 0
        self._quiet_s = 0.0
        self._napped_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._watches: list[asyncio.Task[None]] = []
        self._stopped: Exception | None = None
        self._stopping = asyncio.Event()
        infos = [endpoint.info for endpoint in endpoints]
        contexts = [info.max_total_tokens for info in infos if info.max_total_tokens]
        self.info = replace(infos[0], max_total_tokens=min(contexts, default=None))

    @property
    def concurrency(self) -> int:
        """Calls that the endpoints take at once, as far as is known now."""
        limits = sum(self.places.values())
        return max(1, min(limits, self._most or limits))

    @property
    def places(self) -> dict[str, int]:
        """Calls that each endpoint takes at once, by base URL; without those that are away."""
        places: dict[str, int] = {}
        for member in self._members:
            if not member.breaker.is_open:
                url = member.endpoint.info.url
                places[url] = places.get(url, 0) + member.limiter.limit
        return places

    def _member(self, endpoint: Endpoint) -> Member:
        return Member(
            endpoint,
            guess=self._guess,
            allow_model_change=self._allow_model_change,
            say=self._say,
            wake=self._dispatch,
            stop=self.stop,
        )

    def join(self, endpoint: Endpoint) -> None:
        """Use another endpoint from now on; it is closed with the pool.

        Raises:
            UserError: it serves another model, or less context than prompts are made for.
        """
        context, needed = endpoint.info.max_total_tokens, self.info.max_total_tokens
        if context and needed and context < needed:
            raise UserError(f"its context is {context} tokens, and prompts are made for {needed}")
        if not self._allow_model_change:
            _require_one_model([self.info, endpoint.info])
        member = self._member(endpoint)
        self._members.append(member)
        self._watches.append(asyncio.create_task(member.watch()))
        self._dispatch()

    async def __aenter__(self) -> Pool:
        self._watches = [asyncio.create_task(member.watch()) for member in self._members]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the endpoints."""
        if self._timer:
            self._timer.cancel()
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        for member in self._members:
            await member.close()

    def stop(self, error: Exception) -> None:
        """Ask nothing any more, and tell everyone who waits; what is in flight goes on."""
        self._stopped = self._stopped or error
        self._stopping.set()
        for waiter in self._waiting:
            if not waiter.place.done():
                waiter.place.set_exception(self._stopped)
        self._waiting.clear()

    def leave(self, trajectory: int) -> None:
        """A trajectory has ended: forget where it was."""
        self._homes.pop(trajectory, None)

    async def chat(
        self,
        messages: list[Message],
        sampling: Sampling,
        schema: JsonSchema | None = None,
        *,
        trajectory: int = NO_TRAJECTORY,
    ) -> Completion:
        """Answer a conversation; see :meth:`Chat.chat`.

        An answer that came back incomplete is asked for again with twice the room and the
        next seed; any other repetition is the same request.
        """

        def attribute(answer: Completion, info: EndpointInfo) -> Completion:
            return replace(answer, model_id=info.model_id, model_sha=info.model_sha)

        def ask(endpoint: Endpoint, incomplete: int) -> Awaitable[Completion]:
            if not incomplete:
                return endpoint.chat(messages, sampling, schema)
            room = self._room(sampling.max_tokens * 2**incomplete)
            roomier = replace(sampling, max_tokens=room, seed=sampling.seed + incomplete)
            return endpoint.chat(messages, roomier, schema)

        return await self._ask(ask, trajectory, attribute)

    async def count_tokens(self, text: str, *, trajectory: int = NO_TRAJECTORY) -> int:
        """Count tokens with the served model's tokenizer."""
        return await self._ask(
            lambda endpoint, _: endpoint.count_tokens(text), trajectory, lambda tokens, _: tokens
        )

    def _room(self, max_tokens: int) -> int:
        """Never ask for more than half of the context: the prompt needs the rest."""
        total = self.info.max_total_tokens
        return min(max_tokens, max(total // 2, 1)) if total else max_tokens

    async def _ask(
        self,
        call: Callable[[Endpoint, int], Awaitable[Answer]],
        trajectory: int,
        attribute: Callable[[Answer, EndpointInfo], Answer],
    ) -> Answer:
        failures: dict[type[EndpointError], int] = {}
        avoid: Member | None = None
        while True:
            member = await self._place(trajectory, avoid)
            breaks = member.breaks
            try:
                answer = await call(member.endpoint, failures.get(Incomplete, 0))
            except EndpointError as error:
                self._leave_failed(member, error)
                if isinstance(error, Overloaded):
                    continue
                failed = failures[type(error)] = failures.get(type(error), 0) + 1
                if failed > self._retries.allowed(error):
                    raise
                avoid = member if isinstance(error, Unavailable) else None
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._retries.wait_s(failed - 1, jitter=self._jitter)):
                        await self._stopping.wait()
            except BaseException:
                self._leave_unfinished(member)
                raise
            else:
                self._leave_answered(member)
                if breaks != member.breaks:  # connections broke meanwhile: is it the same model still?
                    await member.confirmed()
                    return attribute(answer, member.endpoint.info)
                return answer

    # Places at endpoints

    async def _place(self, trajectory: int, avoid: Member | None) -> Member:
        """Take a place at an endpoint, or wait for one."""
        if self._stopped:
            raise self._stopped
        if not self._waiting and not self._in_flight:
            self._quiet_s = 0.0
        if not self._waiting and (member := self._choose(trajectory, avoid)):
            return self._take(member, trajectory)
        place: asyncio.Future[Member] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, _Waiter(trajectory, next(self._numbers), avoid, place))
        self._arm()
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self._leave_unfinished(place.result())
            raise

    def _choose(self, trajectory: int, avoid: Member | None) -> Member | None:
        """The endpoint for a call, if one has room: its trajectory's own before the roomiest."""
        if self._most and self._in_flight >= self._most:
            return None
        now = time.monotonic()
        home = self._homes.get(trajectory)
        if home is not None and home is not avoid and home.admits(now):
            return home
        roomy = [member for member in self._members if member.admits(now)]
        return max(roomy, key=lambda member: (member is not avoid, member.limiter.free), default=None)

    def _take(self, member: Member, trajectory: int) -> Member:
        member.limiter.started()
        self._in_flight += 1
        if trajectory != NO_TRAJECTORY:
            self._homes[trajectory] = member
        return member

    def _dispatch(self) -> None:
        """Give free places to those who wait, the earliest trajectory first."""
        while self._waiting:
            waiter = self._waiting[0]
            if not waiter.place.done():
                member = self._choose(waiter.trajectory, waiter.avoid)
                if member is None:
                    self._arm()
                    return
                waiter.place.set_result(self._take(member, waiter.trajectory))
            heapq.heappop(self._waiting)

    def _arm(self) -> None:
        """Look again when time alone may admit a call, or has worn out the patience."""
        now = time.monotonic()
        wakes = [at for member in self._members if (at := member.limiter.wakes_at(now)) is not None]
        at = max(min([*wakes, now + LONGEST_NAP_S]), now + 0.001)
        loop = asyncio.get_running_loop()
        if self._timer:
            if self._timer.when() <= loop.time() + (at - now):
                return
            self._timer.cancel()
        self._napped_at = self._napped_at or now
        self._timer = loop.call_later(at - now, self._wake)

    def _wake(self) -> None:
        """The timer is up. A nap counts as no longer than planned: the machine may have been suspended."""
        self._timer = None
        self._quiet_s += min(time.monotonic() - self._napped_at, LONGEST_NAP_S)
        self._napped_at = 0.0
        if not self._in_flight and self._quiet_s > self._retries.patience_s:
            words = f"no endpoint has answered for {self._retries.patience_s:.0f} s"
            self.stop(Unavailable(words))
        self._dispatch()

    def _leave_answered(self, member: Member) -> None:
        self._quiet_s = 0.0
        self._in_flight -= 1
        member.answered()
        self._dispatch()

    def _leave_failed(self, member: Member, error: EndpointError) -> None:
        self._in_flight -= 1
        member.failed(error, time.monotonic())
        self._dispatch()

    def _leave_unfinished(self, member: Member) -> None:
        self._in_flight -= 1
        member.unfinished()
        self._dispatch()


def _require_one_model(infos: list[EndpointInfo]) -> None:
    first = infos[0]
    for info in infos[1:]:
        revisions = {first.model_sha, info.model_sha} - {None}
        if info.model_id != first.model_id or len(revisions) > 1:
            raise UserError(
                f"{first.url} serves {model_words(first)}, {info.url} serves {model_words(info)}; "
                "serve one model, or mix them with --allow-model-change"
            )
