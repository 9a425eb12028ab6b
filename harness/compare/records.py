"""What `harness compare --json` writes, as versioned models; scores and changes are fractions."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Verdict = Literal["better", "worse", "kept", "worse within the margin", "unclear"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class IntervalRecord(_Record):
    """Where the true value lies, in `level` of all samples."""

    low: float
    high: float
    level: float


class NotWorseRecord(_Record):
    """The test that the second model is worse by less than the margin.

    Attributes:
        p: one-sided.
        p_holm: corrected for the tasks of the domain.
        level: at or below which it is shown: that of one end of the interval.
    """

    margin: float
    p: float
    p_holm: float
    level: float


class PowerRecord(_Record):
    """What the sample could have shown.

    Attributes:
        level: of the first step of Holm's correction: the domain's level over its tasks.
        effect: a size of change, and
        power: the chance to call it better or worse.
        smallest_effect: the change that is called so in 4 of 5 samples; null where none is.
    """

    level: float
    effect: float
    power: float
    smallest_effect: float | None


class CheckRecord(_Record):
    """Test items that were found in the training corpora.

    Attributes:
        items_found: of `items`; of several corpora, that of the one with most.
    """

    corpora: tuple[str, ...]
    items: int
    items_found: int


class TaskRecord(_Record):
    """A task in both evaluations.

    Attributes:
        measure: what the metric is, such as `accuracy` or `weighted_f1`.
        of_rows: rows that the task has; fewer are evaluated under a limit.
        clusters: rows that share a passage or dialogue, or ask the same, are one.
        cluster_by: the field of the document that says so; null where only repeated rows are one.
        differing: rows whose value differs.
        relative_change: null where the first is 0.
        interval: of the change; null with too few clusters.
        test: what gave `p`.
        p, p_holm: two-sided, of no change; the second corrected for the tasks of the domain.
        not_worse: of general tasks.
        contamination: null where the training corpora were not checked for the task.
        instead_of: the task that this one stands in for.
    """

    task: str
    metric: str
    measure: str
    version: str
    shots: int | None
    rows: int
    of_rows: int
    clusters: int
    cluster_by: str | None
    differing: int
    first: float
    second: float
    change: float
    relative_change: float | None
    interval: IntervalRecord | None
    test: str
    p: float
    p_holm: float
    not_worse: NotWorseRecord | None
    power: PowerRecord
    verdict: Verdict
    contamination: CheckRecord | None
    instead_of: str | None


class MeanRecord(_Record):
    """The unweighted mean over a domain's tasks, as the paper reports it.

    Attributes:
        relative_interval: of the relative change, the first model's mean taken as it is.
        smallest_effect: the change whose interval lies beyond 0 in 4 of 5 samples.
    """

    tasks: int
    first: float
    second: float
    change: float
    relative_change: float | None
    interval: IntervalRecord | None
    relative_interval: IntervalRecord | None
    smallest_effect: float | None
    verdict: Verdict


class DomainRecord(_Record):
    """The tasks of a domain.

    Attributes:
        mean: null for tasks that belong to no domain.
    """

    name: str
    tasks: tuple[TaskRecord, ...]
    mean: MeanRecord | None


class ModelRecord(_Record):
    """A model and where its results lie.

    Attributes:
        stand_in: the small model that it is in place of a real one.
    """

    name: str
    place: str
    stand_in: str | None


class Report(_Record):
    """Two models on the same tasks; changes are the second less the first.

    Attributes:
        level: of the tests, two-sided, after Holm's correction.
        margin: by which a general task may be worse.
        resamples, seed: of the bootstrap.
        notes: what a reader must know.
    """

    schema_version: Literal[1] = 1
    version: str
    first: ModelRecord
    second: ModelRecord
    level: float
    margin: float
    resamples: int
    seed: int
    domains: tuple[DomainRecord, ...]
    notes: tuple[str, ...]

    @property
    def tasks(self) -> list[TaskRecord]:
        """Those of all domains."""
        return [task for domain in self.domains for task in domain.tasks]
