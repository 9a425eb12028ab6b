from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.acceptance import clean_document

PACKAGES = [
    "\n\n  {good}\n ",
    '"""\n{good}\n"""',
    '"""{good}',
    '{good}\n"""',
    "```\n{good}\n```",
    "```markdown\n{good}\n```",
    "Here is the document:\n\n{good}",
    "Sure, here's a 300-word article about inflation:\n{good}",
    "**Certainly! Here is the revised version of the report.**\n\n{good}",
    "Below is the final draft: {good}",
    "Sure! Here's the document:\n\n```text\n{good}\n```\n\n**Word count:** 213",
    "{good}\n\nWord count: 213",
    "{good}\n\n(213 words)",
    "{good}\n\n4.",
    "{good}\n - ",
    "{good}\n\n*Total word count: ~1,213 words*",
]
UNTOUCHED = [
    "Here is where the trouble began: the bank had no depositors.\n\n{good}",
    "The report was short.\n\n{good}",
    "# A title\n\n{good}\n\n- a list\n  - in a list",
    "{good}\n\n\nA paragraph after two blank lines.",
    "{good} The essay ran to 213 words.",
]


@pytest.mark.parametrize("package", PACKAGES)
def test_packaging_comes_off_and_the_document_stays_whole(package: str, good: str) -> None:
    assert clean_document(package.replace("{good}", good)) == good


@pytest.mark.parametrize("document", UNTOUCHED)
def test_a_document_without_packaging_is_left_alone(document: str, good: str) -> None:
    text = document.replace("{good}", good)
    assert clean_document(text) == text


def test_an_announcement_of_next_to_nothing_stays_for_the_checks() -> None:
    assert clean_document("Here is the document:\n\nBonds.") == "Here is the document:\n\nBonds."


def test_three_blank_lines_become_one() -> None:
    assert clean_document("a\n\n\n\nb\n \n\t\n\n\nc") == "a\n\nb\n\nc"


PACKAGING = ["```", "```text\n", '"""', "'''", "\n", "\n\n\n\n", " ", "\r\n", "\x0b", "**", "\u2019"]
LINES = ["Here is the document:", "Sure, here's an article:\n", "Word count: 213", "(12 words)", "word " * 25]
PIECES = st.sampled_from([*PACKAGING, *LINES, "A sentence."])


@given(st.one_of(st.text(), st.lists(PIECES, max_size=14).map("".join)))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = clean_document(text)
    assert clean_document(once) == once
    assert len(once) <= len(text)
