"""A leaderboard as Markdown for a card, and as a page that needs nothing else."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from builders.dataset.untrusted import markdown, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.leaderboard.records import BoardRecord, Leaderboard, PlaceRecord

PAGE = "leaderboard.html"
EXPLAINED = (
    "Scores in percent, in brackets their 95 % intervals. A rank is the range of places that the tests of "
    "all pairs leave open (paired by row, Holm's correction, 0.05): models whose ranges overlap are tied, or "
    "not shown to differ."
)


def as_markdown(board: Leaderboard) -> str:
    """Tables: a domain's mean first, then its tasks."""
    parts = [EXPLAINED]
    for domain in dict.fromkeys(one.domain for one in board.boards):
        parts += ["", f"### {markdown(domain)}"]
        parts += [line for one in board.boards if one.domain == domain for line in _table(one, board)]
    if board.notes:
        parts += ["", *(f"- {markdown(note)}" for note in board.notes)]
    return "\n".join(parts)


def as_page(board: Leaderboard) -> str:
    """A self-contained HTML page, light and dark."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"percent": percent, "rank": rank, "line": one_line}
    template = environment.from_string(files(__package__).joinpath("page.html").read_text("utf-8"))
    return template.render(
        board=board,
        title=f"Leaderboard of {board.dataset}",
        explained=EXPLAINED,
        heading=heading,
        about=about,
    )


def heading(board: BoardRecord) -> str:
    """What a board ranks."""
    return f"{board.domain}, mean of {board.tasks} tasks" if board.task is None else board.task


def about(board: BoardRecord) -> str:
    """Its metric, shots and rows."""
    rows = f"{board.rows:,} rows"
    if board.task is None:
        return rows
    shots = "" if board.shots is None else f", {board.shots}-shot"
    return f"{board.metric}{shots}, version {board.version}, {rows}"


def percent(value: float | None) -> str:
    """With two decimals; a dash for what there is not."""
    return "-" if value is None else f"{100 * value:.2f}"


def rank(place: PlaceRecord) -> str:
    """One place, or a range of them."""
    return f"{place.best}" if place.best == place.worst else f"{place.best}-{place.worst}"


def _table(one: BoardRecord, board: Leaderboard) -> Iterator[str]:
    yield from ("", f"#### {markdown(heading(one))}", "", about(one), "")
    yield "| rank | model | | score | interval |"
    yield "|---:|---|---|---:|---|"
    for place in one.places:
        entrant = board.entrants[place.model]
        role = f"adapted from {entrant.base}" if entrant.base else entrant.role
        ends = f"[{percent(place.low)}, {percent(place.high)}]"
        name = markdown(entrant.name)
        yield f"| {rank(place)} | {name} | {markdown(role)} | {percent(place.score)} | {ends} |"
