"""The page's section on a comparison: every task before and after, with its interval and verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.charts import Scale, interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markupsafe import Markup

    from harness.compare.records import DomainRecord, MeanRecord, TaskRecord
    from harness.report.artefacts import Artefact, Shown
    from harness.report.pieces import ComparisonPiece

KINDS = {
    "better": "good",
    "kept": "good",
    "worse": "bad",
    "worse within the margin": "bad",
    "unclear": "unclear",
}
LEAST = 0.01
"""A scale shows at least a point to either side."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A task, or the mean of a domain.

    Attributes:
        unchecked: not known whether the training data hold its test items; never of a mean.
        details: further figures of a task, by column of the table.
    """

    name: str
    is_mean: bool
    first: Shown
    second: Shown
    change: Shown
    ends: Shown | None
    relative: Shown | None
    verdict: Shown
    kind: str
    track: Markup
    unchecked: bool
    details: Sequence[Shown | str]


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain's outcomes, the mean last.

    Attributes:
        ends: of the scale, in points.
        margin: whether a band shows by how much its tasks may be worse.
    """

    name: str
    outcomes: Sequence[Outcome]
    ends: str
    margin: bool


COLUMNS = (
    "metric",
    "shots",
    "rows",
    "of",
    "clusters",
    "differing",
    "test",
    "p",
    "p, Holm",
    "smallest effect",
    "test items found",
)


def domains(piece: ComparisonPiece) -> list[Domain]:
    """Every domain; all have the same scale."""
    report = piece.report
    rows = [row for domain in report.domains for row in (*domain.tasks, domain.mean) if row]
    values = [
        end
        for row in rows
        for end in (row.change, *((row.interval.low, row.interval.high) if row.interval else ()))
    ]
    scale = Scale.around_zero(values, least=LEAST)
    return [
        Domain(
            name=domain.name,
            outcomes=list(_outcomes(domain, number, piece, scale)),
            ends=f"{100 * scale.high:.3g}",
            margin=any(task.not_worse for task in domain.tasks),
        )
        for number, domain in enumerate(report.domains)
    ]


def _outcomes(domain: DomainRecord, number: int, piece: ComparisonPiece, scale: Scale) -> Iterator[Outcome]:
    margin = piece.report.margin if any(task.not_worse for task in domain.tasks) else None
    for place, task in enumerate(domain.tasks):
        pointer = f"/domains/{number}/tasks/{place}"
        yield _outcome(
            task.task, task, piece.file, pointer, scale, margin, _details(task, piece.file, pointer)
        )
    if domain.mean:
        pointer = f"/domains/{number}/mean"
        name = f"mean of {domain.mean.tasks} tasks"
        yield _outcome(name, domain.mean, piece.file, pointer, scale, margin, ())


def _outcome(
    name: str,
    row: TaskRecord | MeanRecord,
    file: Artefact,
    pointer: str,
    scale: Scale,
    margin: float | None,
    details: Sequence[Shown | str],
) -> Outcome:
    ends = (row.interval.low, row.interval.high) if row.interval else None
    kind = KINDS[row.verdict]
    is_mean = not details
    relative = row.relative_change
    return Outcome(
        name=name,
        is_mean=is_mean,
        first=file.show(f"{pointer}/first", as_="percent"),
        second=file.show(f"{pointer}/second", as_="percent"),
        change=file.show(f"{pointer}/change", as_="points"),
        ends=ends and file.show(f"{pointer}/interval/low", f"{pointer}/interval/high", as_="points-interval"),
        relative=None if relative is None else file.show(f"{pointer}/relative_change", as_="relative-change"),
        verdict=file.show(f"{pointer}/verdict"),
        kind=kind,
        track=interval(
            scale,
            row.change,
            ends,
            kind=f"{kind} heavy" if is_mean else kind,
            band=None if margin is None else (max(-margin, scale.low), 0.0),
            mark=0.0,
        ),
        unchecked=not is_mean and getattr(row, "contamination", None) is None,
        details=details,
    )


def _details(task: TaskRecord, file: Artefact, pointer: str) -> list[Shown | str]:
    effect = task.power.smallest_effect
    found = task.contamination
    return [
        file.show(f"{pointer}/metric"),
        "-" if task.shots is None else file.show(f"{pointer}/shots", as_="integer"),
        file.show(f"{pointer}/rows", as_="integer"),
        file.show(f"{pointer}/of_rows", as_="integer"),
        file.show(f"{pointer}/clusters", as_="integer"),
        file.show(f"{pointer}/differing", as_="integer"),
        file.show(f"{pointer}/test"),
        file.show(f"{pointer}/p", as_="p"),
        file.show(f"{pointer}/p_holm", as_="p"),
        "-" if effect is None else file.show(f"{pointer}/power/smallest_effect", as_="points"),
        "unchecked" if found is None else file.show(f"{pointer}/contamination/items_found", as_="integer"),
    ]
