"""The files of a corpus that belong into its repository: what its card names, and the records behind it."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import yaml

from builders.dataset.contamination import RECORD
from builders.dataset.package import CARD
from builders.dataset.reader import FACTS
from builders.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

FIGURES = ("*.svg", "figures/*.svg", "figures/*.png", "figures/*.json")
"""Pictures that a corpus' folder may hold beside the card, and what they were drawn from."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What is pushed.

    Attributes:
        files: by their path in the repository.
        owned: patterns of what a push may delete there: shards and records of earlier versions.
        configurations: names, as the card gives them.
    """

    files: dict[str, Path]
    owned: tuple[str, ...]
    configurations: tuple[str, ...]


def contents_of(folder: Path) -> Contents:
    """The files of a finished corpus.

    Raises:
        UserError: the card is missing, has no configurations, or names shards that are not there.
    """
    named = _configurations(folder / CARD)
    files = {name: folder / name for name in (CARD, FACTS, RECORD) if (folder / name).is_file()}
    for configuration, patterns in named.items():
        for pattern in patterns:
            shards = sorted(path for path in folder.glob(pattern) if path.is_file())
            if not shards:
                raise UserError(
                    f"{folder / CARD}: the configuration {configuration} names {pattern}, and there is no "
                    f"such file: run `builders build {folder.name}` again"
                )
            files |= {path.relative_to(folder).as_posix(): path for path in shards}
    for pattern in FIGURES:
        files |= {path.relative_to(folder).as_posix(): path for path in sorted(folder.glob(pattern))}
    shard_patterns = [pattern for patterns in named.values() for pattern in patterns]
    return Contents(files, (*shard_patterns, RECORD), tuple(named))


def _configurations(card: Path) -> dict[str, list[str]]:
    """Patterns of each configuration's shards."""
    try:
        text = card.read_text("utf-8")
        header: Any = yaml.safe_load(text.split("---\n", 2)[1])
        named = {
            str(one["config_name"]): [str(data["path"]) for data in one["data_files"]]
            for one in header["configs"]
        }
    except FileNotFoundError:
        raise UserError(
            f"there is no card {card}: `builders check {card.parent.name}` writes it anew"
        ) from None
    except (OSError, yaml.YAMLError, KeyError, TypeError, IndexError) as error:
        why = " ".join(str(error).split())[:120]
        raise UserError(
            f"{card}: the header names no configurations ({why}): `builders check {card.parent.name}` "
            "writes the card anew"
        ) from None
    for patterns in named.values():
        for pattern in patterns:
            if pattern.startswith(("/", ".")) or ".." in pattern or not fnmatchcase(pattern, "*/train-*"):
                raise UserError(f"{card}: {pattern} is no place for shards: they are FOLDER/train-*")
    return named
