"""The seed documents of a build: their index, made or found again, and what the build made of them."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from importlib.util import find_spec
from typing import TYPE_CHECKING

from builders.acceptance.base import Candidate
from builders.acceptance.language import English
from builders.dataset.places import without_places
from builders.dataset.rows import AuditedFacts, SeedFacts
from builders.embedded_model import cache_home
from builders.errors import UserError
from builders.journal import build_lock
from builders.seeds import load_hierarchy
from builders.seeds.documents import HashingEmbedder, Screen, SeedIndex, build_index, open_source
from builders.seeds.documents.index import FACTS
from builders.seeds.documents.indexing import subfield_texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from builders.corpora.base import Corpus, SeedDocuments
    from builders.journal import Journal
    from builders.seeds.documents import Embedder, IndexFacts, SeedSource

FOLDER = "seed-indexes"
FEWEST = 20
"""Seed documents below which topics could not differ for long."""

TOLD_EVERY_S = 10.0
_LEFT_OUT = {
    "short": "shorter than min_words",
    "off_domain": "with too few words of the domain (min_domain_words)",
    "other_language": "not in English",
    "repeated": "repeated",
}


async def open_seeds(corpus: Corpus, say: Callable[[str], None]) -> SeedIndex | None:
    """The index of a corpus' seed documents, in the user's cache; None for a corpus without them.

    The same source and settings find the index again; one that was interrupted is gone on with.

    Args:
        corpus: with what it says of seed documents.
        say: told what a person should know, now and then.

    Raises:
        UserError: the seed corpus cannot be read, or too few of its texts are fit.
    """
    settings = corpus.seed_documents
    if settings is None:
        return None
    hierarchy, embed = load_hierarchy(corpus.keyword_source), choose_embedder(settings, say)
    fields = hashlib.sha256("\n".join(subfield_texts(hierarchy)).encode()).hexdigest()
    limits = (settings.most, settings.min_words, settings.min_domain_words)
    same = [*limits, settings.text_column, embed.name, fields]
    say(f"seed documents: looking at {settings.source}")
    source = open_source(settings.source, settings.text_column)
    digest = hashlib.sha256(json.dumps([source.revision, *same]).encode()).hexdigest()
    folder = cache_home() / FOLDER / digest[:16]
    if not (folder / FACTS).is_file():
        screen = Screen(
            hierarchy=hierarchy,
            min_words=settings.min_words,
            min_domain_words=settings.min_domain_words,
            is_english=_is_english,
        )
        with build_lock(folder):
            teller = _Teller(source, settings, say)
            index = await build_index(
                folder, source, screen=screen, embed=embed, most=settings.most, progress=teller
            )
    else:
        index = SeedIndex(folder)
    say(f"seed documents: {len(index):,} of {index.facts.read:,} texts are fit; index in {folder}")
    if len(index) < FEWEST:
        raise UserError(_too_few(index.facts))
    return index


def choose_embedder(settings: SeedDocuments, say: Callable[[str], None]) -> Embedder:
    """The embedder that is asked for, or the best that is installed.

    Raises:
        UserError: the extra `[metrics]` is asked for and not installed.
    """
    installed = find_spec("sentence_transformers") is not None
    if settings.embedder == "hashing":
        return HashingEmbedder()
    if installed:
        from builders.diversity.embeddings import WindowMeans

        return WindowMeans()
    if settings.embedder == "minilm":
        raise UserError(
            "seed_documents.embedder `minilm` needs sentence embeddings: pip install 'metasynth[metrics]', "
            "or take `hashing`"
        )
    say("seed documents: near by their words, not by meaning; pip install 'metasynth[metrics]' for that")
    return HashingEmbedder()


def seed_facts(journal: Journal, index: SeedIndex, settings: SeedDocuments) -> SeedFacts:
    """What the accepted documents of a build made of their seeds."""
    uses = [
        attempt.document.seed
        for _, _, accepted, attempt in journal.attempts()
        if accepted and attempt.document and attempt.document.seed
    ]
    topics = {use.id: use.topic.casefold() for use in uses}
    in_order = list(topics.values())
    facts, supported, facts_of = Counter[str](), Counter[str](), index.facts
    for use in uses:
        facts.update(claim.kind for claim in use.grounding.claims)
        supported.update(claim.kind for claim in use.grounding.claims if claim.supported)
    return SeedFacts(
        source=without_places(settings.source),
        revision=facts_of.revision,
        embedder=facts_of.embedder,
        read=facts_of.read,
        indexed=facts_of.kept,
        left_out={reason: getattr(facts_of, reason) for reason in _LEFT_OUT},
        used=len(topics),
        topics=len(set(in_order)),
        repeated_topics=sum(
            topic in in_order[max(0, place - settings.documents_per_seed + 1) : place]
            for place, topic in enumerate(in_order)
        ),
        documents_per_seed=settings.documents_per_seed,
        mean_overlap=sum(use.grounding.overlap for use in uses) / max(len(uses), 1),
        longest_run=max((use.grounding.longest_run for use in uses), default=0),
        grounding=tuple(
            AuditedFacts(kind=kind, facts=count, supported=supported[kind])
            for kind, count in sorted(facts.items())
        ),
    )


class _Teller:
    """Tells how far an index is, with the rate and the time that is left, at most every few seconds."""

    def __init__(self, source: SeedSource, settings: SeedDocuments, say: Callable[[str], None]) -> None:
        self._total, self._most, self._say = source.total, settings.most, say
        self._began = self._told = time.monotonic()
        self._first: int | None = None

    def __call__(self, read: int, kept: int) -> None:
        now = time.monotonic()
        self._first = read if self._first is None else self._first
        if now - self._told < TOLD_EVERY_S:
            return
        self._told = now
        pace = (read - self._first) / (now - self._began)
        of = f" of {self._total:,}" if self._total else ""
        line = f"seed documents: {read:,}{of} texts read, {kept:,} of at most {self._most:,} kept"
        line += f", {pace:.0f} a second"
        if self._total and pace:
            line += f", at most {(self._total - read) / pace / 60:.0f} min left"
        self._say(line)


def _is_english(text: str) -> bool:
    return _ENGLISH(Candidate(text)) is None


_ENGLISH = English()


def _too_few(facts: IndexFacts) -> str:
    left_out = ", ".join(
        f"{getattr(facts, reason):,} {words}" for reason, words in _LEFT_OUT.items() if getattr(facts, reason)
    )
    return (
        f"{facts.source} has {facts.kept:,} fit seed documents, and at least {FEWEST} are needed "
        f"({facts.read:,} texts read{': ' + left_out if left_out else ''}); name a larger corpus of English "
        "texts of the domain, or lower these settings of seed_documents"
    )
