"""Every row of the error table in DESIGN, as a real server causes it."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING

import pytest
from scripted_server import HTML, Reply, completion

from builders.endpoints.errors import (
    MAX_WORDS,
    GenerationFailed,
    Incomplete,
    Overloaded,
    Rejected,
    Unauthorized,
    Unavailable,
    from_status,
)

if TYPE_CHECKING:
    from endpoints.conftest import Adapt
    from scripted_server import Serve

    from builders.endpoints.base import Message, Sampling
    from builders.endpoints.errors import EndpointError

SCHEMA = {"type": "object", "properties": {"ready": {"type": "boolean"}}, "required": ["ready"]}
OVERLOADED = {"error": "Model is overloaded", "error_type": "overloaded"}

TABLE = {
    "429 overloaded": (Reply(status=429, body=OVERLOADED), Overloaded, "Model is overloaded"),
    "424 generation": (
        Reply(status=424, body={"error": "Request failed during generation", "error_type": "generation"}),
        GenerationFailed,
        "Request failed during generation",
    ),
    "500 incomplete generation": (
        Reply(status=500, body={"error": "Incomplete generation", "error_type": "incomplete_generation"}),
        GenerationFailed,
        "Incomplete generation",
    ),
    "503 with a proxy's HTML": (Reply(status=503, body=HTML), Unavailable, "503"),
    "502 with a proxy's HTML": (Reply(status=502, body=HTML), Unavailable, "502"),
    "500 with a proxy's HTML": (Reply(status=500, body=HTML), Unavailable, "500"),
    "422 validation": (
        Reply(
            status=422,
            body={"error": "`inputs` must have less than 8191 tokens", "error_type": "validation"},
        ),
        Rejected,
        "`inputs` must have less than 8191 tokens",
    ),
    "422 template error": (
        Reply(status=422, body={"error": "Template error: no system role", "error_type": "template_error"}),
        Rejected,
        "Template error: no system role",
    ),
    "400 in plain text": (
        Reply(status=400, body="Failed to parse the request body as JSON"),
        Rejected,
        "Failed to parse the request body as JSON",
    ),
    "400 as OpenAI words it": (
        Reply(status=400, body={"error": {"message": "maximum context length is 4096", "code": 400}}),
        Rejected,
        "maximum context length is 4096",
    ),
    "404": (Reply(status=404, body="404: Not Found"), Rejected, "Not Found"),
    "401 with an empty body": (Reply(status=401), Unauthorized, "401"),
    "403": (Reply(status=403, body={"error": "Forbidden"}), Unauthorized, "Forbidden"),
    "200 with an empty text": (Reply(body=completion("")), Incomplete, "empty"),
    "200 with blank text": (Reply(body=completion(" \n")), Incomplete, "empty"),
    "200 with null for a text": (Reply(body=completion(None)), Incomplete, "empty"),
    "200 with HTML": (Reply(body=HTML), Unavailable, "not JSON"),
    "200 with other JSON": (Reply(body={"choices": []}), Unavailable, "no chat completion"),
    "200 with a text that is none": (Reply(body=completion([1])), Unavailable, "no chat completion"),  # type: ignore[arg-type]
    "connection dropped mid-answer": (
        Reply(body=completion("A bond is a loan."), drop=True),
        Unavailable,
        "127.0.0.1",
    ),
}


@pytest.mark.parametrize(("reply", "expected", "words"), TABLE.values(), ids=TABLE)
async def test_an_answer_maps_to_its_class_with_the_servers_words(
    serve: Serve,
    adapt: Adapt,
    question: list[Message],
    sampling: Sampling,
    reply: Reply,
    expected: type[EndpointError],
    words: str,
) -> None:
    server = await serve()
    server.script.append(reply)

    with pytest.raises(expected) as caught:
        await adapt(server.url).chat(question, sampling)

    assert type(caught.value) is expected
    assert words in str(caught.value)
    assert len(server.asked) == 1, "the adapter itself never asks again"


@pytest.mark.parametrize(
    ("text", "finish_reason", "words"),
    [
        ('{"ready": tr', "length", "cut at `max_tokens`"),
        ("Yes, I am ready!", "stop", "not the JSON asked for"),
    ],
)
async def test_json_that_is_cut_or_none_is_incomplete_only_where_json_was_asked(
    serve: Serve,
    adapt: Adapt,
    question: list[Message],
    sampling: Sampling,
    text: str,
    finish_reason: str,
    words: str,
) -> None:
    server = await serve()
    server.script.extend([Reply(body=completion(text, finish_reason=finish_reason))] * 2)
    endpoint = adapt(server.url)

    with pytest.raises(Incomplete, match=words):
        await endpoint.chat(question, sampling, SCHEMA)
    assert (await endpoint.chat(question, sampling)).text == text


async def test_a_refused_connection_is_unavailable(
    adapt: Adapt, question: list[Message], sampling: Sampling
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(Unavailable, match=url):
        await adapt(url).chat(question, sampling)


async def test_a_server_that_does_not_answer_in_time_is_unavailable(
    serve: Serve, adapt: Adapt, question: list[Message], sampling: Sampling
) -> None:
    server = await serve()
    server.script.append(Reply(body=completion("late"), delay_s=30))

    with pytest.raises(Unavailable, match="in time"):
        await asyncio.wait_for(adapt(server.url, timeout_s=0.2).chat(question, sampling), timeout=10)


@pytest.mark.parametrize("status", [400, 401, 403, 422, 424, 429, 500])
@pytest.mark.parametrize("shape", ["text", "tgi", "openai"])
async def test_the_words_never_hold_the_key_even_where_the_server_repeats_it(
    serve: Serve, adapt: Adapt, question: list[Message], sampling: Sampling, status: int, shape: str
) -> None:
    key = "sk-never-shown-0123456789"
    words = f"Incorrect API key provided: {key}."
    body = {"text": words, "tgi": {"error": words}, "openai": {"error": {"message": words}}}[shape]
    server = await serve()
    server.script.append(Reply(status=status, body=body))

    with pytest.raises(Exception, match="Incorrect API key") as caught:
        await adapt(server.url, api_key=key).chat(question, sampling)

    assert server.headers[-1]["Authorization"] == f"Bearer {key}"
    assert key not in str(caught.value)
    assert key not in repr(caught.value)


def test_a_servers_words_are_one_line_of_bearable_length() -> None:
    text = from_status(400, "first line\n  second line\n" + "and so on " * 100)
    page = from_status(422, json.dumps({"error": "a\nb " + "c" * 1000}))

    assert str(text).startswith("first line second line and so on")
    assert str(page).startswith("a b ccc")
    assert max(len(str(text)), len(str(page))) <= MAX_WORDS


@pytest.mark.parametrize("body", ["", "null", "[]", '"x"', '{"error": null}', '{"error": {}}', "{", "\x00"])
@pytest.mark.parametrize("status", [302, 400, 401, 404, 418, 429, 500, 503, 599])
def test_whatever_the_body_holds_there_is_an_error_of_the_taxonomy(status: int, body: str) -> None:
    assert str(from_status(status, body))
