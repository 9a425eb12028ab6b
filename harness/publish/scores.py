"""Scores in the Hub's own forms: `.eval_results/` for Benchmarks, `model-index` in the card for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from harness.publish.benchmarks import tasks_of
from harness.publish.entrants import data_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.compare.records import TaskRecord
    from harness.publish.benchmarks import Benchmark
    from harness.publish.entrants import Material

FOLDER = ".eval_results"
METRICS = {"accuracy": "accuracy", "weighted_f1": "f1", "mean_weighted_f1": "f1", "entity_f1": "f1"}
"""The Hub's names of metrics, by the measure of a task; any other keeps its own."""


def percent(score: float) -> float:
    """As all scores are published: in percent, with two decimals."""
    return round(100 * score, 2)


def eval_results(found: Material, live: Mapping[str, Benchmark]) -> dict[str, bytes]:
    """A file for each Benchmark dataset, in the form that `huggingface_hub` reads."""
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    entries: dict[str, list[Any]] = {}
    for task in tasks_of(found):
        if benchmark := live.get(task.task):
            entries.setdefault(benchmark.dataset_id, []).append(
                EvalResultEntry(
                    dataset_id=benchmark.dataset_id,
                    task_id=benchmark.task_id,
                    value=percent(task.second),
                    dataset_revision=benchmark.revision,
                    source_url=f"https://huggingface.co/datasets/{found.request.leaderboard_id}",
                    source_name="Results and answers row by row",
                    notes=_notes(task),
                )
            )
    return {
        f"{FOLDER}/{dataset_id.replace('/', '__')}.yaml": yaml.safe_dump(
            eval_result_entries_to_yaml(told), sort_keys=False
        ).encode()
        for dataset_id, told in entries.items()
    }


def model_index(found: Material, live: Mapping[str, Benchmark]) -> list[Any]:
    """Results of the tasks that are no Benchmark."""
    from huggingface_hub import EvalResult

    results = []
    for task in tasks_of(found):
        if task.task in live:
            continue
        data = data_of(found.adapted, task.task)
        dataset_id, _, configuration = str(data.get("hub") or "").partition(":")
        results.append(
            EvalResult(
                task_type="text-generation",
                dataset_type=dataset_id or task.task,
                dataset_name=task.task,
                dataset_config=configuration or None,
                dataset_revision=data.get("revision") if dataset_id else None,
                metric_type=METRICS.get(task.measure, task.measure),
                metric_name=f"{task.metric} ({_notes(task)})",
                metric_value=percent(task.second),
                source_name="Results and answers row by row",
                source_url=f"https://huggingface.co/datasets/{found.request.leaderboard_id}",
            )
        )
    return results


def _notes(task: TaskRecord) -> str:
    shots = "" if task.shots is None else f"{task.shots}-shot, "
    some = f", {task.rows} of {task.of_rows} rows" if task.rows < task.of_rows else ""
    return f"{shots}lm-eval, {task.task} version {task.version}{some}"
