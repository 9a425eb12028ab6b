"""A proxy before a real endpoint that gives the same answer to the same request.

Batched arithmetic is not exact, so that a model may answer a repeated request a little differently.
A test of resuming compares builds *over the same answers*: the proxy remembers them, and what it was asked.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHAT = "/v1/chat/completions"


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """An answer as it came."""

    status: int
    body: bytes
    headers: dict[str, str]


class MemoisingProxy:
    """Passes requests on, once each.

    Attributes:
        url: base URL.
        chats: payload of every chat request so far, in the order they came.
        delay_s: how long an answer from memory takes.
    """

    def __init__(self, upstream: str, session: aiohttp.ClientSession) -> None:
        self.url = ""
        self.chats: list[dict[str, Any]] = []
        self.delay_s = 0.0
        self._upstream = upstream
        self._session = session
        self._answers: dict[tuple[str, bytes], asyncio.Task[Remembered]] = {}

    async def asked(self, chats: int) -> None:
        """Wait until so many chat requests have come."""
        while len(self.chats) < chats:  # noqa: ASYNC110 - a counter, not an event
            await asyncio.sleep(0.002)

    async def answer(self, request: web.Request) -> web.Response:
        """Answer any request."""
        body = await request.read()
        if request.path == CHAT:
            self.chats.append(json.loads(body))
        key = (f"{request.method} {request.path}", body)
        if key not in self._answers:
            self._answers[key] = asyncio.create_task(self._ask(request.method, request.path, body))
        else:
            await asyncio.sleep(self.delay_s)
        answer = await asyncio.shield(self._answers[key])  # the client may leave, the answer stays
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    async def _ask(self, method: str, path: str, body: bytes) -> Remembered:
        headers = {"Content-Type": "application/json"}
        async with self._session.request(
            method, self._upstream + path, data=body or None, headers=headers
        ) as response:
            kept = {
                name: value
                for name, value in response.headers.items()
                if name.lower().startswith("x-") or name.lower() == "content-type"
            }
            return Remembered(status=response.status, body=await response.read(), headers=kept)


@asynccontextmanager
async def memoising_proxy(upstream: str) -> AsyncIterator[MemoisingProxy]:
    """Serve on a free port of loopback until the block ends."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        proxy = MemoisingProxy(upstream, session)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", proxy.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield proxy
        finally:
            await runner.cleanup()
