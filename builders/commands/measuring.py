"""What the commands that measure share: which metrics are possible, and how they tell of progress."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builders.diversity.base import Metric
    from builders.diversity.task2vec import Probe

EXTRAS = {"embeddings": "sentence_transformers", "frequencies": "wordfreq"}


def listed(given: Sequence[str]) -> list[str]:
    """What stands between commas."""
    return [part.strip() for words in given for part in words.split(",") if part.strip()]


def possible(metrics: Sequence[Metric], *, frequencies: str | None = None) -> list[Metric]:
    """Those that the installed packages allow; the others are told."""
    absent = {need for need, package in EXTRAS.items() if find_spec(package) is None}
    if frequencies:
        absent.discard("frequencies")
    left_out = [metric.name for metric in metrics if metric.needs in absent]
    if left_out:
        click.echo(f"left out: {', '.join(left_out)}; for these, pip install 'metasynth[metrics]'", err=True)
    return [metric for metric in metrics if metric.needs not in absent]


class MeasuringProgress:
    """Says on stderr what is measured: a bar on a terminal, lines elsewhere."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import Progress

        self._console = Console(stderr=True)
        self._bar = Progress(console=self._console, transient=True, disable=not self._console.is_terminal)
        self._task = self._bar.add_task("measuring", total=total)
        self._total = total
        self._begun = 0

    def __enter__(self) -> MeasuringProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def measuring(self, corpus: str, metric: str) -> None:
        """A metric begins on a corpus."""
        from rich.markup import escape

        from builders.dataset.untrusted import one_line

        line = f"{one_line(corpus)}: {metric}"
        self._bar.update(self._task, completed=self._begun, description=escape(line))
        self._begun += 1
        self._say(f"[{self._begun}/{self._total}] {line}")

    def embedded(self, done: int, total: int) -> None:
        """So many documents have their vectors."""
        if total:
            self._bar.update(self._task, description=f"embedded {done:,} of {total:,} documents")
            self._say(f"embedded {done:,} of {total:,} documents")

    def loading(self) -> None:
        """The probe of Task2Vec is looked for; without a network that takes half a minute."""
        self._bar.update(self._task, description="loading the probe")
        self._say("loading the probe")

    def loaded(self, probe: Probe) -> None:
        """The probe of Task2Vec is there, or what stands in for it."""
        stands_in = " (stands in for GPT-2, which cannot be had)" if probe.stand_in else ""
        self._say(f"probe {probe.name}{stands_in} on {probe.device}")

    def probed(self, done: int, total: int, left: float | None) -> None:
        """So many batches of Task2Vec are done; about so many seconds are left."""
        from builders.progress import duration

        line = f"{done:,} of {total:,} batches" + (f", about {duration(left)} left" if left else "")
        self._bar.update(self._task, description=line)
        self._say(line)

    def _say(self, line: str) -> None:
        from rich.text import Text

        if not self._console.is_terminal:
            self._console.print(Text(line), soft_wrap=True)
