"""A plan: the first trajectories of a build, run and kept, and what they let expect of the whole."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import TYPE_CHECKING

from builders.accepted import Accepted
from builders.build import JOURNAL_FOLDER
from builders.errors import UserError
from builders.forecast import (
    LEVEL,
    METHOD,
    EndpointPlan,
    Evidence,
    Forecast,
    ProbeFacts,
    estimate,
    paid,
    read_probes,
)
from builders.forecast.probe import total
from builders.journal import Journal, build_lock
from builders.trajectories import SURPLUS, Target, opening_quotas, run_trajectories
from builders.workshop import at_work, open_workshop

if TYPE_CHECKING:
    from builders.build import BuildRequest, Display
    from builders.endpoints.base import EndpointInfo

PROBES = 6
"""Fewer make the interval wide: Student's t for 95 % is 2.6 for 6 probes, 3.2 for 4, 4.3 for 3, 13 for 2."""

FEWEST_PROBES = 3


async def plan(request: BuildRequest, display: Display, *, probes: int | None = None) -> Forecast:
    """Run the first trajectories of a build and forecast the whole.

    They are the build's own: its quotas, seeds, folder, lock and journal. So the build asks none of their
    calls again.

    Args:
        request: the build.
        display: shows the probes at work.
        probes: trajectories to run; by default 6, but of a small build no more than half, or 3.

    Raises:
        UserError: what the user can mend; no probe brought a document.
        EndpointError: the endpoint failed for good. Everything answered is in the journal.
        DrainingError: stopped by Ctrl-C. Likewise.
    """
    corpus, target, work = request.corpus, request.target, request.folder / JOURNAL_FOLDER
    quotas = opening_quotas(target, corpus)
    quotas = quotas[: probes or max(FEWEST_PROBES, min(PROBES, len(quotas) // 2))]
    with ExitStack() as stack:
        stack.enter_context(build_lock(work))
        journal = stack.enter_context(closing(Journal(work)))
        accepted = stack.enter_context(closing(Accepted(corpus, work)))
        calls_before = journal.spent()[0]
        probing = replace(request, target=Target(documents=sum(quotas)))
        async with open_workshop(probing, display, journal) as shop:
            began_s = time.thread_time()
            await run_trajectories(
                corpus,
                shop.method,
                recorder=shop.recorder,
                journal=journal,
                target=target,
                concurrency=lambda: at_work(shop.pool.concurrency),
                accepted=accepted,
                listener=display,
                most=len(quotas),
                steering=shop.pilot,
            )
            own_s = time.thread_time() - began_s
            places, concurrency = shop.pool.places, shop.pool.concurrency
        ran = read_probes(journal, quotas)
        dropped = journal.dropped()
        asked = journal.spent()[0] - calls_before
    if not any(probe.accepted for probe in ran):
        reasons = ", ".join(f"{reason} {count}" for reason, count in dropped.items()) or "no attempt"
        raise UserError(
            f"none of {len(ran)} probes brought a document ({reasons}), so nothing can be forecast; the "
            "model may be too small or the limits too tight: see min_words and max_rewrites of the corpus, "
            "or use another model"
        )
    unaccepted = sum(step.document and not step.accepted for probe in ran for step in probe.steps)
    evidence = Evidence(
        corpus=corpus,
        target=target,
        probes=ran,
        refused=unaccepted - dropped.get(SURPLUS, 0),
        places=places,
        concurrency=concurrency,
        client_s=own_s / max(total(probe.spend for probe in ran).calls, 1),
        prices=request.budget.prices,
    )
    return _forecast(request, evidence, shop.pool.info, protocol=shop.protocol, asked=asked)


def _forecast(
    request: BuildRequest, evidence: Evidence, info: EndpointInfo, *, protocol: str, asked: int
) -> Forecast:
    found, prices = estimate(evidence), evidence.prices
    spent = total(probe.spend for probe in evidence.probes)
    latency_s = spent.seconds / max(spent.calls, 1)
    return Forecast(
        name=request.corpus.name,
        target_documents=request.target.documents,
        target_tokens=request.target.tokens,
        corpus_seed=request.seed,
        protocol=protocol,
        model_id=info.model_id,
        model_sha=info.model_sha or "",
        stand_in=info.stand_in,
        simulated=info.simulated,
        level=LEVEL,
        method=METHOD,
        probes=ProbeFacts(
            trajectories=len(evidence.probes),
            documents=sum(probe.accepted for probe in evidence.probes),
            attempts=round(spent.attempts),
            calls=round(spent.calls),
            calls_asked=asked,
            prompt_tokens=round(spent.prompt),
            completion_tokens=round(spent.completion),
            money=paid(evidence.probes, prices) if prices else None,
            refused_repeats=evidence.refused,
            latency_s=latency_s,
        ),
        endpoints=tuple(
            EndpointPlan(
                url=url,
                concurrency=calls,
                price_read=prices[url].prompt if url in prices else None,
                price_written=prices[url].completion if url in prices else None,
            )
            for url, calls in evidence.places.items()
        ),
        concurrency=evidence.concurrency,
        trajectories=found.trajectories,
        documents=found.documents,
        calls=found.calls,
        prompt_tokens=found.prompt_tokens,
        completion_tokens=found.completion_tokens,
        tokens=found.tokens,
        hours=found.hours,
        money=found.money,
        acceptance=found.acceptance,
        assumptions=_assumptions(evidence, latency_s),
    )


def _assumptions(evidence: Evidence, latency_s: float) -> tuple[str, ...]:
    finished = sum(step.document for probe in evidence.probes for step in probe.steps)
    told = [
        f"hours: {evidence.concurrency} calls at once, as the endpoints take them now, each as quick as in "
        f"the probes ({latency_s:.2f} s); a server that slows down under load takes longer, and so "
        "do the start and the writing of the dataset",
        f"near-duplicates: {evidence.refused} of {finished} documents repeat an earlier one; their share "
        "grows with the corpus, and only the build finds out how far",
    ]
    if len({(price.prompt, price.completion) for price in evidence.prices.values()}) > 1:
        told.append(
            "money: endpoints answer in proportion to the calls that they take at once; the interval reaches "
            "from all at the cheapest to all at the dearest"
        )
    return tuple(told)
