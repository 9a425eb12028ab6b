"""Promises of simulated text: it passes acceptance, no document repeats another, shares are kept."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from builders.acceptance import default_checks
from builders.acceptance.base import Candidate, first_rejection
from builders.metasynth import GuidedProtocol
from builders.metasynth.experts import all_experts
from builders.metasynth.menu import draw_menu
from builders.metasynth.prompts import render_text
from builders.metasynth.workbench import FINISH
from builders.seeds import load_hierarchy
from builders.testing.prose import Prose
from builders.testing.questions import read_question
from builders.testing.replies import reply
from builders.testing.simulation import Simulation
from builders.testing.values import value

if TYPE_CHECKING:
    from builders.endpoints.base import JsonSchema

DOCUMENTS = 1000
WRITER = "You are an experienced credit officer. You write accurate, concrete financial texts."
KEYWORDS = "Keywords: credit default swap, basis risk, collateral"


def answer(
    user: str, *, system: str = "", seed: int = 0, schema: JsonSchema | None = None, **settings: Any
) -> str:
    """What the simulation answers to a request of this content."""
    messages = [{"role": "system", "content": system}] if system else []
    body: dict[str, Any] = {"messages": [*messages, {"role": "user", "content": user}], "seed": seed}
    if schema is not None:
        body["response_format"] = {"type": "json_object", "value": schema}
    question = read_question(json.dumps(body).encode(), max_total_tokens=16_384)
    return reply(question, Simulation(**settings))


def documents(count: int = DOCUMENTS, **settings: Any) -> list[str]:
    request = f"Explain what matters about the subject.\n\n{KEYWORDS}"
    return [answer(request, system=WRITER, seed=seed, **settings) for seed in range(count)]


def shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return set(zip(*(words[offset:] for offset in range(5)), strict=False))


def likeness(one: str, other: str) -> float:
    a, b = shingles(one), shingles(other)
    return len(a & b) / len(a | b)


def test_every_document_passes_the_default_checks() -> None:
    checks = default_checks()
    prompts = (WRITER, f"Explain what matters about the subject.\n\n{KEYWORDS}")
    rejections = [first_rejection(checks, Candidate(text, prompts)) for text in documents(300)]
    assert [rejection for rejection in rejections if rejection] == []


def test_documents_are_of_60_to_220_words_and_on_their_keywords() -> None:
    texts = documents(300)
    lengths = [len(text.split()) for text in texts]
    assert min(lengths) >= 60
    assert max(lengths) <= 220
    assert all(
        "basis risk" in text or "collateral" in text or "credit default swap" in text for text in texts
    )


def test_a_limit_in_the_prompt_is_kept() -> None:
    asked = "It has at most 100 words."
    assert max(len(answer(asked, seed=seed).split()) for seed in range(200)) <= 100


def test_no_document_repeats_another() -> None:
    first, *others = texts = documents()
    assert len(set(texts)) == DOCUMENTS
    assert max(likeness(first, other) for other in others) < 0.15


def test_duplicates_have_their_share_and_are_nearly_the_same() -> None:
    plain, mixed = documents(), documents(duplicate_share=0.3, duplicate_pool=1)
    repeated = [text for text, before in zip(mixed, plain, strict=True) if text != before]
    assert 250 <= len(repeated) <= 350
    assert min(likeness(repeated[0], other) for other in repeated) > 0.7
    assert len(set(repeated)) > 0.9 * len(repeated), "a word or two differ"
    judged = [first_rejection(default_checks(), Candidate(text)) for text in repeated[:50]]
    assert judged == [None] * 50


def test_rejects_have_their_share_and_are_refused() -> None:
    checks = default_checks()
    rejections = [first_rejection(checks, Candidate(text)) for text in documents(300, reject_share=0.3)]
    reasons = [rejection.reason for rejection in rejections if rejection]
    assert 60 <= len(reasons) <= 120
    assert set(reasons) == {"too-short"}


@pytest.mark.parametrize("shares", [{"duplicate_share": 0.7, "reject_share": 0.5}, {"reject_share": -0.1}])
def test_shares_that_make_no_sense_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        Simulation(**shares)


def test_an_answer_is_a_function_of_messages_seed_and_schema() -> None:
    assert answer("What is a bond?", seed=3) == answer("What is a bond?", seed=3)
    assert answer("What is a bond?", seed=3) != answer("What is a bond?", seed=4)
    assert answer("What is a bond?", seed=3) != answer("What is a share?", seed=3)


@pytest.mark.parametrize("menus", [False, True])
def test_turns_fit_their_schema_and_finish_as_soon_as_they_may(menus: bool) -> None:
    team = tuple(all_experts().values())
    hierarchy = load_hierarchy("finance")
    menu = draw_menu(hierarchy, team, subfield=hierarchy.subfields[0].name, seed=1)
    protocol = GuidedProtocol(menus=menus)
    names = [expert.name for expert in team]
    for allowed in (names, names[:2], [names[-1]], [*names, FINISH], [FINISH]):
        schema = protocol.turn_schema(allowed, menu)
        assert schema is not None
        for seed in range(20):
            turn = json.loads(answer("ROUND 1:", seed=seed, schema=schema))
            jsonschema.validate(turn, schema)
            assert turn["expert"] == (FINISH if FINISH in allowed else allowed[0])


SCHEMAS: list[JsonSchema] = [
    {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 3, "maxItems": 3},
    {"type": "array", "items": {"type": "string", "minLength": 4, "maxLength": 9}, "maxItems": 2},
    {"type": "string", "minLength": 300},
    {"type": "object", "properties": {"ready": {"type": "boolean"}, "n": {"type": "integer", "minimum": 4}}},
    {"oneOf": [{"const": 3}, {"type": "null"}]},
]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_value_fits_its_schema(schema: JsonSchema) -> None:
    for seed in range(50):
        jsonschema.validate(value(schema, Prose(seed)), schema)


def test_the_template_of_the_baseline_is_understood() -> None:
    asked = render_text(
        files("builders.baselines").joinpath("prompts", "document.md").read_text("utf-8"),
        domain="financial",
        genre="memo",
        keywords=("bond ladder", "duration"),
        audience="savers",
        tone="dry",
        max_words=400,
        exemplars=(),
        previous=(),
    )
    texts = [answer(asked, seed=seed) for seed in range(20)]
    assert all("bond ladder" in text or "duration" in text for text in texts)
