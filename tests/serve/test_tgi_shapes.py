from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Caller

HELLO = [{"role": "user", "content": "Name three fruits."}]


async def test_info_fits_tgi_and_says_what_is_served(server: Caller, fits: Callable) -> None:
    info = json.loads((await server.get("/info"))[1])
    fits(info, "Info")
    assert info["router"] == "builders-serve"
    assert info["model_id"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert info["max_total_tokens"] == 2048
    assert len(info["model_sha"]) == 40


async def test_health_is_200_and_empty(server: Caller) -> None:
    assert await server.get("/health") == (200, "")


async def test_models_lists_the_model(server: Caller, fits: Callable) -> None:
    models = json.loads((await server.get("/v1/models"))[1])
    fits(models["data"][0], "ModelInfo")


async def test_chat_fits_tgi_and_accounts_for_its_tokens(server: Caller, fits: Callable) -> None:
    status, body, headers = await server.post(
        "/v1/chat/completions",
        {"messages": HELLO, "max_tokens": 12, "seed": 3, "logprobs": True, "top_logprobs": 2},
    )
    assert status == 200
    fits(body, "ChatCompletion")
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert headers["x-prompt-tokens"] == str(usage["prompt_tokens"])
    assert headers["x-generated-tokens"] == str(usage["completion_tokens"])
    for name in ("compute-type", "compute-time", "compute-characters", "total-time", "validation-time"):
        assert headers[f"x-{name}"]
    assert int(headers["x-total-time"]) >= int(headers["x-inference-time"]) > 0
    assert int(headers["x-time-per-token"]) >= 0
    assert int(headers["x-queue-time"]) >= 0
    first = body["choices"][0]["logprobs"]["content"][0]
    assert first["logprob"] <= 0
    assert len(first["top_logprobs"]) == 2


async def test_streamed_chat_says_the_same_as_the_whole_one(server: Caller, fits: Callable) -> None:
    body = {"messages": HELLO, "max_tokens": 12, "seed": 3}
    _, whole, _ = await server.post("/v1/chat/completions", body)
    events = await server.events(
        "/v1/chat/completions", body | {"stream": True, "stream_options": {"include_usage": True}}
    )
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    for chunk in chunks:
        fits(chunk, "ChatCompletionChunk")
    *texts, last = chunks
    assert last["choices"] == []
    assert last["usage"] == whole["usage"]
    said = "".join(chunk["choices"][0]["delta"]["content"] for chunk in texts)
    assert said == whole["choices"][0]["message"]["content"]
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in texts]
    assert reasons == [None] * (len(texts) - 1) + [whole["choices"][0]["finish_reason"]]


async def test_generate_with_details_fits_tgi(server: Caller, fits: Callable) -> None:
    status, body, _ = await server.post(
        "/generate",
        {
            "inputs": "The capital of France is",
            "parameters": {
                "max_new_tokens": 6,
                "details": True,
                "decoder_input_details": True,
                "top_n_tokens": 2,
            },
        },
    )
    assert status == 200
    fits(body, "GenerateResponse")
    details = body["details"]
    assert details["finish_reason"] == "length"
    assert details["seed"] is None  # greedy
    assert details["generated_tokens"] == len(details["tokens"]) == 6
    assert "".join(token["text"] for token in details["tokens"]) == body["generated_text"]
    assert body["generated_text"].startswith(" Paris")
    assert "".join(token["text"] for token in details["prefill"]) == "The capital of France is"


async def test_generate_stream_ends_with_text_and_details(server: Caller, fits: Callable) -> None:
    events = await server.events(
        "/generate_stream",
        {"inputs": "The capital of France is", "parameters": {"max_new_tokens": 5, "details": True}},
    )
    responses = [json.loads(event) for event in events]
    for response in responses:
        fits(response, "StreamResponse")
    assert [response["index"] for response in responses] == [1, 2, 3, 4, 5]
    assert all(response["generated_text"] is None for response in responses[:-1])
    last = responses[-1]
    assert last["generated_text"] == "".join(response["token"]["text"] for response in responses)
    assert last["details"] == {
        "finish_reason": "length",
        "generated_tokens": 5,
        "input_length": 5,
        "seed": None,
    }


async def test_root_answers_a_list_or_streams(server: Caller, fits: Callable) -> None:
    body = {"inputs": "One, two,", "parameters": {"max_new_tokens": 3}}
    _, whole, _ = await server.post("/", body | {"stream": False})
    fits(whole[0], "GenerateResponse")
    events = await server.events("/", body | {"stream": True})
    assert json.loads(events[-1])["generated_text"] == whole[0]["generated_text"]


async def test_completions_fit_tgi(server: Caller, fits: Callable) -> None:
    body = {"prompt": "Once upon a time", "max_tokens": 4, "temperature": 0}
    _, whole, _ = await server.post("/v1/completions", body)
    fits(whole, "CompletionFinal")
    events = await server.events("/v1/completions", body | {"stream": True})
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    for chunk in chunks:
        fits(chunk, "Chunk")
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == whole["choices"][0]["text"]


async def test_tokenize_covers_the_text(server: Caller, fits: Callable) -> None:
    text = "Héllo 🤗 wörld"
    _, tokens, _ = await server.post("/tokenize", {"inputs": text})
    fits(tokens, "TokenizeResponse")
    assert tokens[0]["start"] == 0
    assert tokens[-1]["stop"] == len(text)
    assert all(text[token["start"] : token["stop"]] == token["text"] for token in tokens)
    assert {character for token in tokens for character in range(token["start"], token["stop"])} == set(
        range(len(text))
    )


async def test_chat_tokenize_gives_the_prompt_that_chat_counts(server: Caller, fits: Callable) -> None:
    _, body, _ = await server.post("/chat_tokenize", {"messages": HELLO})
    fits(body, "ChatTokenizeResponse")
    assert body["templated_text"].endswith("<|im_start|>assistant\n")
    _, chat, _ = await server.post("/v1/chat/completions", {"messages": HELLO, "max_tokens": 1})
    assert chat["usage"]["prompt_tokens"] == len(body["tokenize_response"])


@pytest.mark.parametrize("path", ["/generate", "/v1/chat/completions"])
async def test_errors_fit_tgi(server: Caller, fits: Callable, path: str) -> None:
    status, body, _ = await server.post(
        path, {"inputs": "a", "messages": HELLO, "parameters": {"top_p": 2.0}, "top_p": 2.0}
    )
    assert status == 422
    fits(body, "ErrorResponse")
    assert body == {
        "error": "Input validation error: `top_p` must be > 0.0 and < 1.0",
        "error_type": "validation",
    }


async def test_metrics_count_requests_and_tokens(server: Caller) -> None:
    before = await server.gauge("tgi_request_generated_tokens_sum"), await server.gauge("tgi_request_success")
    await server.post("/generate", {"inputs": "a b c", "parameters": {"max_new_tokens": 7}})
    after = await server.gauge("tgi_request_generated_tokens_sum"), await server.gauge("tgi_request_success")
    assert (after[0] - before[0], after[1] - before[1]) == (7, 1)
