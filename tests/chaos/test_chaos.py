"""Promises in chaos: whatever fails, and however often it is killed, a build ends at what was asked for.

Three endpoints, of which one dies for good, one comes back and one returns with another model; every
fault that the simulation knows; and SIGKILL at three random moments. `make chaos` does it with twenty
random seeds, or with that of a failure: `METASYNTH_CHAOS_SEED=... make chaos`.
"""

from __future__ import annotations

import os
import random
import shutil
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, get_args

import pytest
from console import run_builders
from ordeal import NAME, Ordeal, dataset

from builders.dataset.rows import BuildFacts
from builders.testing import Fault, FaultKind, Latency, Simulation, simulated_endpoint

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = 300
CALLS = 3_000
"""A build of so many documents makes rather more."""

KILLS = 3
FIXED_SEEDS = (1,)
OTHER_SHA = "0dd0000000000000000000000000000000000002"
ARGUMENTS = ("--documents", f"{DOCUMENTS}", "--allow-model-change", "--answer-timeout", "2")

_told = os.environ.get("METASYNTH_CHAOS_SEED")
RANDOM_SEEDS = [int(_told)] if _told else [random.randrange(2**32) for _ in range(20)]

ON_SINGLE_REQUESTS = (
    "overloaded",
    "generation",
    "incomplete_generation",
    "unavailable",
    "bad_request",
    "drop",
    "drop_midway",
    "hang",
    "hang_midway",
    "truncated",
    "invalid_json",
    "empty",
)


def schedule(seed: int) -> tuple[list[Simulation], list[int]]:
    """What the three endpoints do, and when the build is killed, in answered calls."""
    chance = random.Random(seed)
    latency = Latency(mean_s=0.03, sigma=0.6)
    storms = tuple(
        Fault("overloaded", after_s=chance.uniform(*span), for_s=1.5) for span in ((3, 5), (8, 10))
    )

    def some(least: int, most: int) -> range:
        first = chance.randrange(least, most)
        return range(first, first + chance.randint(1, 3))

    def single() -> tuple[Fault, ...]:
        return tuple(Fault(kind, requests=some(20, 400)) for kind in ON_SINGLE_REQUESTS)  # type: ignore[arg-type]

    def one(first: int) -> range:
        return range(first, first + 1)

    endpoints = [
        (*storms, Fault("down", requests=one(chance.randrange(100, 500)))),
        (
            *single(),
            *storms,
            # so early that its other model writes documents, too
            Fault("restart", requests=one(chance.randrange(50, 250)), model_sha=OTHER_SHA),
            Fault("unavailable", after_s=chance.uniform(6, 8), for_s=1.0),
        ),
        (
            Fault("unauthorized", requests=one(chance.randrange(100, 500))),  # first: nothing hides it
            *single(),
            *storms,
            Fault("down", requests=one(chance.randrange(100, 500)), for_s=2.0),
        ),
    ]
    simulations = [
        Simulation(seed=chance.randrange(2**31), permits=permits, latency=latency, faults=faults)
        for permits, faults in zip((16, 8, 24), endpoints, strict=True)
    ]
    return simulations, sorted(chance.sample(range(50, CALLS), KILLS))


async def endure(seed: int, folder: Path) -> None:
    """Build in chaos, and hold the promises."""
    simulations, moments = schedule(seed)
    print(f"seed {seed}: killed when {moments} calls are recorded")
    rough, calm = folder / "rough", folder / "calm"
    rough.mkdir()
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(simulated_endpoint(each)) for each in simulations]
        ordeal = Ordeal(rough, servers, ARGUMENTS)
        await ordeal.survive(moments)
        print(f"seed {seed}: stopped {len(ordeal.stops)} times; {dict(ordeal.faults)}")

        assert ordeal.kills == KILLS
        missed = set(get_args(FaultKind)) - set(ordeal.faults)
        assert not missed, f"faults that did not happen: {missed}"
        assert not servers[0].running, "the first endpoint died for good"
        assert len(ordeal.stops) <= ordeal.faults["unauthorized"], ordeal.stops
        assert all("run `builders build " in stop for stop in ordeal.stops), ordeal.stops
        assert ordeal.asked_again() == 0, "an answered call was asked again"
        assert ordeal.paid_twice() == 0
        print(f"seed {seed}: {len(ordeal.lost)} answers were lost in flight when it was killed")
        assert ordeal.lost_by_stops == 0
        assert len(ordeal.lost) <= KILLS * sum(each.permits for each in simulations)

    facts = BuildFacts.model_validate_json((rough / NAME / "build.json").read_text())
    assert facts.documents == DOCUMENTS
    assert len(accepted(rough / NAME)) == DOCUMENTS
    assert set(accepted(rough / NAME)) == {simulations[1].model_sha, OTHER_SHA}, "both models wrote"

    shutil.copytree(rough / NAME / ".journal", calm / NAME / ".journal")
    async with simulated_endpoint(Simulation()) as server:
        words = ("build", NAME, "--protocol", "guided", "--endpoint", server.url, *ARGUMENTS[:2])
        ended = await run_builders(*words, folder=calm)
        assert ended.code == 0, ended.err
        assert server.counts.requests == 0, "the journal holds every answer"
    assert dataset(calm / NAME) == dataset(rough / NAME)


def accepted(folder: Path) -> list[str]:
    """The revision that wrote each document."""
    import pyarrow.parquet as parquet

    shards = sorted((folder / "data").glob("*.parquet"))
    return [sha for shard in shards for sha in parquet.read_table(shard)["model_sha"].to_pylist()]


@pytest.mark.parametrize("seed", FIXED_SEEDS)
async def test_a_build_in_chaos_ends_exactly_and_pays_for_no_answer_twice(seed: int, tmp_path: Path) -> None:
    await endure(seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", RANDOM_SEEDS)
async def test_so_it_does_with_any_seed(seed: int, tmp_path: Path) -> None:
    await endure(seed, tmp_path)
