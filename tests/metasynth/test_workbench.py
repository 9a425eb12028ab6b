"""Promises of the workbench: allowed moves lead to an end, and a refused draft is written anew or dropped."""

from __future__ import annotations

import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.errors import UserError
from builders.metasynth.experts import Expert, all_experts, choose_experts
from builders.metasynth.memory import Instance, InstanceTable
from builders.metasynth.workbench import FINISH, TOO_SIMILAR, Seeds, Workbench
from builders.method import Judgement, Rejection
from builders.seeds import SeedSet

DEFAULT = (
    "Seed Keyword Extraction Expert",
    "Seed Expansion Expert",
    "Domain Expert",
    "Summarizer Expert",
    "Content Analyst Expert",
)
ROW = Instance(topic="t", persona="p", genre="g", keywords=("k",), summary="s")
GOOD = Judgement(text="A text.", rejection=None)
BAD = Judgement(text="A text.", rejection=Rejection("too-short", "has 2 words"))


def teams() -> list[tuple[Expert, ...]]:
    """Every team that a corpus may name."""
    found = []
    for size in range(1, len(all_experts()) + 1):
        for names in combinations(all_experts(), size):
            try:
                found.append(choose_experts(names))
            except UserError:
                continue
    return found


def bench_of(*names: str, rows: int = 0, max_rewrites: int = 2) -> Workbench:
    return workbench(choose_experts(names or DEFAULT), rows=rows, max_rewrites=max_rewrites)


def workbench(team: tuple[Expert, ...], *, rows: int, max_rewrites: int) -> Workbench:
    seeds = Seeds(drawn=SeedSet("area", "subfield", ("a", "b", "c")))
    return Workbench(seeds=seeds, table=InstanceTable([ROW] * rows), experts=team, max_rewrites=max_rewrites)


def apply(bench: Workbench, name: str, *, well: bool) -> None:
    """What an expert's answer does to the document; `well`: accepted, or found distinct."""
    match all_experts()[name].yields:
        case "keywords":
            bench.keywords = ["a", "b"]
        case "expansion":
            bench.expanded = True
        case "draft":
            bench.take_draft(GOOD if well else BAD)
        case "summary":
            bench.summary = "It is a text."
        case "topic":
            bench.topic = "texts"
        case "verdict":
            bench.take_verdict(similar=not well, suggestion="Differ.")


# An end is always reached


@given(data=st.data(), rows=st.integers(0, 2), max_rewrites=st.integers(0, 3))
def test_an_attempt_of_allowed_moves_always_ends(data: st.DataObject, rows: int, max_rewrites: int) -> None:
    bench = workbench(data.draw(st.sampled_from(teams())), rows=rows, max_rewrites=max_rewrites)
    most_moves = 2 + 4 * (max_rewrites + 1)
    for _ in range(most_moves + 1):
        allowed = bench.allowed()
        assert allowed, "there is always a move"
        assert (FINISH in allowed) == bench.finishable
        name = data.draw(st.sampled_from(allowed))
        if name == FINISH:
            assert bench.draft
            assert not bench.exhausted
            return
        apply(bench, name, well=data.draw(st.booleans()))
        if bench.exhausted:
            assert bench.drafts == max_rewrites + 1
            assert bench.rejections
            return
    pytest.fail(f"no end after {most_moves} moves")


def test_a_team_that_compares_summaries_but_writes_none_is_refused() -> None:
    with pytest.raises(UserError, match="experts"):
        choose_experts(("Domain Expert", "Content Analyst Expert"))


# The moves of one document


def test_the_first_document_needs_no_comparison() -> None:
    bench = bench_of()
    assert bench.allowed() == ["Seed Keyword Extraction Expert", "Domain Expert"]
    apply(bench, "Seed Keyword Extraction Expert", well=True)
    assert bench.allowed() == ["Seed Expansion Expert", "Domain Expert"]
    apply(bench, "Domain Expert", well=True)
    assert bench.allowed() == ["Summarizer Expert"]
    apply(bench, "Summarizer Expert", well=True)
    assert bench.allowed() == [FINISH]


def test_a_later_document_is_compared_before_it_can_be_finished() -> None:
    bench = bench_of(rows=1)
    apply(bench, "Domain Expert", well=True)
    apply(bench, "Summarizer Expert", well=True)
    assert bench.allowed() == ["Content Analyst Expert"]
    apply(bench, "Content Analyst Expert", well=True)
    assert bench.allowed() == [FINISH]


def test_a_draft_judged_too_similar_must_be_rewritten_and_is_dropped_after_the_last_rewrite() -> None:
    bench = bench_of(rows=1, max_rewrites=2)
    for rewrite in range(3):
        assert not bench.exhausted
        assert "Domain Expert" in bench.allowed()
        assert FINISH not in bench.allowed()
        apply(bench, "Domain Expert", well=True)
        apply(bench, "Summarizer Expert", well=True)
        apply(bench, "Content Analyst Expert", well=False)
        assert bench.drafts == rewrite + 1
        assert bench.materials()["suggestions"] == "Differ."
    assert bench.exhausted
    assert [rejection.reason for rejection in bench.rejections] == [TOO_SIMILAR] * 3


def test_a_rewrite_is_summarised_and_compared_anew() -> None:
    bench = bench_of(rows=1)
    apply(bench, "Domain Expert", well=True)
    apply(bench, "Summarizer Expert", well=True)
    apply(bench, "Content Analyst Expert", well=False)
    apply(bench, "Domain Expert", well=True)
    assert (bench.summary, bench.verdict) == ("", "")
    assert bench.allowed() == ["Summarizer Expert"]


def test_a_refused_draft_is_no_material_and_what_to_mend_becomes_the_suggestion() -> None:
    bench = bench_of(max_rewrites=1)
    apply(bench, "Domain Expert", well=False)
    assert "draft" not in bench.materials()
    assert bench.materials()["suggestions"] == "Write several full paragraphs."
    assert "Domain Expert" in bench.allowed()
    assert not bench.exhausted
    apply(bench, "Domain Expert", well=False)
    assert bench.exhausted


def test_the_writing_expert_has_its_turn_between_draft_and_verdict_only() -> None:
    bench = bench_of(*DEFAULT, "Writing Expert", rows=1, max_rewrites=1)
    assert "Writing Expert" not in bench.allowed()
    apply(bench, "Domain Expert", well=True)
    assert "Writing Expert" in bench.allowed()
    apply(bench, "Writing Expert", well=True)
    assert "Writing Expert" not in bench.allowed(), "it counts as a rewrite"


# The seed set


def test_seeds_are_used_up_and_grown_whatever_their_letter_case() -> None:
    seeds = Seeds(drawn=SeedSet("area", "subfield", ("Alpha", "Beta", "Gamma")))
    seeds.use(("alpha",))
    seeds.expand(["beta", "Delta", "delta"])
    assert seeds.unused == ["Beta", "Gamma", "Delta"]
    assert seeds.offered == ["Beta", "Gamma", "Delta"]


def test_when_all_seeds_are_used_those_used_least_are_offered() -> None:
    seeds = Seeds(drawn=SeedSet("area", "subfield", tuple("abcdef")))
    draw = random.Random(0)
    for _ in range(12):
        assert len(seeds.offered) > 1
        seeds.use(tuple(draw.sample(seeds.offered, 2)))
    uses = [seeds.used.count(term) for term in seeds.drawn.terms]
    assert max(uses) - min(uses) <= 1


def test_when_one_seed_is_left_all_are_offered_again() -> None:
    seeds = Seeds(drawn=SeedSet("area", "subfield", ("a", "b", "c")))
    seeds.use(("a", "b"))
    assert seeds.unused == ["c"]
    assert seeds.offered == ["a", "b", "c"]
