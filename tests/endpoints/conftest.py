from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import pytest_asyncio
from scripted_server import MODEL_SHA

from builders.endpoints.base import EndpointInfo, Sampling
from builders.endpoints.chat_completions import ChatCompletionsEndpoint
from builders.endpoints.timeouts import Timeouts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from builders.endpoints.base import Message

KEY = "sk-never-shown-0123456789"


class Adapt(Protocol):
    """Opens the chat adapter on a URL; `settings` are those of the server's info."""

    def __call__(
        self, url: str, *, api_key: str | None = KEY, timeout_s: float = 5.0, **settings: Any
    ) -> ChatCompletionsEndpoint: ...


@pytest_asyncio.fixture
async def adapt() -> AsyncIterator[Adapt]:
    """Adapters that carry a key and are closed when the test ends."""
    async with AsyncExitStack() as stack:

        def open_adapter(
            url: str, *, api_key: str | None = KEY, timeout_s: float = 5.0, **settings: Any
        ) -> ChatCompletionsEndpoint:
            told = {
                "server": "tgi",
                "dialect": "tgi",
                "model_id": "example/Scripted-7B",
                "model_sha": MODEL_SHA,
                "max_concurrent_requests": 4,
                "max_total_tokens": 1000,
            }
            info = EndpointInfo(url=url, **(told | settings))
            endpoint = ChatCompletionsEndpoint(info, api_key=api_key, timeouts=Timeouts(answer_s=timeout_s))
            stack.push_async_callback(endpoint.close)
            return endpoint

        yield open_adapter


@pytest.fixture
def question() -> list[Message]:
    return [{"role": "system", "content": "You are terse."}, {"role": "user", "content": "What is a bond?"}]


@pytest.fixture
def sampling() -> Sampling:
    return Sampling(max_tokens=100, temperature=0.8, top_p=0.95, seed=17)
