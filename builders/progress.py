"""What a person sees of a build: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from builders.build import BuildRequest
    from builders.endpoints.base import Completion, EndpointInfo
    from builders.method import Attempt

REFRESHES_PER_SECOND = 4
SHOWN_TRAJECTORIES = 6


class BuildProgress:
    """Counts what happens and shows it on stderr; fulfils :class:`builders.build.Display`."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._progress = Progress(
            TextColumn("documents"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rest]}")
        )
        self._task = self._progress.add_task("documents", total=None, rest="")
        self._live: Live | None = None
        self._began = time.monotonic()
        self._wanted = 0
        self._found = 0
        self._replayed = 0
        self._asked = 0
        self._asked_tokens = 0
        self._dropped: Counter[str] = Counter()
        self._steps: dict[int, str] = {}

    def __enter__(self) -> BuildProgress:
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self._render,
                console=self._console,
                refresh_per_second=REFRESHES_PER_SECOND,
                transient=True,
            )
            self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.__exit__(None, None, None)

    def say(self, line: str) -> None:
        """Print a line that stays."""
        self._console.print(Text(line), soft_wrap=True)

    def started(self, request: BuildRequest, info: EndpointInfo, protocol: str) -> None:
        """Say what is built, on which model, and begin to count time."""
        self._began = time.monotonic()
        self._wanted = request.documents
        self._progress.update(self._task, total=request.documents)
        where = (
            f"at {request.endpoint}" if request.endpoint else "on the embedded endpoint (no --endpoint given)"
        )
        self.say(
            f"building {request.corpus.name}: {request.documents} documents with {info.model_id} {where}"
        )
        if protocol != "template":
            self.say(f"protocol {protocol}, seed {request.seed}, folder {request.folder}")
        if info.stand_in:
            self.say("a small stand-in model writes: this shows the path, not the quality of a real corpus")

    def called(self, trajectory: int, event: str) -> None:
        """Note what a trajectory is doing."""
        self._steps.pop(trajectory, None)
        self._steps[trajectory] = event

    def answered(self, completion: Completion, *, recorded: bool) -> None:
        """Count an answer; those from the journal cost nothing and are counted apart."""
        if recorded:
            self._replayed += 1
        else:
            self._asked += 1
            self._asked_tokens += completion.completion_tokens

    def attempted(self, trajectory: int, attempt: Attempt) -> None:
        """Count an attempt and, off a terminal, tell it in a line."""
        self._steps.pop(trajectory, None)
        document = attempt.document
        if document is None:
            reason = attempt.rejections[-1].reason
            self._dropped[reason] += 1
            line = f"trajectory {trajectory}: dropped ({reason})"
        else:
            self._found += 1
            line = (
                f"trajectory {trajectory}: {document.genre} on {', '.join(document.keywords[:3])} "
                f"({len(document.text.split())} words)"
            )
        self._progress.update(self._task, completed=self._found, rest=self._pace())
        if not self._live:
            self.say(f"[{self._found}/{self._wanted}] {line}; {self._pace()}")

    def settled(self, accepted: int, wanted: int) -> None:
        """A wave is settled: duplicates across trajectories are known."""
        self._found = accepted
        self._progress.update(self._task, completed=accepted)
        if accepted < wanted:
            self.say(f"{accepted} of {wanted} documents accepted; asking for the missing {wanted - accepted}")

    def draining(self) -> None:
        """Say that the first Ctrl-C was heard."""
        self.say("stopping: waiting for the calls in flight (Ctrl-C again to stop at once)")

    def _pace(self) -> str:
        elapsed = max(time.monotonic() - self._began, 1e-6)
        pace = f"{self._asked_tokens / elapsed:.0f} tokens/s"
        if self._found and self._wanted > self._found:
            pace += f", about {_duration(elapsed / self._found * (self._wanted - self._found))} left"
        return pace

    def _render(self) -> Group:
        table = Table.grid(padding=(0, 2))
        table.add_row("calls", f"{self._asked} asked, {self._replayed} from the journal")
        if self._dropped:
            reasons = ", ".join(f"{reason} {count}" for reason, count in self._dropped.most_common())
            table.add_row("dropped", reasons)
        for trajectory, step in list(self._steps.items())[-SHOWN_TRAJECTORIES:]:
            table.add_row(f"trajectory {trajectory}", escape(step))
        return Group(self._progress, table)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
