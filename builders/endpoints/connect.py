"""Find out what server answers at a URL, and open the adapter that speaks to it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import aiohttp

from builders.endpoints.base import EndpointInfo
from builders.endpoints.chat_completions import CONNECT_TIMEOUT_S, ChatCompletionsEndpoint
from builders.errors import UserError

if TYPE_CHECKING:
    from builders.endpoints.base import Endpoint

API_KEY_VARIABLE = "METASYNTH_API_KEY"
STAND_IN_ROUTER = "builders-serve"
SIMULATED_ROUTER = "metasynth-simulated"
SERVERS = {STAND_IN_ROUTER: "builders-serve", SIMULATED_ROUTER: "simulated"}
"""What answers like TGI and is another server, by the `router` of its `/info`."""


async def connect(
    url: str, *, adapter: str = "chat", dialect: Literal["tgi", "openai"] | None = None
) -> Endpoint:
    """Probe a server and return an open endpoint.

    Args:
        url: base URL, with or without a trailing `/v1`.
        adapter: `chat` for `/v1/chat/completions`, or `text-generation` for TGI's native
            routes through the official client (extra `metasynth[text-generation]`).
        dialect: how the server wants to be asked for structured output, where it is known
            better than the server tells.

    Raises:
        UserError: nothing answers, the key is refused, or the server is neither TGI nor
            OpenAI-like. The message names the remedy.
    """
    base = _normalise(url)
    api_key = os.environ.get(API_KEY_VARIABLE, "").strip() or None
    info = await probe(base, api_key=api_key)
    if dialect:
        info = replace(info, dialect=dialect)
    if adapter == "text-generation":
        from builders.endpoints.text_generation import TextGenerationEndpoint

        return TextGenerationEndpoint(info, api_key=api_key)
    return ChatCompletionsEndpoint(info, api_key=api_key)


async def probe(base: str, *, api_key: str | None) -> EndpointInfo:
    """Ask `/info` (TGI), then `/v1/models` (vLLM, SGLang, llama.cpp, OpenAI), what answers here."""
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    timeout = aiohttp.ClientTimeout(total=CONNECT_TIMEOUT_S)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        info = await _get(session, f"{base}/info")
        if isinstance(info, dict) and "model_id" in info:
            return _tgi(base, info)
        models = await _get(session, f"{base}/v1/models")
        if isinstance(models, dict) and isinstance(models.get("data"), list) and models["data"]:
            return _openai(base, models["data"][0])
    raise UserError(
        f"{base} answers, but neither like TGI (/info) nor like an OpenAI server (/v1/models); "
        "give the base URL of a text-generation server, for example http://127.0.0.1:8080"
    )


async def _get(session: aiohttp.ClientSession, url: str) -> Any:
    try:
        async with session.get(url) as response:
            if response.status in (401, 403):
                raise UserError(
                    f"{url} refuses the API key ({response.status}); "
                    f"set the right one in the environment variable {API_KEY_VARIABLE}"
                )
            if response.status in (502, 503, 504):
                raise UserError(
                    f"{url} is unavailable for now ({response.status}); "
                    "wait until the server is up, then run the same command"
                )
            if response.status != 200:
                return None
            return await response.json(content_type=None)
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise UserError(
            f"cannot reach {url} ({_cause(error)}); is the server up? "
            "Without --endpoint the embedded endpoint is used"
        ) from None
    except ValueError:
        return None


def _cause(error: Exception) -> str:
    return str(error) or type(error).__name__


def _normalise(url: str) -> str:
    if "@" in url:  # looked at first: a wrong URL is shown, credentials never are
        raise UserError(
            f"--endpoint holds credentials; leave them out and set {API_KEY_VARIABLE} in the environment"
        )
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # brackets or a port that mean nothing
        usable = False
    if not usable:
        raise UserError(f"--endpoint {url!r} is not an http(s) URL, for example http://127.0.0.1:8080")
    return url.rstrip("/").removesuffix("/v1")


def _tgi(base: str, info: dict[str, Any]) -> EndpointInfo:
    router = str(info.get("router"))
    return EndpointInfo(
        url=base,
        server=SERVERS.get(router, "tgi"),
        dialect="tgi",
        model_id=info["model_id"],
        model_sha=info.get("model_sha"),
        max_concurrent_requests=info.get("max_concurrent_requests"),
        max_total_tokens=info.get("max_total_tokens"),
        stand_in=router == STAND_IN_ROUTER,
        simulated=router == SIMULATED_ROUTER,
    )


def _openai(base: str, model: dict[str, Any]) -> EndpointInfo:
    """Read an entry of `/v1/models`; vLLM and SGLang add `max_model_len`, llama.cpp `meta`."""
    owner = str(model.get("owned_by", "")).lower()
    server = {"vllm": "vllm", "sglang": "sglang", "llamacpp": "llama.cpp"}.get(owner, "openai")
    meta = model.get("meta") or {}
    return EndpointInfo(
        url=base,
        server=server,
        dialect="openai",
        model_id=str(model["id"]),
        model_sha=None,
        max_concurrent_requests=None,
        max_total_tokens=model.get("max_model_len") or meta.get("n_ctx"),
    )
