"""Which pieces a page was made from, kept within it, so that the same page can be made again."""

from __future__ import annotations

import json
import os
from html import unescape
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from builders.errors import UserError
from harness.report.pieces import Missing, Pieces, read_comparison, read_corpus, read_diversity, read_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NAME = "metasynth-pieces"
HEAD = 1_000_000
"""Bytes of a page in which its listing stands."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ListedComparison(_Record):
    """A comparison, and the results of its first and second model."""

    file: str
    first: tuple[str, ...]
    second: tuple[str, ...]


class Listing(_Record):
    """Places relative to the page's folder.

    Attributes:
        missing: parts that were not there, and the commands that make them.
        left_out: files that could not be read, with the reason.
    """

    corpora: tuple[str, ...]
    diversity: tuple[str, ...]
    models: tuple[str, ...]
    comparisons: tuple[ListedComparison, ...]
    missing: tuple[tuple[str, tuple[str, ...]], ...]
    left_out: tuple[str, ...]


def listing(pieces: Pieces, page: Path) -> str:
    """As JSON for the page."""

    def places(paths: Sequence[Path]) -> tuple[str, ...]:
        return tuple(os.path.relpath(path, page.parent).replace(os.sep, "/") for path in paths)

    return Listing(
        corpora=places([one.folder for one in pieces.corpora]),
        diversity=places([one.file.path for one in pieces.diversity]),
        models=places([one.folder for one in pieces.models]),
        comparisons=tuple(
            ListedComparison(
                file=places([one.file.path])[0],
                first=places([file.path for file in one.evaluations[0]]),
                second=places([file.path for file in one.evaluations[1]]),
            )
            for one in pieces.comparisons
        ),
        missing=tuple((gap.part, gap.commands) for gap in pieces.missing),
        left_out=tuple(pieces.left_out),
    ).model_dump_json()


def is_report(page: Path) -> bool:
    """Whether a file is a page that `harness report` wrote."""
    try:
        return _listed(page) is not None
    except (OSError, UnicodeDecodeError):
        return False


def listed(page: Path) -> Pieces:
    """The pieces of a page, as they lie there now.

    Raises:
        UserError: one is gone or damaged, or the page does not say what it was made from.
    """
    try:
        told = Listing.model_validate(json.loads(_listed(page) or ""))
    except (OSError, ValueError, ValidationError) as error:
        why = " ".join(str(error).split())[:120]
        raise UserError(f"{page} does not tell what it was made from ({why}): make it again") from None
    here = page.parent
    found: dict[str, list[Any]] = {
        "corpora": [read_corpus(here / place, page) for place in told.corpora],
        "diversity": [read_diversity(here / place, page) for place in told.diversity],
        "models": [read_model(here / place, page) for place in told.models],
        "comparisons": [
            read_comparison(
                here / one.file,
                page,
                ([here / place for place in one.first], [here / place for place in one.second]),
            )
            for one in told.comparisons
        ],
    }
    missing = [Missing(part, commands) for part, commands in told.missing]
    return Pieces(**found, missing=missing, left_out=list(told.left_out))


def _listed(page: Path) -> str | None:
    with page.open(encoding="utf-8") as file:
        head = file.read(HEAD)
    begin = f'<meta name="{NAME}" content="'
    _, found, rest = head.partition(begin)
    return unescape(rest.partition('"')[0]) if found else None
