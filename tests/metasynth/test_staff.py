"""Promises of the staff: an expert sees its own prompt, the instruction and what it needs, nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from builders.calls import CallSequence
from builders.corpora.base import Corpus
from builders.metasynth.experts import all_experts
from builders.metasynth.memory import Instance, InstanceTable
from builders.metasynth.menu import Menu
from builders.metasynth.protocol import ExpertCall
from builders.metasynth.protocol_text import TextProtocol
from builders.metasynth.staff import Staff, pass_materials
from builders.metasynth.workbench import Seeds, Workbench
from builders.method import Draft, Judgement
from builders.seeds import SeedSet

MATERIALS = {
    "seeds": "SEED-ONE, SEED-TWO",
    "keywords": "KEYWORD",
    "draft": "THE DRAFT",
    "summary": "THE SUMMARY",
    "summaries": "1. letter: ROW",
    "suggestions": "SUGGESTION",
}
MENU = Menu(personas=(), genres=(), briefs={}, related=())
CORPUS = Corpus(name="x", domain="biomed")

# What an instruction carries


def test_references_become_material_and_nothing_else_is_added() -> None:
    assert pass_materials("Compare [Draft] with [summaries].", MATERIALS, needs=()) == (
        "Compare THE DRAFT with 1. letter: ROW."
    )


def test_what_an_expert_needs_is_attached_once_and_only_where_it_is_not_referred_to() -> None:
    told = pass_materials("Use [keywords].", MATERIALS, needs=("keywords", "draft", "draft"))
    assert told == "Use KEYWORD.\n\nDraft: THE DRAFT"


def test_material_that_is_not_there_leaves_no_trace() -> None:
    assert pass_materials("Use [suggestions].", {}, needs=("draft",)) == "Use ."


def test_material_is_not_searched_for_references_itself() -> None:
    assert pass_materials("[draft]", {"draft": "see [seeds]", "seeds": "S"}, needs=()) == "see [seeds]"


# Fresh eyes


def full_bench(*, yields: str) -> Workbench:
    """A bench where an expert of this kind is of use, and every material is there."""
    row = Instance(topic="t", persona="OLD-PERSONA", genre="letter", keywords=("OLD-KEYWORD",), summary="ROW")
    bench = Workbench(
        seeds=Seeds(drawn=SeedSet("AREA", "SUBFIELD", ("SEED-ONE", "SEED-TWO", "SEED-THREE"))),
        table=InstanceTable([row]),
        experts=tuple(all_experts().values()),
        max_rewrites=2,
    )
    if yields == "keywords":
        bench.suggestion = MATERIALS["suggestions"]
    else:
        bench.keywords = ["KEYWORD"]
    if yields in ("summary", "verdict", "topic"):
        bench.draft, bench.drafts = MATERIALS["draft"], 1
    if yields == "verdict":
        bench.summary = MATERIALS["summary"]
    return bench


def staff_and_calls(chat: Any) -> tuple[Staff, CallSequence]:
    def judge(draft: Draft) -> Judgement:
        return Judgement(text=draft.text, rejection=None)

    staff = Staff(corpus=CORPUS, decoding=CORPUS.decoding, protocol=TextProtocol(), judge=judge)
    return staff, CallSequence(chat, corpus_seed=0, trajectory=0, decoding=CORPUS.decoding)


@pytest.mark.parametrize("name", [name for name in all_experts() if name != "Writing Expert"])
async def test_an_expert_sees_its_prompt_the_instruction_and_its_needs_alone(
    name: str, imitation: Any
) -> None:
    expert, chat = all_experts()[name], imitation()
    bench = full_bench(yields=expert.yields)
    materials = bench.materials()
    staff, calls = staff_and_calls(chat)
    await staff.work(ExpertCall(expert=expert, instruction="DO IT"), bench, MENU, calls=calls, parent=0)
    (call,) = chat.calls
    system, user = call.messages
    assert (system["role"], user["role"]) == ("system", "user")
    assert system["content"].split()[:2] == expert.prompt.split()[:2]
    attached = [f"{need.capitalize()}: {materials[need]}" for need in expert.needs]
    assert user["content"] == "\n\n".join(["DO IT", *attached])
    seen = system["content"] + user["content"]
    withheld = {text for name, text in MATERIALS.items() if name not in (*expert.needs, "seeds")}
    assert not [text for text in (*withheld, "OLD-PERSONA", "SUBFIELD") if text in seen]


async def test_a_rewrite_gets_the_suggestions_and_a_first_draft_has_none(imitation: Any) -> None:
    writer, chat = all_experts()["Domain Expert"], imitation()
    bench = full_bench(yields="draft")
    staff, calls = staff_and_calls(chat)
    order = ExpertCall(expert=writer, instruction="Write on [keywords].", persona="nurse", genre="letter")
    await staff.work(order, bench, MENU, calls=calls, parent=0)
    bench.take_verdict(similar=True, suggestion="SUGGESTION")
    await staff.work(order, bench, MENU, calls=calls, parent=2)
    first, second = (call.messages[1]["content"] for call in chat.calls)
    assert first == "Write on KEYWORD."
    assert second == "Write on KEYWORD.\n\nSuggestions: SUGGESTION"
    assert "experienced nurse" in chat.calls[0].messages[0]["content"]
    assert [call.parent for call in calls.trace] == [0, 2]


async def test_an_expert_who_is_of_no_use_now_is_not_called(imitation: Any) -> None:
    chat = imitation()
    staff, calls = staff_and_calls(chat)
    order = ExpertCall(expert=all_experts()["Summarizer Expert"], instruction="Summarise.")
    report = await staff.work(order, full_bench(yields="draft"), MENU, calls=calls, parent=0)
    assert report == "Summarizer Expert is of no use now."
    assert not chat.calls
