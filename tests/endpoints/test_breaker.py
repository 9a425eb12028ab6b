"""Promises of the circuit breaker."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from builders.endpoints.breaker import FAILURES, FIRST_COOL_DOWN_S, LONGEST_COOL_DOWN_S, Breaker


def test_failures_in_a_row_open_it_and_an_answer_in_between_does_not() -> None:
    breaker = Breaker()
    for _ in range(FAILURES - 1):
        assert not breaker.failed(0.0)
    breaker.answered()
    for _ in range(FAILURES - 1):
        assert not breaker.failed(0.0)
    assert breaker.failed(0.0)
    assert breaker.is_open


def test_what_was_in_flight_when_it_opened_does_not_open_it_again() -> None:
    breaker = Breaker()
    opened = [breaker.failed(0.0) for _ in range(64)]
    assert opened.count(True) == 1
    assert breaker.cool_down_s(0.0) <= 1.25 * FIRST_COOL_DOWN_S


def test_half_open_one_failure_is_enough_and_one_answer_closes_it() -> None:
    breaker = Breaker()
    breaker.open(0.0)
    breaker.half_open()
    assert not breaker.is_open
    assert breaker.failed(1.0)
    breaker.half_open()
    breaker.answered()
    assert not breaker.failed(2.0)


@given(seed=st.integers(0, 2**32), times=st.integers(1, 50))
def test_cool_downs_double_up_to_the_longest_and_vary_by_a_quarter(seed: int, times: int) -> None:
    breaker, now = Breaker(jitter=random.Random(seed)), 0.0
    for time in range(times):
        breaker.open(now)
        plain = min(FIRST_COOL_DOWN_S * 2**time, LONGEST_COOL_DOWN_S)
        left = breaker.cool_down_s(now)
        assert 0.75 * plain <= left <= 1.25 * plain
        assert breaker.cool_down_s(now + left + 1) == 0
        now += left
    breaker.half_open()
    breaker.answered()
    breaker.open(now)
    assert breaker.cool_down_s(now) <= 1.25 * FIRST_COOL_DOWN_S, "an answer begins the row anew"
