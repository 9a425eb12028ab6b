"""The course of a build as its probes let expect it: the build's own schedule, with expected outcomes.

A document costs the more the later it comes in its trajectory, since the instance table is part of the
prompts. So costs are means by place: of the attempts at the first document of a trajectory, at the
second, and so on; with them the share of such attempts that bring a document. A trajectory that owes
few documents, made for those that others fell short of, is therefore expected to be a cheap one.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builders.forecast.probe import Spend, total
from builders.trajectories import rehearse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builders.corpora.base import Corpus
    from builders.forecast.probe import Probe
    from builders.trajectories import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is known of a build beside its probes.

    Attributes:
        corpus: the corpus, for its limits.
        target: how much is to be accepted.
        concurrency: calls in flight at once.
        client_s: seconds that the client itself works for a call; it does one thing at a time.
        repeats: share of the documents to come that will repeat earlier ones, in [0, 1).
    """

    corpus: Corpus
    target: Target
    concurrency: int
    client_s: float
    repeats: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a build goes: what it spends in all, its probes included.

    Attributes:
        spend: in all.
        documents: accepted.
        trajectories: run.
        hours: of the work that comes after the probes.
    """

    spend: Spend
    documents: int
    trajectories: int
    hours: float

    @property
    def acceptance(self) -> float:
        """Share of the attempts that end as documents of the corpus."""
        return self.documents / self.spend.attempts


class Expectation:
    """What a further trajectory is expected to take and to bring.

    Args:
        probes: at least one, with at least one document among them.
        repeats: share of documents that repeat earlier ones.
    """

    def __init__(self, probes: Sequence[Probe], *, repeats: float) -> None:
        self._places = _by_place(probes)
        self._repeats = repeats
        self._known: dict[int, tuple[Spend, float]] = {}
        accepted = sum(probe.accepted for probe in probes)
        self.document_tokens = sum(probe.tokens for probe in probes) / max(accepted, 1)
        mean_s = sum(probe.spend.seconds for probe in probes) / len(probes)
        self.paces = [probe.spend.seconds / mean_s if mean_s else 1.0 for probe in probes]

    def trajectory(self, quota: int) -> tuple[Spend, float]:
        """What one that owes so many documents takes, and documents accepted of it."""
        if quota not in self._known:
            spend, reached, documents = Spend(), 1.0, 0.0
            for place in range(quota):
                cost, success = self._places[min(place, len(self._places) - 1)]
                spend += cost.times(reached)
                reached *= success
                documents += reached
            self._known[quota] = spend, documents * (1 - self._repeats)
        return self._known[quota]


def _by_place(probes: Sequence[Probe]) -> list[tuple[Spend, float]]:
    """Mean cost of each document of a trajectory, and the share of trajectories that get it."""
    costs: list[list[Spend]] = []
    gained: list[int] = []
    for probe in probes:
        place, spent = 0, Spend()
        for number, step in enumerate(probe.steps, start=1):
            spent += step.spend
            if step.document or number == len(probe.steps):
                if place == len(costs):
                    costs.append([])
                    gained.append(0)
                costs[place].append(spent)
                gained[place] += step.document
                place, spent = place + 1, Spend()
    return [
        (total(spends).times(1 / len(spends)), documents / len(spends))
        for spends, documents in zip(costs, gained, strict=True)
    ]


def course(probes: Sequence[Probe], judged_by: Sequence[Probe], setting: Setting) -> Course:
    """Rehearse a build that begins with `probes` and goes on as those in `judged_by` let expect."""
    expected = Expectation(judged_by, repeats=setting.repeats)
    spends = [probe.spend for probe in probes]
    places = [0.0] * setting.concurrency  # when each is free again, in seconds
    settled_s = [0.0]  # when so many trajectories are settled
    documents, over = 0, 0.0

    def outcome(trajectory: int, quota: int, taken_on: int) -> tuple[int, int]:
        nonlocal documents, over
        if trajectory < len(probes):
            accepted, tokens, took_s = probes[trajectory].accepted, probes[trajectory].tokens, 0.0
        else:
            spend, yielded = expected.trajectory(quota)
            spends.append(spend)
            accepted = int(yielded + over)
            over += yielded - accepted
            tokens = round(accepted * expected.document_tokens)
            took_s = spend.seconds * expected.paces[trajectory % len(expected.paces)]
        begins_s = max(heapq.heappop(places), settled_s[taken_on])
        heapq.heappush(places, begins_s + took_s)
        settled_s.append(max(settled_s[-1], begins_s + took_s))
        documents += accepted
        return accepted, tokens

    quotas = rehearse(setting.target, setting.corpus, outcome)
    spend = total(spends)
    client_s = setting.client_s * total(spends[len(probes) :]).calls
    return Course(
        spend=spend,
        documents=documents,
        trajectories=len(quotas),
        hours=max(settled_s[-1], client_s) / 3600,
    )
