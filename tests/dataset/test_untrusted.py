from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.dataset.untrusted import markdown, one_line, printable

markdown_it = pytest.importorskip("markdown_it")


@pytest.mark.parametrize(
    "sequence",
    [
        "\x1b[31m",
        "\x1b[2J",
        "\x1b[?25l",
        "\x9b31m",
        "\x1b]0;title\x07",
        "\x1b]8;;http://evil\x1b\\",
        "\x1bPq data\x1b\\",
        "\x1b(B",
        "\x1bc",
        "\x07",
        "\x08",
        "\x00",
        "\x7f",
        "\u202e",
        "\u2066",
    ],
)
def test_what_steers_a_terminal_goes_and_the_words_stay(sequence: str) -> None:
    assert printable(f"one {sequence}two") == "one two"


@pytest.mark.parametrize(
    "text", ["a\n\tb", "\N{WOMAN}\u200d\N{PERSONAL COMPUTER}", "é e\u0301", "[bold] 5 < 6"]
)
def test_what_steers_nothing_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_a_sequence_without_an_end_does_not_swallow_the_text() -> None:
    assert printable("\x1b]0;never ended\nThe text.").endswith("The text.")


@given(st.text(st.characters(codec="utf-8")))
def test_no_control_character_passes(text: str) -> None:
    assert {c for c in printable(text) if unicodedata.category(c) == "Cc"} <= {"\n", "\t"}
    assert "\n" not in one_line(text)


@given(st.text(st.sampled_from("ab \\`*_{}[]()<>#|~$!&;-+.1=:/\n\r\t\x1b[m\u202e\N{GRINNING FACE}")))
def test_a_cell_of_markdown_reads_as_the_line_that_it_was_made_of(text: str) -> None:
    parser = markdown_it.MarkdownIt("commonmark").enable("table")
    tokens = parser.parse(f"| head |\n|---|\n| x{markdown(text)} |\n")
    (cell,) = [token for token in tokens if token.type == "inline"][1:]
    assert {child.type for child in cell.children} <= {"text", "text_special"}
    assert "".join(child.content for child in cell.children) == f"x{one_line(text)}"
