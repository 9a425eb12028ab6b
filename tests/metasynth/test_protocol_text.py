"""Promises of the text protocol: every text is read, a call is read as it was meant, a slip gets feedback."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.corpora.base import DOCUMENT_EXPERTS
from builders.metasynth.experts import choose_experts
from builders.metasynth.protocol import ExpertCall, Finish, Turn
from builders.metasynth.protocol_text import QUOTES, TextProtocol

TEAM = choose_experts((*DOCUMENT_EXPERTS, "Topic Label Expert", "Writing Expert"))
FRAGMENTS = (
    QUOTES,
    '"',
    "\n",
    " ",
    ":",
    "**",
    "Expert",
    "Summarizer Expert:",
    "Expert Hospital Pharmacist:",
    ">> DOCUMENT",
    "genre: leaflet",
    "[draft]",
    "ROUND 2:",
    "\u2028",
    "\x00",
)


def read(output: str) -> Turn:
    return TextProtocol().read(output, TEAM)


def call(name: str, instruction: str) -> str:
    return f"{name}:\n{QUOTES}\n{instruction}\n{QUOTES}\n"


@st.composite
def instructions(draw: st.DrawFn) -> str:
    text = draw(st.text(min_size=1).filter(lambda text: bool(text.strip())))
    return text.replace(QUOTES, "''").replace("xpert", "")


# Every text is read


@given(st.text() | st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=5)).map("".join))
def test_any_text_yields_moves_or_a_problem_and_never_raises(output: str) -> None:
    turn = read(output)
    assert turn.moves or turn.problems
    if any(isinstance(move, Finish) for move in turn.moves):
        assert len(turn.moves) == 1


@pytest.mark.parametrize("unit", ["\n", "*", "the ", "*\n", '"""', "expert: ", "expert the\n", ">>"])
def test_a_long_degenerate_answer_is_read_in_no_time(unit: str) -> None:
    started = time.perf_counter()
    read(unit * 20_000)
    assert time.perf_counter() - started < 3


# A call is read as it was meant


@given(st.lists(st.tuples(st.sampled_from(TEAM), instructions()), min_size=1, max_size=4))
def test_calls_written_in_the_format_are_read_back_verbatim(wanted: list) -> None:
    turn = read("\n".join(call(expert.name, instruction) for expert, instruction in wanted))
    assert not turn.problems
    assert [(move.expert, move.instruction) for move in turn.moves] == [
        (expert, instruction.strip()) for expert, instruction in wanted
    ]


def test_two_calls_in_one_turn_are_both_made_in_order() -> None:
    turn = read(call("Summarizer Expert", "Summarise [draft].") + call("Writing Expert", "Rewrite [draft]."))
    assert [move.expert.name for move in turn.moves] == ["Summarizer Expert", "Writing Expert"]


def test_a_call_goes_before_a_finish_in_the_same_turn_and_the_meta_lm_is_told() -> None:
    turn = read(call("Summarizer Expert", "Summarise [draft].") + "\n>> DOCUMENT\ngenre: leaflet\n")
    assert [move.expert.name for move in turn.moves] == ["Summarizer Expert"]
    assert len(turn.problems) == 1
    assert ">> DOCUMENT" in turn.problems[0]


@pytest.mark.parametrize(
    "heading",
    [
        "**expert   SUMMARISER :**",
        "Expert Summarizer",
        "### Summarizer Expert",
        "1. Summarizer Expert:",
        "Now I will call the Summarizer Expert:",
        "ROUND 2: Summarizer Expert:",
        "summarizer expert :",
    ],
)
def test_a_name_with_odd_spacing_case_spelling_or_markdown_is_understood(heading: str) -> None:
    (move,) = read(f"I need a summary.\n\n{heading}\n{QUOTES}\nSummarise [draft].\n{QUOTES}").moves
    assert isinstance(move, ExpertCall)
    assert (move.expert.name, move.persona, move.instruction) == (
        "Summarizer Expert",
        "",
        "Summarise [draft].",
    )


@pytest.mark.parametrize(
    ("heading", "persona"),
    [
        ("Expert Hospital Pharmacist:", "hospital pharmacist"),
        ("**Nephrology Nurse Expert**:", "nephrology nurse"),
        ("I consult the Expert Chief Nurse (ICU):", "chief nurse icu"),
    ],
)
def test_an_unknown_expert_is_a_persona_of_the_domain_expert(heading: str, persona: str) -> None:
    (move,) = read(f"{heading}\n{QUOTES}Write on [keywords].{QUOTES}").moves
    assert (move.expert.name, move.persona) == ("Domain Expert", persona)


def test_a_team_without_a_writer_is_named_when_an_unknown_expert_is_called() -> None:
    team = tuple(expert for expert in TEAM if expert.name != "Domain Expert")
    turn = TextProtocol().read(call("Expert Hospital Pharmacist", "Write."), team)
    assert not turn.moves
    assert all(expert.name in turn.problems[0] for expert in team)


def test_quoted_text_that_addresses_nobody_is_not_a_call() -> None:
    turn = read(f"The draft says\n{QUOTES}\nTake two daily.\n{QUOTES}\n>> DOCUMENT\ngenre: leaflet")
    assert turn == Turn(moves=(Finish(genre="leaflet"),))


# The end of a document


@pytest.mark.parametrize(
    ("output", "genre"),
    [
        (">> DOCUMENT\ngenre: patient leaflet", "patient leaflet"),
        ("All is well.\n\n**>> Document**\n**Genre:** patient leaflet", "patient leaflet"),
        ("- >>DOCUMENT 3\n- **genre**: *letter*\n", "letter"),
        ("(>> DOCUMENT)", ""),
        (">> DOCUMENT\ngenre: " + "word " * 50, " ".join(["word"] * 8)),
    ],
)
def test_the_marker_finishes_the_document_with_its_genre(output: str, genre: str) -> None:
    assert read(output) == Turn(moves=(Finish(genre=genre),))


# A slip gets feedback


def test_an_unclosed_quote_at_the_end_of_the_turn_still_is_a_call() -> None:
    (move,) = read(f"Summarizer Expert:\n{QUOTES}\nSummarise [draft].\n").moves
    assert (move.expert.name, move.instruction) == ("Summarizer Expert", "Summarise [draft].")


@pytest.mark.parametrize("closing", ["", QUOTES])
def test_an_unclosed_quote_that_swallows_the_next_call_is_reported_and_not_carried_out(closing: str) -> None:
    turn = read(
        f"Summarizer Expert:\n{QUOTES}\nSummarise [draft].\n\n"
        f"**Writing Expert:**\n{QUOTES}\nRewrite [draft].\n{closing}"
    )
    assert not turn.moves
    assert "Summarizer Expert" in turn.problems[0]
    assert "Writing Expert" in turn.problems[0]


def test_an_empty_instruction_is_reported_and_the_other_call_still_made() -> None:
    turn = read(call("Summarizer Expert", "  ") + call("Writing Expert", "Rewrite [draft]."))
    assert [move.expert.name for move in turn.moves] == ["Writing Expert"]
    assert turn.problems[0].startswith("The instruction for Summarizer Expert is empty")


@pytest.mark.parametrize(
    "heading", ["Summarizer Expert:", "**Summarizer Expert:**", "Ask the Summarizer Expert:"]
)
def test_an_expert_named_without_an_instruction_is_reported(heading: str) -> None:
    turn = read(f"{heading}\nPlease summarise the draft.")
    assert not turn.moves
    assert turn.problems[0].startswith("Summarizer Expert was named without an instruction")


def test_a_turn_without_any_call_is_told_the_format() -> None:
    turn = read("I think that we should write about beta blockers.")
    assert not turn.moves
    assert QUOTES in turn.problems[0]
    assert ">> DOCUMENT" in turn.problems[0]
