from __future__ import annotations

import pytest

from builders.acceptance import Candidate, Truncated

BROKEN = [
    "The bank said it would",
    "The committee, which met on Friday,",
    "The drug was given to 40 patients, of whom\n\nIn addition, the",
    "There are three risks:\n1. Credit risk.\n2. Interest rate risk, which",
    "The terms are as follows:",
    "## Results\n\nThe mean was 3.2 (95% CI",
    "Revenue grew.\n\nThe Bank of",
    "",
]
WHOLE = [
    "The bank agreed.",
    'He asked, "Why now?"',
    "The mean was 3.2 (95% CI 2.1 to 4.3).",
    "**It was over.**",
    "Prices rose.[12]",
    "Yours sincerely,\n\nDr. Jane Doe, MD\nChief Medical Officer of the Trust",
    "We met twice.\n\nMarch 3, 2024",
    "Buy:\n- two-year notes\n- ten-year notes",
    "| Year | Yield |\n| 2024 | 4.1 |",
]


@pytest.mark.parametrize("text", BROKEN)
def test_a_document_cut_in_a_sentence_is_truncated(text: str) -> None:
    rejection = Truncated()(Candidate(text))
    assert rejection is not None
    assert rejection.reason == "truncated"


@pytest.mark.parametrize("text", WHOLE)
def test_a_whole_ending_passes(text: str) -> None:
    assert Truncated()(Candidate(text)) is None
