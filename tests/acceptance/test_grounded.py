"""Promises of the checks of instructions: a question stands by itself, a response on its document."""

from __future__ import annotations

import pytest

from builders.acceptance.grounded import Grounded, longest_run
from builders.acceptance.instruction import DocumentInstructionJudge, clean_question
from builders.corpora.registry import find_corpus
from builders.method import Draft

DOCUMENT = (
    "Feline hyperthyroidism is caused by an overactive thyroid gland. The hormones raise the heart rate "
    "of 40 percent of older cats, and weight loss follows. Methimazole lowers the hormone level "
    "within three weeks."
)
RESPONSE = (
    "An overactive gland makes too many thyroid hormones, which raise the heart rate, so that older cats "
    "lose weight; methimazole lowers the level of the hormone."
)


def judge() -> DocumentInstructionJudge:
    return DocumentInstructionJudge.of(find_corpus("metasynth-biomed-instruct"))


def draft(text: str) -> Draft:
    return Draft(text=text, cut=False, prompts=("Write one question.",))


def asked(text: str, *, current: str = "", earlier: tuple[str, ...] = ()) -> str:
    found = judge().question(draft(text), document=DOCUMENT, current=current, earlier=earlier)
    return found.rejection.reason if found.rejection else ""


def answered(text: str) -> str:
    question = "Why do older cats with hyperthyroidism lose weight?"
    found = judge().response(draft(text), document=DOCUMENT, question=question)
    return found.rejection.reason if found.rejection else ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Why does an overactive thyroid gland lead to weight loss in cats?", ""),
        ("Explain how methimazole changes the hormone level of older cats.", ""),
        ("An overactive thyroid gland raises the heart rate of cats.", "no-task"),
        ("What does the document say about the thyroid gland of cats?", "refers-to-text"),
        ("According to the text, what lowers the hormone level of cats?", "refers-to-text"),
        ("Why do central banks raise their rates when prices rise?", "off-topic"),
        ("What is methimazole?", "too-short"),
        ("Why do the thyroid hormones of cats rise? The gland is overactive.", "answers-itself"),
    ],
)
def test_a_question_stands_by_itself(text: str, reason: str) -> None:
    assert asked(text) == reason


def test_a_question_changes_and_repeats_no_earlier_one() -> None:
    question = "Why does an overactive thyroid gland lead to weight loss in cats?"
    assert asked(question, current=question) == "unchanged"
    assert asked(question, earlier=(question.replace("cats", "older cats"),)) == "repeated"


def test_packaging_goes_and_the_question_stays() -> None:
    packed = 'Sure.\n\n**Question:** "Why do cats lose weight?"\n\nAnswer: Because.'
    assert clean_question(packed) == "Why do cats lose weight?"
    assert clean_question(clean_question(packed)) == clean_question(packed)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (RESPONSE, ""),
        (RESPONSE.replace("older cats", "70 percent of older cats"), "ungrounded"),
        (RESPONSE.replace("methimazole", "a drug named Carbizole by Pfizer"), "ungrounded"),
        (RESPONSE + " As the text says, this takes three weeks.", "refers-to-text"),
        (DOCUMENT, "copied"),
        (
            "Central banks raise interest when prices climb, because borrowing becomes dearer, spending "
            "slows, companies invest later, and households postpone what they had planned to buy.",
            "ungrounded",
        ),
    ],
)
def test_a_response_rests_on_its_document(text: str, reason: str) -> None:
    assert answered(text) == reason


def test_numbers_that_count_list_items_need_no_support() -> None:
    listed = "1. The gland is overactive.\n2. The heart rate rises.\n3. The cats lose weight."
    assert Grounded()(listed, (DOCUMENT,)) is None


def test_the_longest_common_run_is_a_share_of_the_text() -> None:
    assert longest_run("one two three four", "zero two three nine") == 0.5
    assert longest_run("", "one") == 0.0
