"""Promises of the conductor: a trajectory is a pure function, conditioned on its table, within its limits."""

from __future__ import annotations

from typing import Any

import pytest

from builders.endpoints.errors import GenerationFailed, Incomplete, Rejected, Unauthorized, Unavailable
from builders.metasynth.memory import ContextTooSmallError, estimate_tokens
from builders.metasynth.protocol_guided import GuidedProtocol
from builders.metasynth.protocol_text import QUOTES, TextProtocol
from builders.method import META_LM

DISTINCT = '{"verdict": "DISTINCT", "suggestion": "-"}'
SIMILAR = '{"verdict": "TOO SIMILAR", "suggestion": "Write for NURSES."}'
ANALYST = "Content Analyst Expert"
WRITER = "Domain Expert"
SUMMARIZER = "Summarizer Expert"


def say(*answers: Any) -> Any:
    """Give these answers one after another, and the last one for ever."""
    left = [*answers]
    return lambda messages: left.pop(0) if len(left) > 1 else left[0]


def ask(name: str, instruction: str) -> str:
    return f"{name}:\n{QUOTES}\n{instruction}\n{QUOTES}"


# A pure function


async def test_a_trajectory_run_again_makes_identical_calls(
    make_conductor: Any, run_trajectory: Any, imitation: Any
) -> None:
    first, second = imitation(), imitation()
    attempts = await run_trajectory(make_conductor(), first, quota=4)
    again = await run_trajectory(make_conductor(), second, quota=4)
    assert first.calls == second.calls
    assert attempts == again
    assert sum(attempt.document is not None for attempt in attempts) == 4


async def test_a_smaller_quota_makes_the_same_first_calls(
    make_conductor: Any, run_trajectory: Any, imitation: Any
) -> None:
    few, many = imitation(), imitation()
    two = await run_trajectory(make_conductor(), few, quota=2)
    five = await run_trajectory(make_conductor(), many, quota=5)
    assert many.calls[: len(few.calls)] == few.calls
    assert five[: len(two)] == two


@pytest.mark.parametrize(("seed", "trajectory"), [(8, 0), (7, 1)])
async def test_another_seed_or_trajectory_is_another_story(
    seed: int, trajectory: int, make_conductor: Any, run_trajectory: Any, imitation: Any
) -> None:
    first, second = imitation(), imitation()
    await run_trajectory(make_conductor(), first)
    await run_trajectory(make_conductor(seed=seed), second, trajectory=trajectory)
    assert first.calls[0].sampling.seed != second.calls[0].sampling.seed
    assert first.calls[0].messages[1] != second.calls[0].messages[1]
    assert first.calls[0].messages[0] == second.calls[0].messages[0], "the meta-prompt is shared"


async def test_every_call_has_a_seed_of_its_own_and_is_traced_under_its_meta_turn(
    make_conductor: Any, run_trajectory: Any, imitation: Any
) -> None:
    chat = imitation()
    attempts = await run_trajectory(make_conductor(), chat, quota=3)
    assert len({call.sampling.seed for call in chat.calls}) == len(chat.calls)
    traced = [call for attempt in attempts for call in attempt.trace]
    assert [(call.role, call.sampling) for call in traced] == [
        (call.role, call.sampling) for call in chat.calls
    ]
    for attempt in attempts:
        for number, call in enumerate(attempt.trace):
            if call.role == META_LM:
                assert call.parent is None
            else:
                assert call.parent == max(n for n in range(number) if attempt.trace[n].role == META_LM)


# Conditional generation


async def test_the_second_document_is_conditioned_on_the_table_and_not_on_the_text(
    make_conductor: Any, run_trajectory: Any, imitation: Any
) -> None:
    chat = imitation({ANALYST: say(DISTINCT), SUMMARIZER: say("SUMMARY ONE", "SUMMARY TWO")})
    first, second = await run_trajectory(make_conductor(), chat, quota=2)
    opening = second.trace[0].instruction
    row = f"| {first.document.genre} | {', '.join(first.document.keywords)} | SUMMARY ONE"
    assert row in opening
    later = chat.calls[len(first.trace) :]
    assert all(first.document.text not in message["content"] for call in later for message in call.messages)
    (comparison,) = [call for call in second.trace if call.role == ANALYST]
    assert "SUMMARY ONE" in comparison.instruction
    assert "SUMMARY TWO" in comparison.instruction


async def test_keywords_of_a_finished_document_are_marked_as_used(
    make_conductor: Any, run_trajectory: Any, imitation: Any
) -> None:
    first, second = await run_trajectory(make_conductor(), imitation({ANALYST: say(DISTINCT)}), quota=2)
    used = second.trace[0].instruction.split("used already: ")[1].splitlines()[0].split(", ")
    assert used == list(first.document.keywords)


async def test_a_draft_that_is_too_similar_is_rewritten_with_the_suggestions(
    make_conductor: Any, run_trajectory: Any, imitation: Any
) -> None:
    chat = imitation({ANALYST: say(SIMILAR, DISTINCT)})
    _, second = await run_trajectory(make_conductor(), chat, quota=2)
    drafts = [call for call in second.trace if call.role == WRITER]
    assert len(drafts) == 2
    assert "NURSES" not in drafts[0].instruction
    assert drafts[1].instruction.endswith("Suggestions: Write for NURSES.")
    assert second.document.text == drafts[1].output
    assert [rejection.reason for rejection in second.rejections] == ["too-similar"]


async def test_a_draft_that_stays_too_similar_is_dropped_after_its_rewrites(
    make_conductor: Any, run_trajectory: Any, imitation: Any
) -> None:
    chat = imitation({ANALYST: say(SIMILAR)})
    conductor = make_conductor(max_rewrites=1, attempts_per_document=2)
    first, *others = await run_trajectory(conductor, chat, quota=2)
    assert first.document
    assert len(others) == 3, "quota * attempts_per_document attempts in all"
    for attempt in others:
        assert attempt.document is None
        assert [rejection.reason for rejection in attempt.rejections] == ["too-similar"] * 2
        assert [call.role for call in attempt.trace].count(WRITER) == 2


async def test_a_draft_that_the_judge_refuses_is_written_anew(
    make_conductor: Any, run_trajectory: Any, imitation: Any
) -> None:
    chat = imitation({WRITER: say("A BAD text.", "A good text.")})
    (attempt,) = await run_trajectory(make_conductor(), chat)
    assert attempt.document.text == "A good text."
    assert [rejection.reason for rejection in attempt.rejections] == ["made-up"]
    assert any("refused: holds the word BAD" in call.instruction for call in attempt.trace)


async def test_a_document_carries_what_was_decided_about_it(
    make_conductor: Any, run_trajectory: Any, imitation: Any
) -> None:
    chat = imitation({WRITER: say(" A good text. ")})
    (attempt,) = await run_trajectory(make_conductor(GuidedProtocol(menus=True)), chat)
    document = attempt.document
    assert document.text == "A good text."
    assert document.n_tokens == len("A good text.")
    assert f"experienced {document.persona}." in chat.of(WRITER)[0].messages[0]["content"]
    assert f"this one is a {document.genre}." in chat.of(WRITER)[0].messages[0]["content"]
    assert document.keywords
    assert all(keyword.startswith("term ") for keyword in document.keywords)
    assert (document.model_id, document.model_sha) == ("imitation", "0")


# Limits and failures


@pytest.mark.parametrize("error", [Incomplete("empty"), Rejected("too long")])
async def test_a_call_that_fails_for_good_drops_the_attempt_and_the_next_begins(
    error: Exception, make_conductor: Any, run_trajectory: Any, imitation: Any
) -> None:
    chat = imitation({SUMMARIZER: say(error, "A summary.")})
    failed, done = await run_trajectory(make_conductor(), chat)
    assert failed.document is None
    assert (failed.rejections[-1].reason, failed.rejections[-1].detail) == ("call-failed", str(error))
    assert failed.trace, "the calls that were answered are kept"
    assert done.document
    assert all(call.role != SUMMARIZER for call in failed.trace)


@pytest.mark.parametrize(
    "error", [Unauthorized("no key"), GenerationFailed("no memory"), Unavailable("away")]
)
async def test_a_failure_that_is_not_the_requests_stops_the_trajectory(
    error: Exception, make_conductor: Any, run_trajectory: Any, imitation: Any
) -> None:
    with pytest.raises(type(error)):
        await run_trajectory(make_conductor(), imitation({WRITER: say(error)}))


async def test_an_attempt_ends_at_the_round_limit_and_the_meta_lm_is_warned(
    make_conductor: Any, run_trajectory: Any, imitation: Any
) -> None:
    chat = imitation({META_LM: say("Let me think.")})
    conductor = make_conductor(TextProtocol(), max_rounds=4, attempts_per_document=1)
    (attempt,) = await run_trajectory(conductor, chat)
    assert attempt.document is None
    assert attempt.rejections[-1].reason == "round-limit"
    assert len(attempt.trace) == 4
    warned = ["This is the last round" in call.instruction for call in attempt.trace]
    assert warned == [False, False, False, True]


def test_a_context_that_cannot_hold_the_meta_prompt_is_noticed_before_any_call(make_conductor: Any) -> None:
    make_conductor(context_tokens=8192).require_context()
    with pytest.raises(ContextTooSmallError, match="tokens"):
        make_conductor(context_tokens=1024).require_context()


async def test_a_trajectory_ends_when_its_table_has_outgrown_the_context(
    make_conductor: Any, run_trajectory: Any, imitation: Any
) -> None:
    conductor = make_conductor(context_tokens=3600)
    conductor.require_context()
    chat = imitation({ANALYST: say(DISTINCT), SUMMARIZER: say("word " * 40)})
    attempts = await run_trajectory(conductor, chat, quota=40)
    assert 1 < len(attempts) < 40
    assert all(attempt.document for attempt in attempts)
    budget = 3600 - conductor.decoding.document_tokens
    assert all(estimate_tokens(call.messages) <= budget for call in chat.of(META_LM))
    assert sum(len(attempt.trace) for attempt in attempts) == len(chat.calls), "no call goes unrecorded"


async def test_an_exchange_that_does_not_fit_the_context_drops_the_attempt_with_its_calls(
    make_conductor: Any, run_trajectory: Any, imitation: Any
) -> None:
    chat = imitation({META_LM: say("Let me think. " * 2000)})
    conductor = make_conductor(TextProtocol(), context_tokens=4096, attempts_per_document=2)
    attempts = await run_trajectory(conductor, chat)
    assert [attempt.rejections[-1].reason for attempt in attempts] == ["context-full"] * 2
    assert [len(attempt.trace) for attempt in attempts] == [1, 1]


# The text protocol, end to end


async def test_a_meta_lm_that_slips_is_told_and_comes_to_its_document(
    make_conductor: Any, run_trajectory: Any, imitation: Any
) -> None:
    turns = [
        "I need a pharmacist.",
        ask("Summarizer Expert", "Summarise [draft]."),
        ask("**expert   hospital PHARMACIST :**", "Write a leaflet on [keywords]."),
        ">> DOCUMENT\ngenre: leaflet",
        ask("Expert Summariser", "Summarise [draft] in one sentence.") + "\n>> DOCUMENT\ngenre: leaflet",
        "All is well.\n\n>> DOCUMENT\n**genre:** leaflet",
    ]
    chat = imitation({META_LM: say(*turns), WRITER: say("A good text."), SUMMARIZER: say("It is a leaflet.")})
    (attempt,) = await run_trajectory(make_conductor(TextProtocol()), chat)
    document = attempt.document
    assert (document.text, document.genre, document.persona, document.summary) == (
        "A good text.",
        "leaflet",
        "hospital pharmacist",
        "It is a leaflet.",
    )
    shown = [call.instruction for call in attempt.trace if call.role == META_LM]
    assert "No expert call was found" in shown[1]
    assert "Summarizer Expert is of no use now." in shown[2]
    assert "A good text." in shown[3]
    assert "cannot be finished yet" in shown[4]
    assert "It is a leaflet." in shown[5]
    assert "`>> DOCUMENT` was ignored" in shown[5]
    assert chat.of(SUMMARIZER)[0].messages[1]["content"] == "Summarise A good text. in one sentence."
    assert all(call.schema is None for call in chat.calls)


async def test_a_turn_may_call_several_experts_and_their_answers_return_together(
    make_conductor: Any, run_trajectory: Any, imitation: Any
) -> None:
    turns = [
        ask("Expert Nurse", "Write on [seeds].") + "\n\n" + ask("Summarizer Expert", "Summarise [draft]."),
        ">> DOCUMENT",
    ]
    chat = imitation({META_LM: say(*turns), WRITER: say("A good text."), SUMMARIZER: say("It is a text.")})
    (attempt,) = await run_trajectory(make_conductor(TextProtocol()), chat)
    assert attempt.document.genre == "document"
    assert [(call.role, call.parent) for call in attempt.trace] == [
        (META_LM, None),
        (WRITER, 0),
        (SUMMARIZER, 0),
        (META_LM, None),
    ]
    assert "A good text." in attempt.trace[3].instruction
    assert "It is a text." in attempt.trace[3].instruction
