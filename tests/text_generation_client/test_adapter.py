from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

pytest.importorskip("text_generation", reason="needs metasynth[text-generation]")

from builders.endpoints import Sampling
from builders.endpoints.errors import Incomplete, Overloaded, Rejected, Unauthorized, Unavailable
from builders.endpoints.probe import probe
from builders.endpoints.text_generation import TextGenerationEndpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.text_generation
HELLO: Any = [{"role": "user", "content": "Say hello."}]
SCHEMA = {
    "type": "object",
    "properties": {
        "word": {"type": "string", "maxLength": 12},
        "n": {"type": "integer", "minimum": 1, "maximum": 5},
    },
    "required": ["word", "n"],
}


def sampling(**fields: Any) -> Sampling:
    return Sampling(**({"max_tokens": 12, "temperature": 0.8, "top_p": 0.9, "seed": 7} | fields))


@pytest.fixture
async def endpoint(embedded_url: str, headers: dict[str, str]) -> AsyncIterator[TextGenerationEndpoint]:
    api_key = headers["Authorization"].removeprefix("Bearer ")
    opened = TextGenerationEndpoint(await probe(embedded_url, api_key=api_key), api_key=api_key)
    yield opened
    await opened.close()


async def test_a_seed_reproduces_a_chat(endpoint: TextGenerationEndpoint) -> None:
    first, second = [await endpoint.chat(HELLO, sampling()) for _ in range(2)]
    assert first.text == second.text
    assert 0 < first.completion_tokens <= 12
    assert first.prompt_tokens > 10
    assert first.model_id == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert first.model_sha
    assert first.latency_s > 0


async def test_a_schema_holds(endpoint: TextGenerationEndpoint) -> None:
    answer = await endpoint.chat(HELLO, sampling(max_tokens=60, top_p=1.0), SCHEMA)
    assert answer.finish_reason == "stop"
    assert set(json.loads(answer.text)) == {"word", "n"}


async def test_a_stop_sequence_is_not_in_the_text(endpoint: TextGenerationEndpoint) -> None:
    answer = await endpoint.chat(HELLO, sampling(max_tokens=60, stop=("e",)))
    assert answer.finish_reason == "stop"
    assert "e" not in answer.text


async def test_json_cut_at_max_tokens_is_incomplete(endpoint: TextGenerationEndpoint) -> None:
    with pytest.raises(Incomplete, match="JSON cut at `max_tokens`"):
        await endpoint.chat(HELLO, sampling(max_tokens=3), SCHEMA)


async def test_tokens_are_counted_and_health_is_asked(endpoint: TextGenerationEndpoint) -> None:
    assert await endpoint.count_tokens("The capital of France is") == 5
    assert await endpoint.healthy()


async def test_what_the_server_rejects_is_rejected_in_its_words(endpoint: TextGenerationEndpoint) -> None:
    with pytest.raises(Rejected, match="must be <= 1024"):
        await endpoint.chat(HELLO, sampling(max_tokens=5000))
    with pytest.raises(Rejected, match="grammar is not valid"):
        await endpoint.chat(HELLO, sampling(), {"type": "array", "uniqueItems": True})


async def test_a_wrong_key_is_unauthorized(endpoint: TextGenerationEndpoint) -> None:
    stranger = TextGenerationEndpoint(endpoint.info, api_key="wrong")
    with pytest.raises(Unauthorized):
        await stranger.chat(HELLO, sampling())
    await stranger.close()


async def test_one_request_too_many_is_overloaded(
    endpoint: TextGenerationEndpoint, embedded_url: str, headers: dict[str, str]
) -> None:
    long = {"inputs": "1, 2,", "parameters": {"max_new_tokens": 1000}}
    async with aiohttp.ClientSession(headers=headers) as session:
        held = [asyncio.create_task(session.post(f"{embedded_url}/generate", json=long)) for _ in range(4)]
        await asyncio.sleep(0.5)
        with pytest.raises(Overloaded, match="Model is overloaded"):
            await endpoint.chat(HELLO, sampling())
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)


async def test_a_server_that_is_away_is_unavailable(endpoint: TextGenerationEndpoint) -> None:
    from dataclasses import replace

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    away = TextGenerationEndpoint(replace(endpoint.info, url=f"http://127.0.0.1:{port}"), api_key=None)
    assert not await away.healthy()
    with pytest.raises(Unavailable):
        await away.chat(HELLO, sampling())
    await away.close()
