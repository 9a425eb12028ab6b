"""Promises of the limiter: it finds what a server takes, keeps to it, and recovers."""

from __future__ import annotations

import heapq
import random
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.endpoints.limiter import BLIND, LONGEST_PAUSE_S, OPENING, Limiter
from builders.endpoints.server_load import ServerLoad

if TYPE_CHECKING:
    from collections.abc import Callable


class World:
    """A server with so many permits, and a client that always has more to ask; time is simulated.

    `permits` is a function of time, in seconds; an answer takes `answer_s`, more or less.
    """

    def __init__(self, permits: Callable[[float], int], *, answer_s: float = 0.5, seed: int = 0) -> None:
        self._permits = permits
        self._answer_s = answer_s
        self._chance = random.Random(seed)
        self.now = 0.0
        self.held = 0
        self.answers: list[float] = []
        self.refusals: list[float] = []

    def run(self, limiter: Limiter, *, until: float) -> None:
        """Ask as much as the limiter admits. A refusal comes within two milliseconds."""
        ends: list[tuple[float, bool]] = []
        while self.now < until:
            limiter.grow(self.now)
            while limiter.admits(self.now):
                limiter.started()
                admitted = self.held < self._permits(self.now)
                self.held += admitted
                takes = self._answer_s * self._chance.lognormvariate(0, 0.6) if admitted else 0.002
                heapq.heappush(ends, (self.now + takes, admitted))
                limiter.grow(self.now)
            wakes = limiter.wakes_at(self.now)
            moments = [ends[0][0]] if ends else []
            moments += [max(wakes, self.now + 0.001)] if wakes is not None else []
            assert moments, "nothing is in flight, and nothing would ever wake the client"
            self.now = max(self.now, min(moments))
            while ends and ends[0][0] <= self.now:
                _, admitted = heapq.heappop(ends)
                if admitted:
                    self.held -= 1
                    self.answers.append(self.now)
                    limiter.answered()
                else:
                    self.refusals.append(self.now)
                    limiter.refused(self.now)

    def rate(self, since: float, until: float) -> float:
        """Answers per second."""
        return sum(since <= at < until for at in self.answers) / (until - since)


@pytest.mark.parametrize("told", [1, 64, 2000])
def test_what_a_server_tells_is_used_at_once_and_never_exceeded(told: int) -> None:
    limiter = Limiter(told=told)
    world = World(lambda _: told)
    assert limiter.limit == told
    world.run(limiter, until=2.0)
    assert limiter.limit == told
    assert not world.refusals


@pytest.mark.parametrize("permits", [1, 3, 16, 64, 200])
@pytest.mark.parametrize("guess", [None, 8, 128, 512])
def test_what_a_server_does_not_tell_is_found_out(permits: int, guess: int | None) -> None:
    limiter = Limiter(told=None, guess=guess)
    world = World(lambda _: permits)
    world.run(limiter, until=60.0)
    best = permits / (0.5 * 1.197)  # the mean of the log-normal of sigma 0.6
    assert world.rate(20, 60) >= 0.9 * best
    late = [at for at in world.refusals if at >= 20]
    assert len(late) <= 0.05 * 40 * best, "a probe now and then is all that is refused"


def test_the_first_requests_are_few_where_nothing_is_told() -> None:
    assert Limiter(told=None).limit == OPENING < BLIND
    assert Limiter(told=None, guess=3).limit == 3


@given(
    events=st.lists(st.sampled_from(["start", "answer", "fail", "refuse", "queue", "grow"]), max_size=300),
    told=st.none() | st.integers(1, 100),
    steps=st.randoms(use_true_random=False),
)
def test_whatever_happens_the_limit_is_at_least_one_and_what_is_told_at_most(
    events: list[str], told: int | None, steps: random.Random
) -> None:
    limiter, now = Limiter(told=told, jitter=random.Random(1)), 0.0
    for event in events:
        now += steps.uniform(0, 0.3)
        if event == "start" and limiter.admits(now):
            limiter.started()
        elif event == "queue":
            limiter.queued(now, ServerLoad(waiting=steps.randrange(20), processing=steps.randrange(20)))
        elif event == "grow":
            limiter.grow(now)
        elif limiter.in_flight and event in ("answer", "fail", "refuse"):
            if event == "refuse":
                limiter.refused(now)
            else:
                limiter.answered() if event == "answer" else limiter.failed()
        assert limiter.limit >= 1
        assert limiter.limit <= (told or limiter.limit)
        assert limiter.in_flight >= 0
        wakes = limiter.wakes_at(now)
        assert limiter.in_flight or limiter.admits(now) or wakes is not None, "it can always go on"


def test_a_refusal_lowers_the_limit_to_what_the_server_holds() -> None:
    limiter = Limiter(told=64)
    for _ in range(40):
        limiter.started()
    limiter.refused(1.0)
    assert limiter.limit == 39
    assert not limiter.admits(1.0)


@pytest.mark.parametrize("permits", [4, 16, 64])
@pytest.mark.parametrize("told", [True, False])
def test_a_storm_of_refusals_is_sat_out_and_then_the_limit_is_back_within_seconds(
    permits: int, told: bool
) -> None:
    storm = (20.0, 50.0)
    limiter = Limiter(told=permits if told else None, jitter=random.Random(2))
    world = World(lambda now: 0 if storm[0] <= now < storm[1] else permits)
    world.run(limiter, until=80.0)
    before = world.rate(10, 20)
    during = [at for at in world.refusals if storm[0] + 5 <= at < storm[1]]
    assert len(during) <= 25 * 2, "two requests a second at most, once it is clear that nothing goes"
    assert max(b - a for a, b in pairwise(during)) <= 1.3 * LONGEST_PAUSE_S
    assert world.rate(60, 70) >= 0.9 * before, "90 % within ten seconds of the end"


@pytest.mark.parametrize("told", [True, False])
def test_fewer_permits_are_noticed_at_once_and_more_within_seconds(told: bool) -> None:
    limiter = Limiter(told=64 if told else None)
    world = World(lambda now: 16 if 20 <= now < 40 else 64)
    world.run(limiter, until=70.0)
    assert limiter.limit <= 64 + (not told) * 40
    assert world.rate(22, 40) >= 0.9 * 16 / (0.5 * 1.197)
    assert sum(22 <= at < 40 for at in world.refusals) <= 25
    assert world.rate(50, 70) >= 0.9 * world.rate(10, 20)


def test_a_queue_that_is_told_twice_lowers_the_limit_to_what_is_processed() -> None:
    limiter = Limiter(told=64)
    limiter.queued(1.0, ServerLoad(waiting=30, processing=16))
    assert limiter.limit == 64, "once may be chance"
    limiter.queued(3.0, ServerLoad(waiting=30, processing=16))
    assert limiter.limit == 18
    limiter.queued(5.0, ServerLoad(waiting=1, processing=16))
    assert limiter.limit == 18


def test_a_server_that_queues_is_not_given_more_than_pays() -> None:
    """It takes everything at once and generates for sixteen: more in flight is no more per second."""
    limiter, now, rate = Limiter(told=None), 0.0, 16 / 0.5
    for _ in range(20_000):
        limiter.grow(now)
        while limiter.admits(now):
            limiter.started()
            limiter.grow(now)
        now += 1 / rate
        limiter.answered()
    assert limiter.limit <= 2 * BLIND
