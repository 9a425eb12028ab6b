"""The conductor of instructions: the meta-LM decides how a document evolves into one, and who does it.

Per instruction: the meta-LM is shown the meta-prompt, the instructions that the trajectory has made so far
and a document; it calls experts, each of whom sees only the instruction; their answers return to it; until
there is a question that has evolved and differs from the earlier ones, and a response that rests on the
document. (MetaSynth-Instruct, arXiv 2504.12563: the roles and the freedom of the meta-LM are the paper's; who
may be called when, and the checks, are ours.)
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import yaml

from builders.calls import CallSequence
from builders.metasynth import prompts
from builders.metasynth.briefing import domain_adjective
from builders.metasynth.experts import choose_instruct_experts
from builders.metasynth.instruct.bench import InstructionBench, Row
from builders.metasynth.instruct.staff import InstructStaff
from builders.metasynth.memory import ContextTooSmallError
from builders.metasynth.menu import BRIEFS, PERSONAS, Menu
from builders.metasynth.rounds import Rounds
from builders.method import Attempt, Document, Evolved, Rejection, derive_seed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from builders.corpora.base import Corpus, Decoding, Instruct
    from builders.endpoints.base import Chat, Message
    from builders.metasynth.experts import Expert
    from builders.metasynth.instruct.documents import Documents
    from builders.metasynth.instruct.staff import InstructionJudge
    from builders.metasynth.protocol import TurnProtocol
    from builders.method import Narrator
    from builders.seeds import SeedHierarchy

OPENINGS = 4
"""First words to choose from."""


@dataclass(frozen=True, kw_only=True)
class InstructConductor:
    """Runs trajectories of one build of instructions; fulfils :class:`builders.method.Method`.

    Attributes:
        corpus: the limits; with the settings `instruct`.
        documents: what instructions are made from.
        hierarchy: where suggested askers are drawn from.
        corpus_seed: seed of the whole build.
        protocol: how turns are read.
        decoding: sampling and room for answers.
        context_tokens: prompt plus answer must fit into so many tokens.
        judge: decides whether a question or a response may stand.
        narrate: hears what happens.
    """

    corpus: Corpus
    documents: Documents
    hierarchy: SeedHierarchy
    corpus_seed: int
    protocol: TurnProtocol
    decoding: Decoding
    context_tokens: int
    judge: InstructionJudge
    narrate: Narrator

    @property
    def ingredients(self) -> tuple[object, ...]:
        """See :class:`builders.method.Method`."""
        return self.hierarchy, self.decoding, self.context_tokens, self.documents.facts

    def require_context(self) -> None:
        """Raise `ContextTooSmallError` unless meta-prompt, a document and one exchange fit the model."""
        self._rounds.require_room(self._opening(self._bench(0, 0, []), self._menu(0, 0)))

    async def attempts(self, *, trajectory: int, quota: int, chat: Chat) -> AsyncIterator[Attempt]:
        """Run a trajectory; see :class:`builders.method.Method`."""
        calls = CallSequence(
            chat, corpus_seed=self.corpus_seed, trajectory=trajectory, decoding=self.decoding
        )
        table: list[Row] = []
        for number in range(quota * self.corpus.attempts_per_document):
            bench = self._bench(trajectory, number, table)
            calls.begin_attempt()
            try:
                document = await self._attempt(bench, self._menu(trajectory, number), calls)
            except ContextTooSmallError as error:
                bench.rejections.append(Rejection("context-full", str(error)))
                document = None  # the document is too long: the next one may fit
            if document is not None:
                steps = tuple(step.expert for step in bench.steps)
                table.append(Row(instruction=bench.question, persona=bench.persona, steps=steps))
            yield Attempt(document=document, rejections=tuple(bench.rejections), trace=tuple(calls.trace))
            if len(table) == quota:
                return

    async def _attempt(self, bench: InstructionBench, menu: Menu, calls: CallSequence) -> Document | None:
        """One attempt at an instruction; None when it is dropped, with the reason on the bench."""
        finish = await self._rounds.until_finished(
            self._opening(bench, menu),
            bench,
            menu,
            calls,
            work=lambda call, parent: self._staff.work(call, bench, menu, calls=calls, parent=parent),
            news=lambda number, reports: self._news(bench, round_number=number, reports=reports),
        )
        return await self._document(bench, calls) if finish else None

    async def _document(self, bench: InstructionBench, calls: CallSequence) -> Document:
        assert bench.writer is not None, "an answered question has who answered it"
        document = Document(
            text=bench.response,
            genre=bench.document.genre,
            persona=bench.persona,
            keywords=bench.document.keywords,
            summary="",
            n_tokens=0,
            model_id=bench.writer.model_id,
            model_sha=bench.writer.model_sha,
            evolved=Evolved(
                instruction=bench.question, document_id=bench.document.id, steps=tuple(bench.steps)
            ),
        )
        tokens = await calls.count_tokens(document.whole, otherwise=bench.writer.completion_tokens)
        return replace(document, n_tokens=tokens)

    def _opening(self, bench: InstructionBench, menu: Menu) -> list[Message]:
        """Meta-prompt and brief: what every round of an instruction begins with."""
        brief = prompts.render(
            "instruct/brief.md",
            rows=[row.line(number) for number, row in enumerate(bench.table, 1)],
            number=len(bench.table) + 1,
            genre=bench.document.genre,
            keywords=bench.document.keywords,
            document=bench.document.text,
            menu=menu,
            allowed=bench.allowed(),
        )
        return [{"role": "system", "content": self._meta_prompt}, {"role": "user", "content": brief}]

    def _news(self, bench: InstructionBench, *, round_number: int, reports: list[str]) -> Message:
        """What came of the last turn, and what may be called next."""
        content = prompts.render(
            "instruct/round.md",
            round=round_number,
            reports=reports,
            last=round_number == self.corpus.max_rounds,
            allowed=bench.allowed(),
        )
        return {"role": "user", "content": content}

    @cached_property
    def _meta_prompt(self) -> str:
        return prompts.render(
            "instruct/meta.md",
            domain=domain_adjective(self.corpus.domain),
            experts=self._team,
            max_evolutions=self._limits.max_evolutions,
            max_rounds=self.corpus.max_rounds,
            protocol_rules=prompts.source(f"instruct/{self.protocol.rules}").strip("\n"),
        )

    @cached_property
    def _team(self) -> tuple[Expert, ...]:
        return choose_instruct_experts(self.corpus.experts)

    @cached_property
    def _rounds(self) -> Rounds:
        return Rounds(
            corpus=self.corpus,
            team=self._team,
            protocol=self.protocol,
            decoding=self.decoding,
            context_tokens=self.context_tokens,
            narrate=self.narrate,
            made="instruction",
        )

    @cached_property
    def _staff(self) -> InstructStaff:
        return InstructStaff(
            corpus=self.corpus,
            decoding=self.decoding,
            guided=self.protocol.name == "guided",
            judge=self.judge,
        )

    @property
    def _limits(self) -> Instruct:
        assert self.corpus.instruct is not None, "a corpus of instructions says how they are made"
        return self.corpus.instruct

    def _bench(self, trajectory: int, attempt: int, table: list[Row]) -> InstructionBench:
        """A trajectory goes round a stretch of documents of its own, as long as there are enough."""
        stretch = self.corpus.documents_per_trajectory
        return InstructionBench(
            document=self.documents.at(trajectory * stretch + attempt % stretch),
            table=table,
            experts=self._team,
            limits=self._limits,
            max_rewrites=self.corpus.max_rewrites,
        )

    def _menu(self, trajectory: int, attempt: int) -> Menu:
        """Suggestions for one attempt, drawn anew so that they are diverse themselves."""
        draw = random.Random(derive_seed("instruct-menu", self.corpus_seed, trajectory, attempt))
        first = yaml.safe_load(prompts.source("instruct/menus.yaml"))
        askers = (*self.hierarchy.personas, *self.hierarchy.audiences)
        return Menu(
            personas=tuple(draw.sample(askers, min(PERSONAS, len(askers)))),
            genres=(),
            briefs={
                expert.name: tuple(draw.sample(expert.briefs, min(BRIEFS, len(expert.briefs))))
                for expert in self._team
            },
            related=(),
            openings=tuple(draw.sample(first["openings"], OPENINGS)),
            additions=tuple(draw.sample(first["additions"], OPENINGS)),
        )
