"""Test items: rows of the tasks, read from the Hub or from a folder, as the texts to look for."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from dataclasses import dataclass
from importlib.resources import as_file, files
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builders.dataset.contamination import file_hashes
from builders.errors import UserError
from builders.reading.files import checked, jsonl_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from builders.contamination.tasks import HubRows, LocalRows, Task
    from builders.dataset.contamination import SourceFile

SUFFIXES = (".jsonl", ".jsonl.gz")
_REVISION = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class TestItem:
    """One row of a task.

    Attributes:
        number: of the row, from 1; over all files where there are several.
        parts: its texts: sentence, question, passage.
        options: the answers to choose from.
    """

    number: int
    parts: tuple[str, ...]
    options: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """All of it."""
        return self.parts + self.options


@dataclass(frozen=True, slots=True)
class TestSet:
    """The test items of a task.

    Attributes:
        source: the folder, or the Hub's datasets, as the report calls it.
        files: the files that were read, with their hashes; none from the Hub.
        sha256: of the items' texts, whatever they were read from.
    """

    task: Task
    items: tuple[TestItem, ...]
    source: str
    files: tuple[SourceFile, ...]
    sha256: str


def read_test_set(task: Task, data: Path | None) -> TestSet:
    """Read the test items of a task.

    Args:
        task: the task.
        data: the folder with the layout `group/task/split.jsonl[.gz]`; None for the Hub.

    Raises:
        UserError: a file or a field is missing or malformed, or the Hub cannot be reached.
    """
    if task.packaged:
        with as_file(files("tasks")) as folder:
            return _from_files(task, folder)
    if data is None:
        return _from_hub(task)
    return _from_files(task, data)


def _from_files(task: Task, data: Path) -> TestSet:
    rows = task.local
    paths = _files(task, data)
    told = (told for path in paths for told in jsonl_rows(path))
    items = tuple(_items(told, rows))
    if not items:
        raise UserError(f"{paths[0]} holds no row: mend it, or leave {task.name} out of --against")
    folder = rows.folder if "*" in rows.folder else paths[0].parent.relative_to(data).as_posix()
    return TestSet(task, items, f"{folder}/{rows.split}", file_hashes(paths, data), _sha256(items))


def _files(task: Task, data: Path) -> list[Path]:
    rows = task.local
    if not data.is_dir():
        raise UserError(
            f"--data-dir {data}: there is no such folder: name one with group/task/split.jsonl in it"
        )
    for folder in (rows.folder, rows.instead):
        if folder is None:
            continue
        within = sorted(data.glob(folder)) if "*" in folder else [data / folder]
        found = [_file(path, rows.split) for path in within if path.is_dir()]
        if found:
            return found
    raise UserError(
        f"there is no {data / rows.folder / rows.split}.jsonl (or .jsonl.gz) for the task {task.name}: add "
        f"it, leave {task.name} out of --against, or leave out --data-dir to ask the Hub"
    )


def _file(folder: Path, split: str) -> Path:
    for suffix in SUFFIXES:
        if (path := folder / f"{split}{suffix}").is_file():
            return path
    raise UserError(
        f"there is no {folder / split}.jsonl (or .jsonl.gz): add the file, leave the task out of --against, "
        "or leave out --data-dir to ask the Hub"
    )


def _from_hub(task: Task) -> TestSet:
    sources, told = [], []
    for rows in task.hub:
        read = _hub_dataset(task, rows)
        caches = [Path(file["filename"]).parent.name for file in read.cache_files]
        revision = next((name for name in caches if _REVISION.fullmatch(name)), rows.revision or "")
        named = f"{rows.id}@{revision}" if revision else rows.id
        where = f"{named} ({', '.join(filter(None, (rows.config, rows.split)))})"
        sources.append(where)
        told.append(_items(((f"{where}, row {number}", row) for number, row in enumerate(read, 1)), rows))
    items = tuple(
        TestItem(number, item.parts, item.options) for number, item in enumerate(chain.from_iterable(told), 1)
    )
    return TestSet(task, items, "; ".join(sources), (), _sha256(items))


def _hub_dataset(task: Task, rows: HubRows) -> Any:
    import datasets
    from huggingface_hub.errors import HfHubHTTPError

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # else each retry is a line of its own
    try:
        return datasets.load_dataset(
            rows.id, rows.config, split=rows.split, revision=rows.revision, data_files=rows.data_files
        )
    except (datasets.exceptions.DatasetsError, HfHubHTTPError, OSError, ValueError, RuntimeError) as error:
        why = " ".join(str(error).split())[:160]
        raise UserError(
            f"the test items of {task.name} cannot be had from the Hub ({rows.id}: {why}): go online, or "
            f"name a folder that has them as {task.local.folder}/{task.local.split}.jsonl with --data-dir"
        ) from None


def _items(rows: Iterable[tuple[str, dict[str, Any]]], source: LocalRows | HubRows) -> Iterator[TestItem]:
    for number, (where, row) in enumerate(rows, 1):
        parts, options = (
            tuple(text for name in names for text in _texts(row, name, where))
            for names in (source.fields, source.options)
        )
        yield TestItem(number, parts, options)


def _texts(row: dict[str, Any], name: str, where: str) -> list[str]:
    """What a field holds, in a list."""
    value: Any = row
    for key in name.split("."):
        if not isinstance(value, dict) or key not in value:
            raise UserError(f"{where}: there is no field {name!r}: these are not the rows of this task")
        value = value[key]
    texts = value if isinstance(value, list) else [value]
    for text in texts:
        if not isinstance(text, str):
            raise UserError(
                f"{where}: the field {name!r} holds {type(text).__name__}, not text: mend the row"
            )
        checked(text, where, name)
    return texts


def _sha256(items: Iterable[TestItem]) -> str:
    whole = hashlib.sha256()
    for item in items:
        whole.update(json.dumps(item.texts).encode() + b"\n")
    return whole.hexdigest()
