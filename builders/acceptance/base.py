"""The contract that every acceptance check fulfils."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from builders.method import Rejection

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Candidate", "Check", "Rejection", "first_rejection"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document that asks to be accepted.

    Attributes:
        text: the document, tidied by :func:`builders.acceptance.clean_document`.
        prompts: the instructions and system texts that the writing model was given. A draft
            or exemplar that it was asked to rework does not belong here: sharing words with
            that is no leak.
        seed: text of the seed document that it started from; empty where there is none.
    """

    text: str
    prompts: tuple[str, ...] = ()
    seed: str = ""


class Check(Protocol):
    """One thing that a document must pass. A check never raises on any text."""

    @property
    def name(self) -> str:
        """What the check is called in tables and benchmarks."""
        ...

    def __call__(self, candidate: Candidate) -> Rejection | None:
        """Judge one document: None lets it pass."""
        ...


def first_rejection(checks: Iterable[Check], candidate: Candidate) -> Rejection | None:
    """Return the verdict of the first check that objects, or None where all agree."""
    for check in checks:
        if rejection := check(candidate):
            return rejection
    return None
