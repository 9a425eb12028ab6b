"""What a forecast says to machines, as versioned models."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Range(_Record):
    """A forecast and its interval."""

    expected: float
    low: float
    high: float


class EndpointPlan(_Record):
    """An endpoint: calls that it takes at once, and the price of a million tokens, where given."""

    url: str
    concurrency: int
    price_read: float | None
    price_written: float | None


class ProbeFacts(_Record):
    """What the probes took: the build finds it in the journal and asks none of it again.

    Attributes:
        trajectories: the first of the build, whole.
        documents: accepted so far.
        attempts: tries at a document.
        calls, prompt_tokens, completion_tokens, money: of all probes, whenever they were paid.
        calls_asked: of these, asked now; the others were in the journal.
        refused_repeats: documents that repeat an earlier one of the probes.
        latency_s: mean of a call.
    """

    trajectories: int
    documents: int
    attempts: int
    calls: int
    calls_asked: int
    prompt_tokens: int
    completion_tokens: int
    money: float | None
    refused_repeats: int
    latency_s: float


class Forecast(_Record):
    """What a build will take, its probes included, but for `hours`, which are those to come.

    Attributes:
        level: probability that each interval is made for.
        method: how it is made.
        trajectories: of the whole build.
        acceptance: share of the attempts that end as documents of the corpus.
        tokens: prompt and completion together.
        hours: of the work that comes after the probes.
        money: in the currency of the prices; None without prices.
        assumptions: what the figures rest on, in sentences.
    """

    schema_version: Literal[1] = 1
    name: str
    target_documents: int | None
    target_tokens: int | None
    corpus_seed: int
    protocol: str
    model_id: str
    model_sha: str
    stand_in: bool
    simulated: bool
    level: float
    method: str
    probes: ProbeFacts
    endpoints: tuple[EndpointPlan, ...]
    concurrency: int
    trajectories: int
    documents: Range
    calls: Range
    prompt_tokens: Range
    completion_tokens: Range
    tokens: Range
    hours: Range
    money: Range | None
    acceptance: Range
    assumptions: tuple[str, ...]
