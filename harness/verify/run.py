"""Verify everything below some folders, and stop at the first figure that is not what it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builders.errors import UserError
from harness.verify.artefacts import artefacts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Verified:
    """An artefact whose figures are all true: its kind, and where it lies."""

    kind: str
    place: Path


def verify(folders: Sequence[Path], say: Callable[[str], None]) -> list[Verified]:
    """Verify all artefacts below some folders.

    Args:
        folders: to look through.
        say: is told each artefact before it is verified.

    Raises:
        UserError: a figure that does not match, with its place and a remedy; or nothing to verify.
    """
    done: list[Verified] = []
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"there is no folder {folder}; name one that holds corpora, models or results")
        for kind, place, check in artefacts(folder):
            say(f"{kind} {place}")
            check(place)
            done.append(Verified(kind, place))
    if not done:
        raise UserError(
            f"nothing to verify below {', '.join(map(str, folders))}: no corpus, model, results or comparison"
        )
    return done
