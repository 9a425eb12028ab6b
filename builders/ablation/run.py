"""Build each method's corpus in turn, then measure them side by side."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builders.ablation.prefix import prefix_within
from builders.ablation.record import Ablation, Spent
from builders.build import JOURNAL_FOLDER, build
from builders.diversity.corpus import Corpus as Measured
from builders.diversity.corpus import documents
from builders.diversity.report import Request, measure
from builders.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from builders.build import BuildRequest
    from builders.build import Display as BuildDisplay
    from builders.dataset.rows import BuildFacts
    from builders.diversity.base import Metric
    from builders.diversity.embeddings import Embeddings
    from builders.diversity.inverse_frequency import Frequencies
    from builders.diversity.records import Report
    from builders.diversity.report import Display

FEWEST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """How corpora are measured: see :class:`builders.diversity.report.Request`."""

    metrics: Sequence[Metric]
    embeddings: Embeddings | None = None
    frequencies: Frequencies | None = None
    display: Display
    reference: Measured | None = None
    seed: int = 0


async def build_each(requests: Mapping[str, BuildRequest], display: BuildDisplay) -> dict[str, BuildFacts]:
    """Build method after method; what is finished is not built again.

    Raises:
        UserError, EndpointError, DrainingError: see :func:`builders.build.build`.
    """
    return {method: await build(request, display) for method, request in requests.items()}


def compare(
    domain: str,
    requests: Mapping[str, BuildRequest],
    facts: Mapping[str, BuildFacts],
    measuring: Measuring,
    *,
    seed_dataset: str | None,
) -> Ablation:
    """Measure finished builds at equal tokens, and at equal calls.

    Raises:
        UserError: a corpus cannot be read, or the embeddings cannot be made.
    """
    calls = min(own.calls for own in facts.values())
    whole, within = [], []
    tokens: dict[str, int] = {}
    for method, request in requests.items():
        place = str(request.folder)
        whole.append(Measured(method, place, tuple(documents(place))))
        with closing(Journal(request.folder / JOURNAL_FOLDER)) as journal:
            texts, tokens[method] = prefix_within(journal, calls)
        within.append(Measured(method, place, tuple(texts)))
    first = next(iter(facts.values()))
    first_request = next(iter(requests.values()))
    enough = all(len(own.texts) >= FEWEST for own in within)
    return Ablation(
        domain=domain,
        target_tokens=first_request.target.tokens or 0,
        corpus_seed=first_request.seed,
        model_id=first.model_id,
        stand_in=any(own.stand_in for own in facts.values()),
        simulated=any(own.simulated for own in facts.values()),
        seed_dataset=seed_dataset,
        spent=tuple(
            Spent(
                method=method,
                corpus=own.name,
                documents=own.documents,
                tokens=own.tokens,
                attempts=own.attempts,
                dropped=own.dropped,
                calls=own.calls,
                generated=own.completion_tokens,
                within_calls=len(brought.texts),
                within_calls_tokens=tokens[method],
            )
            for (method, own), brought in zip(facts.items(), within, strict=True)
        ),
        equal_tokens=_measured(whole, measuring),
        calls=calls,
        equal_calls=_measured(within, measuring) if enough else None,
    )


def _measured(corpora: Sequence[Measured], measuring: Measuring) -> Report:
    reference = [measuring.reference] if measuring.reference else []
    return measure(
        Request(
            corpora=[*corpora, *reference],
            reference=bool(reference),
            metrics=measuring.metrics,
            seed=measuring.seed,
            embeddings=measuring.embeddings,
            frequencies=measuring.frequencies,
        ),
        measuring.display,
    )
