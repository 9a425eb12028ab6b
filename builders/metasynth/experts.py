"""The experts: one prompt file each, under `prompts/experts/` and `prompts/instruct/experts/`.

A file's head says what the expert is called, what it cannot work without and what its answer
is; its body is the expert's system prompt. To add an expert, add a file and name it in a corpus.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from builders.errors import UserError
from builders.metasynth import prompts

Yields = Literal[
    "keywords",
    "expansion",
    "draft",
    "summary",
    "verdict",
    "topic",
    "material",
    "persona",
    "question",
    "harder",
    "edited",
    "response",
    "grounds",
]
INSTRUCT = "instruct"
DOMAIN_EXPERT = "Domain Expert"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expert:
    """One expert.

    Attributes:
        name: as the meta-LM calls it.
        purpose: one line for the meta-prompt.
        needs: materials that it is handed even when the meta-LM does not pass them.
        yields: what its answer is.
        briefs: examples of instructions for it; the menu, where the meta-LM picks from one.
        prompt: its system prompt, a template.
        seed_needs, seed_briefs: what it needs besides, and how it may be told of it, where documents start
            from seed documents.
    """

    name: str
    purpose: str
    needs: tuple[str, ...]
    yields: Yields
    briefs: tuple[str, ...]
    prompt: str
    seed_needs: tuple[str, ...] = ()
    seed_briefs: tuple[str, ...] = ()

    def system_prompt(self, **values: object) -> str:
        """Its system prompt for a domain, a persona and a word limit."""
        return prompts.render_text(self.prompt, **values)


@cache
def all_experts(task: str = "") -> dict[str, Expert]:
    """Every expert that has a prompt file, by name: of documents, or of the task `instruct`."""
    folder = files(prompts).joinpath(*filter(None, (task, "experts")))
    found = [_read(entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".md")]
    return {expert.name: expert for expert in sorted(found, key=lambda expert: expert.name)}


def choose_experts(names: tuple[str, ...], *, seeded: bool = False) -> tuple[Expert, ...]:
    """The experts of a corpus, in its order; `seeded` where documents start from seed documents.

    Raises:
        UserError: an expert that has no prompt file, or a team that cannot write.
    """
    team = _named(names, all_experts())
    if DOMAIN_EXPERT not in names:
        raise UserError(f"corpus field `experts` lacks the {DOMAIN_EXPERT!r}, who writes the documents")
    if "verdict" in (yields := {expert.yields for expert in team}) and "summary" not in yields:
        raise UserError("corpus field `experts` has who compares summaries but not who writes them; add one")
    return tuple(_with_seed(expert) for expert in team) if seeded else team


def choose_instruct_experts(names: tuple[str, ...]) -> tuple[Expert, ...]:
    """The experts of a corpus of instructions, in its order.

    Raises:
        UserError: an expert that has no prompt file, or a team that cannot ask or cannot answer.
    """
    team = _named(names, all_experts(INSTRUCT))
    yields = {expert.yields for expert in team}
    for needed, doing in (("question", "asks"), ("response", "answers")):
        if needed not in yields:
            raise UserError(f"corpus field `experts` lacks the expert who {doing}; add one")
    return team


def _with_seed(expert: Expert) -> Expert:
    return replace(
        expert,
        needs=(*expert.seed_needs, *expert.needs),
        briefs=(*expert.seed_briefs, *(() if expert.seed_needs else expert.briefs)),
    )


def _named(names: tuple[str, ...], known: dict[str, Expert]) -> tuple[Expert, ...]:
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.3)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise UserError(f"corpus field `experts`: there is no {name!r}; {hint}known: {', '.join(known)}")
    return tuple(known[name] for name in names)


def find_expert(heading: str, team: tuple[Expert, ...]) -> Expert | None:
    """The expert that a heading of the meta-LM means, odd spacing and spelling forgiven.

    `Expert Summariser` finds the Summarizer Expert; a name like no expert's finds None.
    """
    by_core = {core_name(expert.name): expert for expert in team}
    near = difflib.get_close_matches(core_name(heading), by_core, n=1, cutoff=0.82)
    return by_core[near[0]] if near else None


def core_name(name: str) -> str:
    """A name without the word "expert", punctuation and odd spacing, in lower case."""
    words = re.findall(r"[^\W_]+", name.casefold())
    return " ".join(word for word in words if word != "expert")


def _read(text: str) -> Expert:
    _, head, body = text.split("---\n", 2)
    fields: dict[str, Any] = yaml.safe_load(head)
    lists = ("needs", "briefs", "seed_needs", "seed_briefs")
    return Expert(**fields | {name: tuple(fields.get(name, ())) for name in lists}, prompt=body.strip())
