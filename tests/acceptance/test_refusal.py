from __future__ import annotations

import pytest

from builders.acceptance import Candidate, Refusal

REFUSALS = [
    "I cannot provide financial advice, but bonds are debt.",
    "I can\u2019t help with that request.",
    "I'm sorry, but I can't write this document.",
    "I am unable to provide medical advice. Please see a doctor.",
    "I'm not able to generate content about this drug.",
    "I apologize, but the keywords are unclear.",
    "Sorry, I don't have enough information.",
    "Unfortunately, I cannot fulfill this request.",
    "I don't have access to real-time market data.",
    "I must respectfully decline to write about this.",
    "Could you please provide more details about the topic?",
    "Please provide me with the keywords you want in the document.",
]
NEAR_MISSES = [
    "The patient declined further treatment and went home.",
    "The bank cannot provide loans above the limit.",
    "I cannot believe that it has been ten years since the merger.",
    "Sorry results from the third quarter weighed on the shares.",
    "Unfortunately, the trial was stopped early for harm.",
    "She apologised, but the board had already voted.",
    '"I\'m sorry," said the nurse, "but visiting hours are over."',
    "Can you give a child honey? Not in the first year.",
]


@pytest.mark.parametrize("line", REFUSALS)
def test_a_model_that_declines_is_refused(line: str, good: str) -> None:
    rejection = Refusal()(Candidate(f"{line}\n\n{good}"))
    assert rejection is not None
    assert rejection.reason == "refusal"


def test_a_refusal_after_a_title_is_found(good: str) -> None:
    assert Refusal()(Candidate(f"# Bonds\n\nI cannot fulfill this request. {good}")) is not None


@pytest.mark.parametrize("line", NEAR_MISSES)
def test_people_in_documents_may_decline(line: str, good: str) -> None:
    assert Refusal()(Candidate(f"{line} {good}")) is None
    assert Refusal()(Candidate(f"{good} {line}")) is None
