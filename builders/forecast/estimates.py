"""Every quantity of a build with its interval, from the probes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builders.forecast.course import Course, Setting, course
from builders.forecast.interval import Spread, wilson
from builders.forecast.prices import Mix, ahead, paid
from builders.forecast.probe import total
from builders.forecast.records import Range

if TYPE_CHECKING:
    from collections.abc import Callable

    from builders.corpora.base import Corpus
    from builders.forecast.probe import Probe
    from builders.journal import Price
    from builders.trajectories import Target

MOST_REPEATS = 0.9
MOST_GROWTH = 2.0
"""The share of repetitions in a build, in terms of that at the end of its probes, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of a build when its probes have run.

    Attributes:
        corpus: the corpus, for its limits.
        target: how much is to be accepted.
        probes: the first trajectories, whole, with at least one accepted document among them.
        refused: documents of the probes that repeat earlier ones.
        places: calls that each endpoint takes at once, by base URL.
        concurrency: calls that all take at once.
        client_s: seconds that the client itself works for a call.
        prices: by the endpoint's base URL.
    """

    corpus: Corpus
    target: Target
    probes: list[Probe]
    refused: int
    places: dict[str, int]
    concurrency: int
    client_s: float
    prices: dict[str, Price]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """The whole build; `hours` are those after the probes."""

    trajectories: int
    documents: Range
    calls: Range
    prompt_tokens: Range
    completion_tokens: Range
    tokens: Range
    hours: Range
    money: Range | None
    acceptance: Range


@dataclass(frozen=True, slots=True, kw_only=True)
class _Courses:
    """The build as expected: from all probes, without each in turn, with fewer and with more repeats."""

    whole: Course
    without: list[Course]
    fewer: Course
    more: Course
    ahead: float

    def range(self, quantity: Callable[[Course], float], *, paid: float = 0.0, shift: float = 0.0) -> Range:
        """A quantity with its interval; `paid` is certain, and it may well be larger by `shift`."""
        value = quantity(self.whole)
        low, high = Spread(
            value=value,
            without=[quantity(course) for course in self.without],
            ahead=self.ahead,
            shifts=(quantity(self.fewer) - value, quantity(self.more) - value, shift),
            paid=paid,
        ).ends()
        return Range(expected=value, low=low, high=high)


def estimate(evidence: Evidence) -> Estimates:
    """Forecast the build; see :mod:`builders.forecast.course` and :mod:`builders.forecast.interval`."""
    courses = _courses(evidence)
    spent = total(probe.spend for probe in evidence.probes)
    accepted = sum(probe.accepted for probe in evidence.probes)
    idle_hours = spent.seconds / len(evidence.probes) / 2 / 3600  # the last trajectories end at any time
    acceptance = courses.range(lambda course: course.acceptance)
    return Estimates(
        trajectories=courses.whole.trajectories,
        documents=courses.range(lambda course: course.documents, paid=accepted),
        calls=courses.range(lambda course: course.spend.calls, paid=spent.calls),
        prompt_tokens=courses.range(lambda course: course.spend.prompt, paid=spent.prompt),
        completion_tokens=courses.range(lambda course: course.spend.completion, paid=spent.completion),
        tokens=courses.range(lambda course: course.spend.tokens, paid=spent.tokens),
        hours=courses.range(lambda course: course.hours, shift=idle_hours),
        money=_money(evidence, courses) if evidence.prices else None,
        acceptance=acceptance.model_copy(update={"high": min(1.0, acceptance.high)}),
    )


def _courses(evidence: Evidence) -> _Courses:
    probes = evidence.probes
    expected, fewer, more = (
        Setting(
            corpus=evidence.corpus,
            target=evidence.target,
            concurrency=evidence.concurrency,
            client_s=evidence.client_s,
            repeats=min(share, MOST_REPEATS),
        )
        for share in _repeats(evidence)
    )
    others = [probes[:place] + probes[place + 1 :] for place in range(len(probes))]
    whole = course(probes, probes, expected)
    accepted = sum(probe.accepted for probe in probes)
    return _Courses(
        whole=whole,
        without=[course(probes, rest, expected) for rest in others if any(probe.accepted for probe in rest)],
        fewer=course(probes, probes, fewer),
        more=course(probes, probes, more),
        ahead=max(0.0, whole.documents - accepted) / (accepted / len(probes)),
    )


def _repeats(evidence: Evidence) -> tuple[float, float, float]:
    """Share of the documents to come that repeat others: expected, and the ends of its interval.

    Were repetitions pairs that meet by chance, the share would grow in proportion to the documents there
    are, from 2c/n at the end of n documents with c repetitions; where they come from a few themes it soon
    grows no more. It is taken to grow with the root of the mean size of the corpus ahead, at most twofold.
    2c/n is read as (2c + 1/2) / (n + 1), after Jeffreys: that none was seen does not mean that none come.
    """
    finished = sum(step.document for probe in evidence.probes for step in probe.steps)
    accepted = sum(probe.accepted for probe in evidence.probes)
    tokens = sum(probe.tokens for probe in evidence.probes)
    wanted = evidence.target.documents or (evidence.target.tokens or 0) * accepted / max(tokens, 1)
    growth = max(1.0, min(MOST_GROWTH, math.sqrt((wanted + accepted) / (2 * accepted))))
    if not evidence.refused and not evidence.corpus.near_duplicate_threshold:
        return 0.0, 0.0, 0.0  # nothing is looked for but equal texts
    alike = 2 * evidence.refused
    low, high = wilson(alike, finished)
    return growth * (alike + 0.5) / (finished + 1), low, growth * high


def _money(evidence: Evidence, courses: _Courses) -> Range:
    """Ends as if all that is to come went to the cheapest, and to the dearest endpoint."""
    mix = Mix(prices=evidence.prices, places=evidence.places)
    spent = paid(evidence.probes, evidence.prices)

    def money(course: Course) -> float:
        return spent + mix.of(ahead(course.spend, evidence.probes))

    found = courses.range(money, paid=spent)
    least, most = mix.span(ahead(courses.whole.spend, evidence.probes))
    return found.model_copy(
        update={"low": spent + (found.low - spent) * least, "high": spent + (found.high - spent) * most}
    )
