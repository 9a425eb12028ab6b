"""The embedded endpoint's life: find the weights, load them, listen, and stop without a trace."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from builders.errors import UserError
from builders.serve.app import TgiServer
from builders.serve.engine import Engine
from builders.serve.weights import EMBEDDED, find_weights

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# Handlers are cancelled when the server stops; this is for those that are about to finish.
SHUTDOWN_GRACE_S = 0.1
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


@asynccontextmanager
async def embedded_endpoint(
    model: str = EMBEDDED,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    parallel: int = 4,
    context: int = 8192,
    max_concurrent_requests: int = 128,
    api_key: str | None = None,
) -> AsyncIterator[str]:
    """Serve a model as TGI would, inside this event loop, for as long as the context lasts.

    Args:
        model: ``embedded``, the path of a GGUF file, or a Hub id (``owner/name`` or
            ``owner/name:file.gguf``).
        host: address to listen on.
        port: port to listen on; 0 for any free one.
        parallel: requests generated at once; others wait in a queue.
        context: tokens of each request, prompt and answer together.
        max_concurrent_requests: requests in flight, waiting ones included; one more is
            refused with 429.
        api_key: asked of every request that runs the model; None for no key.

    Yields:
        The base URL, without a trailing slash.

    Raises:
        UserError: the model, a package or the port is not to be had; names the remedy.
    """
    listener = listen(host, port)
    try:
        weights = await asyncio.to_thread(find_weights, model)
        model_sha, engine = await asyncio.gather(
            asyncio.to_thread(weights.sha),
            Engine.start(weights, parallel=parallel, context=context, connections=max_concurrent_requests),
        )
        server = TgiServer(
            engine=engine,
            model_id=weights.model_id,
            model_sha=model_sha,
            context=context,
            max_concurrent_requests=max_concurrent_requests,
            api_key=api_key,
        )
        runner = web.AppRunner(
            server.application(),
            handler_cancellation=True,
            shutdown_timeout=SHUTDOWN_GRACE_S,
            access_log=None,
        )
        try:
            await runner.setup()
            await web.SockSite(runner, listener).start()
            yield base_url(listener)
        finally:
            await runner.cleanup()
            await engine.close()
    finally:
        listener.close()


def listen(host: str, port: int) -> socket.socket:
    """Take a port, before any model is loaded, so that a clash is told at once.

    Raises:
        UserError: the port is not to be had; names the remedy.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UserError(
                f"port {port} on {host} is in use; choose another with --port, or any free one with --port 0"
            ) from None
        raise UserError(
            f"cannot listen on {host}:{port} ({error.strerror or error}); "
            "use --host 127.0.0.1 and a --port from 1024 up"
        ) from None


def base_url(listener: socket.socket) -> str:
    """The URL that reaches a listening socket from this machine, without a trailing slash."""
    host, port = listener.getsockname()[:2]
    host = WILDCARDS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
