"""The tasks that a corpus is checked against, by group, and the choice among them by name."""

from __future__ import annotations

import difflib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import yaml
from pydantic import BaseModel, ConfigDict

from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable


class _Source(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    split: str
    fields: tuple[str, ...]
    options: tuple[str, ...] = ()


class LocalRows(_Source):
    """Rows in files `FOLDER/SPLIT.jsonl[.gz]` below a data folder.

    Attributes:
        folder: relative; `*` stands for every folder that matches.
        instead: what stands in where there is no such folder.
    """

    folder: str
    instead: str | None = None


class HubRows(_Source):
    """Rows of a dataset on the Hub."""

    id: str
    config: str | None = None
    revision: str | None = None
    data_files: dict[str, str] | None = None


class Task(BaseModel):
    """A task, and where its test items lie.

    Attributes:
        packaged: the rows come with the package `tasks`, whatever the data folder.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: str
    name: str
    local: LocalRows
    hub: tuple[HubRows, ...] = ()
    packaged: bool = False


@cache
def all_tasks() -> tuple[Task, ...]:
    """Every task, in the order of the table."""
    table = yaml.safe_load(files(__package__).joinpath("tasks.yaml").read_text("utf-8"))
    return tuple(
        Task(group=group, name=name, **sources)
        for group, own in table.items()
        for name, sources in own.items()
    )


def chosen(names: Iterable[str]) -> tuple[Task, ...]:
    """The tasks of groups (`finance`) and of names (`mqp`), each once, in the order of the table.

    Raises:
        UserError: there is no such group or task, or none is named.
    """
    tasks = all_tasks()
    known = dict.fromkeys([*(task.group for task in tasks), *(task.name for task in tasks)])
    wanted = set(names)
    for name in sorted(wanted - set(known)):
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise UserError(f"--against {name}: there is no such group or task; {hint}")
    if not wanted:
        raise UserError("--against names no group or task: name some, as in finance,biomed,general")
    return tuple(task for task in tasks if {task.group, task.name} & wanted)
