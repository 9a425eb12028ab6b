"""The diversity of a corpus in brief: the table on its card, beside the template baseline.

Only metrics that count text, on at most `DOCUMENTS` documents, so that the end of a build takes seconds,
needs no model and comes out the same wherever the build is resumed. The values are those of

    builders measure NAME template-DOMAIN --documents 1000 --metrics compression-ratio,...
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builders.dataset.reader import open_dataset
from builders.dataset.rows import DiversityFacts, DiversityRow, Figure
from builders.diversity.corpus import FEWEST, Corpus
from builders.diversity.registry import chosen
from builders.diversity.report import Request, measure
from builders.diversity.sampling import places, shortened
from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from builders.dataset.reader import DatasetReader
    from builders.diversity.records import MeasurementRecord

METRICS = (
    "compression-ratio",
    "1-gram-diversity",
    "4-gram-diversity",
    "near-duplicates",
    "shared-openings",
    "repeated-skeletons",
)
DOCUMENTS = 1_000
SEED = 0
DIGITS = 4
"""Decimals that are kept: the last digits of a sum depend on the processor."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A finished corpus of filled templates; `digest` tells its contents from another's."""

    reader: DatasetReader
    digest: str

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.reader.folder.name


def baseline_beside(folder: Path, *, domain: str) -> Baseline | None:
    """The template baseline of a domain that lies beside a corpus' folder, finished and readable."""
    place = folder.parent / f"template-{domain}"
    try:
        reader = open_dataset(place)
        shards = [path.read_bytes() for path in sorted(place.glob("data/*.parquet"))]
    except (UserError, OSError):
        return None
    if reader.facts.method != "template" or reader.facts.documents < FEWEST:
        return None
    facts = reader.facts.model_dump_json().encode()
    return Baseline(reader, hashlib.sha256(b"".join([facts, *shards])).hexdigest())


def brief(texts: Iterable[str], documents: int, baseline: Baseline | None = None) -> DiversityFacts | None:
    """Measure a corpus, and the baseline at equal size.

    Args:
        texts: every document of the corpus; read once, and only the sample is held.
        documents: how many they are.
        baseline: what to measure beside it.

    Returns:
        None with fewer than two documents.
    """
    size = min([DOCUMENTS, documents] + ([baseline.reader.facts.documents] if baseline else []))
    if size < FEWEST:
        return None
    corpora = [_sample("own", texts, documents, size)]
    if baseline:
        rows = baseline.reader.columns("text")
        told = baseline.reader.facts.documents
        corpora.append(_sample(baseline.name, (row["text"] for row in rows), told, size))
    report = measure(Request(corpora=corpora, metrics=chosen(METRICS), seed=SEED), _Silent())
    own, *others = report.corpora
    beside = others[0].measurements if others else [None] * len(own.measurements)
    return DiversityFacts(
        documents=own.n_documents,
        words=own.n_words,
        seed=SEED,
        baseline=baseline.name if baseline else None,
        baseline_model=baseline.reader.facts.model_id if baseline else None,
        rows=tuple(_row(*pair) for pair in zip(own.measurements, beside, strict=True)),
    )


def own_rows(texts: Iterable[str], documents: int, *, size: int, words: int) -> tuple[DiversityRow, ...]:
    """The rows of a corpus by itself: what `brief` gives of it, beside any baseline.

    Args:
        texts: every document of the corpus.
        documents: how many they are.
        size, words: documents and words of the sample that `brief` took.
    """
    sample = _sample("own", texts, documents, size)
    equal = Corpus(sample.name, sample.place, shortened(sample.texts, words))
    request = Request(corpora=[equal], metrics=chosen(METRICS), seed=SEED)
    return tuple(_row(own, None) for own in measure(request, _Silent()).corpora[0].measurements)


class _Silent:
    """A display that shows nothing: it is a matter of seconds."""

    def measuring(self, corpus: str, metric: str) -> None:
        """A metric begins on a corpus."""


def _sample(name: str, texts: Iterable[str], documents: int, size: int) -> Corpus:
    wanted = set(places(documents, size, seed=SEED))
    return Corpus(name, name, tuple(text for place, text in enumerate(texts) if place in wanted))


def _row(own: MeasurementRecord, baseline: MeasurementRecord | None) -> DiversityRow:
    return DiversityRow(
        metric=own.metric,
        title=own.title,
        more_diverse=own.more_diverse,
        own=_figure(own),
        baseline=_figure(baseline) if baseline else None,
    )


def _figure(found: MeasurementRecord) -> Figure:
    if found.value is None:
        return Figure(value=None)
    value, interval = round(found.value, DIGITS), found.interval
    if interval is None:
        return Figure(value=value)
    return Figure(value=value, low=round(interval.low, DIGITS), high=round(interval.high, DIGITS))
