"""Promises of the audit and of the check on copies."""

from __future__ import annotations

import pytest

from builders.acceptance import Candidate
from builders.acceptance.grounding import audit, is_drug
from builders.acceptance.seed_copy import SeedCopy

SEED = (
    "In 2019, 1,200 patients took metformin or 0.50 mg of semaglutide. Shares of IBM rose 4.5%. "
    'The chair said: "we expect a slow recovery of demand".'
)


def found(text: str) -> dict[tuple[str, str], bool]:
    return {(claim.kind, claim.text): claim.supported for claim in audit(text, SEED)}


def test_facts_are_found_as_they_are_and_in_other_dress() -> None:
    text = (
        "1. In 2019 there were 1200 patients on Metformin, 0.5 mg of semaglutide or 80 mg of atorvastatin. "
        'NYSE: IBM and NASDAQ: MSFT rose 4.5%. "We expect a slow recovery of demand," and '
        '"nobody saw it coming".'
    )
    assert found(text) == {
        ("number", "2019"): True,
        ("number", "1200"): True,
        ("number", "0.5"): True,
        ("number", "80"): False,
        ("number", "4.5"): True,
        ("drug", "Metformin"): True,
        ("drug", "semaglutide"): True,
        ("drug", "atorvastatin"): False,
        ("ticker", "IBM"): True,
        ("ticker", "MSFT"): False,
        ("quotation", "We expect a slow recovery of demand,"): True,
        ("quotation", "nobody saw it coming"): False,
    }


def test_a_document_is_grounded_in_itself_and_one_without_facts_has_none() -> None:
    assert all(claim.supported for claim in audit(SEED, SEED))
    assert audit("Nothing here can be looked up.", SEED) == ()


@pytest.mark.parametrize(
    "word", ["cholesterol", "hospital", "april", "protocol", "control", "virus", "margin"]
)
def test_ordinary_words_are_no_drugs(word: str) -> None:
    assert not is_drug(word)


def test_twenty_words_in_a_row_may_be_shared_and_twenty_one_not() -> None:
    seed = " ".join(f"word{number}" for number in range(40))
    words = seed.upper().split()
    assert SeedCopy()(Candidate(f"Well, {' '.join(words[:20])}. And so on.", seed=seed)) is None
    rejection = SeedCopy()(Candidate(f"Well, {' '.join(words[:21])}. And so on.", seed=seed))
    assert rejection is not None
    assert rejection.reason == "seed-copy"
    assert "word3" not in rejection.detail.lower()
    assert SeedCopy()(Candidate(seed)) is None, "without a seed there is nothing to copy"
