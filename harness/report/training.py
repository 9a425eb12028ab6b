"""The page's section on a run of continual pre-training: its loss, and what the monitor saw of each slice."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.pretrain.curves import StepLine, WatchLine, read_curves
from harness.report.artefacts import token
from harness.report.charts import Line, Scale, colour, interval, line_chart

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markupsafe import Markup

    from harness.report.artefacts import Artefact, Shown
    from harness.report.pieces import ModelPiece

SMOOTHED = 60
"""Points of the loss that are drawn, each a mean."""

TABLED = 15
"""Steps of the table behind the chart, evenly spread."""

ROLES = {"source": "held out of the training data", "domain": "real text of the domain", "general": "general"}


@dataclass(frozen=True, slots=True)
class SliceRow:
    """A slice before and after; `track` shows the relative change."""

    name: str
    role: str
    before: Shown
    after: Shown
    change: Shown
    track: Markup
    kind: str


@dataclass(frozen=True, slots=True)
class Training:
    """What the section shows of a run.

    Attributes:
        together: steps of a point of the loss.
        slices: names of the watched slices; `watched` has a row of step and figures for each measurement.
        steps: rows of step, tokens, loss, rate and gradient norm.
    """

    loss: Markup | None
    together: int
    forgetting: Markup | None
    rows: Sequence[SliceRow]
    slices: Sequence[str]
    watched: Sequence[Sequence[Shown]]
    steps: Sequence[Sequence[Shown]]


def training(piece: ModelPiece) -> Training:
    """Read a run's curves for the page."""
    numbered = list(enumerate(read_curves(piece.curves.path))) if piece.curves else []
    steps = [(number, line) for number, line in numbered if isinstance(line, StepLine)]
    watches = [(number, line) for number, line in numbered if isinstance(line, WatchLine)]
    names = list(piece.facts.before)
    together = max(math.ceil(len(steps) / SMOOTHED), 1)
    return Training(
        loss=_loss([line for _, line in steps], together) if steps else None,
        together=together,
        forgetting=_forgetting(watches, [line for _, line in steps], names) if len(watches) > 1 else None,
        rows=list(_slices(piece)),
        slices=names,
        watched=list(_watched(piece.curves, watches, names)) if piece.curves else (),
        steps=list(_steps(piece.curves, steps)) if piece.curves else (),
    )


def _loss(steps: Sequence[StepLine], together: int) -> Markup:
    parts = [steps[begin : begin + together] for begin in range(0, len(steps), together)]
    points = [(part[-1].tokens, sum(line.loss for line in part) / len(part)) for part in parts]
    return line_chart(
        [Line("loss", colour(0), points)],
        across="tokens",
        label="training loss, nats per token, over the tokens trained on",
        tick=lambda value: f"{value:.4g}",
        dots=False,
    )


def _forgetting(
    watches: Sequence[tuple[int, WatchLine]], steps: Sequence[StepLine], names: Sequence[str]
) -> Markup:
    tokens = {0: 0} | {line.step: line.tokens for line in steps}
    before = watches[0][1].bits_per_byte
    lines = [
        Line(
            name,
            colour(number),
            [
                (tokens[line.step], 100 * (line.bits_per_byte[name] / before[name] - 1))
                for _, line in watches
                if line.step in tokens
            ],
        )
        for number, name in enumerate(names)
    ]
    return line_chart(
        lines,
        across="tokens",
        label="bits per byte of held-out text, change since before training in per cent; lower is better",
        tick=lambda value: f"{value:+.3g} %" if value else "0",
        zero=True,
    )


def _slices(piece: ModelPiece) -> Iterator[SliceRow]:
    run = piece.facts
    changes = {
        name: run.after[name] / before - 1
        for name, before in run.before.items()
        if before and name in run.after
    }
    scale = Scale.around_zero(list(changes.values()), least=0.01)
    for number, (name, change) in enumerate(changes.items()):
        kind = colour(number)
        before, after = f"/before/{token(name)}", f"/after/{token(name)}"
        yield SliceRow(
            name=name,
            role=ROLES.get(run.roles.get(name, ""), run.roles.get(name, "")),
            before=piece.run.show(before, as_="fixed4"),
            after=piece.run.show(after, as_="fixed4"),
            change=piece.run.show(before, after, as_="relative"),
            track=interval(scale, change, (min(change, 0), max(change, 0)), kind=kind, mark=0.0),
            kind=kind,
        )


def _watched(
    file: Artefact, watches: Sequence[tuple[int, WatchLine]], names: Sequence[str]
) -> Iterator[list[Shown]]:
    for number, line in watches:
        yield [
            file.show(f"/{number}/step", as_="integer"),
            *(
                file.show(f"/{number}/bits_per_byte/{token(name)}", as_="fixed4")
                for name in names
                if name in line.bits_per_byte
            ),
        ]


def _steps(file: Artefact, steps: Sequence[tuple[int, StepLine]]) -> Iterator[list[Shown]]:
    last = len(steps) - 1
    chosen = sorted({round(last * part / (TABLED - 1)) for part in range(TABLED)}) if steps else []
    for place in chosen:
        number = steps[place][0]
        yield [
            file.show(f"/{number}/step", as_="integer"),
            file.show(f"/{number}/tokens", as_="integer"),
            file.show(f"/{number}/loss", as_="fixed4"),
            file.show(f"/{number}/rate", as_="number"),
            file.show(f"/{number}/gradient_norm", as_="number"),
        ]
