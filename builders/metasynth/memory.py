"""What the meta-LM remembers: the instance table, and the part of the conversation that fits.

The meta-prompt and the table stay word for word. Texts of finished documents and the experts'
transcripts leave the conversation when their document is finished; within a document the
oldest exchanges leave first when the context is short. The paper states none of this policy;
it is ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builders.endpoints.base import Message

BYTES_PER_TOKEN = 3
"""English runs at 4 to 5 bytes a token; 3 keeps the estimate on the safe side."""

TOKENS_PER_MESSAGE = 8
"""What a chat template adds to a message, generously."""


class ContextTooSmallError(Exception):
    """What cannot be left out of a prompt does not fit the model's context.

    Args:
        needed: tokens that it takes, estimated.
        left: tokens of the context beside the answer; none when negative.
    """

    def __init__(self, *, needed: int, left: int) -> None:
        super().__init__(f"it needs about {needed} tokens, {max(left, 0)} are left beside the answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A row of the instance classification table."""

    topic: str
    persona: str
    genre: str
    keywords: tuple[str, ...]
    summary: str

    def line(self, number: int) -> str:
        """The row as the meta-LM reads it."""
        cells = (self.topic, self.persona, self.genre, ", ".join(self.keywords), self.summary)
        return " | ".join([str(number), *(" ".join(cell.split()).replace("|", "/") for cell in cells)])


@dataclass(slots=True)
class InstanceTable:
    """One row per finished document of the trajectory, in order."""

    rows: list[Instance] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The rows as the meta-LM reads them."""
        return [row.line(number) for number, row in enumerate(self.rows, start=1)]

    def summaries(self) -> str:
        """What the Content Analyst compares with."""
        return "\n".join(
            f"{number}. {row.genre}: {row.summary}" for number, row in enumerate(self.rows, start=1)
        )


def estimate_tokens(messages: list[Message]) -> int:
    """An upper estimate of a prompt's tokens; deterministic, so that a replay trims alike."""
    return sum(
        TOKENS_PER_MESSAGE - (-len(message["content"].encode()) // BYTES_PER_TOKEN) for message in messages
    )


def fit(messages: list[Message], *, budget: int) -> list[Message]:
    """The conversation, without its oldest exchanges where it would not fit.

    Args:
        messages: meta-prompt, brief, then alternating turns of assistant and user.
        budget: tokens that the prompt may take.

    Returns:
        The first two messages and the longest run of last exchanges that fits.

    Raises:
        ContextTooSmallError: the meta-prompt, the brief and the last exchange do not fit.
    """
    head, exchanges = messages[:2], messages[2:]
    while estimate_tokens(head + exchanges) > budget:
        if len(exchanges) <= 2:
            raise ContextTooSmallError(needed=estimate_tokens(head + exchanges), left=budget)
        exchanges = exchanges[2:]
    return head + exchanges
