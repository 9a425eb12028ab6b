"""What a simulated endpoint answers: what the call protocol expects, from the request alone.

The role of a request is known by how its system prompt begins, which is read from the prompt files.
The meta-LM calls whoever it may call, in the order of the list, and finishes as soon as it may; so
a document takes every expert of its corpus once, unless a draft is refused.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from builders.metasynth import prompts
from builders.metasynth.experts import DOMAIN_EXPERT, all_experts
from builders.metasynth.workbench import FINISH
from builders.testing.prose import Prose, document, near_duplicate, too_short, vocabulary
from builders.testing.values import json_text

if TYPE_CHECKING:
    from builders.testing.questions import Question
    from builders.testing.simulation import Simulation

META = "meta"
KEYWORDS = 3
UNLIMITED_WORDS = 10_000
_PREFIX = 40
_ALLOWED = re.compile(r"You may (?:now )?call: (.+)\.")
_SEEDS = re.compile(r"^Seeds: (.+)$", re.MULTILINE)
_TOPICS = re.compile(r"^Keywords: (.+)$|\bIts topic is (.+?)\. It is for ", re.MULTILINE)
_LIMIT = re.compile(r"\bat most (\d+) words\b")


def reply(question: Question, simulation: Simulation) -> str:
    """The answer to a request, whole.

    Raises:
        Invalid: the schema is beyond the simulation.
    """
    seed = int.from_bytes(question.digest)
    if question.schema is not None:
        return json_text(question.schema, Prose(seed))
    system = next((content for role, content in question.messages if role == "system"), "")
    asked = question.messages[-1][1]
    match _role(system):
        case "keywords":
            offered = _SEEDS.search(asked)
            terms = offered[1].split(", ") if offered else asked.split()[:KEYWORDS]
            return ", ".join(Prose(seed).some(terms, KEYWORDS))
        case "expansion":
            prose = Prose(seed)
            return f"{prose.write('phrases')}, {prose.write('phrases')}"
        case "summary":
            return _capitalised(Prose(seed).write("summaries"))
        case "topic":
            return Prose(seed).write("phrases")
        case "verdict":
            return f"VERDICT: DISTINCT\n{Prose(seed).write('instructions')}"
        case "meta":
            return _turn(asked, Prose(seed))
    return _document(system, asked, seed=seed, simulation=simulation)


def _document(system: str, asked: str, *, seed: int, simulation: Simulation) -> str:
    limits = [int(words) for words in _LIMIT.findall(system) + _LIMIT.findall(asked)]
    prose = Prose(seed, topics(asked))
    chance = prose.uniform()
    if chance < simulation.reject_share:
        return too_short(prose)
    if chance < simulation.reject_share + simulation.duplicate_share:
        return near_duplicate(prose, pool=simulation.duplicate_pool)
    return document(prose, most_words=min(limits, default=UNLIMITED_WORDS))


def topics(asked: str) -> tuple[str, ...]:
    """The terms that a request wants a document on."""
    found = _TOPICS.search(asked)
    return tuple(re.split(r", | and ", found[1] or found[2])) if found else ()


def _turn(asked: str, prose: Prose) -> str:
    """A turn of the meta-LM under the text protocol."""
    allowed = _ALLOWED.findall(asked)
    names = allowed[-1].split(", ") if allowed else [FINISH]
    if FINISH in names:
        return f">> DOCUMENT\ngenre: {prose.pick(vocabulary()['genres'])}"
    name = names[0]
    if name == DOMAIN_EXPERT:
        name = f"Expert {prose.pick(vocabulary()['personas']).title()}"
    return f'{name}:\n"""\n{prose.write("instructions")}\n"""'


@cache
def _roles() -> dict[str, str]:
    """What an answer is, by how the system prompt begins."""
    roles = {_beginning(expert.prompt): expert.yields for expert in all_experts().values()}
    return {**roles, _beginning(prompts.source("meta.md")): META}


def _role(system: str) -> str:
    return next((role for beginning, role in _roles().items() if system.startswith(beginning)), "draft")


def _beginning(prompt: str) -> str:
    return prompt.partition("{{")[0][:_PREFIX]


def _capitalised(text: str) -> str:
    return text[0].upper() + text[1:]
