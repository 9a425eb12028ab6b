"""The conductor: runs a trajectory in which the meta-LM directs experts, document by document.

Per document: the meta-LM is shown the meta-prompt, the instance table and the seeds; it calls
experts, each of whom sees only the instruction ("fresh eyes"); their answers return to it;
until it finishes the document, which becomes a row of the table that conditions the next one.
(MetaSynth, arXiv 2504.12563; the order of calls is the meta-LM's, the checks are ours.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from builders.calls import CallSequence
from builders.metasynth.briefing import Briefing
from builders.metasynth.experts import choose_experts
from builders.metasynth.memory import ContextTooSmallError, Instance, InstanceTable
from builders.metasynth.menu import Menu, draw_menu
from builders.metasynth.rounds import Rounds
from builders.metasynth.staff import SUMMARY_WORDS, Staff
from builders.metasynth.topics import TOPIC_LABEL_EXPERT
from builders.metasynth.workbench import Seeds, Workbench
from builders.method import Attempt, Document, SeedUse, derive_seed
from builders.seeds import draw_seeds
from builders.seeds.documents.overlap import withhold
from builders.steering.guidance import Guidance
from builders.steering.watch import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from builders.corpora.base import Corpus, Decoding
    from builders.endpoints.base import Chat
    from builders.metasynth.experts import Expert
    from builders.metasynth.protocol import TurnProtocol
    from builders.metasynth.reseeding import SeedChain
    from builders.metasynth.workbench import SeedText
    from builders.method import Judge, Narrator, TraceCall
    from builders.seeds import SeedHierarchy


@dataclass(frozen=True, kw_only=True)
class Conductor:
    """Runs trajectories of one build; fulfils :class:`builders.method.Method`.

    Attributes:
        corpus: the limits.
        hierarchy: where seeds, genres and personas are drawn from.
        corpus_seed: seed of the whole build.
        protocol: how turns are read.
        decoding: sampling and room for answers.
        context_tokens: prompt plus answer must fit into so many tokens.
        judge: decides whether a draft may stand.
        narrate: hears what happens.
        guidance: what the trajectory is told of the corpus, where it is steered; None otherwise.
        seed_chain: seed documents that trajectories start from; None for keywords.
    """

    corpus: Corpus
    hierarchy: SeedHierarchy
    corpus_seed: int
    protocol: TurnProtocol
    decoding: Decoding
    context_tokens: int
    judge: Judge
    narrate: Narrator
    guidance: Guidance | None = None
    seed_chain: SeedChain | None = None

    def guided(self, guidance: Guidance) -> Conductor:
        """See :class:`builders.steering.pilot.Guidable`."""
        return replace(self, guidance=guidance)

    @property
    def ingredients(self) -> tuple[object, ...]:
        """See :class:`builders.method.Method`."""
        seeds = self.seed_chain.index.facts if self.seed_chain else None
        return self.hierarchy, self.decoding, self.context_tokens, seeds

    def require_context(self) -> None:
        """Raise `ContextTooSmallError` unless the meta-prompt and one exchange fit the model."""
        seeds = self._seeds(0)
        bench = self._bench(seeds, InstanceTable())
        self._rounds.require_room(self._briefing.opening(bench, self._menu(seeds, 0, 0)))

    async def attempts(self, *, trajectory: int, quota: int, chat: Chat) -> AsyncIterator[Attempt]:
        """Run a trajectory; see :class:`builders.method.Method`."""
        calls = CallSequence(
            chat, corpus_seed=self.corpus_seed, trajectory=trajectory, decoding=self.decoding
        )
        seeds, table = self._seeds(trajectory), InstanceTable()
        chain, turn = self.seed_chain, -1
        watch = Watch(self.judge, self.guidance, self.corpus) if self.guidance else None
        staff = self._staff(watch or self.judge)
        for number in range(quota * self.corpus.attempts_per_document):
            calls.begin_attempt()
            if chain and turn < (due := chain.due(len(table.rows))):
                turn = due
                self.narrate(trajectory, TOPIC_LABEL_EXPERT)
                subfield = seeds.drawn.subfield
                choice = await chain.seed(trajectory=trajectory, turn=turn, subfield=subfield, chat=chat)
                calls.trace.extend(choice.calls)
                seeds = Seeds(drawn=choice.terms, text=choice.seed)
            bench = self._bench(seeds, table)
            try:
                document = await self._attempt(bench, self._menu(seeds, trajectory, number), staff, calls)
            except ContextTooSmallError:
                return  # the table has outgrown the context: this trajectory is done
            if document is not None:
                table.rows.append(_instance(bench, document))
                seeds.use(document.keywords)
                seeds.expand(bench.expansion)
            trace = tuple(_published(call, seeds.text) for call in calls.trace)
            yield Attempt(document=document, rejections=tuple(bench.rejections), trace=trace)
            if watch:
                watch.ended(document.text if document else None, bench.rejections)
            if len(table.rows) == quota or (watch and watch.dry):
                return

    async def _attempt(
        self, bench: Workbench, menu: Menu, staff: Staff, calls: CallSequence
    ) -> Document | None:
        """One attempt at a document; None when it is dropped, with the reason in the workbench."""
        finish = await self._rounds.until_finished(
            self._briefing.opening(bench, menu),
            bench,
            menu,
            calls,
            work=lambda call, parent: staff.work(call, bench, menu, calls=calls, parent=parent),
            news=lambda number, reports: self._briefing.news(bench, round_number=number, reports=reports),
        )
        if finish is None:
            return None
        bench.genre = bench.genre or finish.genre
        return await self._document(bench, calls)

    async def _document(self, bench: Workbench, calls: CallSequence) -> Document:
        assert bench.writer is not None, "a finished document has a writer"
        return Document(
            text=bench.draft,
            genre=bench.genre or "document",
            persona=bench.persona,
            keywords=tuple(bench.keywords or bench.seeds.offered[:3]),
            summary=bench.summary,
            n_tokens=await calls.count_tokens(bench.draft, otherwise=bench.writer.completion_tokens),
            model_id=bench.writer.model_id,
            model_sha=bench.writer.model_sha,
            seed=_seed_use(bench),
        )

    @cached_property
    def _team(self) -> tuple[Expert, ...]:
        return choose_experts(self.corpus.experts, seeded=self.seed_chain is not None)

    @cached_property
    def _rounds(self) -> Rounds:
        return Rounds(
            corpus=self.corpus,
            team=self._team,
            protocol=self.protocol,
            decoding=self.decoding,
            context_tokens=self.context_tokens,
            narrate=self.narrate,
            made="document",
        )

    @cached_property
    def _briefing(self) -> Briefing:
        return Briefing(
            corpus=self.corpus,
            team=self._team,
            protocol=self.protocol,
            guidance=self.guidance or Guidance(),
            example_personas=self.hierarchy.personas[:3],
        )

    def _staff(self, judge: Judge) -> Staff:
        return Staff(corpus=self.corpus, decoding=self.decoding, protocol=self.protocol, judge=judge)

    def _bench(self, seeds: Seeds, table: InstanceTable) -> Workbench:
        return Workbench(seeds=seeds, table=table, experts=self._team, max_rewrites=self.corpus.max_rewrites)

    def _seeds(self, trajectory: int) -> Seeds:
        drawn = draw_seeds(
            self.hierarchy,
            corpus_seed=self.corpus_seed,
            trajectory=trajectory,
            k=self.corpus.seeds_per_trajectory,
            subfield=self.guidance.subfield if self.guidance else "",
        )
        return Seeds(drawn=drawn)

    def _menu(self, seeds: Seeds, trajectory: int, attempt: int) -> Menu:
        seed = derive_seed("menu", self.corpus_seed, trajectory, attempt)
        guidance = self.guidance or Guidance()
        return draw_menu(
            self.hierarchy,
            self._team,
            subfield=seeds.drawn.subfield,
            seed=seed,
            avoid=frozenset(entry.what for entry in (*guidance.genres, *guidance.personas)),
        )


def _published(call: TraceCall, seed: SeedText | None) -> TraceCall:
    """A call as its trace shows it: the text of a seed document is not ours to publish."""
    if seed is None:
        return call
    instruction, output = withhold(call.instruction, seed.text), withhold(call.output, seed.text)
    return replace(call, instruction=instruction, output=output)


def _seed_use(bench: Workbench) -> SeedUse | None:
    seed, grounding = bench.seeds.text, bench.grounding
    if seed is None or grounding is None:
        return None
    return SeedUse(id=seed.id, sha256=seed.sha256, topic=seed.topic, grounding=grounding)


def _instance(bench: Workbench, document: Document) -> Instance:
    return Instance(
        topic=bench.topic or (bench.seeds.text.topic if bench.seeds.text else bench.seeds.drawn.subfield),
        persona=document.persona,
        genre=document.genre,
        keywords=document.keywords,
        summary=document.summary or " ".join(document.text.split()[:SUMMARY_WORDS]),
    )
