from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest_asyncio

from builders.endpoints.base import Sampling
from builders.endpoints.chat_completions import ChatCompletionsEndpoint
from builders.endpoints.probe import probe
from builders.endpoints.timeouts import Timeouts
from builders.testing import Simulation, simulated_endpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from builders.endpoints.base import Completion, JsonSchema
    from builders.testing import SimulatedEndpoint


class Client:
    """The product's own adapter on one simulated endpoint."""

    def __init__(self, endpoint: ChatCompletionsEndpoint) -> None:
        self.endpoint = endpoint

    async def ask(
        self, number: int = 0, *, words: str = "What is a bond?", schema: JsonSchema | None = None
    ) -> Completion:
        """Ask a question whose sampling seed is `number`."""
        sampling = Sampling(max_tokens=600, temperature=0.8, top_p=0.95, seed=number)
        return await self.endpoint.chat([{"role": "user", "content": words}], sampling, schema)


class Simulate(Protocol):
    """Starts a simulated endpoint with some settings, and a client of it."""

    async def __call__(
        self, *, timeout_s: float = 5.0, **settings: Any
    ) -> tuple[SimulatedEndpoint, Client]: ...


@pytest_asyncio.fixture
async def simulate() -> AsyncIterator[Simulate]:
    """Simulated endpoints and their clients, which live until the test ends."""
    async with AsyncExitStack() as stack:

        async def start(*, timeout_s: float = 5.0, **settings: Any) -> tuple[SimulatedEndpoint, Client]:
            server = await stack.enter_async_context(simulated_endpoint(Simulation(**settings)))
            info = await probe(server.url, api_key=None)
            endpoint = ChatCompletionsEndpoint(info, timeouts=Timeouts(answer_s=timeout_s))
            stack.push_async_callback(endpoint.close)
            return server, Client(endpoint)

        yield start
