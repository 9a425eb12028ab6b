"""Promises of the guided protocol: what the schema admits is read, and no answer whatever raises."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.corpora.base import DOCUMENT_EXPERTS
from builders.metasynth.answers import read_terms, read_verdict
from builders.metasynth.experts import all_experts, choose_experts
from builders.metasynth.memory import InstanceTable
from builders.metasynth.menu import draw_menu
from builders.metasynth.protocol import ExpertCall, Finish
from builders.metasynth.protocol_guided import GuidedProtocol
from builders.metasynth.workbench import FINISH, Seeds, Workbench
from builders.seeds import draw_seeds, load_hierarchy

TEAM = choose_experts((*DOCUMENT_EXPERTS, "Topic Label Expert", "Writing Expert"))
HIERARCHY = load_hierarchy("biomed")
DRAWN = draw_seeds(HIERARCHY, corpus_seed=0, trajectory=0, k=6)
MENU = draw_menu(HIERARCHY, TEAM, subfield=DRAWN.subfield, seed=3)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["expert", "instruction", "persona", "genre"]) | st.text(), inner)
    ),
)


def bench() -> Workbench:
    return Workbench(seeds=Seeds(drawn=DRAWN), table=InstanceTable(), experts=TEAM, max_rewrites=2)


def words(low: int, high: int) -> st.SearchStrategy[str]:
    return st.text(min_size=low, max_size=high).filter(lambda text: text == text.strip())


@st.composite
def turns(draw: st.DrawFn, *, menus: bool) -> dict[str, str]:
    name = draw(st.sampled_from([*(expert.name for expert in TEAM), FINISH]))
    if name == FINISH:
        return {"expert": FINISH}
    turn = {"expert": name}
    if name == "Domain Expert":
        turn["persona"] = draw(st.sampled_from(MENU.personas) if menus else words(4, 48))
        turn["genre"] = draw(st.sampled_from(MENU.genres) if menus else words(4, 48))
    turn["instruction"] = draw(st.sampled_from(MENU.briefs[name]) if menus else words(20, 360))
    return turn


@pytest.mark.parametrize("menus", [False, True])
@given(data=st.data())
def test_a_turn_that_the_schema_admits_is_read_back_verbatim(menus: bool, data: st.DataObject) -> None:
    turn = data.draw(turns(menus=menus))
    protocol = GuidedProtocol(menus=menus)
    schema = protocol.turn_schema([*(expert.name for expert in TEAM), FINISH], MENU)
    jsonschema.validate(turn, schema)
    (move,) = protocol.read(json.dumps(turn), TEAM).moves
    if turn["expert"] == FINISH:
        assert move == Finish()
    else:
        assert move == ExpertCall(
            expert=all_experts()[turn["expert"]],
            instruction=turn["instruction"].strip(),
            persona=turn.get("persona", ""),
            genre=turn.get("genre", ""),
        )


@pytest.mark.parametrize("menus", [False, True])
@pytest.mark.parametrize(
    "allowed", [["Domain Expert"], ["Summarizer Expert", "Topic Label Expert"], [FINISH]]
)
def test_the_schema_admits_exactly_the_experts_that_may_be_called(allowed: list[str], menus: bool) -> None:
    schema = GuidedProtocol(menus=menus).turn_schema(allowed, MENU)
    jsonschema.Draft202012Validator.check_schema(schema)
    for name in [*(expert.name for expert in TEAM), FINISH]:
        turn: dict[str, Any] = {"expert": name}
        if name != FINISH:
            turn["instruction"] = MENU.briefs[name][0]
        if name == "Domain Expert":
            turn |= {"persona": MENU.personas[0], "genre": MENU.genres[0]}
        assert jsonschema.Draft202012Validator(schema).is_valid(turn) == (name in allowed)


@given(st.text() | anything.map(json.dumps))
def test_any_answer_yields_a_move_or_a_problem_and_never_raises(output: str) -> None:
    turn = GuidedProtocol(menus=False).read(output, TEAM)
    assert bool(turn.moves) != bool(turn.problems)


@pytest.mark.parametrize(
    "output",
    [
        "[" * 100_000,
        '{"expert":' * 100_000,
        "9" * 5_000,
        "NaN",
        '{"expert": "Domain Expert", "instruction": "Write on \\ud83d."}',
    ],
)
def test_json_that_breaks_parsers_or_cannot_be_sent_on_becomes_a_problem(output: str) -> None:
    turn = GuidedProtocol(menus=False).read(output, TEAM)
    assert not turn.moves
    assert turn.problems


def test_the_problem_with_an_unknown_expert_names_the_team() -> None:
    turn = GuidedProtocol(menus=False).read('{"expert": "Zebra", "instruction": "Write."}', TEAM)
    assert all(expert.name in turn.problems[0] for expert in TEAM)


@pytest.mark.parametrize("menus", [False, True])
def test_lists_and_verdicts_that_the_schemas_admit_are_read_in_full(menus: bool) -> None:
    protocol = GuidedProtocol(menus=menus)
    experts = {expert.yields: expert for expert in TEAM}

    keywords = list(DRAWN.terms[:3])
    jsonschema.validate({"terms": keywords}, protocol.expert_schema(experts["keywords"], bench(), MENU))
    assert read_terms(json.dumps({"terms": keywords}), limit=5) == keywords

    related = list(MENU.related[:4])
    jsonschema.validate({"terms": related}, protocol.expert_schema(experts["expansion"], bench(), MENU))
    assert read_terms(json.dumps({"terms": related}), limit=5) == related

    verdict = {"verdict": "TOO SIMILAR", "suggestion": "Write for nurses."}
    jsonschema.validate(verdict, protocol.expert_schema(experts["verdict"], bench(), MENU))
    assert read_verdict(json.dumps(verdict)) == (True, "Write for nurses.")


def test_a_keyword_that_is_not_a_seed_is_refused_by_the_schema() -> None:
    keywords = next(expert for expert in TEAM if expert.yields == "keywords")
    schema = GuidedProtocol(menus=False).expert_schema(keywords, bench(), MENU)
    assert not jsonschema.Draft202012Validator(schema).is_valid({"terms": ["invented", DRAWN.terms[0]]})
