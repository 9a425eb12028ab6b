"""A leaderboard in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from builders.dataset.untrusted import one_line
from harness.leaderboard.rendering import about, heading, percent, rank

if TYPE_CHECKING:
    from rich.console import Console

    from harness.leaderboard.records import Leaderboard


def print_board(board: Leaderboard, console: Console) -> None:
    """Print every board, then the notes."""
    for one in board.boards:
        title = f"{one_line(heading(one))} ({about(one)})"
        table = Table(box=None, pad_edge=False, title=title, title_justify="left", title_style="bold")
        for name, justify in (("rank", "right"), ("model", "left"), ("score", "right"), ("interval", "left")):
            table.add_column(name, justify=justify)  # type: ignore[arg-type]
        for place in one.places:
            name = one_line(board.entrants[place.model].name)
            ends = f"[{percent(place.low)}, {percent(place.high)}]"
            table.add_row(rank(place), Text(name), percent(place.score), Text(ends))
        console.print(table)
        console.print()
    for note in board.notes:
        console.print(Text(one_line(note), style="dim"), soft_wrap=True)
