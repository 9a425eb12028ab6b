"""What server answers at a URL is found out by asking it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from scripted_server import HTML, MODEL_ID, MODEL_SHA, Reply, openai_pages, tgi_pages

from builders.endpoints.connect import API_KEY_VARIABLE, connect
from builders.errors import UserError

if TYPE_CHECKING:
    from typing import Any

    from scripted_server import Serve

KEY = "sk-never-shown-0123456789"


async def test_tgi_is_known_by_its_info(serve: Serve) -> None:
    server = await serve(tgi_pages(max_total_tokens=2048, max_concurrent_requests=7))

    endpoint = await connect(server.url)
    await endpoint.close()

    info = endpoint.info
    assert (info.url, info.server, info.dialect) == (server.url, "tgi", "tgi")
    assert (info.model_id, info.model_sha) == (MODEL_ID, MODEL_SHA)
    assert (info.max_total_tokens, info.max_concurrent_requests) == (2048, 7)
    assert not info.stand_in


async def test_the_embedded_server_is_known_as_a_stand_in_by_its_router(serve: Serve) -> None:
    server = await serve(tgi_pages(router="builders-serve"))

    endpoint = await connect(server.url)
    await endpoint.close()

    assert endpoint.info.stand_in
    assert (endpoint.info.server, endpoint.info.dialect) == ("builders-serve", "tgi")


@pytest.mark.parametrize(
    ("model", "server_name", "context"),
    [
        ({"owned_by": "vllm", "max_model_len": 4096}, "vllm", 4096),
        ({"owned_by": "sglang", "max_model_len": 32768}, "sglang", 32768),
        ({"owned_by": "llamacpp", "max_model_len": None, "meta": {"n_ctx": 512}}, "llama.cpp", 512),
        ({"owned_by": "system", "max_model_len": None}, "openai", None),
    ],
)
async def test_openai_like_servers_are_known_by_their_list_of_models(
    serve: Serve, model: dict[str, Any], server_name: str, context: int | None
) -> None:
    server = await serve(openai_pages(**model))

    endpoint = await connect(server.url)
    await endpoint.close()

    info = endpoint.info
    assert (info.server, info.dialect, info.model_id) == (server_name, "openai", MODEL_ID)
    assert (info.model_sha, info.max_total_tokens, info.max_concurrent_requests) == (None, context, None)


async def test_the_users_dialect_wins_over_what_the_server_says(serve: Serve) -> None:
    server = await serve()

    endpoint = await connect(server.url, dialect="openai")
    await endpoint.close()

    assert (endpoint.info.server, endpoint.info.dialect) == ("tgi", "openai")


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/"])
async def test_a_base_url_may_end_in_a_slash_or_v1(serve: Serve, ending: str) -> None:
    server = await serve()

    endpoint = await connect(server.url + ending)
    await endpoint.close()

    assert endpoint.info.url == server.url


async def test_the_key_is_read_from_the_environment_without_a_stray_newline(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(API_KEY_VARIABLE, f"{KEY}\n")
    server = await serve()

    endpoint = await connect(server.url)
    await endpoint.close()

    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert KEY not in repr(endpoint.info)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_names_the_variable_and_not_the_key(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv(API_KEY_VARIABLE, KEY)
    server = await serve({"*": Reply(status=status)})

    with pytest.raises(UserError, match=API_KEY_VARIABLE) as caught:
        await connect(server.url)

    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "page",
    [
        Reply(body=HTML),
        Reply(body={"hello": "world"}),
        Reply(body=[]),
        Reply(body={"data": []}),
        Reply(status=404),
    ],
    ids=["HTML", "other JSON", "a list", "no models", "nothing"],
)
async def test_what_is_neither_tgi_nor_openai_like_is_refused_by_name(serve: Serve, page: Reply) -> None:
    server = await serve({"*": page})

    with pytest.raises(UserError, match=r"neither like TGI .* nor like an OpenAI server"):
        await connect(server.url)


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_proxy_whose_server_is_not_up_yet_is_told_apart_from_a_wrong_url(
    serve: Serve, status: int
) -> None:
    server = await serve({"*": Reply(status=status, body=HTML)})

    with pytest.raises(UserError, match=f"unavailable for now .{status}.*wait"):
        await connect(server.url)


async def test_a_closed_port_is_named_with_the_question_whether_the_server_is_up() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(UserError, match=f"cannot reach {url}.*is the server up"):
        await connect(url)


@pytest.mark.parametrize(
    "url",
    ["", "foo", "127.0.0.1:8080", "ftp://127.0.0.1", "http://", "http://[::1", "http://localhost:port"],
)
async def test_what_is_no_http_url_is_refused_before_anything_is_asked(url: str) -> None:
    with pytest.raises(UserError, match="not an http"):
        await connect(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://me:hush-hush@localhost:1",
        "http://hush-hush@localhost:1",
        "me:hush-hush@localhost",
        "http://me:hush-hush@[::1",
    ],
)
async def test_credentials_in_a_url_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UserError, match=API_KEY_VARIABLE) as caught:
        await connect(url)

    assert "hush-hush" not in str(caught.value)
