"""Find out what server answers at a URL, and open the adapter that speaks to it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from builders.endpoints.chat_completions import ChatCompletionsEndpoint
from builders.endpoints.probe import API_KEY_VARIABLE, probe
from builders.errors import UserError

if TYPE_CHECKING:
    from builders.endpoints.base import Endpoint
    from builders.endpoints.timeouts import Timeouts


async def connect(
    url: str,
    *,
    number: int = 1,
    adapter: str = "chat",
    dialect: Literal["tgi", "openai"] | None = None,
    timeouts: Timeouts | None = None,
) -> Endpoint:
    """Probe a server and return an open endpoint.

    Args:
        url: base URL, with or without a trailing `/v1`.
        number: which endpoint of the build it is, from 1: its key is `METASYNTH_API_KEY_<number>`
            where that is set, else `METASYNTH_API_KEY`.
        adapter: `chat` for `/v1/chat/completions`, or `text-generation` for TGI's native
            routes through the official client (extra `metasynth[text-generation]`).
        dialect: how the server wants to be asked for structured output, where it is known
            better than the server tells.
        timeouts: longest waits; by default those of :class:`Timeouts`.

    Raises:
        UserError: nothing answers, the key is refused, or the server is neither TGI nor
            OpenAI-like. The message names the remedy.
    """
    base = normalise(url)
    api_key = _api_key(number)
    info = await probe(base, api_key=api_key)
    if dialect:
        info = replace(info, dialect=dialect)
    if adapter == "text-generation":
        from builders.endpoints.text_generation import TextGenerationEndpoint

        return TextGenerationEndpoint(info, api_key=api_key, timeouts=timeouts)
    return ChatCompletionsEndpoint(info, api_key=api_key, timeouts=timeouts)


def _api_key(number: int) -> str | None:
    own = os.environ.get(f"{API_KEY_VARIABLE}_{number}", "").strip()
    return own or os.environ.get(API_KEY_VARIABLE, "").strip() or None


def normalise(url: str) -> str:
    """A base URL without a trailing slash or `/v1`.

    Raises:
        UserError: it is no http(s) URL, or holds credentials.
    """
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
