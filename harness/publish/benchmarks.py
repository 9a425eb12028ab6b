"""Which tasks are Benchmarks of the Hub right now: their scores go into `.eval_results/`, no other does.

A dataset is one if the Hub lists it as such (`list_datasets(benchmark=True)`: it is allow-listed), and a task
of it is what its own `eval.yaml` names. Only whole evaluations count: no limit on the rows, no stand-in.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, ConfigDict

from harness.publish.entrants import data_of

if TYPE_CHECKING:
    from builders.hub.repository import HubRepository
    from harness.compare.records import TaskRecord
    from harness.publish.entrants import Material

EVAL = "eval.yaml"


class BenchmarkRecord(BaseModel):
    """A task of a live Benchmark dataset, and the commit that its rows were read at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset_id: str
    task_id: str
    revision: str | None


def benchmarks(found: Material, repository: HubRepository) -> dict[str, BenchmarkRecord]:
    """The tasks whose scores the Hub takes, by their name here; asked of the Hub now."""
    candidates = {task.task: _place(found, task) for task in found.report.tasks}
    named = {name: place for name, place in candidates.items() if place}
    if not named:
        return {}
    live = {info.id for info in repository.ask(lambda: list(repository.api.list_datasets(benchmark=True)))}
    told: dict[str, BenchmarkRecord] = {}
    for name, (dataset_id, configuration, revision) in named.items():
        if dataset_id not in live:
            continue
        task_id = _task_id(_declared(dataset_id, repository), configuration)
        if task_id:
            told[name] = BenchmarkRecord(dataset_id=dataset_id, task_id=task_id, revision=revision)
    return told


def _place(found: Material, task: TaskRecord) -> tuple[str, str | None, str | None] | None:
    """Dataset, configuration and commit of a task that was evaluated whole; None of any other."""
    data = data_of(found.adapted, task.task)
    if not data.get("hub") or data.get("instead_of") or task.rows < task.of_rows:
        return None
    dataset_id, _, configuration = str(data["hub"]).partition(":")
    return dataset_id, configuration or None, data.get("revision")


def _declared(dataset_id: str, repository: HubRepository) -> list[dict[str, Any]]:
    """The tasks that a Benchmark declares."""
    from huggingface_hub.errors import EntryNotFoundError

    def read() -> str:
        try:
            path = repository.api.hf_hub_download(dataset_id, EVAL, repo_type="dataset")
        except EntryNotFoundError:
            return ""
        return Path(path).read_text("utf-8")

    try:
        declared = yaml.safe_load(repository.ask(read))
    except yaml.YAMLError:
        return []
    tasks = declared.get("tasks") if isinstance(declared, dict) else None
    return [task for task in tasks or [] if isinstance(task, dict) and task.get("id")]


def _task_id(declared: list[dict[str, Any]], configuration: str | None) -> str | None:
    """The declared task of the configuration that was evaluated; None where that is not clear."""
    fitting = [
        task for task in declared if str(task.get("config") or "default") == (configuration or "default")
    ]
    return str(fitting[0]["id"]) if len(fitting) == 1 else None
