"""Promises of a plan: its probes are the build's own, and its interval holds what the build then spends."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from builders.build import BuildRequest, build
from builders.corpora.base import Corpus
from builders.corpora.registry import find_corpus
from builders.errors import UserError
from builders.forecast import Evidence, Forecast, Probe, Range, Spend, Step, estimate
from builders.forecast.interval import student_t, wilson
from builders.journal import Journal, Price
from builders.plan import plan
from builders.testing import Latency, Simulation, simulated_endpoint
from builders.trajectories import Target, opening_quotas, rehearse

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = range(700, 710)
MUST_COVER = 8
UNEVEN = Simulation(
    latency=Latency(mean_s=0.002, sigma=0.6, per_token_s=0.0001), reject_share=0.2, duplicate_share=0.1
)
TWO_EXPERTS = find_corpus("metasynth-biomed").model_copy(
    update={"documents_per_trajectory": 4, "experts": ("Domain Expert", "Summarizer Expert")}
)


class Silent:
    """Shows nothing of a build."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


@dataclass(frozen=True, kw_only=True)
class Planned:
    forecast: Forecast
    tokens: int
    calls: int


async def planned_and_built(corpus: Corpus, target: Target, *, seed: int, folder: Path) -> Planned:
    """A plan, and what the build then spent in all, which asked nothing that the plan had asked."""
    async with simulated_endpoint(replace(UNEVEN, seed=seed)) as server:
        request = BuildRequest(
            corpus=corpus, target=target, seed=seed, folder=folder, endpoints=(server.url,), protocol="guided"
        )
        forecast = await plan(request, Silent())
        await build(request, Silent())
        assert server.log.repeated == 0
    journal = Journal(folder / ".journal")
    calls, prompt, completion = journal.spent()
    journal.close()
    return Planned(forecast=forecast, tokens=prompt + completion, calls=calls)


async def covered(corpus: Corpus, target: Target, folder: Path) -> int:
    """Of ten builds with different seeds, those that spend what the interval for tokens holds."""
    hits = 0
    for seed in SEEDS:
        done = await planned_and_built(corpus, target, seed=seed, folder=folder / f"{seed}")
        found = done.forecast.tokens
        hit = found.low <= done.tokens <= found.high
        hits += hit
        print(
            f"seed {seed}: {done.tokens:,} tokens in {found.low:,.0f} to {found.high:,.0f} "
            f"({found.low / found.expected - 1:+.1%} to {found.high / found.expected - 1:+.1%}): "
            f"{'covered' if hit else 'missed'}"
        )
    print(f"{hits} of {len(SEEDS)} covered")
    return hits


async def test_the_interval_for_tokens_holds_what_the_build_spends(tmp_path: Path) -> None:
    assert await covered(TWO_EXPERTS, Target(documents=72), tmp_path) >= MUST_COVER


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("metasynth-biomed", Target(documents=150)),
        ("template-biomed", Target(documents=300)),
        ("template-finance", Target(tokens=60_000)),
    ],
    ids=str,
)
async def test_the_interval_holds_for_whole_corpora(tmp_path: Path, name: str, target: Target) -> None:
    assert await covered(find_corpus(name), target, tmp_path) >= MUST_COVER


# The probes are the build's own


async def test_a_planned_build_asks_what_an_unplanned_one_asks_and_ends_at_the_same_bytes(
    tmp_path: Path,
) -> None:
    asked: dict[str, int] = {}
    for name in ("planned", "at once"):
        async with simulated_endpoint(Simulation(reject_share=0.2, told_time_s=0.1)) as server:
            request = BuildRequest(
                corpus=TWO_EXPERTS,
                target=Target(documents=30),
                seed=3,
                folder=tmp_path / name,
                endpoints=(server.url,),
            )
            if name == "planned":
                forecast = await plan(request, Silent())
                assert forecast.probes.calls_asked == server.counts.answered
                again = await plan(request, Silent())
                assert again.probes.calls_asked == 0
                assert again.tokens == forecast.tokens
                assert 0 < forecast.probes.calls < forecast.calls.low
            await build(request, Silent())
            assert server.log.repeated == 0
            asked[name] = server.counts.answered
    assert asked["planned"] == asked["at once"]
    files = [
        {
            path.name: path.read_bytes()
            for path in sorted((tmp_path / name / "data").iterdir())
            if path.suffix == ".parquet"
        }
        for name in asked
    ]
    assert files[0]
    assert files[0] == files[1]


@pytest.mark.parametrize(
    "target", [Target(documents=7), Target(documents=333), Target(tokens=90_000)], ids=str
)
def test_probes_owe_what_the_build_lets_them_owe(target: Target) -> None:
    opening = opening_quotas(target, TWO_EXPERTS)

    rehearsed = rehearse(target, TWO_EXPERTS, lambda _, quota, __: (max(quota - 1, 1), 180))

    assert rehearsed[: len(opening)] == opening


async def test_a_model_that_writes_nothing_acceptable_is_told_so(tmp_path: Path) -> None:
    async with simulated_endpoint(Simulation(reject_share=1.0)) as server:
        request = BuildRequest(
            corpus=TWO_EXPERTS,
            target=Target(documents=72),
            seed=0,
            folder=tmp_path,
            endpoints=(server.url,),
        )
        with pytest.raises(UserError, match=r"none of 6 probes brought a document .*too-short"):
            await plan(request, Silent())


# Forecasts from made-up probes

CORPUS = Corpus(
    name="made-up",
    domain="biomed",
    documents_per_trajectory=5,
    min_trajectories=4,
    near_duplicate_threshold=None,
)
URL = "http://127.0.0.1:1"


def step(tokens: float, *, document: bool = True, seconds: float = 10.0, url: str = URL) -> Step:
    spend = Spend(attempts=1, calls=10, prompt=0.9 * tokens, completion=0.1 * tokens, seconds=seconds)
    split = (round(spend.prompt), round(spend.completion))
    return Step(spend=spend, document=document, accepted=document, tokens=200, by_endpoint={url: split})


def trajectory(scale: float = 1.0) -> Probe:
    """Five documents, each dearer by a tenth than the one before."""
    return Probe(quota=5, steps=tuple(step(1_000 * scale * (1 + place / 10)) for place in range(5)))


def evidence(probes: list[Probe], **changed: Any) -> Evidence:
    values: dict[str, Any] = {
        "corpus": CORPUS,
        "target": Target(documents=100),
        "refused": 0,
        "places": {URL: 4},
        "concurrency": 4,
        "client_s": 0.0,
        "prices": {},
    }
    return Evidence(probes=probes, **{**values, **changed})


def test_a_build_like_its_probes_costs_as_many_times_as_much() -> None:
    found = estimate(evidence([trajectory()] * 4))

    assert found.trajectories == 20
    assert found.tokens.expected == pytest.approx(20 * 6_000)
    assert found.tokens.low == pytest.approx(20 * 6_000)
    assert found.calls.expected == pytest.approx(20 * 50)
    assert found.acceptance.expected == 1.0
    assert found.hours.expected == pytest.approx(16 * 50 / 4 / 3600), "16 further ones, four at once"


def test_what_trajectories_fall_short_of_is_made_by_short_and_cheap_ones() -> None:
    failing = Probe(quota=5, steps=(*trajectory().steps[:4], step(1_400, document=False)))

    found = estimate(evidence([failing, trajectory()] * 2))

    lost = 8 * 1 + 2  # half of the 16 to come lose a document, and two of the probes did
    assert found.documents.expected == 100
    assert found.trajectories == 20 + lost
    assert found.tokens.expected == pytest.approx(20 * 6_000 + lost * 1_000, rel=0.01)


def test_the_interval_grows_with_what_differs_between_probes() -> None:
    def width(*scales: float) -> float:
        tokens = estimate(evidence([trajectory(scale) for scale in scales])).tokens
        return (tokens.expected - tokens.low) / tokens.expected

    assert width(0.99, 1, 1.01, 1) < width(0.9, 1, 1.1, 1) / 5
    assert width(0.9, 1.1) > 2 * width(0.9, 1.1, 0.9, 1.1, 0.9, 1.1), "two probes tell little"


def test_the_interval_covers_as_often_as_it_says() -> None:
    chance = random.Random(7)
    hits, rounds = 0, 300
    for _ in range(rounds):
        scales = [math.exp(chance.gauss(0, 0.3)) for _ in range(20)]
        tokens = estimate(evidence([trajectory(scale) for scale in scales[:6]])).tokens
        hits += tokens.low <= sum(6_000 * scale for scale in scales) <= tokens.high
    assert 0.90 <= hits / rounds <= 0.99


def test_a_build_that_its_probes_finish_costs_what_they_cost() -> None:
    probes = [trajectory(0.8), trajectory(1.2)]

    found = estimate(
        evidence(
            probes,
            corpus=CORPUS.model_copy(update={"min_trajectories": 1}),
            target=Target(documents=10),
        )
    )

    assert found.tokens == Range(expected=found.tokens.low, low=found.tokens.low, high=found.tokens.high)
    assert found.tokens.high == pytest.approx(12_000)
    assert found.hours.expected == 0


def test_repetitions_among_the_probes_widen_the_interval_upwards() -> None:
    probes = [trajectory(scale) for scale in (0.98, 1, 1.02, 1)]
    repeating = replace(probes[0], steps=(*probes[0].steps[:4], replace(probes[0].steps[4], accepted=False)))

    calm, uneasy = estimate(evidence(probes)), estimate(evidence([repeating, *probes[1:]], refused=1))

    assert uneasy.tokens.expected > calm.tokens.expected
    assert uneasy.tokens.high - uneasy.tokens.expected > calm.tokens.high - calm.tokens.expected
    assert uneasy.acceptance.expected < calm.acceptance.expected


def test_money_spans_from_the_cheapest_to_the_dearest_endpoint() -> None:
    other = "http://127.0.0.1:2"
    prices = {URL: Price(prompt=1, completion=1), other: Price(prompt=3, completion=3)}

    found = estimate(evidence([trajectory()] * 4, prices=prices, places={URL: 30, other: 10}))

    spent, ahead = 4 * 6_000 / 1e6, 16 * 6_000 / 1e6
    assert found.money is not None
    assert found.money.expected == pytest.approx(spent + ahead * 1.5, rel=1e-3)
    assert found.money.low == pytest.approx(spent + ahead, rel=1e-3)
    assert found.money.high == pytest.approx(spent + ahead * 3, rel=1e-3)


def test_the_clients_own_work_bounds_the_pace() -> None:
    found = estimate(evidence([trajectory()] * 4, concurrency=1000, client_s=1.0))

    assert found.hours.expected == pytest.approx(16 * 50 / 3600)


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.7062), (2, 4.30265), (3, 3.18245), (5, 2.57058), (8, 2.30600), (31, 2.03951), (100, 1.98397)],
)
def test_students_t_is_that_of_the_tables(freedom: int, quantile: float) -> None:
    assert student_t(freedom) == pytest.approx(quantile, abs=1e-4)


def test_wilsons_interval_is_that_of_the_literature() -> None:
    """Newcombe (1998), table I: 81 of 263, and 0 of 20."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
