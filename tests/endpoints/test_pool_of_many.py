"""Promises of a pool of several endpoints: all are used, and a trajectory keeps to one while it is well."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from builders.endpoints.base import Sampling
from builders.endpoints.connect import connect
from builders.endpoints.opening import opened_pool
from builders.endpoints.pool import Pool, Retries
from builders.endpoints.probe import AwayError
from builders.errors import UserError
from builders.testing import Fault, Latency, Simulation, simulated_endpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from builders.endpoints.base import Completion, Endpoint
    from builders.testing import SimulatedEndpoint

    Start = Callable[..., Awaitable[SimulatedEndpoint]]

QUICK = Retries(first_wait_s=0.001, longest_wait_s=0.05)
OTHER_SHA = "0dd0000000000000000000000000000000000002"
LATENCY = Latency(mean_s=0.02, sigma=0.3)


@pytest_asyncio.fixture
async def start() -> AsyncIterator[Start]:
    """Simulated endpoints that live until the test ends."""
    async with AsyncExitStack() as stack:

        async def serve(**settings: Any) -> SimulatedEndpoint:
            simulation = Simulation(**({"latency": LATENCY} | settings))
            return await stack.enter_async_context(simulated_endpoint(simulation))

        yield serve


async def ask(pool: Pool, trajectory: int, number: int = 0) -> Completion:
    sampling = Sampling(max_tokens=50, temperature=1.0, top_p=0.9, seed=1000 * trajectory + number)
    return await pool.chat([{"role": "user", "content": "What is a bond?"}], sampling, trajectory=trajectory)


async def run(pool: Pool, trajectory: int, calls: int) -> list[str]:
    """The endpoints that answered the calls of a trajectory, one after the other."""
    return [(await ask(pool, trajectory, number)).endpoint for number in range(calls)]


async def pool_of(*servers: SimulatedEndpoint, **settings: Any) -> Pool:
    opened = [await connect(server.url, number=n) for n, server in enumerate(servers, start=1)]
    return Pool(*opened, **({"retries": QUICK} | settings))


async def test_every_endpoint_is_used_as_much_as_it_takes(start: Start) -> None:
    servers = [await start(permits=permits) for permits in (2, 4, 10)]
    async with await pool_of(*servers) as pool:
        await asyncio.gather(*(run(pool, trajectory, 12) for trajectory in range(16)))
    assert [server.counts.most_in_flight for server in servers] == [2, 4, 10]
    assert sum(server.counts.answered for server in servers) == 16 * 12
    assert sum(server.counts.refused for server in servers) == 0


async def test_a_trajectory_keeps_to_one_endpoint_while_that_is_well(start: Start) -> None:
    servers = [await start(permits=8) for _ in range(3)]
    async with await pool_of(*servers) as pool:
        went = await asyncio.gather(*(run(pool, trajectory, 15) for trajectory in range(18)))
    assert all(len(set(urls)) == 1 for urls in went), "its prefix cache knows the conversation"
    homes = Counter(urls[0] for urls in went)
    assert set(homes) == {server.url for server in servers}


async def test_when_an_endpoint_dies_its_trajectories_move_and_nothing_is_lost(start: Start) -> None:
    dying, well = await start(permits=8), await start(permits=8)
    said: list[str] = []
    async with await pool_of(dying, well, say=said.append) as pool:
        running = [asyncio.create_task(run(pool, trajectory, 20)) for trajectory in range(12)]
        while dying.counts.answered < 30:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        await dying.stop()
        went = await asyncio.wait_for(asyncio.gather(*running), 20)
    assert all(len(urls) == 20 for urls in went)
    moved = [urls for urls in went if urls[0] == dying.url]
    assert moved
    assert all(urls[-1] == well.url for urls in moved)
    assert [line for line in said if line.startswith(f"{dying.url} is away")] == said


async def test_an_endpoint_that_comes_back_is_used_again(start: Start) -> None:
    leaving, well = await start(permits=8), await start(permits=2)
    said: list[str] = []
    async with await pool_of(leaving, well, say=said.append) as pool:
        await asyncio.gather(*(ask(pool, trajectory) for trajectory in range(8)))
        await leaving.stop()
        await asyncio.gather(*(ask(pool, trajectory, 1) for trajectory in range(8)))
        assert pool.concurrency == 2
        before = leaving.counts.answered
        await leaving.start()
        async with asyncio.timeout(10):
            while f"{leaving.url} is back" not in said:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await asyncio.gather(*(ask(pool, trajectory, 2) for trajectory in range(30)))
        assert leaving.counts.answered > before
        assert pool.concurrency == 10


async def test_an_endpoint_that_fails_every_call_while_it_says_that_it_is_well_is_left_alone(
    start: Start,
) -> None:
    broken, well = await start(permits=8, faults=(Fault("generation"),)), await start(permits=8)
    retries = Retries(first_wait_s=0.001, longest_wait_s=0.05, generation_failed=20)
    async with await pool_of(broken, well, retries=retries) as pool:
        went = await asyncio.gather(*(run(pool, trajectory, 10) for trajectory in range(12)))
    assert {url for urls in went for url in urls} == {well.url}
    assert broken.counts.requests <= 60, "120 calls, most of which it never heard of"


async def test_each_endpoint_gets_its_own_key_from_the_environment(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = [await start(permits=2, api_key=key) for key in ("common", "second", "common")]
    monkeypatch.setenv("METASYNTH_API_KEY", "common")
    monkeypatch.setenv("METASYNTH_API_KEY_2", "second")
    async with await pool_of(*servers) as pool:
        await asyncio.gather(*(ask(pool, trajectory) for trajectory in range(12)))
    assert all(server.counts.answered for server in servers)


async def test_endpoints_with_different_models_are_refused_unless_they_may_be_mixed(start: Start) -> None:
    servers = [await start(permits=2), await start(permits=2, model_sha=OTHER_SHA)]
    with pytest.raises(UserError, match=r"serve one model, or mix them with --allow-model-change"):
        await pool_of(*servers)
    async with await pool_of(*servers, allow_model_change=True) as pool:
        answers = await asyncio.gather(*(ask(pool, trajectory) for trajectory in range(12)))
    by = {(answer.endpoint, answer.model_sha) for answer in answers}
    assert by == {(server.url, server.simulation.model_sha) for server in servers}


# Endpoints that are away when the pool is opened


def opener(number: int, url: str) -> Awaitable[Endpoint]:
    return connect(url, number=number)


@pytest.mark.parametrize(
    ("settings", "used", "words"),
    [
        ({}, True, "is there"),
        ({"model_sha": OTHER_SHA}, False, "serve one model"),
        ({"max_total_tokens": 4096}, False, "its context is 4096 tokens"),
    ],
)
async def test_an_endpoint_that_is_away_at_first_is_used_when_it_is_there_and_fits(
    start: Start, settings: dict[str, Any], used: bool, words: str
) -> None:
    there, late = await start(permits=2), await start(permits=2, **settings)
    await late.stop()
    said: list[str] = []
    async with opened_pool([late.url, there.url], opener, say=said.append, retries=QUICK) as pool:
        await asyncio.gather(*(ask(pool, trajectory) for trajectory in range(4)))
        assert f"{late.url} is away" in said[0]
        await late.start()
        async with asyncio.timeout(10):
            while len(said) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await asyncio.gather(*(ask(pool, trajectory, 1) for trajectory in range(10, 20)))
    assert words in said[1]
    assert bool(late.counts.answered) == used


async def test_when_all_are_away_the_first_is_named(start: Start) -> None:
    servers = [await start(), await start()]
    for server in servers:
        await server.stop()
    with pytest.raises(AwayError, match=servers[0].url):
        async with opened_pool([server.url for server in servers], opener, say=print):
            pass
