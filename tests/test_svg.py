"""Promises of the marks of an axis: round, evenly spaced, between its ends."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.svg import round_numbers


@given(low=st.floats(-1e6, 1e6), width=st.floats(1e-3, 1e6), about=st.integers(3, 8))
def test_marks_lie_between_the_ends_as_multiples_of_one_step(low: float, width: float, about: int) -> None:
    marks = round_numbers(low, low + width, about=about)
    assert 1 <= len(marks) <= about + 1
    assert low - 1e-6 * width <= marks[0] <= marks[-1] <= low + width * (1 + 1e-6)
    for one, next_one in pairwise(marks):
        assert next_one - one == pytest.approx(marks[1] - marks[0], rel=1e-3)


def test_steps_are_one_two_or_five_times_a_power_of_ten() -> None:
    assert round_numbers(0, 150_000) == [0, 50_000, 100_000, 150_000]
    assert round_numbers(-11.9, 0.9, about=6) == [-10, -5, 0]
    assert round_numbers(2.3, 3.3, about=5) == pytest.approx([2.4, 2.6, 2.8, 3.0, 3.2])
