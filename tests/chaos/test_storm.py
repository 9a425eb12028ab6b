"""Promises in a storm of refusals (429) from every endpoint: it is sat out, without spinning."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
from console import run_builders
from ordeal import NAME

from builders.endpoints.base import Sampling
from builders.endpoints.connect import connect
from builders.endpoints.pool import Pool
from builders.testing import Fault, Latency, Simulation, simulated_endpoint

if TYPE_CHECKING:
    from pathlib import Path

    from builders.testing import SimulatedEndpoint

CALM_S = 4.0
PERMITS = 16
ENDPOINTS = 2
LATENCY = Latency(mean_s=0.2, sigma=0.6)


async def ask_all_the_time(pool: Pool, *, until: float) -> list[float]:
    """More asking than all endpoints take, without a pause; the moments of the answers."""
    answers: list[float] = []

    async def ask(asker: int) -> None:
        number = 0
        while time.monotonic() < until:
            sampling = Sampling(max_tokens=50, temperature=1.0, top_p=0.9, seed=1_000_000 * asker + number)
            await pool.chat([{"role": "user", "content": "What is a bond?"}], sampling, trajectory=asker)
            answers.append(time.monotonic())
            number += 1

    await asyncio.gather(*(ask(asker) for asker in range(2 * ENDPOINTS * PERMITS)))
    return answers


@pytest.mark.parametrize(
    ("storm_s", "back_s", "told"),
    [
        (6.0, 4.0, False),
        pytest.param(30.0, 10.0, True, marks=pytest.mark.slow),
        pytest.param(30.0, 10.0, False, marks=pytest.mark.slow),
    ],
)
async def test_a_storm_does_not_spin_and_throughput_is_back_soon_after(
    storm_s: float, back_s: float, told: bool
) -> None:
    storm = Fault("overloaded", after_s=CALM_S, for_s=storm_s)
    async with AsyncExitStack() as stack:
        servers: list[SimulatedEndpoint] = []
        for seed in range(ENDPOINTS):
            settings = Simulation(
                seed=seed, permits=PERMITS, tell_limit=told, latency=LATENCY, faults=(storm,)
            )
            servers.append(await stack.enter_async_context(simulated_endpoint(settings)))
        began = time.monotonic()
        pool = await stack.enter_async_context(Pool(*[await connect(server.url) for server in servers]))
        over = began + CALM_S + storm_s
        answers = await ask_all_the_time(pool, until=over + back_s + 2.0)

    def rate(since: float, until: float) -> float:
        return sum(since <= at < until for at in answers) / (until - since)

    before, after = rate(began + CALM_S - 2, began + CALM_S), rate(over + back_s, over + back_s + 2)
    refused = sum(server.counts.faults["overloaded"] for server in servers)
    calls_per_s = (refused - ENDPOINTS * PERMITS) / storm_s / ENDPOINTS
    print(f"{refused} calls in {storm_s:.0f} s of storm, after the first {calls_per_s:.1f} a second each")
    print(f"{before:.0f} answers a second before, {after:.0f} from {back_s:.0f} s after its end")
    assert calls_per_s <= 2
    assert after >= 0.9 * before


@pytest.mark.slow
async def test_a_build_survives_half_a_minute_of_refusals(tmp_path: Path) -> None:
    storm = Fault("overloaded", after_s=4.0, for_s=30.0)
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(
                simulated_endpoint(Simulation(seed=seed, permits=8, latency=LATENCY, faults=(storm,)))
            )
            for seed in range(3)
        ]
        urls = [word for server in servers for word in ("--endpoint", server.url)]
        ended = await run_builders("build", NAME, "--documents", "200", *urls, folder=tmp_path)
        assert ended.code == 0, ended.err
        assert ended.out.startswith("200 documents")
        refused = [server.counts.faults["overloaded"] for server in servers]
        print(f"{refused} calls of three endpoints in 30 s of storm")
        assert max(refused) <= 2 * 30
        assert sum(server.log.repeated for server in servers) == 0
