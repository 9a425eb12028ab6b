from __future__ import annotations

import pytest

from builders.acceptance import Candidate, Chatter

OPENINGS = [
    "Here is the document you asked for:",
    "Sure, here's a 300-word article about hedge funds.",
    "Certainly! The bond market had a quiet week.",
    "**Here is a revised version of the report:**",
    "Okay, I'll write about municipal bonds.",
    "I'd be happy to help you with this task.",
    "As an AI language model, I don't hold opinions on markets.",
    "I'm just an AI, but bonds are debt.",
    "I have written a document that uses all the keywords.",
    "Based on the provided keywords, the following was composed.",
]
CLOSINGS = [
    "I hope this helps!",
    "I hope this document meets your requirements.",
    "Let me know if you need any changes.",
    "Please feel free to modify it.",
    "Note: This document is fictional and for illustration.",
    "Would you like me to expand on any section?",
    "This document is approximately 350 words long.",
    "Word count: 213",
    "[End of document]",
]
ANYWHERE = [
    "In this document, I will write about inflation.",
    "Dear [Patient Name], your results are normal.",
    "The [Insert company here] reported a loss.",
    "Growth in {topic} was steady, and {{company_name}} led it.",
    "Signed by [Your Name] on [Date].",
    "<<Title Here>> In the realm of medicine, much is new.",
    "Bonds are debt, but as an AI model, I cannot hold any.",
]
NEAR_MISSES = [
    "As an AI-assisted diagnosis tool, the scanner flags nodules.",
    "As an AI company, Helix spends more on chips than on people.",
    "Here is where the trouble began: the bank had no depositors.",
    "The report is here, and the market hated it.",
    "Certainly the bank could have raised capital earlier.",
    "Sure enough, the fever returned on the third day.",
    "The calcium [Ca2+] rose, as others reported [1, 2]; the [3H]naloxone did not.",
    "The set {heads, tails} and \\frac{dose}{volume} are notation.",
    "He hoped that this helps patients, and let the board know if it would not.",
    "In this document, the Commission will set out its view.",
    "I have kept bees since 1990 and know what a mite does.",
    "The first draft of this article was rejected by three journals.",
]


@pytest.mark.parametrize("line", OPENINGS)
def test_an_opening_about_the_task_is_chatter(line: str, good: str) -> None:
    assert reason(f"{line}\n\n{good}") == "chatter"


@pytest.mark.parametrize("line", CLOSINGS)
def test_a_closing_about_the_task_is_chatter(line: str, good: str) -> None:
    assert reason(f"{good}\n\n{line}") == "chatter"


@pytest.mark.parametrize("line", ANYWHERE)
def test_chatter_in_the_middle_is_chatter(line: str, good: str) -> None:
    assert reason(f"{good}\n\n{line} {good}") == "chatter"


@pytest.mark.parametrize("line", NEAR_MISSES)
@pytest.mark.parametrize("place", ["{line}\n\n{good}", "{good}\n\n{line}", "{good} {line} {good}"])
def test_words_of_a_document_are_not_chatter(line: str, place: str, good: str) -> None:
    assert reason(place.replace("{line}", line).replace("{good}", good)) is None


def test_a_letter_may_ask_its_reader_for_questions(good: str) -> None:
    letter = f"{good}\n\nLet me know if you have any questions.\n\nBest regards,\nMarta Okafor"
    assert reason(letter) is None


def test_the_detail_quotes_the_phrase_on_one_line(good: str) -> None:
    rejection = Chatter()(Candidate(f"Here is\nthe document:\n{good}"))
    assert rejection is not None
    assert '"Here is the document' in rejection.detail
    assert "\n" not in rejection.detail


def reason(text: str) -> str | None:
    rejection = Chatter()(Candidate(text))
    return rejection.reason if rejection else None
