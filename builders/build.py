"""A build from end to end: a corpus and an endpoint in, a dataset folder out."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from builders import __version__
from builders.accepted import Accepted
from builders.dataset.package import write_dataset
from builders.dataset.places import without_places
from builders.dataset.rows import BuildFacts
from builders.diversity.brief import baseline_beside, brief
from builders.finished import build_digest, finished, note_finished
from builders.journal import Journal, build_lock
from builders.request import BuildRequest, Display
from builders.seeding import seed_facts
from builders.steering import STOCK_OPENING
from builders.trajectories import run_trajectories
from builders.workshop import at_work, open_workshop

if TYPE_CHECKING:
    from builders.corpora.base import Corpus
    from builders.dataset.rows import SeedFacts
    from builders.endpoints.base import EndpointInfo
    from builders.trajectories import Outcome
    from builders.workshop import Workshop

__all__ = ["JOURNAL_FOLDER", "BuildRequest", "Display", "build"]

JOURNAL_FOLDER = ".journal"


async def build(request: BuildRequest, display: Display) -> BuildFacts:
    """Build a corpus, or go on with one, and package it as a dataset.

    Raises:
        UserError: what the user can mend.
        EndpointError: the endpoint failed for good. Everything answered is in the journal.
        DrainingError: stopped by Ctrl-C. Likewise.
    """
    corpus = request.corpus
    work = request.folder / JOURNAL_FOLDER
    compared = corpus.method == "metasynth"
    baseline = baseline_beside(request.folder, domain=corpus.domain) if compared else None
    with build_lock(work), closing(Journal(work)) as journal, closing(Accepted(corpus, work)) as accepted:
        async with open_workshop(request, display, journal) as shop:
            digest = build_digest(
                corpus.model_dump(mode="json"),
                [asdict(request.target), request.seed, shop.protocol, str(request.tokenizer)],
                replace(shop.pool.info, url="", max_concurrent_requests=None),
                shop.method.ingredients,
                baseline.digest if baseline else None,
            )
            if facts := finished(journal, digest, request.folder):
                return facts
            outcome = await run_trajectories(
                corpus,
                shop.method,
                recorder=shop.recorder,
                journal=journal,
                target=request.target,
                concurrency=lambda: at_work(shop.pool.concurrency),
                accepted=accepted,
                listener=display,
                steering=shop.pilot,
            )
        facts = gather_facts(request, shop.pool.info, shop.protocol, journal=journal, outcome=outcome)
        facts = facts.model_copy(
            update={
                "diversity": brief(accepted.texts(), facts.documents, baseline),
                "growth": accepted.growth.facts(),
                "source": shop.documents
                and shop.documents.facts.model_copy(update={"used": documents_used(journal)}),
                "seeds": _seed_facts(corpus, shop, journal),
                "steering": shop.pilot and shop.pilot.report(outcome.redrafted.get(STOCK_OPENING, 0)),
            }
        )
        write_dataset(request.folder, documents=accepted.rows(), facts=facts)
        note_finished(journal, digest, facts, request.folder)
        return facts


def _seed_facts(corpus: Corpus, shop: Workshop, journal: Journal) -> SeedFacts | None:
    if shop.seeds is None or corpus.seed_documents is None:
        return None
    return seed_facts(journal, shop.seeds, corpus.seed_documents)


def documents_used(journal: Journal) -> int:
    """Documents that an accepted instruction was made from."""
    evolved = (
        attempt.document.evolved
        for _, _, accepted, attempt in journal.attempts()
        if accepted and attempt.document
    )
    return len({made.document_id for made in evolved if made})


def gather_facts(
    request: BuildRequest, info: EndpointInfo, protocol: str, *, journal: Journal, outcome: Outcome
) -> BuildFacts:
    """Every figure of the finished build, from the journal."""
    words = tokens = calls = prompt_tokens = completion_tokens = 0
    revisions: dict[str, None] = {}
    for _, _, accepted, attempt in journal.attempts():
        calls += len(attempt.trace)
        prompt_tokens += sum(call.completion.prompt_tokens for call in attempt.trace)
        completion_tokens += sum(call.completion.completion_tokens for call in attempt.trace)
        if accepted and attempt.document:
            words += len(attempt.document.whole.split())
            tokens += attempt.document.n_tokens
            revisions[attempt.document.model_sha or ""] = None
    corpus = request.corpus
    return BuildFacts(
        version=__version__,
        name=corpus.name,
        domain=corpus.domain,
        method=corpus.method,
        description=corpus.description,
        license=corpus.license,
        server=info.server,
        model_id=info.model_id,
        model_sha=", ".join(filter(None, revisions)),
        stand_in=info.stand_in,
        simulated=info.simulated,
        protocol=protocol,
        corpus_seed=request.seed,
        tokenizer=without_places(str(request.tokenizer or "")),
        settings=without_places(corpus.model_dump(mode="json")),
        documents=outcome.documents,
        trajectories=outcome.trajectories,
        attempts=outcome.attempts,
        dropped=journal.dropped(),
        redrafted=outcome.redrafted,
        words=words,
        tokens=tokens,
        calls=calls,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
    )
