"""What a simulated endpoint was asked and what came of it: counts, and a compact log."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Counts:
    """Chat requests of a server's life, across restarts.

    Attributes:
        requests: that arrived.
        answered: given the answer that they asked for.
        refused: 429 for want of a permit.
        invalid: refused for what they ask.
        left: whose client, or whose server, went away before the answer.
        faults: met a fault, by kind; `restart` and `down` count how often they happened.
        prompt_tokens, completion_tokens: of answered requests.
        most_in_flight: most requests that generated at once.
    """

    requests: int = 0
    answered: int = 0
    refused: int = 0
    invalid: int = 0
    left: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    most_in_flight: int = 0


class RequestLog:
    """How often each chat request was asked and answered, by its digest.

    About 130 bytes for each different request, whatever its length. Refusals for want of a permit
    count neither way, so that a request's draws do not depend on how crowded the server was.
    """

    def __init__(self) -> None:
        self._asked: dict[bytes, int] = {}
        self._answered: dict[bytes, int] = {}

    def asked(self, digest: bytes) -> int:
        """How often a request came so far."""
        return self._asked.get(digest, 0)

    def answered(self, digest: bytes) -> int:
        """How often it was answered so far."""
        return self._answered.get(digest, 0)

    def ask(self, digest: bytes) -> None:
        """Note that a request came."""
        self._asked[digest] = self._asked.get(digest, 0) + 1

    def answer(self, digest: bytes) -> None:
        """Note that it was answered."""
        self._answered[digest] = self._answered.get(digest, 0) + 1

    def __len__(self) -> int:
        """Different requests so far."""
        return len(self._asked)

    @property
    def answers(self) -> dict[bytes, int]:
        """Digest of every answered request, with the number of its answers."""
        return dict(self._answered)

    @property
    def repeated(self) -> int:
        """Answers to requests that were answered before: work paid for twice."""
        return sum(self._answered.values()) - len(self._answered)


def summary(counts: Counts, log: RequestLog, **more: Any) -> dict[str, Any]:
    """The counts as JSON takes them."""
    told = {name: getattr(counts, name) for name in Counts.__slots__ if name != "faults"}
    return {
        **told,
        "faults": dict(counts.faults),
        "different_requests": len(log),
        "repeated_answers": log.repeated,
        **more,
    }
