from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from click.testing import CliRunner
from huggingface_hub import AsyncInferenceClient

from builders.commands.serve import command
from builders.errors import UserError
from builders.serve import embedded_endpoint
from builders.serve.app import TgiServer
from builders.serve.engine import Engine
from builders.serve.weights import choose_file, find_weights

if TYPE_CHECKING:
    from pathlib import Path

HELLO = [{"role": "user", "content": "Say hello."}]
SCHEMA = {
    "type": "object",
    "properties": {"mood": {"enum": ["good", "bad"]}, "n": {"type": "integer", "minimum": 0, "maximum": 9}},
    "required": ["mood", "n"],
}
KEY = "s3cret"
GUARDED = ("/", "/generate", "/generate_stream", "/v1/chat/completions", "/tokenize", "/chat_tokenize")


async def test_hugging_face_client_chats(embedded_url: str) -> None:
    client = AsyncInferenceClient(base_url=embedded_url)
    whole = await client.chat_completion(HELLO, max_tokens=8, seed=1)
    stream = await client.chat_completion(HELLO, max_tokens=8, seed=1, stream=True)
    said = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert said == whole.choices[0].message.content
    assert whole.usage.completion_tokens <= 8


async def test_hugging_face_client_gets_json_that_fits_a_schema(embedded_url: str) -> None:
    client = AsyncInferenceClient(base_url=embedded_url)
    formats: list[Any] = [
        {"type": "json_schema", "json_schema": {"name": "mood", "schema": SCHEMA, "strict": True}},
        {"type": "json", "value": SCHEMA},
    ]
    for response_format in formats:
        answer = await client.chat_completion(HELLO, max_tokens=40, seed=1, response_format=response_format)
        assert set(json.loads(answer.choices[0].message.content)) == {"mood", "n"}


async def test_hugging_face_client_generates_text(embedded_url: str) -> None:
    client = AsyncInferenceClient(model=embedded_url)
    whole = await client.text_generation("The capital of France is", max_new_tokens=4, details=True)
    assert whole.generated_text.startswith(" Paris")
    assert whole.details is not None
    assert whole.details.generated_tokens == 4
    stream = await client.text_generation("The capital of France is", max_new_tokens=4, stream=True)
    assert "".join([token async for token in stream]) == whole.generated_text


@pytest.fixture
async def stopped_engine_server() -> TgiServer:
    """A server whose llama.cpp is down: nothing listens on the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return TgiServer(
        engine=Engine(f"http://127.0.0.1:{port}", secret="-"),
        model_id="m",
        model_sha="0",
        context=100,
        max_concurrent_requests=1,
        api_key=KEY,
    )


@pytest.fixture
async def guarded_url(stopped_engine_server: TgiServer) -> Any:
    runner = aiohttp.web.AppRunner(stopped_engine_server.application())
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()
    await stopped_engine_server.engine.close()


async def test_a_dead_engine_is_503_on_health_and_424_on_generation(guarded_url: str) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession(guarded_url, headers=headers) as session:
        async with session.get("/health") as response:
            assert response.status == 503
            assert await response.json() == {"error": "unhealthy", "error_type": "healthcheck"}
        async with session.post("/generate", json={"inputs": "a"}) as response:
            assert response.status == 424
            assert (await response.json())["error_type"] == "generation"


@pytest.mark.parametrize("given", [None, "Bearer wrong", f"Bearer {KEY}x", KEY, "Bearer é"])
async def test_a_missing_or_wrong_key_is_401_with_an_empty_body(guarded_url: str, given: str | None) -> None:
    headers = {"Authorization": given} if given else {}
    async with aiohttp.ClientSession(guarded_url, headers=headers) as session:
        for path in (
            "/",
            "/generate",
            "/generate_stream",
            "/v1/chat/completions",
            "/tokenize",
            "/chat_tokenize",
        ):
            async with session.post(path, json={"inputs": "a"}) as response:
                assert (response.status, await response.read()) == (401, b"")
        async with session.get("/info") as response:
            assert response.status == 200


async def test_the_key_is_not_in_the_servers_representation(stopped_engine_server: TgiServer) -> None:
    assert KEY not in repr(stopped_engine_server)


async def test_it_listens_on_one_loopback_address_only(embedded_url: str) -> None:
    assert embedded_url.startswith("http://127.0.0.1:")
    port = int(embedded_url.rsplit(":", 1)[1])
    with pytest.raises(OSError, match=r"refused|timed out|assign"):  # a wildcard would answer here
        socket.create_connection(("127.0.0.2", port), timeout=2)


async def test_llama_cpp_behind_it_answers_only_to_its_secret() -> None:
    pytest.importorskip("xllamacpp")
    engine = await Engine.start(find_weights("embedded"), parallel=1, context=256, connections=1)
    try:
        assert engine.address.startswith("http://127.0.0.1:")
        async with aiohttp.ClientSession(engine.address) as session:
            for path in ("/completion", "/tokenize", "/apply-template"):
                async with session.post(path, json={"prompt": "a", "content": "a"}) as response:
                    assert response.status == 401
    finally:
        await engine.close()
    assert not await engine.healthy()


async def test_a_port_in_use_is_one_clear_line_before_anything_is_loaded(embedded_url: str) -> None:
    port = int(embedded_url.rsplit(":", 1)[1])
    started = time.perf_counter()
    with pytest.raises(UserError, match=f"port {port} .* in use; .*--port 0"):
        async with embedded_endpoint(port=port):
            pass
    assert time.perf_counter() - started < 0.5


async def test_each_slot_has_the_context_asked_for_and_stopping_is_prompt() -> None:
    pytest.importorskip("xllamacpp")
    async with embedded_endpoint(parallel=2, context=300) as url, aiohttp.ClientSession(url) as session:
        full = {"inputs": "a b c d e f g h", "parameters": {"max_new_tokens": 290, "details": True}}
        full["parameters"]["grammar"] = {"type": "regex", "value": "[a-z ]{2000}"}
        answers = await asyncio.gather(*(_post(session, "/generate", full) for _ in range(2)))
        assert [answer["details"]["generated_tokens"] for answer in answers] == [290, 290]
        held = [asyncio.create_task(_post(session, "/generate", full)) for _ in range(4)]
        await asyncio.sleep(0.5)
        stopping = time.perf_counter()
    assert time.perf_counter() - stopping < 3
    failures = await asyncio.gather(*held, return_exceptions=True)
    assert all(isinstance(failure, aiohttp.ClientError | RuntimeError) for failure in failures)


async def test_chat_without_max_tokens_may_use_all_that_is_left_of_the_context() -> None:
    pytest.importorskip("xllamacpp")
    async with embedded_endpoint(parallel=1, context=256) as url, aiohttp.ClientSession(url) as session:
        chat = {"messages": HELLO, "response_format": {"type": "regex", "value": "[a-z ]{2000}"}}
        answer = await _post(session, "/v1/chat/completions", chat)
        assert answer["usage"]["total_tokens"] == 256
        assert answer["choices"][0]["finish_reason"] == "length"
        long = {"messages": [{"role": "user", "content": "word " * 250}]}
        refusal = await _post(session, "/v1/chat/completions", long)
        assert refusal["error_type"] == "validation"


async def _post(session: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> Any:
    async with session.post(path, json=body) as response:
        return await response.json()


async def test_more_context_than_the_model_has_is_a_user_error() -> None:
    pytest.importorskip("xllamacpp")
    with pytest.raises(UserError, match="--context 8192 or less"):
        async with embedded_endpoint(parallel=1, context=9000):
            pass


async def test_a_file_that_is_no_model_is_a_user_error(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    junk = tmp_path / "junk.gguf"
    junk.write_bytes(b"junk" * 100)
    with pytest.raises(UserError, match="is it a GGUF model"):
        async with embedded_endpoint(str(junk)):
            pass


def test_a_missing_model_file_is_a_user_error() -> None:
    with pytest.raises(UserError, match=r"no such file; give the path of a GGUF file"):
        find_weights("/nowhere/model.gguf")


def test_missing_embedded_weights_name_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builders.serve.weights.EMBEDDED_PACKAGE", "no_such_package")
    with pytest.raises(UserError, match="make setup"):
        find_weights("embedded")


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        (["README.md", "a.gguf"], "a.gguf"),
        (["a.Q8_0.gguf", "a.Q4_K_M.gguf"], "a.Q4_K_M.gguf"),
        (["mmproj-a.gguf", "a.gguf"], "a.gguf"),
    ],
)
def test_a_hub_repository_gives_its_only_gguf_or_its_q4_k_m(files: list[str], chosen: str) -> None:
    assert choose_file(files, repo="o/n") == chosen


def test_an_unclear_choice_names_a_file_to_ask_for() -> None:
    with pytest.raises(UserError, match=r"o/n:a\.Q5\.gguf"):
        choose_file(["a.Q8.gguf", "a.Q5.gguf"], repo="o/n")


def test_help_has_an_example_and_hides_the_key() -> None:
    result = CliRunner().invoke(command, ["--help"], env={"METASYNTH_SERVE_API_KEY": KEY})
    assert result.exit_code == 0
    assert "builders serve --port 8080" in result.output
    assert KEY not in result.output
