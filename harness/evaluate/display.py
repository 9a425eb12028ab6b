"""What a person sees of an evaluation: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from builders.progress import duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LINE_EVERY_S = 30.0
"""Seconds between two lines about the same task."""
DOING = {
    "loglikelihood": "scoring options",
    "loglikelihood_rolling": "scoring texts",
    "generate_until": "writing answers",
}


class EvaluationDisplay:
    """Shows progress on stderr; fulfils :class:`harness.evaluate.replaying.Display`.

    What is left is told by characters: a request costs about what its text costs to read.

    Args:
        console: where it is shown; by default stderr.
        silent: show nothing, as processes do that share the work of one that shows.
    """

    def __init__(self, console: Console | None = None, *, silent: bool = False) -> None:
        self._console = console or Console(stderr=True, quiet=silent)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %  {task.fields[rest]}"),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._row = self._bar.add_task("", total=None, rest="")
        self._method = ""
        self._requests: dict[str, int] = {}
        self._done: dict[str, int] = {}
        self._characters = self._read = self._kept_characters = 0
        self._kept = 0
        self._began = self._told = 0.0

    def __enter__(self) -> EvaluationDisplay:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def say(self, line: str) -> None:
        """Print a line that stays."""
        self._console.print(Text(line), soft_wrap=True)

    def begins(self, method: str, work: Mapping[str, Sequence[int]]) -> None:
        """Requests of a kind are to be answered."""
        self._method = DOING[method]
        self._requests = {task: len(characters) for task, characters in work.items()}
        self._done = dict.fromkeys(work, 0)
        self._characters = sum(sum(characters) for characters in work.values())
        self._read = self._kept_characters = 0
        self._began = self._told = time.monotonic()
        count = sum(self._requests.values())
        self.say(f"{self._method}: {count:,} requests of {len(work)} task{'s' if len(work) > 1 else ''}")

    def answered(self, task: str, characters: Sequence[int], *, kept: bool) -> None:
        """Requests of a task were answered, or had been before."""
        self._done[task] += len(characters)
        if kept:
            self._kept = len(characters)
            self._kept_characters += sum(characters)
        elif self._done[task] == len(characters):
            self._kept = 0
        self._read += sum(characters)
        done, of = self._done[task], self._requests[task]
        self._bar.update(
            self._row,
            description=f"{self._method}: {task} {done:,}/{of:,}",
            completed=self._read,
            total=self._characters,
            rest=self._left(),
        )
        now = time.monotonic()
        if done == of:
            number = list(self._requests).index(task) + 1
            before = f" ({self._kept:,} of them answered before)" if self._kept else ""
            self.say(f"[{number}/{len(self._requests)}] {task}: {of:,} requests{before}{_then(self._left())}")
            self._kept, self._told = 0, now
        elif not self._console.is_terminal and now - self._told >= LINE_EVERY_S:
            self.say(f"{task}: {done:,}/{of:,} requests{_then(self._left())}")
            self._told = now

    def _left(self) -> str:
        """About how long this kind of request still takes."""
        asked = self._read - self._kept_characters
        rest = self._characters - self._read
        if not asked or not rest:
            return ""
        return f"about {duration((time.monotonic() - self._began) / asked * rest)} left"


def _then(told: str) -> str:
    return f"; {told}" if told else ""
