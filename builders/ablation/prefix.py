"""What a build had accepted by the time that it had made so many calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builders.journal import Journal


def prefix_within(journal: Journal, calls: int) -> tuple[list[str], int]:
    """The documents that so many calls bring, in the order of the build, and their tokens.

    An attempt counts with all its calls, in the order of trajectories, whether its document was accepted
    or not; a document counts when the calls of its attempt are within the limit.
    """
    texts: list[str] = []
    tokens = made = 0
    for _, _, accepted, attempt in journal.attempts():
        made += len(attempt.trace)
        if made > calls:
            break
        if accepted and attempt.document:
            texts.append(attempt.document.text)
            tokens += attempt.document.n_tokens
    return texts, tokens
