"""The pilot: hears of every settled document, and guides the trajectories that are begun next."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol

from builders.dataset.rows import SteeringFacts
from builders.diversity.openings import opening
from builders.diversity.skeletons import skeletons
from builders.seeds import draw_seeds
from builders.steering.guidance import Guidance
from builders.steering.tally import Tally
from builders.steering.watch import REPETITION
from builders.steering.yields import Yields

if TYPE_CHECKING:
    from builders.corpora.base import Corpus
    from builders.method import Attempt, Method
    from builders.seeds import SeedHierarchy


class Guidable(Protocol):
    """A method whose trajectories can be guided."""

    def guided(self, guidance: Guidance) -> Method:
        """The method for one trajectory."""
        ...


class Pilot:
    """Counts the documents of settled trajectories, in order, and makes guidance of the counts.

    Args:
        guidable: the method.
        corpus: the corpus that is built.
        hierarchy: where its seeds come from.
        corpus_seed: seed of the build.

    Attributes:
        guided: trajectories that were told at least one fact.
        moved: trajectories whose seeds came from another subfield than the walk's.
        shortened: trajectories that were asked for fewer documents.
        ended_early: trajectories that brought fewer documents than they owed.
    """

    def __init__(
        self, guidable: Guidable, *, corpus: Corpus, hierarchy: SeedHierarchy, corpus_seed: int
    ) -> None:
        self._guidable = guidable
        self._corpus = corpus
        self._hierarchy = hierarchy
        self._corpus_seed = corpus_seed
        self._openings = Tally(least=3, share=0.005)
        self._sentences = Tally(least=5, share=0.02)
        self._genres = Tally(least=5, factor=2)
        self._personas = Tally(least=5, factor=2)
        self._topics = Tally(least=4, factor=4)
        self._yields = Yields()
        self._visits: Counter[str] = Counter()
        self._documents: Counter[str] = Counter()
        self._subfields: dict[int, str] = {}
        self.guided = self.moved = self.shortened = self.ended_early = 0

    def quota(self, trajectory: int, quota: int) -> int:
        """Documents to ask a new trajectory for, of those that it would owe."""
        most = self._yields.most_documents(trajectory, self._corpus.documents_per_trajectory)
        self.shortened += most < quota
        return min(most, quota)

    def method(self, trajectory: int) -> Method:
        """The method, guided by what is known now. Called once for each trajectory, in order."""
        return self._guidable.guided(self.guidance(trajectory))

    def guidance(self, trajectory: int) -> Guidance:
        """The facts for a trajectory that is begun now. Called once for each, in order."""
        walks = draw_seeds(
            self._hierarchy,
            corpus_seed=self._corpus_seed,
            trajectory=trajectory,
            k=self._corpus.seeds_per_trajectory,
        ).subfield
        subfield = self._neediest(walks)
        self._subfields[trajectory] = subfield
        self._visits[subfield] += 1
        found = self._facts(subfield if subfield != walks else "")
        self.guided += bool(found.facts())
        self.moved += bool(found.subfield)
        return found

    def _facts(self, subfield: str = "") -> Guidance:
        return Guidance(
            counted=len(self._openings),
            subfield=subfield,
            openings=self._openings.overused(),
            sentences=self._sentences.overused(),
            genres=self._genres.overused(),
            personas=self._personas.overused(),
            topics=self._topics.overused(),
        )

    def settle(self, trajectory: int, quota: int, attempts: list[tuple[Attempt, bool]]) -> None:
        """Count a trajectory: its attempts that brought a document, in order, and whether it was accepted."""
        self.ended_early += len(attempts) < quota
        subfield = self._subfields.pop(trajectory)
        stock = {entry.what for entry in self._openings.overused()}
        fresh = []
        for attempt, taken in attempts:
            repeated = any(rejection.reason in REPETITION for rejection in attempt.rejections)
            document = attempt.document
            fresh.append(taken and not repeated)
            if document and taken:
                fresh[-1] &= opening(document.text) not in stock
                self._documents[subfield] += 1
                self._openings.add([opening(document.text) or ""])
                self._sentences.add(skeletons(document.text))
                self._genres.add([document.genre.casefold()])
                self._personas.add([document.persona.casefold()])
                self._topics.add(keyword.casefold() for keyword in document.keywords)
        self._yields.add(tuple(fresh))

    def report(self, refused_openings: int) -> SteeringFacts:
        """What steering did. Of the last documents, what it would tell the next trajectory."""
        return SteeringFacts(
            guided=self.guided,
            moved=self.moved,
            shortened=self.shortened,
            ended_early=self.ended_early,
            refused_openings=refused_openings,
            overused=tuple(self._facts().facts()),
        )

    def _neediest(self, walks: str) -> str:
        """The walk's subfield, unless it is clearly ahead of one that was visited and brought little."""
        if not self._documents[walks]:
            return walks
        visited = [field.name for field in self._hierarchy.subfields if self._visits[field.name]]
        poorest = min(visited, key=lambda name: (self._documents[name], self._visits[name], name))
        behind = 2 * self._documents[poorest] < self._documents[walks]
        return poorest if behind and self._visits[poorest] <= self._visits[walks] else walks
