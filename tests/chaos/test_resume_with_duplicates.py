"""Promise of resuming where a third of the documents repeats others: killed at any moments, it ends alike."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from console import run_builders
from ordeal import NAME, Ordeal, dataset

from builders.dataset.rows import BuildFacts
from builders.testing import Fault, Latency, Simulation, simulated_endpoint

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = 45
CALLS = 600
"""A build of so many documents makes rather more, since a third is refused."""

KILLS = 3
ARGUMENTS = ("--documents", f"{DOCUMENTS}")
FAULTS = (
    Fault("incomplete_generation", share=0.02),
    Fault("drop", share=0.02),
    Fault("overloaded", share=0.02),
)


def simulation(**settings: Any) -> Simulation:
    """A third of its documents nearly repeats one of three."""
    return Simulation(duplicate_share=0.34, duplicate_pool=3, told_time_s=0.1, **settings)


async def test_killed_at_random_moments_it_refuses_the_same_repetitions_and_asks_nothing_twice(
    tmp_path: Path, record_property: Any
) -> None:
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    calm.mkdir()
    rough.mkdir()
    async with simulated_endpoint(simulation()) as server:
        words = ("build", NAME, "--protocol", "guided", "--endpoint", server.url, *ARGUMENTS)
        ended = await run_builders(*words, folder=calm)
        assert ended.code == 0, ended.err
    facts = BuildFacts.model_validate_json((calm / NAME / "build.json").read_text())
    refused = facts.dropped["near-duplicate"] / facts.attempts
    print(f"{refused:.0%} of {facts.attempts} attempts were near-duplicates")
    assert facts.documents == DOCUMENTS
    assert 0.25 <= refused <= 0.4

    moments = sorted(random.sample(range(20, CALLS), KILLS))  # another draw in every run
    record_property("killed when so many calls were recorded", moments)
    print(f"killed when so many calls were recorded: {moments}")
    slow = Latency(mean_s=0.01, sigma=0.6)
    async with simulated_endpoint(simulation(seed=moments[0], latency=slow, faults=FAULTS)) as server:
        ordeal = Ordeal(rough, [server], ARGUMENTS)
        await ordeal.survive(moments)
        assert (ordeal.kills, ordeal.stops) == (KILLS, [])
        assert ordeal.asked_again() == 0
        assert ordeal.paid_twice() == 0
    assert dataset(rough / NAME) == dataset(calm / NAME)
