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
from builders.metasynth.experts import DOMAIN_EXPERT, INSTRUCT, all_experts
from builders.metasynth.workbench import FINISH
from builders.testing import asking
from builders.testing.collapse import collapsing, coloured
from builders.testing.prose import Prose, document, document_words, near_duplicate, too_short, vocabulary
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
_MARKER = re.compile(r"^>> [A-Z]+$", re.MULTILINE)
_LIMIT = re.compile(r"\bat most (\d+) words\b")


def reply(question: Question, simulation: Simulation) -> str:
    """The answer to a request, whole.

    Raises:
        Invalid: the schema is beyond the simulation.
    """
    seed = int.from_bytes(question.digest)
    if question.schema is not None:
        text = json_text(question.schema, Prose(seed))
        return coloured(text, question.messages[1][1]) if simulation.collapse and _is_turn(question) else text
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
            return _turn(asked, Prose(seed), marker=_marker(system))
        case "persona":
            return Prose(seed).pick(vocabulary()["personas"])
        case "material" | "question" | "harder" | "edited" | "response" as kind:
            return str(getattr(asking, kind)(asked, Prose(seed)))
        case "grounds":
            return f"VERDICT: GROUNDED\n{Prose(seed).write('instructions')}"
    return _document(system, asked, seed=seed, simulation=simulation)


def _document(system: str, asked: str, *, seed: int, simulation: Simulation) -> str:
    limits = [int(words) for words in _LIMIT.findall(system) + _LIMIT.findall(asked)]
    prose = Prose(seed, topics(asked))
    chance = prose.uniform()
    if chance < simulation.reject_share:
        return too_short(prose)
    if chance < simulation.reject_share + simulation.duplicate_share:
        return near_duplicate(prose, pool=simulation.duplicate_pool)
    most_words = min(limits, default=UNLIMITED_WORDS)
    if simulation.collapse:
        words = document_words(prose, most_words=most_words)
        return collapsing(asked, prose, words=words, simulation=simulation)
    return document(prose, most_words=most_words)


def topics(asked: str) -> tuple[str, ...]:
    """The terms that a request wants a document on."""
    found = _TOPICS.search(asked)
    return tuple(re.split(r", | and ", found[1] or found[2])) if found else ()


def _is_turn(question: Question) -> bool:
    return len(question.messages) > 1 and _role(question.messages[0][1]) == META


def _turn(asked: str, prose: Prose, *, marker: str) -> str:
    """A turn of the meta-LM under the text protocol."""
    allowed = _ALLOWED.findall(asked)
    names = allowed[-1].split(", ") if allowed else [FINISH]
    if FINISH in names:
        return f"{marker}\ngenre: {prose.pick(vocabulary()['genres'])}"
    name = names[0]
    if name == DOMAIN_EXPERT:
        name = f"Expert {prose.pick(vocabulary()['personas']).title()}"
    return f'{name}:\n"""\n{prose.write("instructions")}\n"""'


def _marker(system: str) -> str:
    """The line that finishes, as the meta-prompt says."""
    found = _MARKER.search(system)
    return found[0] if found else ">> DOCUMENT"


@cache
def _roles() -> dict[str, str]:
    """What an answer is, by how the system prompt begins."""
    team = (*all_experts().values(), *all_experts(INSTRUCT).values())
    roles = {_beginning(expert.prompt): expert.yields for expert in team}
    return {**roles, _beginning(prompts.source("meta.md")): META}


def _role(system: str) -> str:
    return next((role for beginning, role in _roles().items() if system.startswith(beginning)), "draft")


def _beginning(prompt: str) -> str:
    return prompt.partition("{")[0][:_PREFIX]


def _capitalised(text: str) -> str:
    return text[0].upper() + text[1:]
