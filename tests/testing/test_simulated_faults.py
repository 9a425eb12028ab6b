"""Promises of the simulated endpoint's faults: each arrives at the caller as the error it stands for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest

from builders.endpoints.errors import (
    EndpointError,
    GenerationFailed,
    Incomplete,
    Overloaded,
    Rejected,
    Unauthorized,
    Unavailable,
)
from builders.testing import Fault, Latency

if TYPE_CHECKING:
    from conftest import Simulate

CHAT = "/v1/chat/completions"
SCHEMA = {
    "type": "object",
    "properties": {"terms": {"type": "array", "items": {"enum": ["bond", "share", "fund"]}, "minItems": 2}},
    "required": ["terms"],
    "additionalProperties": False,
}
OVERLOADED = '{"error": "Model is overloaded", "error_type": "overloaded"}'
QUESTION = {"messages": [{"role": "user", "content": "What is a bond?"}], "max_tokens": 600, "seed": 0}


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("overloaded", Overloaded, "Model is overloaded"),
        ("generation", GenerationFailed, "CUDA out of memory"),
        ("incomplete_generation", GenerationFailed, "Incomplete generation"),
        ("unavailable", Unavailable, "503"),
        ("unauthorized", Unauthorized, "401"),
        ("bad_request", Rejected, "Failed to parse"),
        ("drop", Unavailable, "Disconnected"),
        ("drop_midway", Unavailable, "ClientPayloadError"),
        ("hang", Unavailable, "time"),
        ("hang_midway", Unavailable, "time"),
        ("invalid_json", Unavailable, "not JSON"),
        ("empty", Incomplete, "empty"),
        ("truncated", Incomplete, "max_tokens"),
    ],
)
async def test_a_fault_is_the_error_that_it_stands_for(
    simulate: Simulate, kind: str, error: type[EndpointError], words: str
) -> None:
    server, client = await simulate(faults=(Fault(kind, requests=range(1)),), timeout_s=0.3)
    with pytest.raises(error, match=words) as raised:
        await client.ask(schema=SCHEMA)
    assert type(raised.value) is error
    assert (await client.ask(schema=SCHEMA)).text, "the fault was for the first request alone"
    assert server.counts.faults == {kind: 1}
    assert (server.counts.requests, server.counts.answered) == (2, 1)


@pytest.mark.parametrize(
    ("kind", "status", "content_type", "begins"),
    [
        ("overloaded", 429, "application/json", OVERLOADED),
        ("generation", 424, "application/json", '{"error": "Request failed during generation'),
        ("incomplete_generation", 500, "application/json", '{"error": "Incomplete generation"'),
        ("unavailable", 503, "text/html", "<html>"),
        ("unauthorized", 401, "application/octet-stream", ""),
        ("bad_request", 400, "text/plain", "Failed to parse"),
    ],
)
async def test_a_refusal_has_the_status_and_the_body_of_tgi(
    simulate: Simulate, kind: str, status: int, content_type: str, begins: str
) -> None:
    server, _ = await simulate(faults=(Fault(kind, requests=range(1)),))
    async with (
        aiohttp.ClientSession() as session,
        session.post(server.url + CHAT, json=QUESTION) as response,
    ):
        assert (response.status, response.content_type) == (status, content_type)
        text = await response.text()
        assert text.startswith(begins)
        assert bool(text) == bool(begins)


async def test_a_cut_free_text_says_so_and_is_no_error(simulate: Simulate) -> None:
    _, client = await simulate(faults=(Fault("truncated", requests=range(1)),))
    cut, whole = await client.ask(), await client.ask()
    assert cut.finish_reason == "length"
    assert whole.finish_reason == "stop"
    assert whole.text.startswith(cut.text)


async def test_random_faults_have_their_shares_and_are_the_same_in_every_run(simulate: Simulate) -> None:
    async def run(seed: int) -> list[str]:
        faults = (Fault("incomplete_generation", share=0.2), Fault("empty", share=0.1))
        _, client = await simulate(faults=faults, seed=seed)
        return [await outcome(client.ask(number)) for number in range(400)]

    first, again, other = await run(1), await run(1), await run(2)
    assert first == again
    assert first != other
    assert 50 <= first.count("GenerationFailed") <= 110
    assert 20 <= first.count("Incomplete") <= 60


async def test_a_request_asked_again_draws_anew(simulate: Simulate) -> None:
    _, client = await simulate(faults=(Fault("incomplete_generation", share=0.5),))
    outcomes = [await outcome(client.ask()) for _ in range(40)]
    assert 8 <= outcomes.count("answered") <= 32


async def test_a_window_of_time_ends(simulate: Simulate) -> None:
    server, client = await simulate(faults=(Fault("overloaded", after_s=0.2, for_s=0.3),))
    seen = []
    while server.counts.requests < 400 and seen[-1:] != ["answered again"]:
        now = await outcome(client.ask())
        if "Overloaded" in seen and now == "answered":
            now = "answered again"
        if now not in seen:
            seen.append(now)
        await asyncio.sleep(0.02)
    assert seen == ["answered", "Overloaded", "answered again"]


async def test_a_proxy_without_a_server_answers_every_route(simulate: Simulate) -> None:
    server, client = await simulate(faults=(Fault("unavailable", after_s=0.3, for_s=0.4),))
    assert await client.endpoint.healthy()
    await asyncio.sleep(0.4)
    assert not await client.endpoint.healthy()
    with pytest.raises(Unavailable):
        await client.endpoint.count_tokens("bond")
    await asyncio.sleep(0.5)
    assert await client.endpoint.healthy()
    assert server.counts.requests == 0, "only chats are counted"


async def test_failures_while_generating_come_within_the_time_of_an_answer(simulate: Simulate) -> None:
    loop = asyncio.get_running_loop()
    _, client = await simulate(latency=Latency(mean_s=0.3), faults=(Fault("drop"),))
    waits = []
    for number in range(6):
        began = loop.time()
        assert await outcome(client.ask(number)) == "Unavailable"
        waits.append(loop.time() - began)
    assert max(waits) < 0.45
    assert max(waits) - min(waits) > 0.03, "the moment is drawn"


def test_a_fault_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no fault 'flood'"):
        Fault("flood")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        Fault("drop", share=2)


async def outcome(answer: object) -> str:
    try:
        await answer  # type: ignore[misc]
    except EndpointError as error:
        return type(error).__name__
    return "answered"
