"""Promises of the simulated endpoint's admission: so many at once and no more, whatever happens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest

from builders.endpoints.errors import EndpointError, Overloaded, Unavailable
from builders.endpoints.probe import probe
from builders.testing import Fault, Latency
from builders.testing.permits import Permits

if TYPE_CHECKING:
    from conftest import Client, Simulate

    from builders.testing import SimulatedEndpoint

SLOW = Latency(mean_s=0.2)


async def gauge(server: SimulatedEndpoint, name: str) -> float:
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/metrics") as response:
        lines = (await response.text()).splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


async def ask_all(client: Client, count: int) -> list[object]:
    return await asyncio.gather(*(client.ask(number) for number in range(count)), return_exceptions=True)


async def test_one_more_than_the_permits_is_refused_at_once(simulate: Simulate) -> None:
    server, client = await simulate(permits=4, latency=SLOW)
    loop = asyncio.get_running_loop()
    four = asyncio.create_task(ask_all(client, 4))
    await asyncio.sleep(0.1)
    began = loop.time()
    with pytest.raises(Overloaded):
        await client.ask(99)
    assert loop.time() - began < 0.05
    assert not any(isinstance(answer, EndpointError) for answer in await four)
    assert (server.counts.refused, server.counts.answered, server.counts.most_in_flight) == (1, 4, 4)


async def test_whoever_asks_again_on_its_answer_is_admitted(simulate: Simulate) -> None:
    server, client = await simulate(permits=3)

    async def one_after_another(start: int) -> None:
        for number in range(start, start + 100):
            await client.ask(number)

    await asyncio.gather(*(one_after_another(1000 * worker) for worker in range(3)))
    assert (server.counts.refused, server.counts.answered) == (0, 300)


async def test_permits_change_while_it_runs(simulate: Simulate) -> None:
    server, client = await simulate(permits=2, latency=SLOW)
    server.set_permits(5)
    assert sum(isinstance(answer, Overloaded) for answer in await ask_all(client, 7)) == 2
    server.set_permits(1)
    assert sum(isinstance(answer, Overloaded) for answer in await ask_all(client, 7)) == 6
    assert (await probe(server.url, api_key=None)).max_concurrent_requests == 1


async def test_permits_change_from_another_process_too(simulate: Simulate) -> None:
    server, client = await simulate(permits=2)
    await client.ask()
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{server.url}/simulation", json={"permits": 7}) as response:
            assert (await response.json())["answered"] == 1
        async with session.post(f"{server.url}/simulation", json={"permits": "many"}) as response:
            assert response.status == 422
    assert server.simulation.permits == 7


async def test_with_a_queue_nobody_is_refused_and_its_length_is_told(simulate: Simulate) -> None:
    server, client = await simulate(permits=2, queue=True, latency=Latency(mean_s=0.1))
    answers = asyncio.create_task(ask_all(client, 6))
    await asyncio.sleep(0.05)
    assert await gauge(server, "tgi_queue_size") == 4
    assert await gauge(server, "tgi_batch_current_size") == 2
    assert not any(isinstance(answer, Exception) for answer in await answers)
    assert (server.counts.refused, server.counts.most_in_flight) == (0, 2)
    assert await gauge(server, "tgi_request_success") == 6


async def test_a_client_that_leaves_gives_its_permit_back(simulate: Simulate) -> None:
    server, client = await simulate(permits=1, faults=(Fault("hang", requests=range(1)),), timeout_s=0.2)
    with pytest.raises(Unavailable):
        await client.ask()
    await asyncio.sleep(0.05)
    assert (await client.ask()).text
    assert server.counts.left == 1


@pytest.mark.parametrize(("tell", "told"), [(True, 64), (False, None), (500, 500)])
async def test_the_limit_is_told_or_another_or_none(
    simulate: Simulate, tell: bool | int, told: int | None
) -> None:
    server, _ = await simulate(tell_limit=tell)
    assert (await probe(server.url, api_key=None)).max_concurrent_requests == told


async def test_whoever_waits_and_leaves_takes_no_permit_away() -> None:
    permits = Permits(1)
    assert permits.take()
    leaving = asyncio.create_task(permits.wait())
    granted = asyncio.create_task(permits.wait())
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    permits.give_back()
    granted.cancel()  # with the permit in its hands, before it could run
    await asyncio.gather(leaving, granted, return_exceptions=True)
    assert (permits.held, permits.waiting) == (0, 0)
    assert permits.take()
