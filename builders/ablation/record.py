"""What `builders ablate --json` writes, as versioned models."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from builders.diversity.records import Report  # noqa: TC001


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Spent(_Record):
    """A method's corpus, and what it took.

    Attributes:
        attempts: tries at a document, accepted ones included.
        dropped: attempts without a document, by reason.
        calls: answered calls, those of dropped attempts included.
        generated: tokens that the model wrote in all these calls.
        within_calls: of these documents, those that the equal number of calls brings.
        within_calls_tokens: their tokens.
    """

    method: str
    corpus: str
    documents: int
    tokens: int
    attempts: int
    dropped: dict[str, int]
    calls: int
    generated: int
    within_calls: int
    within_calls_tokens: int


class Ablation(_Record):
    """Methods side by side.

    Attributes:
        target_tokens: that each method's corpus was built to.
        stand_in, simulated: what wrote the text was no real model.
        equal_tokens: diversity of the whole corpora, on samples of equal size.
        equal_calls: diversity of what each method brings with `calls` calls, likewise; None where one
            of them brings too few documents.
        calls: those of the method that needed the fewest.
    """

    schema_version: Literal[1] = 1
    domain: str
    target_tokens: int
    corpus_seed: int
    model_id: str
    stand_in: bool
    simulated: bool
    seed_dataset: str | None
    spent: tuple[Spent, ...]
    equal_tokens: Report
    calls: int
    equal_calls: Report | None
