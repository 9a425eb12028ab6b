from __future__ import annotations

import pytest

from builders.acceptance import Candidate, Length


@pytest.mark.parametrize(
    ("words", "reason"), [(0, "too-short"), (59, "too-short"), (60, None), (400, None), (401, "too-long")]
)
def test_both_limits_are_inclusive(words: int, reason: str | None) -> None:
    rejection = Length()(Candidate("word\n" * words))
    assert (rejection.reason if rejection else None) == reason


def test_the_detail_says_by_how_much() -> None:
    rejection = Length(min_words=5)(Candidate("two words"))
    assert rejection is not None
    assert rejection.detail == "2 words, at least 5 wanted"
