"""The leaderboard of a results dataset: who can be compared with whom, and how they rank."""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from pydantic import ValidationError

from builders import __version__
from builders.errors import UserError
from harness.compare.change import LEVEL, change_of
from harness.compare.mean import mean_of
from harness.compare.measures import measure_of
from harness.compare.pairing import pair
from harness.compare.results import read_evaluation
from harness.compare.samples import read_rows
from harness.compare.tasks import OTHER, plan_of
from harness.leaderboard.ranks import p_of_mean, ranks
from harness.leaderboard.records import MODEL, BoardRecord, EntrantRecord, Leaderboard, PlaceRecord
from harness.leaderboard.scores import score_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from harness.compare.change import Change
    from harness.compare.results import Evaluation
    from harness.compare.samples import Row
    from harness.compare.tasks import Plan

RESAMPLES = 10_000
SEED = 0
MARGIN = 0.01

Interval = tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class _Answered:
    """A task as one model answered it; `alike` is the same for models that can be compared."""

    model: str
    plan: Plan
    rows: list[Row]
    alike: str
    version: str
    shots: int | None


@dataclass(slots=True)
class _Board:
    """A board in the making: models, their scores, and the change of every pair."""

    plan: Plan
    first: _Answered
    scores: dict[str, tuple[float, Interval]]
    changes: dict[tuple[str, str], Change]


def leaderboard(root: Path, dataset: str, say: Callable[[str], None]) -> Leaderboard:
    """Rank all models of a results dataset.

    Args:
        root: a folder with a folder for each model.
        dataset: its Hub id.
        say: takes a line for the user.
    """
    entrants, notes = {}, []
    answered: dict[tuple[str, str], list[_Answered]] = defaultdict(list)
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
        try:
            entrant, evaluation = _entrant(folder)
            tasks = list(_answers(folder.name, evaluation))
        except UserError as error:
            notes.append(f"{folder.name} is not ranked: {_without(error, root)}")
            continue
        entrants[folder.name] = entrant
        if entrant.stand_in:
            notes.append(f"{entrant.name}: {entrant.stand_in}: its figures say nothing about a real model")
        for one in tasks:
            answered[one.plan.task, one.alike].append(one)
    boards = []
    for (task, _), models in answered.items():
        say(f"ranking {len(models)} models in {task}")
        boards.append(_board(models))
    told = [record for domain in _domains(boards) for record in _of_domain(domain, boards)]
    for task in {task for task, _ in answered}:
        if (groups := sum(name == task for name, _ in answered)) > 1:
            notes.append(f"{task}: {groups} boards, because rows or settings differ between them")
    return Leaderboard(
        version=__version__,
        dataset=dataset,
        level=round(1 - LEVEL, 6),
        resamples=RESAMPLES,
        seed=SEED,
        entrants=entrants,
        boards=tuple(told),
        notes=tuple(sorted(notes)),
    )


def _entrant(folder: Path) -> tuple[EntrantRecord, Evaluation]:
    evaluation = read_evaluation(str(folder))
    try:
        record = EntrantRecord.model_validate_json((folder / MODEL).read_bytes())
    except FileNotFoundError:  # of `lm_eval`, or another's
        record = EntrantRecord(name=folder.name.replace("__", "/"), role="base", stand_in=evaluation.stand_in)
    except (OSError, ValidationError) as error:
        raise UserError(f"{folder / MODEL} cannot be read ({' '.join(str(error).split())[:80]})") from None
    return record, evaluation


def _answers(model: str, evaluation: Evaluation) -> Iterable[_Answered]:
    for task in evaluation.tasks.values():
        plan = plan_of(task, evaluation, told={})
        rows = read_rows(
            task.samples,
            metric=plan.metric,
            filter_name=plan.filter_name,
            measure=measure_of(plan.measure),
            cluster=plan.cluster,
        )
        told = [plan.metric, plan.filter_name, plan.measure, sorted(task.settings.items(), key=str)]
        keys = sorted((row.doc, row.prompt, row.target) for row in rows)
        alike = hashlib.sha256(json.dumps([told, keys], default=str).encode()).hexdigest()
        yield _Answered(model, plan, rows, alike, str(task.settings["version"]), task.settings["shots"])


def _board(models: Sequence[_Answered]) -> _Board:
    first = models[0]
    board = _Board(first.plan, first, {}, {})
    for one in models:
        paired = pair(one.rows, one.rows, task=one.plan.task, names=(one.model, one.model))
        board.scores[one.model] = score_of(
            paired.values[0],
            paired.clusters,
            measure_of(one.plan.measure),
            resamples=RESAMPLES,
            seed=_seed(one.plan.task, one.model),
        )
    for one, other in combinations(models, 2):
        board.changes[one.model, other.model] = change_of(
            pair(one.rows, other.rows, task=first.plan.task, names=(one.model, other.model)),
            measure_of(first.plan.measure),
            margin=MARGIN,
            resamples=RESAMPLES,
            seed=_seed(first.plan.task, one.model, other.model),
        )
    return board


def _seed(*names: str) -> int:
    return zlib.crc32(" ".join([str(SEED), *names]).encode())


def _domains(boards: Sequence[_Board]) -> list[str]:
    named = list(dict.fromkeys(board.plan.domain for board in boards))
    return sorted(named, key=lambda name: (name == OTHER, name))


def _of_domain(domain: str, boards: Sequence[_Board]) -> list[BoardRecord]:
    """The domain's mean where it has several tasks, then its tasks."""
    own = sorted((board for board in boards if board.plan.domain == domain), key=lambda one: one.plan.task)
    mean = _mean(domain, own) if domain != OTHER else None
    return [*([mean] if mean else []), *(_record(board) for board in own)]


def _record(board: _Board) -> BoardRecord:
    tests = {names: (change.difference, change.p) for names, change in board.changes.items()}
    return BoardRecord(
        domain=board.plan.domain,
        task=board.plan.task,
        metric=board.plan.metric,
        version=board.first.version,
        shots=board.first.shots,
        rows=len(board.first.rows),
        places=_places(board.scores, ranks(list(board.scores), tests)),
    )


def _mean(domain: str, boards: Sequence[_Board]) -> BoardRecord | None:
    """The mean over the tasks, of the models that are on the largest board of every task."""
    largest: dict[str, _Board] = {}
    for board in boards:
        known = largest.get(board.plan.task)
        if known is None or len(board.scores) > len(known.scores):
            largest[board.plan.task] = board
    parts = list(largest.values())
    models = [name for name in parts[0].scores if all(name in board.scores for board in parts)]
    if len(parts) < 2 or not models:
        return None
    tests = {}
    for one, other in combinations(models, 2):
        mean = mean_of([board.changes[one, other] for board in parts])
        tests[one, other] = (mean.difference, p_of_mean(mean))
    scores = {name: _mean_score([board.scores[name] for board in parts]) for name in models}
    return BoardRecord(
        domain=domain,
        task=None,
        metric="mean",
        version="",
        shots=None,
        rows=sum(len(board.first.rows) for board in parts),
        tasks=len(parts),
        places=_places(scores, ranks(models, tests)),
    )


def _mean_score(scores: Sequence[tuple[float, Interval]]) -> tuple[float, Interval]:
    """Intervals of independent tasks, combined end by end as in :mod:`harness.compare.mean`."""
    number = len(scores)
    mean = sum(score for score, _ in scores) / number
    ends = [(score, *interval) for score, interval in scores if interval]
    if len(ends) < number:
        return mean, None
    below = math.hypot(*(score - low for score, low, _ in ends)) / number
    above = math.hypot(*(high - score for score, _, high in ends)) / number
    return mean, (mean - below, mean + above)


def _places(
    scores: dict[str, tuple[float, Interval]], ranked: dict[str, tuple[int, int]]
) -> tuple[PlaceRecord, ...]:
    places = [
        PlaceRecord(
            model=name,
            score=score,
            low=interval[0] if interval else None,
            high=interval[1] if interval else None,
            best=ranked[name][0],
            worst=ranked[name][1],
        )
        for name, (score, interval) in scores.items()
    ]
    return tuple(sorted(places, key=lambda place: (place.best, place.worst, -place.score, place.model)))


def _without(error: UserError, root: Path) -> str:
    """The message without the folder that the dataset was read into."""
    return str(error).replace(f"{root}/", "")
