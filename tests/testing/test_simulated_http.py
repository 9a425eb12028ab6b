"""Promises of the simulated endpoint's routes: TGI's shapes, TGI's refusals, and a compact log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from builders.endpoints.errors import Rejected, Unauthorized
from builders.endpoints.probe import probe
from builders.testing import request_digest

if TYPE_CHECKING:
    from conftest import Simulate

OPENAPI = Path(__file__).parents[2] / "../shared/tgi/openapi.json"
CHAT = "/v1/chat/completions"
QUESTION: dict[str, Any] = {
    "messages": [{"role": "user", "content": "What is a bond?"}],
    "max_tokens": 600,
    "seed": 0,
}


async def call(url: str, *, method: str = "POST", data: str | bytes | None = None) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession(headers={"Content-Type": "application/json"}) as session,
        session.request(method, url, data=data) as response,
    ):
        return response.status, await response.text()


async def test_it_says_that_it_is_simulated(simulate: Simulate) -> None:
    server, _ = await simulate()
    info = await probe(server.url, api_key=None)
    assert (info.server, info.simulated, info.stand_in, info.dialect) == ("simulated", True, False, "tgi")
    assert info.model_id == "metasynth/simulated"
    assert (await call(f"{server.url}/v1/models", method="GET"))[1].count("metasynth/simulated") == 2


async def test_answers_have_the_shapes_of_tgi(simulate: Simulate) -> None:
    if not OPENAPI.is_file():
        pytest.skip("TGI's openapi.json is not beside this checkout (../shared/tgi)")
    schemas = json.loads(OPENAPI.read_text())["components"]["schemas"]
    server, _ = await simulate()
    bodies = {
        "ChatCompletion": await call(server.url + CHAT, data=json.dumps(QUESTION)),
        "Info": await call(f"{server.url}/info", method="GET"),
        "ErrorResponse": await call(server.url + CHAT, data=json.dumps(QUESTION | {"max_tokens": 10**6})),
    }
    for component, (_, body) in bodies.items():
        assert set(schemas[component]["required"]) <= set(json.loads(body)), component


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"stream": True}, 422, "`stream` is not supported by the simulated endpoint"),
        ({"tools": [{}]}, 422, "tool_error"),
        ({"max_tokens": 20_000}, 422, "`inputs` tokens + `max_new_tokens` must be <= 16384"),
        ({"max_tokens": 0}, 422, "must be strictly positive"),
        ({"messages": []}, 422, "`messages` cannot be empty"),
        ({"messages": "hello"}, 422, "Failed to deserialize"),
        ({"response_format": {"type": "regex", "value": "a+"}}, 422, "no other grammar"),
        ({"response_format": {"type": "json_object", "value": {"$ref": "#/a"}}}, 422, "knows no"),
    ],
)
async def test_what_it_cannot_do_is_refused_with_the_reason(
    simulate: Simulate, change: dict[str, Any], status: int, words: str
) -> None:
    server, client = await simulate(permits=1)
    told, body = await call(server.url + CHAT, data=json.dumps(QUESTION | change))
    assert told == status
    assert words in body
    assert server.counts.invalid == 1
    assert (await client.ask()).text, "the only permit is free again"


async def test_a_body_that_is_no_json_gets_a_plain_400(simulate: Simulate) -> None:
    server, _ = await simulate()
    status, words = await call(server.url + CHAT, data="{")
    assert status == 400
    assert words.startswith("Failed to parse the request body as JSON")
    assert (await call(f"{server.url}/generate", data="{}"))[0] == 404
    assert (await call(f"{server.url}/tokenize", data='{"prompt": "x"}'))[0] == 422


async def test_a_schema_is_read_in_either_dialect(simulate: Simulate) -> None:
    server, _ = await simulate()
    schema = {"type": "object", "properties": {"ready": {"type": "boolean"}}}
    ways = (
        {"type": "json_object", "value": schema},
        {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}},
    )
    for way in ways:
        _, body = await call(server.url + CHAT, data=json.dumps(QUESTION | {"response_format": way}))
        assert json.loads(body)["choices"][0]["message"]["content"] == '{"ready": true}'


async def test_a_token_is_four_characters_everywhere(simulate: Simulate) -> None:
    _, client = await simulate()
    answer = await client.ask(words="x" * 41)
    assert answer.prompt_tokens == 11
    assert answer.completion_tokens == await client.endpoint.count_tokens(answer.text)
    assert answer.completion_tokens == -(-len(answer.text) // 4)


async def test_max_tokens_cuts_an_answer(simulate: Simulate) -> None:
    server, _ = await simulate()
    _, body = await call(server.url + CHAT, data=json.dumps(QUESTION | {"max_tokens": 5}))
    choice = json.loads(body)["choices"][0]
    assert (len(choice["message"]["content"]), choice["finish_reason"]) == (20, "length")


async def test_a_wrong_key_gets_an_empty_401(simulate: Simulate) -> None:
    server, client = await simulate(api_key="sk-simulated")
    with pytest.raises(Unauthorized):
        await client.ask()
    with pytest.raises(Unauthorized):
        await client.endpoint.count_tokens("bond")
    assert await client.endpoint.healthy()
    assert server.counts.requests == 0
    assert "sk-simulated" not in repr(server.simulation)


async def test_the_log_tells_how_often_each_request_was_answered(simulate: Simulate) -> None:
    server, client = await simulate()
    for number in (1, 1, 2):
        await client.ask(number)
    with pytest.raises(Rejected):
        await client.ask(3, schema={"$ref": "#/a"})
    once = request_digest(QUESTION["messages"], seed=2)
    twice = request_digest(QUESTION["messages"], seed=1)
    assert server.log.answers == {once: 1, twice: 2}
    assert server.log.repeated == 1
    told = json.loads((await call(f"{server.url}/simulation", method="GET"))[1])
    assert (told["answered"], told["different_requests"], told["repeated_answers"]) == (3, 3, 1)
