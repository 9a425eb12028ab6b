"""llama.cpp never fails on cue, so a double speaks its protocol up to the failure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from builders.serve.app import TgiServer
from builders.serve.engine import Engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TOKEN = {"content": "Once", "tokens": [5], "stop": False}
ERROR = {"error": {"code": 500, "message": "out of memory", "type": "server_error"}}


async def serve(app: web.Application) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


@pytest.fixture
async def url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """TGI's routes before a llama.cpp that sends the test's events and then hangs up."""

    async def tokenize(_: web.Request) -> web.Response:
        return web.json_response({"tokens": [{"id": 1, "piece": "a"}]})

    async def completion(asked: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(asked)
        for event in request.param:
            await response.write(f"data: {json.dumps(event)}\n\n".encode())
        return response

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text="llamacpp:requests_processing 0\n")

    llama = web.Application()
    llama.add_routes(
        [
            web.post("/tokenize", tokenize),
            web.post("/completion", completion),
            web.get("/metrics", metrics),
        ]
    )
    llama_runner, address = await serve(llama)
    engine = Engine(address, secret="-")
    server = TgiServer(engine=engine, model_id="m", model_sha="0", context=100, max_concurrent_requests=1)
    runner, base = await serve(server.application())
    yield base
    await runner.cleanup()
    await engine.close()
    await llama_runner.cleanup()


async def ask(url: str, *, stream: bool) -> tuple[int, str]:
    body: dict[str, Any] = {"inputs": "a", "stream": stream}
    async with aiohttp.ClientSession(url) as session, session.post("/", json=body) as response:
        return response.status, await response.text()


@pytest.mark.parametrize("url", [[TOKEN, TOKEN, ERROR]], indirect=True)
async def test_a_failure_in_a_stream_is_an_error_event_and_otherwise_424(url: str) -> None:
    status, text = await ask(url, stream=True)
    first, last = [json.loads(event.removeprefix("data: ")) for event in text.split("\n\n") if event]
    assert (status, first["token"]["text"]) == (200, "Once")
    expected = {"error": "Request failed during generation: out of memory", "error_type": "generation"}
    assert last == expected
    status, text = await ask(url, stream=False)
    assert (status, json.loads(text)) == (424, expected)


@pytest.mark.parametrize("url", [[TOKEN, TOKEN]], indirect=True)
async def test_a_broken_off_stream_is_incomplete_generation(url: str) -> None:
    expected = {"error": "Incomplete generation", "error_type": "incomplete_generation"}
    _, text = await ask(url, stream=True)
    assert json.loads(text.split("\n\n")[-2].removeprefix("data: ")) == expected
    status, text = await ask(url, stream=False)
    assert (status, json.loads(text)) == (500, expected)
    # The place in the concurrency limit of 1 was given back each time.
    async with aiohttp.ClientSession(url) as session, session.get("/metrics") as response:
        counted = await response.text()
    assert 'tgi_request_failure{err="incomplete_generation"} 2' in counted
