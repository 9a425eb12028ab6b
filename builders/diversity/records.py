"""What `builders measure --json` writes, as versioned models."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from builders.diversity.base import Parameter  # noqa: TC001

if TYPE_CHECKING:
    from builders.diversity.base import Measurement, Metric


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class IntervalRecord(_Record):
    """Where the value of equally large samples lies with probability `level`."""

    low: float
    high: float
    level: float
    method: str


class ExampleRecord(_Record):
    """What repeats, and in how many documents."""

    text: str
    documents: int


class MeasurementRecord(_Record):
    """A metric on a sample: :class:`builders.diversity.base.Measurement`.

    Attributes:
        more_diverse: whether higher or lower values are more diverse.
        value: null where the definition gives none.
        interval: null where there is none to give.
    """

    metric: str
    title: str
    more_diverse: Literal["higher", "lower"]
    value: float | None
    interval: IntervalRecord | None
    n_documents: int
    n_words: int
    definition: str
    version: int
    parameters: dict[str, Parameter]
    examples: tuple[ExampleRecord, ...]


class CorpusRecord(_Record):
    """A corpus and what was measured on its sample.

    Attributes:
        name: unique within the report.
        place: what the user named.
        role: the reference is real text that the others are seen against.
        n_documents, n_words: of the sample.
        of_documents, of_words: of the whole corpus.
        cut: documents of the sample that were cut, so that the words are equal.
        cut_at: words that are left of these.
    """

    name: str
    place: str
    role: Literal["corpus", "reference"]
    n_documents: int
    n_words: int
    of_documents: int
    of_words: int
    cut: int
    cut_at: int
    measurements: tuple[MeasurementRecord, ...]


class Report(_Record):
    """Corpora side by side.

    Attributes:
        equal_size: whether all samples have equally many documents and words. Where not, their
            values must not be compared.
        definition: `metasynth`, or the public code whose numbers are reproduced.
    """

    schema_version: Literal[1] = 1
    version: str
    equal_size: bool
    definition: str
    seed: int
    corpora: tuple[CorpusRecord, ...]


def recorded(metric: Metric, found: Measurement) -> MeasurementRecord:
    """A measurement as it is written."""
    interval = found.interval
    return MeasurementRecord(
        metric=found.metric,
        title=metric.title,
        more_diverse=metric.more_diverse,
        value=found.value if math.isfinite(found.value) else None,
        interval=IntervalRecord(**asdict(interval)) if interval else None,
        n_documents=found.n_documents,
        n_words=found.n_words,
        definition=found.definition,
        version=found.version,
        parameters=dict(found.parameters),
        examples=tuple(ExampleRecord(**asdict(example)) for example in found.examples),
    )
