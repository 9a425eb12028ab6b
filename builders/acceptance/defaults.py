"""The checks that a build runs unless told otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders.acceptance.chatter import Chatter
from builders.acceptance.degenerate import Degenerate
from builders.acceptance.language import English
from builders.acceptance.leak import PromptLeak
from builders.acceptance.length import Length
from builders.acceptance.refusal import Refusal
from builders.acceptance.truncated import Truncated

if TYPE_CHECKING:
    from builders.acceptance.base import Check
    from builders.acceptance.duplicates import ExactDuplicates


def default_checks(
    *,
    min_words: int = 60,
    max_words: int = 400,
    leak_words: int = 8,
    leak_allowed: tuple[str, ...] = (),
    duplicates: ExactDuplicates | None = None,
) -> tuple[Check, ...]:
    """Build the standard checks, so ordered that the telling and the cheap come first.

    Args:
        min_words: fewest words of a document.
        max_words: most words of a document.
        leak_words: shortest run of a prompt's words that counts as a leak.
        leak_allowed: names and titles that a document may share with its prompt.
        duplicates: the memory of accepted documents, to which the caller adds; without one
            repetition across documents is not looked at.
    """
    return (
        Refusal(),
        Length(min_words=min_words, max_words=max_words),
        Truncated(),
        Chatter(),
        *((duplicates,) if duplicates is not None else ()),
        PromptLeak(words=leak_words, allowed=leak_allowed),
        Degenerate(),
        English(),
    )
