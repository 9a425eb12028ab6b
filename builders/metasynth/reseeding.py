"""Topic-aware reseeding: which seed document comes next.

The seeds of a build are one chain. Each trajectory owns a few consecutive places of it, takes the first of
them at its start and the next after every M documents. The first seed of a trajectory is near the subfield
that the walk through the keyword hierarchy visits; each further one is near the seed before it. Nearest
first, candidates get a topic label from the Topic Label Expert, until one's label is new among the last
places of the chain. What M and k are, and where a chain begins, the paper does not say; this is ours.

A label depends on its document and the build's seed alone, so the chain is a pure function of the index and
the answers, in whatever order trajectories ask for their places.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from builders.errors import UserError
from builders.metasynth.topics import TopicLabels
from builders.metasynth.workbench import SeedText
from builders.method import derive_seed
from builders.seeds import SeedSet, draw_seeds
from builders.seeds.documents import key_phrases

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from builders.corpora.base import Corpus, Decoding, SeedDocuments
    from builders.endpoints.base import Chat
    from builders.metasynth.topics import Label
    from builders.method import TraceCall
    from builders.seeds import SeedHierarchy
    from builders.seeds.documents import SeedDocument, SeedIndex

DRAWN_AT_RANDOM = 32
"""Documents looked at anywhere, after all near ones had topics of late."""

MEMORY = 2
"""A label is new when none of the last `MEMORY` S M seeds has it, S being the seeds of a trajectory. Quotas
and refused documents leave gaps in the chain, and any M seeds that a corpus does show are to differ."""


@dataclass(frozen=True, slots=True)
class SeedChoice:
    """A place of the chain: the seed, the terms found in it, and the calls that led to it."""

    seed: SeedText
    terms: SeedSet
    calls: tuple[TraceCall, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    number: int
    topic: str
    calls: tuple[TraceCall, ...]


class SeedChain:
    """The seeds of one build, chosen when they are asked for and in the order of their places.

    Args:
        index: the seed documents.
        corpus: with its `seed_documents`.
        hierarchy: what the index was screened by.
        corpus_seed: seed of the whole build.
        decoding: how labels are sampled, and how much of a seed is shown.
        guided: labels are asked for as JSON.
    """

    def __init__(
        self,
        index: SeedIndex,
        *,
        corpus: Corpus,
        hierarchy: SeedHierarchy,
        corpus_seed: int,
        decoding: Decoding,
        guided: bool,
    ) -> None:
        import numpy as np

        assert corpus.seed_documents is not None
        self.index = index
        self._corpus = corpus
        self._settings: SeedDocuments = corpus.seed_documents
        self._hierarchy = hierarchy
        self._corpus_seed = corpus_seed
        self._decoding = decoding
        self._places: list[_Place] = []
        self._used: NDArray[np.bool_] = np.zeros(len(index), dtype=np.bool_)
        self._labels = TopicLabels(
            domain=corpus.domain, corpus_seed=corpus_seed, decoding=decoding, guided=guided
        )
        self._told: set[int] = set()
        self._subfields: dict[int, str] = {}
        self._lock = asyncio.Lock()
        every = -(-corpus.documents_per_trajectory // self._settings.documents_per_seed)
        self.per_trajectory = every
        self._recent: deque[str] = deque(maxlen=MEMORY * every * self._settings.documents_per_seed)

    def due(self, documents: int) -> int:
        """Which of its seeds a trajectory with so many documents is to be at."""
        return min(documents // self._settings.documents_per_seed, self.per_trajectory - 1)

    async def seed(self, *, trajectory: int, turn: int, subfield: str, chat: Chat) -> SeedChoice:
        """The seed of a trajectory: its `turn`-th, from 0, which is below `per_trajectory`.

        Args:
            trajectory: number of the trajectory. Trajectories ask for their first seed in their order.
            turn: which of its seeds.
            subfield: where the trajectory begins.
            chat: answers the Topic Label Expert's calls.

        Raises:
            UserError: all seed documents are used.
            EndpointError: a call failed for good; what was chosen stays.
        """
        self._subfields.setdefault(trajectory, subfield)
        place = trajectory * self.per_trajectory + turn
        async with self._lock:
            while len(self._places) <= place:
                await self._choose(chat)
        return self._choice(self._places[place])

    async def _choose(self, chat: Chat) -> None:
        """Choose the seed of the next place."""
        looked_at: list[Label] = []
        for number in self._candidates(len(self._places)):
            document = self.index.document(number)
            label = await self._labels.label(document, excerpt=self._excerpt(document), chat=chat)
            looked_at.append(label)
            if label.topic and label.key not in self._recent:
                break
        else:
            label = self._least_recent(looked_at)
        calls = tuple(own.call for own in looked_at if own.call and own.number not in self._told)
        self._told.update(own.number for own in looked_at)
        self._used[label.number] = True
        self._recent.append(label.key)
        self._places.append(_Place(label.number, label.topic, calls))

    def _least_recent(self, labels: list[Label]) -> Label:
        """Of labels that are all repeated, the one that was last used the longest ago."""
        repeated = [label for label in labels if label.topic]
        if not repeated:
            raise UserError(
                f"all {len(self.index):,} seed documents of {self._settings.source} are used or have no "
                "topic; give more of them, or set seed_documents.documents_per_seed higher"
            )
        recent = list(self._recent)
        return max(repeated, key=lambda label: (recent[::-1].index(label.key), -label.number))

    def _candidates(self, place: int) -> Iterator[int]:
        """Unused documents: near ones, wider and wider, and then some from anywhere."""
        import numpy as np

        query, tried = self._query(place), set[int]()
        k, most = self._settings.neighbours, self._settings.most_neighbours
        while True:
            for number in self.index.nearest(query, k, used=self._used):
                if number not in tried:
                    tried.add(number)
                    yield number
            if k >= most:
                break
            k = min(2 * k, most)
        left = [int(number) for number in np.flatnonzero(~self._used) if int(number) not in tried]
        draw = random.Random(derive_seed("seed-document", self._corpus_seed, place))
        yield from draw.sample(left, min(DRAWN_AT_RANDOM, len(left)))

    def _query(self, place: int) -> NDArray[np.float32]:
        trajectory, turn = divmod(place, self.per_trajectory)
        if turn:
            return self.index.vector(self._places[-1].number)
        name = self._subfields.get(trajectory) or self._walk(trajectory)
        return self.index.subfield(self._subfield_places[name])

    def _walk(self, trajectory: int) -> str:
        seeds = draw_seeds(self._hierarchy, corpus_seed=self._corpus_seed, trajectory=trajectory, k=1)
        return seeds.subfield

    @cached_property
    def _subfield_places(self) -> dict[str, int]:
        return {field.name: place for place, field in enumerate(self._hierarchy.subfields)}

    def _choice(self, place: _Place) -> SeedChoice:
        document = self.index.document(place.number)
        field = self._hierarchy.subfields[self.index.nearest_subfield(place.number)]
        excerpt = self._excerpt(document)
        terms = key_phrases(excerpt, count=2 * self._corpus.seeds_per_trajectory)
        text = SeedText(
            id=document.id, sha256=document.sha256, text=document.text, topic=place.topic, excerpt=excerpt
        )
        return SeedChoice(text, SeedSet(field.area, field.name, terms), place.calls)

    def _excerpt(self, document: SeedDocument) -> str:
        return " ".join(islice(document.text.split(), self._decoding.seed_words))
