from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from builders.acceptance import Candidate, ExactDuplicates, default_checks, first_rejection

SLUGS = {"too-short", "too-long", "truncated", "chatter", "refusal", "duplicate", "prompt-leak", "degenerate"}
SLUGS |= {"not-english"}


def test_a_good_document_passes_every_check(good: str) -> None:
    checks = default_checks(duplicates=ExactDuplicates())
    assert len({check.name for check in checks}) == len(checks) == 8
    assert first_rejection(checks, Candidate(good, ("Write about the inflation of March.",))) is None


def test_the_first_objection_is_reported(good: str) -> None:
    refused = first_rejection(default_checks(), Candidate("I cannot help with that."))
    assert refused is not None
    assert refused.reason == "refusal"
    long = first_rejection(default_checks(max_words=80), Candidate(good))
    assert long is not None
    assert long.reason == "too-long"


def test_an_accepted_document_is_not_accepted_twice(good: str) -> None:
    duplicates = ExactDuplicates()
    checks = default_checks(duplicates=duplicates)
    assert first_rejection(checks, Candidate(good)) is None
    duplicates.add(good)
    again = first_rejection(checks, Candidate(good))
    assert again is not None
    assert again.reason == "duplicate"


def test_the_leak_settings_reach_the_check(good: str) -> None:
    candidate = Candidate(good, ("Nobody was paid to be a hero",))
    assert first_rejection(default_checks(), candidate) is None
    assert first_rejection(default_checks(leak_words=5), candidate) is not None
    assert first_rejection(default_checks(leak_words=5, leak_allowed=candidate.prompts), candidate) is None


@given(st.text(max_size=400), st.lists(st.text(max_size=80), max_size=2))
def test_no_text_makes_a_check_raise(text: str, prompts: list[str]) -> None:
    candidate = Candidate(text, tuple(prompts))
    for check in default_checks(duplicates=ExactDuplicates()):
        rejection = check(candidate)
        if rejection:
            assert rejection.reason in SLUGS
            assert rejection.detail == " ".join(rejection.detail.splitlines())
