"""A real HTTP server on loopback that imitates TGI, or an OpenAI-like server, by a script.

What it answers is given reply by reply, failures included; when the script has run out, the test double
in `scripted_model` answers. It notes what it was asked, and how many requests it had in flight.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import web
from scripted_model import respond

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MODEL_ID = "example/Scripted-7B"
MODEL_SHA = "0123456789abcdef0123456789abcdef01234567"
CHAT = "/v1/chat/completions"
HTML = "<!DOCTYPE html><html><body><h1>Welcome to nginx!</h1></body></html>"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One scripted answer; `body` goes out as it is when it is text, else as JSON.

    A reply that drops sends half of its body and then closes the connection.
    """

    status: int = 200
    body: Any = ""
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    drop: bool = False


def completion(text: str | None, *, finish_reason: str = "stop", **usage: int) -> dict[str, Any]:
    """The body of a chat completion, as TGI sends it."""
    return {
        "object": "chat.completion",
        "id": "",
        "created": 1_760_000_000,
        "model": MODEL_ID,
        "system_fingerprint": "3.3.6-sha-0123456",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "logprobs": None,
                "finish_reason": finish_reason,
            }
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18} | usage,
    }


def tgi_pages(**info: Any) -> dict[str, Reply]:
    """What TGI answers at its other routes; `info` overrides fields of `/info`."""
    told = {
        "model_id": MODEL_ID,
        "model_sha": MODEL_SHA,
        "max_concurrent_requests": 128,
        "max_input_tokens": 8191,
        "max_total_tokens": 8192,
        "router": "text-generation-router",
        "version": "3.3.6",
    }
    return {"/info": Reply(body=told | info), "/health": Reply()}


def openai_pages(**model: Any) -> dict[str, Reply]:
    """What vLLM and its like answer; `model` overrides fields of the entry in `/v1/models`."""
    entry = {"id": MODEL_ID, "object": "model", "owned_by": "vllm", "max_model_len": 4096}
    return {"/v1/models": Reply(body={"object": "list", "data": [entry | model]}), "/health": Reply()}


class ScriptedServer:
    """Answers the other routes by `pages`, and chat by `script`, then by the test double.

    Attributes:
        url: base URL.
        script: replies to the next chat requests, in order.
        asked: payload of every chat request so far.
        headers: headers of every request so far.
        tokenized: payload of every `/tokenize` request so far.
        most_in_flight: most chat requests at once.
        least_delay_s: how long a chat request takes at least.
    """

    def __init__(self, pages: dict[str, Reply]) -> None:
        self.url = ""
        self.pages = pages
        self.script: deque[Reply] = deque()
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.tokenized: list[dict[str, Any]] = []
        self.most_in_flight = 0
        self.least_delay_s = 0.0
        self._open = asyncio.Event()
        self._open.set()
        self._in_flight = 0
        self._arrival = asyncio.Condition()

    def hold(self) -> None:
        """Keep chat requests waiting until :meth:`release`."""
        self._open.clear()

    def release(self) -> None:
        """Answer the chat requests that wait."""
        self._open.set()

    async def heard(self, requests: int) -> None:
        """Wait until so many requests have come, whatever the route."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: len(self.headers) >= requests)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer any request."""
        async with self._arrival:
            self.headers.append(dict(request.headers))
            self._arrival.notify_all()
        if request.path != CHAT:
            return await self._page(request)
        payload = await request.json()
        self.asked.append(payload)
        reply = self.script.popleft() if self.script else _from_the_double(payload)
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            await self._open.wait()
            await asyncio.sleep(max(reply.delay_s, self.least_delay_s))
            return await _send(reply, request)
        finally:
            self._in_flight -= 1

    async def _page(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/tokenize":
            self.tokenized.append(await request.json())
        missing = self.pages.get("*", Reply(status=404, body="404: Not Found"))
        return await _send(self.pages.get(request.path, missing), request)


class Serve(Protocol):
    """Starts a server; the fixture `serve` ends it with the test."""

    async def __call__(self, pages: dict[str, Reply] | None = None) -> ScriptedServer: ...


@asynccontextmanager
async def scripted_server(pages: dict[str, Reply]) -> AsyncIterator[ScriptedServer]:
    """Serve on a free port of loopback until the block ends."""
    server = ScriptedServer(pages)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def _from_the_double(payload: dict[str, Any]) -> Reply:
    text = respond(payload)
    prompt = sum(len(message["content"].split()) for message in payload["messages"])
    return Reply(body=completion(text, prompt_tokens=prompt, completion_tokens=len(text.split())))


async def _send(reply: Reply, request: web.Request) -> web.StreamResponse:
    if isinstance(reply.body, str):
        whole = web.Response(
            status=reply.status,
            text=reply.body,
            headers=reply.headers,
            content_type="text/html" if reply.body.startswith("<") else "text/plain",
        )
    else:
        whole = web.json_response(reply.body, status=reply.status, headers=reply.headers)
    if not reply.drop:
        return whole
    assert isinstance(whole.body, bytes)
    half = web.StreamResponse(status=reply.status, headers={"Content-Length": str(len(whole.body))})
    await half.prepare(request)
    await half.write(whole.body[: len(whole.body) // 2])
    if request.transport:
        request.transport.close()
    return half
