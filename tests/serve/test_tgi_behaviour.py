from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

if TYPE_CHECKING:
    from conftest import Caller

HELLO = [{"role": "user", "content": "Tell me about a bank."}]
LONG = {"inputs": "Count: 1, 2, 3,", "parameters": {"max_new_tokens": 1500, "stop": None}}
DECISION = {
    "type": "object",
    "properties": {
        "action": {"enum": ["call_expert", "write", "finish"]},
        "note": {"type": "string", "maxLength": 24},
        "topics": {"type": "array", "items": {"type": "string", "maxLength": 10}, "maxItems": 2},
        "score": {"type": "integer", "minimum": 1, "maximum": 10},
    },
    "required": ["action", "note", "topics", "score"],
}


async def chat(server: Caller, **fields: Any) -> dict[str, Any]:
    status, body, _ = await server.post(
        "/v1/chat/completions", {"messages": HELLO, "max_tokens": 16} | fields
    )
    assert status == 200, body
    return body["choices"][0]


async def busy(server: Caller, requests: int) -> None:
    """Wait until the server says that this many requests are in its batch and its queue."""
    async with asyncio.timeout(10):
        while True:
            batch, queue = [
                await server.gauge(f"tgi_{name}") for name in ("batch_current_size", "queue_size")
            ]
            if batch + queue == requests:
                return
            await asyncio.sleep(0.02)


async def test_a_seed_reproduces_an_answer_alone_and_in_company(server: Caller) -> None:
    alone = [(await chat(server, seed=seed))["message"]["content"] for seed in (1, 2, 3, 4)]
    together = await asyncio.gather(*(chat(server, seed=seed) for seed in (1, 2, 3, 4)))
    assert [choice["message"]["content"] for choice in together] == alone
    assert len(set(alone)) == 4


async def test_a_null_field_counts_as_absent(server: Caller) -> None:
    optional = ("frequency_penalty", "logit_bias", "logprobs", "model", "n", "presence_penalty")
    optional += ("response_format", "stop", "stream", "stream_options", "temperature", "tools", "top_p")
    absent = dict.fromkeys((*optional, "top_logprobs"))
    assert await chat(server, seed=5, **absent) == await chat(server, seed=5)


async def test_temperature_zero_and_no_sampling_are_greedy(server: Caller) -> None:
    answers = [await chat(server, temperature=0, seed=seed) for seed in (1, 2)]
    assert answers[0] == answers[1]
    body = {"inputs": "The capital of France is", "parameters": {"max_new_tokens": 3, "do_sample": False}}
    assert (await server.post("/generate", body))[1]["generated_text"].startswith(" Paris")


async def test_a_schema_holds_in_50_of_50_answers(server: Caller) -> None:
    async def decide(seed: int) -> dict[str, Any]:
        return await chat(
            server,
            seed=seed,
            max_tokens=160,
            temperature=1.0,
            response_format={"type": "json_object", "value": DECISION},
        )

    slots = asyncio.Semaphore(4)

    async def queued(seed: int) -> dict[str, Any]:
        async with slots:
            return await decide(seed)

    choices = await asyncio.gather(*(queued(seed) for seed in range(50)))
    for choice in choices:
        assert choice["finish_reason"] == "stop"
        jsonschema.validate(
            json.loads(choice["message"]["content"]), DECISION | {"additionalProperties": False}
        )
    assert len({choice["message"]["content"] for choice in choices}) > 25


@pytest.mark.parametrize(
    "response_format",
    [
        {"type": "json", "value": DECISION},
        {"type": "json_object", "value": json.dumps(DECISION)},
        {"type": "json_schema", "value": {"name": "decision", "schema": DECISION}},
        {"type": "json_schema", "json_schema": {"name": "decision", "schema": DECISION, "strict": True}},
    ],
    ids=["tgi json", "schema as text", "tgi json_schema", "openai json_schema"],
)
async def test_every_way_to_ask_for_a_schema_is_understood(
    server: Caller, response_format: dict[str, Any]
) -> None:
    choice = await chat(server, seed=1, max_tokens=160, response_format=response_format)
    jsonschema.validate(json.loads(choice["message"]["content"]), DECISION)


async def test_json_object_without_a_schema_gives_an_object(server: Caller) -> None:
    choice = await chat(server, seed=2, max_tokens=60, response_format={"type": "json_object"})
    assert choice["message"]["content"].startswith("{")


async def test_a_cut_inside_json_is_finish_reason_length(server: Caller) -> None:
    choice = await chat(
        server, seed=1, max_tokens=4, response_format={"type": "json_object", "value": DECISION}
    )
    assert choice["finish_reason"] == "length"
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(choice["message"]["content"])


@pytest.mark.parametrize("pattern", [r"\d{3}-[A-Z]{2}", r'"a/b\\c"\n', r"^(yes|no|né)!$"])
async def test_a_regex_matches_from_end_to_end(server: Caller, pattern: str) -> None:
    status, body, _ = await server.post(
        "/generate",
        {
            "inputs": "Say something: ",
            "parameters": {"max_new_tokens": 30, "grammar": {"type": "regex", "value": pattern}},
        },
    )
    assert status == 200, body
    assert re.fullmatch(pattern, body["generated_text"])


async def test_stop_sequences_end_the_text_and_stay_in_it_as_in_tgi(server: Caller) -> None:
    _, body, _ = await server.post(
        "/generate",
        {
            "inputs": "The capital of France is",
            "parameters": {"max_new_tokens": 20, "stop": ["is.\n"], "details": True},
        },
    )
    assert body["generated_text"] == " Paris.\n"
    details = body["details"]
    assert details["finish_reason"] == "stop_sequence"
    assert len(details["tokens"]) == details["generated_tokens"]
    choice = await chat(server, temperature=0, max_tokens=60, stop=["a"])
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["content"].index("a") == len(choice["message"]["content"]) - 1


async def test_return_full_text_truncate_and_end_of_sequence_follow_tgi(server: Caller) -> None:
    body = {"inputs": "x y z The capital of France is", "parameters": {"max_new_tokens": 2}}
    body["parameters"] |= {"truncate": 5, "return_full_text": True, "details": True}
    _, answer, headers = await server.post("/generate", body)
    assert headers["x-prompt-tokens"] == "5"
    assert answer["generated_text"].startswith("x y z The capital of France is Paris")
    _, ended, _ = await server.post(
        "/generate",
        {
            "inputs": "Say yes.",
            "parameters": {"details": True, "grammar": {"type": "regex", "value": "yes"}},
        },
    )
    assert ended["generated_text"] == "yes"
    assert ended["details"]["finish_reason"] == "eos_token"
    assert ended["details"]["tokens"][-1]["special"] is True


async def test_sampling_parameters_reach_the_sampler(server: Caller) -> None:
    async def text(**parameters: Any) -> str:
        body = {"inputs": "la la la la la la la", "parameters": {"max_new_tokens": 12} | parameters}
        return (await server.post("/generate", body))[1]["generated_text"]

    greedy = await text()
    assert await text(top_k=1, seed=9) == greedy
    assert await text(repetition_penalty=1.9) != greedy
    assert await text(frequency_penalty=2.0) != greedy
    hot = await text(temperature=3.0, seed=1)
    assert hot not in (greedy, await text(temperature=3.0, seed=1, typical_p=0.2))


async def test_one_request_too_many_is_429_at_once(server: Caller) -> None:
    held = [asyncio.create_task(server.post("/generate", LONG)) for _ in range(12)]
    await busy(server, 12)
    assert await server.gauge("tgi_batch_current_size") == 4
    try:
        async with asyncio.timeout(2):
            status, body, _ = await server.post("/generate", {"inputs": "a"})
        assert (status, body) == (429, {"error": "Model is overloaded", "error_type": "overloaded"})
    finally:
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
    await busy(server, 0)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_frees_its_slot(server: Caller, stream: bool) -> None:
    before = await server.get("/metrics")
    request = asyncio.create_task(server.post("/", LONG | {"stream": stream}))
    await busy(server, 1)
    request.cancel()
    await busy(server, 0)
    _, after = await server.get("/metrics")
    assert dropped(after) == dropped(before[1]) + 1


def dropped(metrics: str) -> int:
    found = re.search(r'tgi_request_failure\{err="dropped"\} (\d+)', metrics)
    return int(found[1]) if found else 0


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"temperature": 0.0}, "`temperature` must be strictly positive"),
        ({"top_p": 1.0}, "`top_p` must be > 0.0 and < 1.0"),
        ({"typical_p": 0.0}, "`typical_p` must be > 0.0 and < 1.0"),
        ({"top_k": 0}, "`top_k` must be strictly positive"),
        ({"repetition_penalty": 0.0}, "`repetition_penalty` must be strictly positive"),
        ({"frequency_penalty": 2.1}, "`frequency_penalty` must be >= -2.0 and <= 2.0"),
        ({"max_new_tokens": 0}, "`max_new_tokens` must be strictly positive"),
        ({"stop": list("abcde")}, "`stop` supports up to 4 stop sequences. Given: 5"),
        ({"best_of": 2, "do_sample": True}, "`best_of` != 1 is not allowed for this endpoint"),
        ({"truncate": 0}, "`truncate` must be strictly positive and less than 2047. Given: 0"),
        ({"top_n_tokens": 6}, "`top_n_tokens` must be >= 0 and <= 5. Given: 6"),
        ({"watermark": True}, "`watermark` is not supported by this server"),
        (
            {"max_new_tokens": 2048},
            "`inputs` tokens + `max_new_tokens` must be <= 2048. Given: 1 `inputs` tokens "
            "and 2048 `max_new_tokens`",
        ),
    ],
)
async def test_a_parameter_out_of_range_is_422_in_tgis_words(
    server: Caller, parameters: dict[str, Any], words: str
) -> None:
    status, body, _ = await server.post("/generate", {"inputs": "a", "parameters": parameters})
    assert (status, body["error_type"]) == (422, "validation")
    assert body["error"] == f"Input validation error: {words}"


@pytest.mark.parametrize(
    ("fields", "error_type"),
    [
        ({"n": 2}, "validation"),
        ({"tools": [{"type": "function", "function": {"name": "f", "arguments": {}}}]}, "tool_error"),
        ({"top_logprobs": 2}, "validation"),
        ({"logit_bias": [1.0]}, "validation"),
        ({"messages": []}, "validation"),
        ({"presence_penalty": 3}, "validation"),
        ({"response_format": {"type": "xml"}}, "validation"),
    ],
)
async def test_what_chat_does_not_do_is_refused_with_the_reason(
    server: Caller, fields: dict[str, Any], error_type: str
) -> None:
    status, body, _ = await server.post("/v1/chat/completions", {"messages": HELLO} | fields)
    assert (status, body["error_type"]) == (422, error_type)
    assert next(iter(fields)) in body["error"] or "grammar" in body["error"]


@pytest.mark.parametrize(
    ("grammar", "reason"),
    [
        ({"type": "regex", "value": "a(?=b)"}, "look-around"),
        ({"type": "regex", "value": "x{2"}, "unclosed counted repetition"),
        ({"type": "json", "value": {"type": "array", "uniqueItems": True}}, "uniqueItems"),
        ({"type": "json", "value": {"type": "nonsense"}}, "nonsense"),
        ({"type": "json", "value": {"$ref": "#/$defs/absent"}}, "absent"),
        ({"type": "json", "value": "{"}, "Expecting"),
    ],
)
async def test_a_grammar_that_cannot_be_kept_is_refused_not_ignored(
    server: Caller, grammar: dict[str, Any], reason: str
) -> None:
    status, body, _ = await server.post("/generate", {"inputs": "a", "parameters": {"grammar": grammar}})
    assert status == 422
    assert body["error"].startswith("Input validation error: grammar is not valid: ")
    assert reason in body["error"]


async def test_a_body_that_cannot_be_read_is_refused_in_plain_text_as_axum_does(server: Caller) -> None:
    wrong = await server.post("/generate", {"inputs": 3})
    assert wrong[0] == 422
    assert wrong[1].startswith("Failed to deserialize the JSON body into the target type: inputs: ")
    json_type = {"Content-Type": "application/json"}
    async with server.session.post(f"{server.url}/generate", data="{", headers=json_type) as response:
        assert response.status == 400
        assert (await response.text()).startswith("Failed to parse the request body as JSON")
    async with server.session.post(f"{server.url}/generate", data="x") as response:
        assert response.status == 415


async def test_an_error_before_the_first_token_of_a_stream_has_its_status(server: Caller) -> None:
    status, body, _ = await server.post("/", {"inputs": "a", "parameters": {"top_k": 0}, "stream": True})
    assert (status, body["error_type"]) == (422, "validation")
