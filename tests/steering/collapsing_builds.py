"""Builds against an endpoint that collapses, with and without steering, and what they repeat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builders.build import BuildRequest, build
from builders.corpora.registry import find_corpus
from builders.diversity.base import Sample
from builders.diversity.compression import CompressionRatio
from builders.diversity.openings import opening
from builders.diversity.sampling import equal_samples
from builders.journal import Journal
from builders.testing import Simulation, simulated_endpoint
from builders.testing.collapse import stock_openings
from builders.trajectories import Target

if TYPE_CHECKING:
    from pathlib import Path

    from builders.diversity.base import Measurement

COLLAPSE = 0.12
TOKENS = 100_000


class Silent:
    """Shows nothing of a build."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


@dataclass(frozen=True, kw_only=True)
class Built:
    """Of a build: accepted texts and tokens, and shares of the documents that it wrote or accepted."""

    texts: list[str]
    tokens: int
    near_duplicates: float
    stock_openings: float


async def built(folder: Path, *, seed: int, steering: bool, tokens: int = TOKENS) -> Built:
    """Build so many tokens on an endpoint that collapses."""
    corpus = find_corpus("metasynth-biomed").model_copy(
        update={"steering": steering, "experts": ("Domain Expert", "Summarizer Expert")}
    )
    async with simulated_endpoint(Simulation(collapse=COLLAPSE)) as server:
        request = BuildRequest(
            corpus=corpus,
            target=Target(tokens=tokens),
            seed=seed,
            folder=folder,
            endpoints=(server.url,),
            protocol="guided",
        )
        facts = await build(request, Silent())
    journal = Journal(folder / ".journal")
    written = [(taken, attempt) for _, _, taken, attempt in journal.attempts() if attempt.trace]
    texts = [attempt.document.text for taken, attempt in written if taken and attempt.document]
    journal.close()
    refused = facts.dropped.get("near-duplicate", 0) + facts.redrafted.get("near-duplicate", 0)
    stock = stock_openings()
    return Built(
        texts=texts,
        tokens=facts.tokens,
        near_duplicates=refused / (facts.attempts + sum(facts.redrafted.values())),
        stock_openings=sum(opening(text) in stock for text in texts) / len(texts),
    )


def compression(*builds: Built) -> list[Measurement]:
    """Compression ratios of samples of equal size, with intervals."""
    return [
        CompressionRatio().measure(Sample(drawn.texts))
        for drawn in equal_samples([own.texts for own in builds])
    ]
