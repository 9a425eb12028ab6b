"""A model that imitates answers, role by role, so that the control flow can be tested by itself.

It fulfils `builders.endpoints.base.Chat`: answers follow the schema where one is given, are a
function of the request alone, and a scripted error is raised as an endpoint would raise it.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from builders.corpora.base import Corpus
from builders.endpoints.base import Completion
from builders.endpoints.errors import EndpointError
from builders.metasynth.conductor import Conductor
from builders.metasynth.protocol_guided import GuidedProtocol
from builders.method import META_LM, Judgement, Rejection
from builders.seeds import SeedHierarchy, Subfield

if TYPE_CHECKING:
    from collections.abc import Callable

    from builders.endpoints.base import JsonSchema, Message, Sampling
    from builders.metasynth.protocol import TurnProtocol
    from builders.method import Attempt, Draft

OPENINGS = {
    "You are the Meta-Expert": META_LM,
    "You extract keywords": "Seed Keyword Extraction Expert",
    "You know the vocabulary": "Seed Expansion Expert",
    "You are an experienced": "Domain Expert",
    "You summarise": "Summarizer Expert",
    "You compare": "Content Analyst Expert",
    "You label": "Topic Label Expert",
    "You are an editor": "Writing Expert",
}
WORDS = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda")


@dataclass
class Call:
    role: str
    messages: list[Message]
    sampling: Sampling
    schema: JsonSchema | None


@dataclass
class Imitation:
    """Answers by role; `scripts` replace the default answers of a role, an error is raised."""

    scripts: dict[str, Callable[[list[Message]], str | EndpointError]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)

    async def chat(
        self, messages: list[Message], sampling: Sampling, schema: JsonSchema | None = None
    ) -> Completion:
        role = next(name for start, name in OPENINGS.items() if messages[0]["content"].startswith(start))
        self.calls.append(Call(role, [*messages], sampling, schema))
        answer = self.scripts[role](messages) if role in self.scripts else _default(sampling.seed, schema)
        if isinstance(answer, EndpointError):
            raise answer
        return Completion(
            text=answer,
            finish_reason="stop",
            prompt_tokens=1,
            completion_tokens=len(answer.split()),
            model_id="imitation",
            model_sha="0",
            latency_s=0.0,
        )

    async def count_tokens(self, text: str) -> int:
        return len(text)

    def of(self, role: str) -> list[Call]:
        return [call for call in self.calls if call.role == role]


def _default(seed: int, schema: JsonSchema | None) -> str:
    draw = random.Random(seed)
    return json.dumps(_sample(schema, draw)) if schema else " ".join(draw.choices(WORDS, k=60))


def _sample(schema: dict[str, Any], draw: random.Random) -> Any:
    if "anyOf" in schema:
        return _sample(draw.choice(schema["anyOf"]), draw)
    if "enum" in schema:
        return draw.choice(schema["enum"])
    if schema["type"] == "object":
        return {name: _sample(inner, draw) for name, inner in schema["properties"].items()}
    if schema["type"] == "array":
        return [_sample(schema["items"], draw) for _ in range(schema["minItems"])]
    assert schema["type"] == "string"
    return " ".join(draw.choices(WORDS, k=9))[: schema["maxLength"]]


def judge(draft: Draft) -> Judgement:
    """Refuses what holds the word BAD."""
    bad = Rejection("made-up", "holds the word BAD") if "BAD" in draft.text else None
    return Judgement(text=draft.text.strip(), rejection=bad)


@pytest.fixture
def imitation() -> type[Imitation]:
    return Imitation


@pytest.fixture
def hierarchy() -> SeedHierarchy:
    subfields = tuple(
        Subfield(f"area {n}", f"subfield {n}", tuple(f"term {n}{letter}" for letter in "abcdefghij"))
        for n in range(4)
    )
    return SeedHierarchy(
        "biomed",
        subfields,
        genres=("case report", "leaflet", "review", "protocol", "letter"),
        audiences=("students",),
        tones=("plain",),
        personas=("pharmacist", "cardiologist", "nurse", "statistician", "chemist"),
    )


@pytest.fixture
def make_conductor(hierarchy: SeedHierarchy) -> Callable[..., Conductor]:
    def make(
        protocol: TurnProtocol | None = None, *, context_tokens: int = 16_384, seed: int = 7, **limits: Any
    ) -> Conductor:
        corpus = Corpus(name="test-biomed", domain="biomed", **limits)
        return Conductor(
            corpus=corpus,
            hierarchy=hierarchy,
            corpus_seed=seed,
            protocol=protocol or GuidedProtocol(menus=False),
            decoding=corpus.decoding,
            context_tokens=context_tokens,
            judge=judge,
            narrate=lambda trajectory, event: None,
        )

    return make


@pytest.fixture
def run_trajectory() -> Callable[..., Any]:
    async def run(
        conductor: Conductor, chat: Imitation, *, quota: int = 1, trajectory: int = 0
    ) -> list[Attempt]:
        attempts = conductor.attempts(trajectory=trajectory, quota=quota, chat=chat)
        return [attempt async for attempt in attempts]

    return run
