"""What a server says of itself: `/info` (TGI), or `/v1/models` (vLLM, SGLang, llama.cpp, OpenAI)."""

from __future__ import annotations

from typing import Any

import aiohttp

from builders.endpoints.base import EndpointInfo
from builders.errors import UserError

API_KEY_VARIABLE = "METASYNTH_API_KEY"
CONNECT_TIMEOUT_S = 10.0
STAND_IN_ROUTER = "builders-serve"
SIMULATED_ROUTER = "metasynth-simulated"
SERVERS = {STAND_IN_ROUTER: "builders-serve", SIMULATED_ROUTER: "simulated"}
"""What answers like TGI and is another server, by the `router` of its `/info`."""


class AwayError(UserError):
    """Nothing answers, for now."""


async def probe(base: str, *, api_key: str | None) -> EndpointInfo:
    """Ask `/info` (TGI), then `/v1/models` (vLLM, SGLang, llama.cpp, OpenAI), what answers here.

    Raises:
        AwayError: nothing does.
        UserError: it is no text-generation server, or it refuses the key.
    """
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
                raise AwayError(
                    f"{url} is unavailable for now ({response.status}); "
                    "wait until the server is up, then run the same command"
                )
            if response.status != 200:
                return None
            return await response.json(content_type=None)
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise AwayError(
            f"cannot reach {url} ({_cause(error)}); is the server up? "
            "Without --endpoint the embedded endpoint is used"
        ) from None
    except ValueError:
        return None


def _cause(error: Exception) -> str:
    return str(error) or type(error).__name__


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
