"""What a person sees of a training run: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from builders.progress import duration

if TYPE_CHECKING:
    from harness.pretrain.curves import StepLine, WatchLine

LINE_EVERY_S = 10.0


class TrainingProgress:
    """Shows steps and measurements on stderr.

    Args:
        steps: of the whole run.
        flops: operations of a token.
        peak: operations a second of all devices together; None where it is not known.
        quiet: show nothing, as on all processes but the first.
    """

    def __init__(self, *, steps: int, flops: float, peak: float | None, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._bar = Progress(
            TextColumn("step"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rest]}"),
            console=self._console,
            disable=quiet or not self._console.is_terminal,
        )
        self._task = self._bar.add_task("step", total=steps, rest="")
        self._steps, self._flops, self._peak = steps, flops, peak
        self._first: StepLine | None = None
        self._told = 0.0

    def __enter__(self) -> TrainingProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def stepped(self, line: StepLine) -> None:
        """A step is done."""
        rest = f"loss {line.loss:.4f}, {self._pace(line)}"
        self._bar.update(self._task, completed=line.step, rest=escape(rest))
        due = time.monotonic() - self._told > LINE_EVERY_S or line.step == self._steps
        if due and not self._console.is_terminal:
            self._told = time.monotonic()
            self.say(f"step {line.step}/{self._steps}: {rest}")

    def watched(self, line: WatchLine, *, first: WatchLine) -> None:
        """The monitor has measured; changes are told against the run's first measurement."""
        found = ", ".join(
            f"{name} {value:.4f} ({value / first.bits_per_byte[name] - 1:+.2%})"
            for name, value in line.bits_per_byte.items()
        )
        self.say(f"bits per byte after step {line.step}: {found}")

    def say(self, line: str) -> None:
        """Print a line that stays."""
        self._console.print(Text(line), soft_wrap=True)

    def _pace(self, line: StepLine) -> str:
        """Tokens a second since the first step of this session, what is left, and the share of the peak."""
        if self._first is None:
            self._first = line
            return "..."
        seconds = max(line.seconds - self._first.seconds, 1e-6)
        rate = (line.tokens - self._first.tokens) / seconds
        pace = f"{rate:,.0f} tokens/s"
        if self._peak:
            pace += f", MFU {rate * self._flops / self._peak:.0%}"
        left = (self._steps - line.step) * seconds / max(line.step - self._first.step, 1)
        return f"{pace}, about {duration(left)} left" if left else pace
