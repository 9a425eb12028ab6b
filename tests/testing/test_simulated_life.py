"""Promises of the simulated endpoint's life: it dies and comes back at the same address, and counts on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest

from builders.endpoints.errors import Unavailable
from builders.endpoints.probe import probe
from builders.errors import UserError
from builders.testing import Fault, Latency, Simulation, simulated_endpoint

if TYPE_CHECKING:
    from conftest import Simulate

OTHER_SHA = "f" * 40


async def test_it_dies_in_the_middle_of_its_work_and_comes_back_on_its_port(simulate: Simulate) -> None:
    server, client = await simulate(latency=Latency(mean_s=30.0))
    url = server.url
    asked = asyncio.create_task(client.ask())
    await asyncio.sleep(0.1)
    await server.stop()
    with pytest.raises(Unavailable):
        await asked
    with pytest.raises(Unavailable):
        await client.ask()
    assert not await client.endpoint.healthy()
    await server.start()
    assert server.url == url
    assert await client.endpoint.healthy()
    assert (server.counts.requests, server.counts.left) == (1, 1)


async def test_a_restart_serves_another_model(simulate: Simulate) -> None:
    server, client = await simulate()
    before = await client.ask()
    await server.restart(model_sha=OTHER_SHA)
    assert (await probe(server.url, api_key=None)).model_sha == OTHER_SHA
    assert (await client.ask()).text == before.text
    assert server.counts.answered == 2


async def test_a_scheduled_restart_happens_at_its_request(simulate: Simulate) -> None:
    server, client = await simulate(
        latency=Latency(mean_s=0.05), faults=(Fault("restart", requests=range(2, 3), model_sha=OTHER_SHA),)
    )
    await client.ask(0)
    await client.ask(1)
    with pytest.raises(Unavailable):
        await client.ask(2)
    await client.ask(2)
    assert server.simulation.model_sha == OTHER_SHA
    assert server.counts.faults == {"restart": 1}


async def test_a_restart_happens_though_its_request_is_turned_away(simulate: Simulate) -> None:
    restart = Fault("restart", requests=range(1, 2), model_sha=OTHER_SHA)
    server, client = await simulate(faults=(restart, Fault("unavailable", after_s=0.2)))
    await asyncio.sleep(0.2)
    for question in range(3):
        with pytest.raises(Unavailable):
            await client.ask(question)
        await asyncio.sleep(0.05)
    assert server.counts.faults["restart"] == 1


async def test_it_dies_on_schedule_and_comes_back(simulate: Simulate) -> None:
    server, client = await simulate(faults=(Fault("down", after_s=0.2, for_s=0.3),))
    assert await client.endpoint.healthy()
    await asyncio.sleep(0.35)
    assert not server.running
    assert not await client.endpoint.healthy()
    await asyncio.sleep(0.35)
    assert await client.endpoint.healthy()


async def test_it_dies_for_good(simulate: Simulate) -> None:
    server, client = await simulate(faults=(Fault("down", after_s=0.1),))
    await asyncio.sleep(0.3)
    assert not await client.endpoint.healthy()
    assert server.counts.faults == {"down": 1}


async def test_a_port_in_use_is_told() -> None:
    async with simulated_endpoint() as first:
        port = int(first.url.rsplit(":", 1)[1])
        with pytest.raises(UserError, match=f"port {port} on 127.0.0.1 is in use"):
            async with simulated_endpoint(port=port):
                pass


async def test_a_hung_answer_does_not_hold_up_the_end() -> None:
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession() as session:
        async with simulated_endpoint(Simulation(faults=(Fault("hang"),))) as server:
            asked = asyncio.create_task(post(session, server.url))
            await asyncio.sleep(0.2)
            assert server.counts.faults == {"hang": 1}
            began = loop.time()
        assert loop.time() - began < 2
        with pytest.raises(aiohttp.ClientError):
            await asked


async def post(session: aiohttp.ClientSession, url: str) -> None:
    body = {"messages": [{"role": "user", "content": "What is a bond?"}]}
    async with session.post(f"{url}/v1/chat/completions", json=body):
        pass
