"""Writes results of a base and of an adapted model, with answers that a test chooses."""

from __future__ import annotations

from pathlib import Path

from evaluations import FakeTask, write_evaluation


def answers(right: int, rows: int = 80) -> list[float]:
    return [float(number < right) for number in range(rows)]


def evaluate(right: int) -> Path:
    """Results of a model in the working folder, better in finance the more it has right."""
    name = "adapted" if right > 40 else "base"
    tasks = {
        "fpb": FakeTask(values=answers(right)),
        "headline": FakeTask(values=answers(right + 3)),
        "pubmedqa": FakeTask(values=answers(right), domain="biomed"),
        "mmlu": FakeTask(values=answers(41), domain="general"),
    }
    model = {"name": name, "pretrained": f"/home/somebody/models/{name}", "sha256": "ab" * 32}
    own = {"schema_version": 1, "version": "0.1.0", "model": model, "data": {}}
    return write_evaluation(Path("results") / name, tasks, metasynth=own)
