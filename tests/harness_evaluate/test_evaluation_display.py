"""Promises: off a terminal, a line tells each task that is done, what it found answered, and what is left."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from builders.progress import duration
from harness.evaluate.display import EvaluationDisplay


def test_each_task_is_told_when_it_is_done_with_what_was_answered_before() -> None:
    out = StringIO()
    with EvaluationDisplay(Console(file=out, width=200)) as display:
        display.begins("loglikelihood", {"piqa": [100, 100], "boolq": [300, 300, 300]})
        display.answered("piqa", [100], kept=True)
        display.answered("piqa", [100], kept=False)
        display.answered("boolq", [300, 300, 300], kept=False)
    lines = out.getvalue().splitlines()
    assert lines[0] == "scoring options: 5 requests of 2 tasks"
    assert lines[1].startswith("[1/2] piqa: 2 requests (1 of them answered before)")
    assert lines[2].startswith("[2/2] boolq: 3 requests")
    assert "before" not in lines[2]


def test_what_is_left_is_told_from_what_was_asked_now() -> None:
    out = StringIO()
    with EvaluationDisplay(Console(file=out, width=200)) as display:
        display.begins("generate_until", {"ner": [10, 10], "convfinqa": [10]})
        display.answered("ner", [10, 10], kept=True)
        display._began -= 60
        display.answered("convfinqa", [], kept=False)
    assert "left" not in out.getvalue()


def test_durations_are_told_in_two_units() -> None:
    assert [duration(seconds) for seconds in (12, 200, 7500)] == ["12 s", "3 min 20 s", "2 h 05 min"]
