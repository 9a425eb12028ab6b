"""Scores in the Hub's own forms: `.eval_results/` for Benchmarks, `model-index` in the card for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from harness.compare.records import Report, TaskRecord
    from harness.publish.publication import PublicationRecord

FOLDER = ".eval_results"
METRICS = {"accuracy": "accuracy", "weighted_f1": "f1", "mean_weighted_f1": "f1", "entity_f1": "f1"}
"""The Hub's names of metrics, by the measure of a task; any other keeps its own."""


def percent(score: float) -> float:
    """As all scores are published: in percent, with two decimals."""
    return round(100 * score, 2)


def eval_results(publication: PublicationRecord, report: Report) -> dict[str, bytes]:
    """A file for each Benchmark dataset, in the form that `huggingface_hub` reads."""
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    entries: dict[str, list[Any]] = {}
    for task in report.tasks:
        if benchmark := publication.benchmarks.get(task.task):
            entries.setdefault(benchmark.dataset_id, []).append(
                EvalResultEntry(
                    dataset_id=benchmark.dataset_id,
                    task_id=benchmark.task_id,
                    value=percent(task.second),
                    dataset_revision=benchmark.revision,
                    source_url=f"https://huggingface.co/datasets/{publication.leaderboard_id}",
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


def model_index(publication: PublicationRecord, report: Report) -> list[Any]:
    """Results of the tasks that are no Benchmark."""
    from huggingface_hub import EvalResult

    results = []
    for task in report.tasks:
        if task.task in publication.benchmarks:
            continue
        source = publication.sources[task.task]
        results.append(
            EvalResult(
                task_type="text-generation",
                dataset_type=source.dataset_id or task.task,
                dataset_name=task.task,
                dataset_config=source.configuration,
                dataset_revision=source.revision,
                metric_type=METRICS.get(task.measure, task.measure),
                metric_name=f"{task.metric} ({_notes(task)})",
                metric_value=percent(task.second),
                source_name="Results and answers row by row",
                source_url=f"https://huggingface.co/datasets/{publication.leaderboard_id}",
            )
        )
    return results


def _notes(task: TaskRecord) -> str:
    shots = "" if task.shots is None else f"{task.shots}-shot, "
    some = f", {task.rows} of {task.of_rows} rows" if task.rows < task.of_rows else ""
    return f"{shots}lm-eval, {task.task} version {task.version}{some}"
