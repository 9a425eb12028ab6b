"""What the adapter sends, and how it reads what comes back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from scripted_server import MODEL_ID, MODEL_SHA, Reply, completion, openai_pages

from builders.endpoints.errors import Rejected

if TYPE_CHECKING:
    from typing import Any

    from endpoints.conftest import Adapt
    from scripted_server import Serve

    from builders.endpoints.base import Message, Sampling

SCHEMA = {"type": "object", "properties": {"ready": {"type": "boolean"}}, "required": ["ready"]}


async def test_a_call_sends_the_conversation_and_the_sampling_and_nothing_else(
    serve: Serve, adapt: Adapt, question: list[Message], sampling: Sampling
) -> None:
    server = await serve()

    await adapt(server.url).chat(question, sampling)

    assert server.asked == [
        {
            "model": MODEL_ID,
            "messages": question,
            "max_tokens": 100,
            "temperature": 0.8,
            "top_p": 0.95,
            "seed": 17,
            "stream": False,
        }
    ]


async def test_what_is_set_to_its_neutral_value_is_left_out_because_tgi_refuses_it(
    serve: Serve, adapt: Adapt, question: list[Message], sampling: Sampling
) -> None:
    server = await serve()
    endpoint = adapt(server.url)

    await endpoint.chat(question, replace(sampling, top_p=1.0, frequency_penalty=0.0, stop=()))
    await endpoint.chat(question, replace(sampling, top_p=0.5, frequency_penalty=0.6, stop=("END",)))

    plain, full = server.asked
    assert not {"top_p", "frequency_penalty", "stop", "response_format"} & set(plain)
    assert (full["top_p"], full["frequency_penalty"], full["stop"]) == (0.5, 0.6, ["END"])


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        ("tgi", {"type": "json_object", "value": SCHEMA}),
        (
            "openai",
            {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}},
        ),
    ],
)
async def test_a_schema_is_asked_for_in_the_servers_dialect(
    serve: Serve,
    adapt: Adapt,
    question: list[Message],
    sampling: Sampling,
    dialect: str,
    expected: dict[str, Any],
) -> None:
    server = await serve()

    answer = await adapt(server.url, dialect=dialect).chat(question, sampling, SCHEMA)

    assert server.asked[0]["response_format"] == expected
    assert answer.text == '{"ready": true}'


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1])
async def test_seeds_pass_through_unchanged(
    serve: Serve, adapt: Adapt, question: list[Message], sampling: Sampling, seed: int
) -> None:
    server = await serve()

    await adapt(server.url).chat(question, replace(sampling, seed=seed))

    assert server.asked[0]["seed"] == seed


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("A bond is a loan.\nEND", "A bond is a loan.\n"),
        ("A bond is a loan.", "A bond is a loan."),
        ("The END of it all", "The END of it all"),
        ("Stop.###", "Stop."),
    ],
)
async def test_the_stop_sequence_that_tgi_leaves_at_the_end_is_taken_off(
    serve: Serve, adapt: Adapt, question: list[Message], sampling: Sampling, written: str, read: str
) -> None:
    server = await serve()
    server.script.append(Reply(body=completion(written)))

    answer = await adapt(server.url).chat(question, replace(sampling, stop=("END", "###")))

    assert answer.text == read


async def test_usage_finish_reason_and_model_come_with_the_answer(
    serve: Serve, adapt: Adapt, question: list[Message], sampling: Sampling
) -> None:
    server = await serve()
    server.script.append(
        Reply(body=completion("A bo", finish_reason="length", prompt_tokens=40, completion_tokens=2))
    )
    server.script.append(Reply(body=completion("A bond.", finish_reason="eos_token")))
    endpoint = adapt(server.url)

    cut = await endpoint.chat(question, sampling)
    ended = await endpoint.chat(question, sampling)

    assert (cut.finish_reason, cut.prompt_tokens, cut.completion_tokens) == ("length", 40, 2)
    assert (cut.model_id, cut.model_sha) == (MODEL_ID, MODEL_SHA)
    assert ended.finish_reason == "stop"


async def test_an_answer_without_usage_is_taken_all_the_same(
    serve: Serve, adapt: Adapt, question: list[Message], sampling: Sampling
) -> None:
    body = completion("A bond.")
    del body["usage"]
    server = await serve()
    server.script.append(Reply(body=body))

    answer = await adapt(server.url).chat(question, sampling)

    assert (answer.prompt_tokens, answer.completion_tokens) == (0, 0)


async def test_latency_is_the_servers_own_figure_where_it_sends_one(
    serve: Serve, adapt: Adapt, question: list[Message], sampling: Sampling
) -> None:
    server = await serve()
    server.script.append(Reply(body=completion("A bond."), headers={"x-total-time": "1234"}))
    server.script.append(Reply(body=completion("A bond."), headers={"x-total-time": "soon"}))
    server.script.append(Reply(body=completion("A bond."), delay_s=0.2))
    endpoint = adapt(server.url)

    told = await endpoint.chat(question, sampling)
    unreadable = await endpoint.chat(question, sampling)
    measured = await endpoint.chat(question, sampling)

    assert told.latency_s == 1.234
    assert 0 < unreadable.latency_s < 5
    assert 0.2 <= measured.latency_s < 5


async def test_the_key_is_sent_as_a_bearer_token_and_left_out_where_there_is_none(
    serve: Serve, adapt: Adapt, question: list[Message], sampling: Sampling
) -> None:
    server = await serve()

    await adapt(server.url, api_key="sk-mine").chat(question, sampling)
    await adapt(server.url, api_key=None).chat(question, sampling)

    assert [headers.get("Authorization") for headers in server.headers] == ["Bearer sk-mine", None]


TGI_TOKENS = [
    {"id": 1, "text": "A", "start": 0, "stop": 1},
    {"id": 9, "text": " bond", "start": 1, "stop": 6},
]


@pytest.mark.parametrize(
    ("dialect", "field", "body", "tokens"),
    [
        ("tgi", "inputs", TGI_TOKENS, 2),
        ("openai", "prompt", {"count": 3, "max_model_len": 4096, "tokens": [5, 6, 7]}, 3),
        ("openai", "content", {"tokens": [5, 6, 7, 8]}, 4),
        ("tgi", "inputs", [], 0),
    ],
    ids=["TGI", "vLLM", "llama.cpp", "empty"],
)
async def test_tokens_are_counted_as_each_server_lists_them(
    serve: Serve, adapt: Adapt, dialect: str, field: str, body: Any, tokens: int
) -> None:
    server = await serve(openai_pages() | {"/tokenize": Reply(body=body)})

    assert await adapt(server.url, dialect=dialect).count_tokens("A bond") == tokens
    assert server.tokenized[0][field] == "A bond"


@pytest.mark.parametrize("body", [{"count": 3}, {"tokens": "three"}, "three", 3, None])
async def test_a_token_count_in_an_unknown_shape_is_rejected(serve: Serve, adapt: Adapt, body: Any) -> None:
    page = Reply(body=body) if body != "three" else Reply(body='"three"')
    server = await serve({"/tokenize": page})

    with pytest.raises(Rejected, match="unknown shape"):
        await adapt(server.url).count_tokens("A bond")


async def test_a_server_without_a_tokenizer_route_is_told_by_rejected(serve: Serve, adapt: Adapt) -> None:
    server = await serve(openai_pages())

    with pytest.raises(Rejected):
        await adapt(server.url).count_tokens("A bond")


@pytest.mark.parametrize(
    ("health", "expected"),
    [(Reply(), True), (Reply(status=503, body={"error": "unhealthy"}), False)],
)
async def test_healthy_is_what_health_says(serve: Serve, adapt: Adapt, health: Reply, expected: bool) -> None:
    server = await serve({"/health": health})

    assert await adapt(server.url).healthy() is expected


async def test_healthy_never_raises_when_nothing_answers(adapt: Adapt) -> None:
    assert await adapt("http://127.0.0.1:1").healthy() is False


async def test_many_calls_share_one_session_without_waiting_for_each_other(
    serve: Serve, adapt: Adapt, question: list[Message], sampling: Sampling
) -> None:
    server = await serve()
    server.least_delay_s = 0.5
    endpoint = adapt(server.url)

    await asyncio.gather(*(endpoint.chat(question, replace(sampling, seed=n)) for n in range(150)))

    assert server.most_in_flight > 100, "aiohttp's own limit holds calls back; that is the pool's office"
