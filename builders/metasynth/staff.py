"""Putting an expert to work: what it is told, and what its answer does to the document."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builders.metasynth.answers import read_line, read_terms, read_verdict
from builders.metasynth.briefing import domain_adjective
from builders.metasynth.experts import DOMAIN_EXPERT
from builders.method import Draft

if TYPE_CHECKING:
    from builders.calls import CallSequence
    from builders.corpora.base import Corpus, Decoding
    from builders.endpoints.base import Completion, Message
    from builders.metasynth.menu import Menu
    from builders.metasynth.protocol import ExpertCall, TurnProtocol
    from builders.metasynth.workbench import Workbench
    from builders.method import Judge

SUMMARY_WORDS = 40
TOPIC_WORDS = 6
MAX_KEYWORDS = 5
_REFERENCE = re.compile(r"\[(seeds?|keywords|draft|summary|summaries|suggestions)\]", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Staff:
    """The experts at work. An expert sees its own prompt and the instruction, nothing else."""

    corpus: Corpus
    decoding: Decoding
    protocol: TurnProtocol
    judge: Judge

    async def work(
        self, call: ExpertCall, bench: Workbench, menu: Menu, *, calls: CallSequence, parent: int
    ) -> str:
        """Carry out one call of the meta-LM and report to it what came of it."""
        expert = call.expert
        if expert.name not in bench.allowed():
            return f"{expert.name} is of no use now."
        if expert.name == DOMAIN_EXPERT:
            bench.persona = (
                call.persona or bench.persona or f"{domain_adjective(self.corpus.domain)} specialist"
            )
            bench.genre = call.genre or bench.genre
        system = expert.system_prompt(
            domain=domain_adjective(self.corpus.domain),
            persona=bench.persona,
            genre=bench.genre,
            max_words=self.corpus.max_words,
            seeded=bench.seeds.text is not None,
        )
        rewriting = ("suggestions",) if expert.yields == "draft" and bench.drafts else ()
        instruction = pass_materials(call.instruction, bench.materials(), needs=(*expert.needs, *rewriting))
        messages: list[Message] = [
            {"role": "system", "content": system},
            {"role": "user", "content": instruction},
        ]
        writes = expert.yields == "draft"
        answer = await calls.ask(
            expert.name,
            messages,
            max_tokens=self.decoding.document_tokens if writes else self.decoding.turn_tokens,
            schema=self.protocol.expert_schema(expert, bench, menu),
            parent=parent,
        )
        if writes:
            bench.writer = answer
            told = pass_materials(
                call.instruction, bench.materials() | {"draft": "", "seed": ""}, needs=expert.needs
            )
            shown = self._take_draft(answer, bench, prompts=(system, told))
        else:
            shown = answer.text
            self._take(expert.yields, answer.text, bench)
        return f'{expert.name}\'s output:\n"""\n{shown}\n"""'

    def _take_draft(self, answer: Completion, bench: Workbench, *, prompts: tuple[str, ...]) -> str:
        seed = bench.seeds.text.text if bench.seeds.text else ""
        cut = answer.finish_reason == "length"
        judgement = self.judge(Draft(text=answer.text, cut=cut, prompts=prompts, seed=seed))
        bench.take_draft(judgement)
        if judgement.rejection is None:
            return judgement.text
        return f"{judgement.text}\n\n(refused: {judgement.rejection.detail}; have it written anew)"

    def _take(self, yields: str, text: str, bench: Workbench) -> None:
        match yields:
            case "keywords":
                bench.keywords = read_terms(text, limit=MAX_KEYWORDS)
            case "expansion":
                bench.expansion = read_terms(text, limit=self.corpus.max_expansions)
                bench.expanded = True
            case "summary":
                bench.summary = read_line(text, max_words=SUMMARY_WORDS)
            case "topic":
                bench.topic = read_line(text, max_words=TOPIC_WORDS)
            case "verdict":
                similar, suggestion = read_verdict(text)
                bench.take_verdict(similar=similar, suggestion=suggestion)


def pass_materials(
    instruction: str,
    materials: dict[str, str],
    *,
    needs: tuple[str, ...],
    reference: re.Pattern[str] = _REFERENCE,
) -> str:
    """The instruction as the expert gets it.

    References such as `[draft]` become the material; what the expert cannot work without and
    the instruction does not refer to is added below it. Nothing else is passed on.
    """
    referred = {name.lower() for name in reference.findall(instruction)}
    filled = reference.sub(lambda match: materials.get(match.group(1).lower(), ""), instruction)
    attached = [
        f"{name.capitalize()}: {materials[name]}"
        for name in dict.fromkeys(needs)
        if name not in referred and name in materials
    ]
    return "\n\n".join([filled.strip(), *attached])
