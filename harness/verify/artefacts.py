"""What there is to verify, and how each kind is made anew from what lies beside it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from builders.dataset.reader import FACTS
from builders.errors import UserError
from builders.push.truth import check_corpus
from harness.compare.measures import measure_of
from harness.compare.records import Report
from harness.compare.report import Request, compare
from harness.compare.results import read_evaluation
from harness.compare.samples import read_rows
from harness.compare.tasks import plan_of
from harness.leaderboard.boards import leaderboard
from harness.leaderboard.records import BOARD, Leaderboard
from harness.leaderboard.rendering import PAGE, as_page
from harness.pretrain.card import model_card as draft_card
from harness.pretrain.chart import chart
from harness.pretrain.curves import StepLine, WatchLine, read_curves
from harness.pretrain.ledger import Ledger
from harness.pretrain.recipe import Recipe
from harness.pretrain.records import RUN, Environment, RunRecord
from harness.publish.model import CHANGE, COMPARISON, model_card
from harness.publish.publication import PUBLICATION, PublicationRecord
from harness.publish.results import results_card
from harness.publish.scores import eval_results
from harness.report import differences, is_report, remade
from harness.verify.texts import same_figures, same_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CARD, LEDGER, RECIPE = "README.md", "ledger.json", "recipe.yaml"
CURVES, CURVES_CHART = "curves.jsonl", "curves.svg"
CLOSE = 1e-6
"""Between a metric that lm-eval wrote and the one that its rows give."""

Record = TypeVar("Record", bound=BaseModel)


def corpus(folder: Path) -> None:
    """A built corpus: the counts and diversity of `build.json` from its rows, its card from both."""
    check_corpus(folder, unchecked=True, allow_simulated=True)


def trained_model(folder: Path) -> None:
    """A model as `harness pretrain` left it: its record from its curves, card and chart from the records."""
    run, ledger = _record(folder / RUN, RunRecord), _record(folder / LEDGER, Ledger)
    lines = read_curves(folder / CURVES)
    steps = [line for line in lines if isinstance(line, StepLine)]
    watches = [line for line in lines if isinstance(line, WatchLine)]
    tenth = max(len(steps) // 10, 1)
    remedy = "train again, or take the files from a copy"
    for field, found in (
        ("steps", steps[-1].step),
        ("tokens", steps[-1].tokens),
        ("stream", steps[-1].stream),
        ("seconds", steps[-1].seconds),
        ("first_loss", sum(step.loss for step in steps[:tenth]) / tenth),
        ("last_loss", sum(step.loss for step in steps[-tenth:]) / tenth),
        ("before", watches[0].bits_per_byte if watches else {}),
        ("after", watches[-1].bits_per_byte if watches else {}),
    ):
        same_value(folder / RUN, field, getattr(run, field), found, remedy=remedy)
    title = f"{run.name}: {run.method} on {run.base}"
    same_figures(folder / CURVES_CHART, chart(steps, watches, run.roles, title=title), remedy=remedy)
    if not (folder / PUBLICATION).is_file():
        card = draft_card(
            run,
            recipe=Recipe.model_validate(yaml.safe_load((folder / RECIPE).read_text("utf-8"))),
            ledger=ledger,
            environment=_record(folder / "environment.json", Environment),
        )
        same_figures(folder / CARD, card, remedy=remedy)


def published_model(folder: Path) -> None:
    """A model's repository: card, `.eval_results` and figure from the records in it."""
    from harness.compare.figure import figure

    told, report = _record(folder / PUBLICATION, PublicationRecord), _record(folder / COMPARISON, Report)
    remedy = "run `harness publish` again"
    card = model_card(
        told,
        report=report,
        run=_record(folder / RUN, RunRecord),
        ledger=_record(folder / LEDGER, Ledger),
        recipe=yaml.safe_load((folder / RECIPE).read_text("utf-8")),
    )
    same_figures(folder / CARD, card, remedy=remedy)
    same_figures(folder / CHANGE, figure(report), remedy=remedy)
    for path, content in eval_results(told, report).items():
        same_figures(folder / path, content.decode(), remedy=remedy)


def results_dataset(folder: Path) -> None:
    """A results dataset: the leaderboard from all rows in it, card and page from the leaderboard."""
    told = _record(folder / BOARD, Leaderboard)
    remedy = "run `harness publish` again"
    anew = leaderboard(folder, told.dataset, lambda _: None)
    same_figures(folder / BOARD, anew.model_dump_json(indent=2), remedy=remedy)
    same_figures(folder / CARD, results_card(anew, folder), remedy=remedy)
    same_figures(folder / PAGE, as_page(anew), remedy=remedy)


def evaluation(folder: Path) -> None:
    """The results of a model: each task's primary metric from the rows beside it."""
    found = read_evaluation(str(folder))
    for task in found.tasks.values():
        plan = plan_of(task, found, told={})
        measure = measure_of(plan.measure)
        rows = read_rows(
            task.samples,
            metric=plan.metric,
            filter_name=plan.filter_name,
            measure=measure,
            cluster=plan.cluster,
        )
        value = float(measure.value(measure.counts([[row.value for row in rows]])[0].sum(axis=0)))
        told = task.recorded.get(f"{plan.metric},{plan.filter_name}")
        if not isinstance(told, int | float) or abs(told - value) > CLOSE:
            raise UserError(
                f"{folder}: results of {task.name}: {plan.metric} {told}, but its rows in "
                f"{task.samples.name} give {value:.6f}; evaluate again"
            )


def comparison(path: Path) -> None:
    """What `harness compare --json` wrote: everything but the check for test items, from both evaluations."""
    told = _record(path, Report)
    effects = [task.power.effect for task in told.tasks if task.power]
    anew = compare(
        Request(
            first=read_evaluation(told.first.place),
            second=read_evaluation(told.second.place),
            tasks=[task.task for task in told.tasks],
            metrics={task.task: task.metric for task in told.tasks},
            margin=told.margin,
            effect=effects[0] if effects else 0.02,
            resamples=told.resamples,
            seed=told.seed,
        ),
        lambda _: None,
    )
    _same_records(path, _without_checks(told), _without_checks(anew), field="")


def report_page(path: Path) -> None:
    """A page of `harness report`: each figure from its source, then all of it from its pieces."""
    remedy = "run `harness report` again"
    for found in differences(path):
        figure = found.figure
        raise UserError(
            f"{path}, line {figure.line}: {figure.text!r}, but {figure.source} gives {found.expected!r}; "
            f"{remedy}"
        )
    same_figures(path, remade(path), remedy=remedy)


def _without_checks(report: Report) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(report.model_dump_json(exclude={"notes", "version"}))
    for domain in record["domains"]:
        for task in domain["tasks"]:
            task.pop("contamination", None)
    return record


def _same_records(path: Path, told: Any, found: Any, *, field: str) -> None:
    """Compare two JSON values leaf by leaf."""
    if isinstance(told, dict) and isinstance(found, dict):
        for key in told.keys() | found.keys():
            _same_records(path, told.get(key), found.get(key), field=f"{field}/{key}")
    elif isinstance(told, list) and isinstance(found, list) and len(told) == len(found):
        for number, (one, other) in enumerate(zip(told, found, strict=True)):
            _same_records(path, one, other, field=f"{field}/{number}")
    else:
        same_value(path, field, told, found, remedy="compare again")


def _record(path: Path, model: type[Record]) -> Record:
    """A record of a file.

    Raises:
        UserError: it is missing or damaged.
    """
    try:
        return model.model_validate_json(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; make the artefact again") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"{path}: field {where}: {first['msg']}; make the artefact again") from None


KINDS: dict[str, tuple[str, Callable[[Path], None]]] = {
    FACTS: ("corpus", corpus),
    PUBLICATION: ("published model", published_model),
    RUN: ("model", trained_model),
    BOARD: ("results dataset", results_dataset),
}
"""Kinds of folder, by the file that tells them, and what verifies one."""


def artefacts(root: Path) -> Iterator[tuple[str, Path, Callable[[Path], None]]]:
    """Everything below a folder that can be verified: its kind, where it is, and what verifies it."""
    for place, folders, _ in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        folder = Path(place)
        for marker, (kind, check) in KINDS.items():
            if (folder / marker).is_file():
                yield kind, folder, check
        if any(folder.glob("results_*.json")):
            yield "evaluation", folder, evaluation
        if (folder / COMPARISON).is_file() and not (folder / PUBLICATION).is_file():
            yield "comparison", folder / COMPARISON, comparison
        for page in sorted(folder.glob("*.html")):
            if is_report(page):
                yield "report", page, report_page
