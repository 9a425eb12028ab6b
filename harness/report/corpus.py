"""The page's sections on corpora: how many attempts were accepted, how diverse they are, and as they grew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.artefacts import token
from harness.report.charts import REFERENCE, Line, Scale, bar, colour, interval, line_chart

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from markupsafe import Markup

    from harness.report.artefacts import Artefact, Shown
    from harness.report.pieces import CorpusPiece, DiversityPiece, Pieces

DIRECTIONS = {"higher": "more diverse \N{RIGHTWARDS ARROW}", "lower": "\N{LEFTWARDS ARROW} more diverse"}
GROWTH_TITLES = {
    "compression-ratio": ("compression ratio", "lower"),
    "1-gram-diversity": ("1-gram diversity", "higher"),
    "4-gram-diversity": ("4-gram diversity", "higher"),
    "remote-clique-of-words": ("remote clique, of word counts", "higher"),
    "chamfer-distance-of-words": ("Chamfer distance, of word counts", "higher"),
    "near-duplicates": ("near-duplicates, share", "lower"),
    "shared-openings": ("open alike, share", "lower"),
    "repeated-skeletons": ("repeated skeletons, share", "lower"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A named figure with its drawing.

    Attributes:
        more: a second figure, such as an interval or a share.
        kind: class of its colour.
    """

    name: str
    shown: Shown
    more: Shown | None
    track: Markup
    kind: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A metric of all corpora on one scale."""

    title: str
    direction: str
    low: str
    high: str
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class GrowthChart:
    """A metric over the documents of corpora."""

    title: str
    direction: str
    drawing: Markup


@dataclass(frozen=True, slots=True)
class Growth:
    """Corpora whose parts are of the same size, so that their lines compare."""

    corpora: Sequence[CorpusPiece]
    charts: Sequence[GrowthChart]


@dataclass(frozen=True, slots=True)
class _Measured:
    """A value with its interval, and where they lie."""

    name: str
    file: Artefact
    pointer: str
    value: float | None
    low: float | None
    high: float | None
    ends: str
    kind: str


def outcomes(piece: CorpusPiece) -> Iterator[Row]:
    """What became of the attempts, the accepted ones first."""
    facts, build = piece.facts, piece.build
    accepted = build.show("/documents", as_="integer")
    share = build.show("/documents", "/attempts", as_="share")
    yield Row(
        "accepted", accepted, share, bar(_part(facts.documents, facts.attempts), kind="fill good"), "good"
    )
    for reason, count in sorted(facts.dropped.items(), key=lambda item: -item[1]):
        pointer = f"/dropped/{token(reason)}"
        yield Row(
            reason,
            build.show(pointer, as_="integer"),
            build.show(pointer, "/attempts", as_="share"),
            bar(_part(count, facts.attempts), kind="fill lost"),
            "lost",
        )


def colours(pieces: Pieces) -> dict[str, str]:
    """The colour of each corpus by its name, the same in every chart."""
    built = [piece.facts.name for piece in pieces.corpora]
    measured = [corpus.name for piece in pieces.diversity for corpus in piece.report.corpora]
    baselines = [piece.facts.diversity.baseline for piece in pieces.corpora if piece.facts.diversity]
    names = dict.fromkeys(name for name in (*built, *measured, *baselines) if name)
    return {name: colour(place) for place, name in enumerate(names)}


def measured_panels(piece: DiversityPiece, kinds: Mapping[str, str]) -> list[Panel]:
    """A panel for each metric of `builders measure`, real text last."""
    corpora = sorted(enumerate(piece.report.corpora), key=lambda item: item[1].role == "reference")
    panels = []
    for metric, first in enumerate(piece.report.corpora[0].measurements):
        rows = [
            _Measured(
                name=corpus.name,
                file=piece.file,
                pointer=f"/corpora/{number}/measurements/{metric}/value",
                value=(found := corpus.measurements[metric]).value,
                low=found.interval.low if found.interval else None,
                high=found.interval.high if found.interval else None,
                ends=f"/corpora/{number}/measurements/{metric}/interval",
                kind=REFERENCE if corpus.role == "reference" else kinds[corpus.name],
            )
            for number, corpus in corpora
        ]
        panels.append(_panel(first.title, first.more_diverse, rows))
    return panels


def built_panels(piece: CorpusPiece, kinds: Mapping[str, str]) -> list[Panel]:
    """A panel for each metric that the build itself measured, the template baseline beside it."""
    found = piece.facts.diversity
    if not found:
        return []
    panels = []
    for number, row in enumerate(found.rows):
        sides = [("own", piece.facts.name, row.own), ("baseline", found.baseline or "", row.baseline)]
        measured = [
            _Measured(
                name=name,
                file=piece.build,
                pointer=f"/diversity/rows/{number}/{side}/value",
                value=figure.value,
                low=figure.low,
                high=figure.high,
                ends=f"/diversity/rows/{number}/{side}",
                kind=kinds[name],
            )
            for side, name, figure in sides
            if figure
        ]
        panels.append(_panel(row.title, row.more_diverse, measured))
    return panels


def growth(corpora: Sequence[CorpusPiece], kinds: Mapping[str, str]) -> list[Growth]:
    """Charts of corpora as they grew, those with parts of the same size together."""
    groups: dict[tuple[int, int], list[CorpusPiece]] = {}
    for piece in corpora:
        if found := piece.facts.growth:
            groups.setdefault((found.documents, found.words), []).append(piece)
    return [Growth(group, list(_growth_charts(group, kinds))) for group in groups.values()]


def _growth_charts(group: Sequence[CorpusPiece], kinds: Mapping[str, str]) -> Iterator[GrowthChart]:
    stages = {piece.facts.name: piece.facts.growth.stages for piece in group if piece.facts.growth}
    names = dict.fromkeys(name for parts in stages.values() for part in parts for name in part.values)
    for metric in names:
        title, better = GROWTH_TITLES.get(metric, (metric, ""))
        lines = [
            Line(
                name,
                kinds[name],
                [(part.documents, part.values[metric]) for part in parts if metric in part.values],
            )
            for name, parts in stages.items()
        ]
        drawing = line_chart(
            [line for line in lines if line.points],
            across="documents accepted",
            label=f"{title} of one part after the other",
            tick=lambda value: f"{value:.4g}",
        )
        yield GrowthChart(title, f"more diverse is {better}" if better else "", drawing)


def _panel(title: str, better: str, rows: Sequence[_Measured]) -> Panel:
    ends = [end for row in rows for end in (row.value, row.low, row.high) if end is not None]
    scale = Scale.of(ends, floor=0.0)
    reference = next((row for row in rows if row.kind == REFERENCE), None)
    band = (reference.low, reference.high) if reference else None
    return Panel(
        title=title,
        direction=DIRECTIONS[better],
        low=f"{scale.low:.3g}",
        high=f"{scale.high:.3g}",
        rows=[
            Row(
                row.name,
                row.file.show(row.pointer, as_="number"),
                None
                if row.low is None
                else row.file.show(f"{row.ends}/low", f"{row.ends}/high", as_="interval"),
                interval(
                    scale,
                    row.value,
                    None if row.low is None or row.high is None else (row.low, row.high),
                    kind=row.kind,
                    band=None if band is None or band[0] is None or band[1] is None else (band[0], band[1]),
                    mark=reference.value if reference else None,
                ),
                row.kind,
            )
            for row in rows
        ],
    )


def _part(count: int, whole: int) -> float:
    return count / whole if whole else 0.0
