from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

text_generation = pytest.importorskip("text_generation", reason="needs metasynth[text-generation]")

from text_generation import AsyncClient, Client  # noqa: E402
from text_generation.errors import ValidationError  # noqa: E402
from text_generation.types import Grammar, GrammarType, Message  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable

    from text_generation.types import ChatCompletionChunk

pytestmark = pytest.mark.text_generation
PROMPT = "The capital of France is"
HELLO = [Message(role="user", content="Say hello.")]
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1, "maximum": 5}}}


@pytest.fixture
def client(embedded_url: str, headers: dict[str, str]) -> Client:
    return Client(embedded_url, headers=headers, timeout=60)


@pytest.fixture
def async_client(embedded_url: str, headers: dict[str, str]) -> AsyncClient:
    return AsyncClient(embedded_url, headers=headers, timeout=60)


def test_client_generates_with_details(client: Client) -> None:
    response = client.generate(PROMPT, max_new_tokens=4, decoder_input_details=True, top_n_tokens=2)
    assert response.generated_text.startswith(" Paris")
    assert response.details.generated_tokens == len(response.details.tokens) == 4
    assert response.details.finish_reason == "length"
    assert "".join(token.text for token in response.details.prefill) == PROMPT
    assert len(response.details.top_tokens[0]) == 2


def test_client_streams_the_same_text(client: Client) -> None:
    responses = list(client.generate_stream(PROMPT, max_new_tokens=4))
    text = "".join(response.token.text for response in responses if not response.token.special)
    assert responses[-1].generated_text == text == client.generate(PROMPT, max_new_tokens=4).generated_text
    assert responses[-1].details.generated_tokens == 4


def test_client_gets_json_that_fits_a_grammar(client: Client) -> None:
    grammar = Grammar(type=GrammarType.Json, value=SCHEMA | {"required": ["n"]})
    response = client.generate("Give a number:", max_new_tokens=20, grammar=grammar)
    assert json.loads(response.generated_text)["n"] in range(1, 6)


def test_client_is_told_that_best_of_is_not_to_be_had(client: Client) -> None:
    with pytest.raises(ValidationError, match="`best_of` != 1 is not allowed for this endpoint"):
        client.generate(PROMPT, best_of=2, do_sample=True)


def test_client_raises_its_validation_error(client: Client) -> None:
    with pytest.raises(ValidationError, match=r"must be <= 1024\. Given: 5 `inputs` tokens and 10000"):
        client.generate(PROMPT, max_new_tokens=10_000)
    with pytest.raises(ValidationError, match="must be <= 1024"):
        list(client.generate_stream(PROMPT, max_new_tokens=10_000))


def test_client_chats(client: Client) -> None:
    whole = client.chat(HELLO, max_tokens=6, seed=1)
    assert whole.choices[0].finish_reason in ("length", "stop")
    assert whole.usage["completion_tokens"] <= 6
    assert said(client.chat(HELLO, max_tokens=6, seed=1, stream=True)) == whole.choices[0].message.content


def said(chunks: Iterable[ChatCompletionChunk]) -> str:
    """The text up to the finish reason; the client (0.7.0) cannot read the `[DONE]` that TGI sends last."""
    text = ""
    for chunk in chunks:
        text += chunk.choices[0].delta.content
        if chunk.choices[0].finish_reason:
            break
    return text


async def test_async_client_generates_and_streams(async_client: AsyncClient) -> None:
    whole = await async_client.generate(PROMPT, max_new_tokens=4)
    responses = [response async for response in async_client.generate_stream(PROMPT, max_new_tokens=4)]
    assert responses[-1].generated_text == whole.generated_text


async def test_async_client_raises_its_validation_error(async_client: AsyncClient) -> None:
    with pytest.raises(ValidationError, match="`best_of` != 1"):
        await async_client.generate(PROMPT, best_of=2, do_sample=True)
    with pytest.raises(ValidationError, match="must be <= 1024"):
        async for _ in async_client.generate_stream(PROMPT, max_new_tokens=10_000):
            pass


async def test_async_client_chats(async_client: AsyncClient) -> None:
    whole = await async_client.chat(HELLO, max_tokens=6, seed=1)
    chunks = []
    async for chunk in await async_client.chat(HELLO, max_tokens=6, seed=1, stream=True):
        chunks.append(chunk)
        if chunk.choices[0].finish_reason:
            break
    assert said(chunks) == whole.choices[0].message.content
