"""The results dataset: lm-eval's files in a folder for each model, and what is computed from all of them."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from builders.dataset.untrusted import markdown
from harness.leaderboard.boards import leaderboard
from harness.leaderboard.records import BOARD, MODEL
from harness.leaderboard.rendering import PAGE, as_markdown, as_page
from harness.publish.entrants import folder_of, results_file
from harness.publish.places import published

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from builders.hub.difference import Content
    from builders.hub.repository import HubRepository, State
    from harness.compare.results import Evaluation
    from harness.leaderboard.records import Leaderboard
    from harness.publish.entrants import Material

THERE = ["*/results_*.json", "*/samples_*.jsonl", f"*/{MODEL}"]
_FILE = re.compile(
    r"(?P<model>[^/]+)/(?:results|samples_(?P<task>.+))_(?P<date>\d{4}-\d\d-\d\dT[\d.-]+)\.jsonl?"
)


@dataclass(frozen=True, slots=True)
class Results:
    """The files of the results dataset that change, and the leaderboard over all that is in it."""

    files: dict[str, Content]
    board: Leaderboard


def results(
    found: Material, repository: HubRepository, state: State, work: Path, say: Callable[[str], None]
) -> Results:
    """Make the results dataset as it will be: what is there, and these two evaluations.

    Args:
        found: what is published.
        repository, state: of the results dataset, and what is in it.
        work: an empty folder.
        say: takes a line for the user.
    """
    if state.head is not None and state.files:
        repository.fetch(THERE, state.head, work)
    made: dict[str, Content] = {}
    known, adapted = found.report.first.name, found.report.second.name
    for name, evaluation in ((known, found.base), (adapted, found.adapted)):
        folder = folder_of(name)
        record = found.entrants[folder].model_dump_json(indent=2) + "\n"
        if not (name == known and (work / folder / MODEL).is_file()):  # a base is not described anew
            made[f"{folder}/{MODEL}"] = record.encode()
        made |= {f"{folder}/{path.name}": published(path) for path in _files(evaluation)}
    for path, content in made.items():
        _lay(work / path, content)
    board = leaderboard(work, repository.repo_id, say)
    made[BOARD] = (board.model_dump_json(indent=2) + "\n").encode()
    made[PAGE] = as_page(board).encode()
    made["README.md"] = results_card(board, work).encode()
    return Results(made, board)


def _files(evaluation: Evaluation) -> list[Path]:
    """The figures and rows of an evaluation."""
    found = {results_file(evaluation, task) for task in evaluation.tasks}
    return sorted(found | {task.samples for task in evaluation.tasks.values()})


def _lay(path: Path, content: Content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        shutil.copyfile(content, path)


def results_card(board: Leaderboard, folder: Path) -> str:
    """The card; a pure function of `leaderboard.json` and of the names of the files in the dataset.

    Args:
        board: the leaderboard.
        folder: all models' folders.
    """
    from huggingface_hub import DatasetCardData
    from jinja2 import Environment, StrictUndefined

    there = sorted(path.relative_to(folder).as_posix() for path in folder.glob("[!.]*/*") if path.is_file())
    configs = configurations(there)
    data = DatasetCardData(
        pretty_name=f"Evaluation results: {board.dataset}",
        tags=["lm-eval", "evaluation", "leaderboard", "metasynth"],
        configs=configs,
    )
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701
    environment.filters["md"] = markdown
    template = environment.from_string(files(__package__).joinpath("results_card.md").read_text("utf-8"))
    return template.render(
        front_matter=str(data.to_yaml()).strip(),
        repo_id=board.dataset,
        board=board,
        tables=as_markdown(board),
        example=next(one["config_name"] for one in configs if not one["config_name"].endswith("__results")),
    )


def configurations(there: Iterable[str]) -> list[dict[str, Any]]:
    """A configuration for each model's figures and for each of its tasks' rows, a split for each run.

    Named as lm-eval names them: `MODEL__results` and `MODEL__TASK`, the latest run also as `latest`.
    """
    dated: dict[str, dict[str, str]] = {}
    for path in there:
        if file := _FILE.fullmatch(path):
            part = re.sub(r"[^\w.-]", "_", file["task"] or "results")
            name = f"{file['model']}__{part}"
            dated.setdefault(name, {})[file["date"]] = path
    return [
        {
            "config_name": name,
            "data_files": [
                *({"split": re.sub(r"[^\w.]", "_", date), "path": [runs[date]]} for date in sorted(runs)),
                {"split": "latest", "path": [runs[max(runs)]]},
            ],
        }
        for name, runs in sorted(dated.items())
    ]
