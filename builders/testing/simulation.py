"""What a simulated endpoint does: how fast it is, how much it admits, how it fails, what it writes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

MODEL_ID = "metasynth/simulated"
MODEL_SHA = "51a0000000000000000000000000000000000001"

FaultKind = Literal[
    "overloaded",
    "generation",
    "incomplete_generation",
    "unavailable",
    "unauthorized",
    "bad_request",
    "drop",
    "drop_midway",
    "hang",
    "hang_midway",
    "truncated",
    "invalid_json",
    "empty",
    "restart",
    "down",
]
EVENTS = frozenset({"restart", "down"})
"""Faults that befall the server once, and not single requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long an answer takes: a log-normal time to its first token, then so much per token.

    Attributes:
        mean_s: mean of the log-normal in seconds; that of the whole answer while
            `per_token_s` is zero. Zero for no time at all.
        sigma: its standard deviation on the logarithmic scale, >= 0; zero for a constant.
        per_token_s: seconds for each token generated.
    """

    mean_s: float = 0.0
    sigma: float = 0.0
    per_token_s: float = 0.0

    def __post_init__(self) -> None:
        if min(self.mean_s, self.sigma, self.per_token_s) < 0:
            raise ValueError(f"a latency is never negative: {self}")

    def seconds(self, normal: float, *, tokens: int) -> float:
        """Seconds for an answer of so many tokens, by a draw from the standard normal."""
        scale = math.exp(self.sigma * (normal - self.sigma / 2))  # of mean 1
        return self.mean_s * scale + tokens * self.per_token_s


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail, and when.

    Without limits it befalls every request. Faults are tried in the order given, and the shares of
    those that are in force add up: of `Fault("drop", share=0.02), Fault("empty", share=0.03)` a
    twentieth of the requests meets one. Whether a request meets one is a function of the
    simulation's seed, the request, and how often it was asked before.

    Attributes:
        kind: what happens.
            `overloaded` 429, `unauthorized` 401 without a body, `unavailable` a proxy's 503 in HTML,
            `bad_request` a plain-text 400: at once, without a permit.
            `generation` 424, `incomplete_generation` 500, `drop` (the connection ends without an
            answer): at a moment drawn uniformly from the time that the answer would have taken.
            `hang`: a permit is held and no answer comes. `hang_midway`: half an answer comes.
            `drop_midway`: half an answer comes, and the connection ends.
            `truncated` (cut, `finish_reason` `length`), `empty` text, `invalid_json` (half of a
            body): 200, in the time of an answer.
            `restart`: the server drops every connection and is back at once, with `model_sha`.
            `down`: the server dies, and comes back on its port after `for_s`, if that is finite.
        share: of the requests, in [0, 1].
        after_s: begins so many seconds after the server started.
        for_s: lasts so many seconds.
        requests: only chat requests of these numbers, in order of arrival, from 0. `restart` and
            `down` happen when the first of them arrives.
        model_sha: what `restart` changes it to; by default it stays.
    """

    kind: FaultKind
    share: float = field(default=1.0, kw_only=True)
    after_s: float = field(default=0.0, kw_only=True)
    for_s: float = field(default=math.inf, kw_only=True)
    requests: range | None = field(default=None, kw_only=True)
    model_sha: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"there is no fault {self.kind!r}; known: {', '.join(get_args(FaultKind))}")
        if not 0 <= self.share <= 1:
            raise ValueError(f"the share of {self.kind} must be in [0, 1], and is {self.share}")

    def active(self, number: int, *, age_s: float) -> bool:
        """Whether it is in force for a request of this number, in a server of this age."""
        if not self.after_s <= age_s < self.after_s + self.for_s:
            return False
        return self.requests is None or number in self.requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """Settings of a simulated endpoint.

    Attributes:
        seed: of latencies and random faults. Answers depend on the request alone.
        permits: requests that generate at once. One more is refused with 429 at once.
        queue: instead, it waits in a queue, whose length `/metrics` tells.
        tell_limit: `/info` tells the permits, or this number, or (False) nothing of a limit.
        latency: how long answers take.
        faults: how they fail.
        duplicate_share: share of documents that are one of a pool with a word or two changed.
        duplicate_pool: size of that pool.
        collapse: how fast a trajectory collapses, see :mod:`builders.testing.collapse`; 0 for never.
            Only under the guided protocol.
        heed: probability, in [0, 1], that a collapsing writer avoids a beginning that it is told to.
        reject_share: share of documents that are too short to be accepted (under 40 words).
        model_id: as `/info` tells it.
        model_sha: as `/info` tells it.
        max_total_tokens: of a request, prompt and answer together. A token is 4 characters.
        api_key: what chat and `/tokenize` ask for as a bearer; None for no key.
        told_time_s: what the header `x-total-time` says of every answer, in seconds; None for the
            time drawn. Where it is set, a build through faults ends at the same bytes as a calm one.
    """

    seed: int = 0
    permits: int = 64
    queue: bool = False
    tell_limit: bool | int = True
    latency: Latency = Latency()
    faults: tuple[Fault, ...] = ()
    duplicate_share: float = 0.0
    duplicate_pool: int = 20
    reject_share: float = 0.0
    collapse: float = 0.0
    heed: float = 0.8
    model_id: str = MODEL_ID
    model_sha: str = MODEL_SHA
    max_total_tokens: int = 16_384
    api_key: str | None = field(default=None, repr=False)
    told_time_s: float | None = None

    def __post_init__(self) -> None:
        if self.permits < 0:
            raise ValueError(f"permits must be >= 0, and are {self.permits}")
        if min(self.duplicate_share, self.reject_share) < 0 or self.duplicate_share + self.reject_share > 1:
            raise ValueError("`duplicate_share` and `reject_share` are in [0, 1], and so is their sum")
        if self.collapse < 0 or not 0 <= self.heed <= 1:
            raise ValueError("`collapse` is >= 0 and `heed` in [0, 1]")
        if self.duplicate_pool < 1:
            raise ValueError(f"duplicate_pool must be >= 1, and is {self.duplicate_pool}")
