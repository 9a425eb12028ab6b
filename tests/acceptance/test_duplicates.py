from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from builders.acceptance import Candidate, ExactDuplicates


def test_the_same_words_again_are_a_duplicate_whatever_their_case_and_punctuation() -> None:
    duplicates = ExactDuplicates()
    duplicates.add("The bank, once solvent, isn't.")
    rejection = duplicates(Candidate("THE BANK once   solvent; isn\u2019t"))
    assert rejection is not None
    assert rejection.reason == "duplicate"
    assert duplicates(Candidate("The bank, once solvent, is.")) is None


def test_judging_does_not_remember() -> None:
    duplicates = ExactDuplicates()
    assert duplicates(Candidate("a text")) is None
    assert duplicates(Candidate("a text")) is None
    assert len(duplicates) == 0


@given(added=st.lists(st.integers(0, 5000), max_size=300), asked=st.integers(0, 5000))
def test_it_remembers_like_a_set(added: list[int], asked: int) -> None:
    duplicates = ExactDuplicates()
    for number in added:
        duplicates.add(f"document {number}")
    assert len(duplicates) == len(set(added))
    assert duplicates.seen(f"document {asked}") == (asked in added)


def test_ten_thousand_documents_take_at_most_22_bytes_each() -> None:
    duplicates = ExactDuplicates()
    for number in range(10_000):
        duplicates.add(f"document {number}")
    assert all(duplicates.seen(f"document {number}") for number in range(10_000))
    assert not any(duplicates.seen(f"document {number}") for number in range(10_000, 20_000))
    assert duplicates.nbytes <= 22 * 10_000
