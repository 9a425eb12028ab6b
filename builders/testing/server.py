"""The simulated endpoint: TGI's routes over a `Simulation`, and the server's life and deaths."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from aiohttp import web

from builders.serve.endpoint import base_url, listen
from builders.testing.routes import Routes
from builders.testing.simulation import EVENTS, Simulation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from builders.testing.log import Counts, RequestLog
    from builders.testing.simulation import Fault

SHUTDOWN_S = 0.1


class SimulatedEndpoint:
    """A server with TGI's routes and no model; see `docs/simulate.md`.

    Attributes:
        url: base URL, without a trailing slash; the same in all of its lives.
    """

    def __init__(self, simulation: Simulation, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.url = ""
        self._host, self._port = host, port
        self._routes = Routes(simulation, on_event=self._begin)
        self._runner: web.ServerRunner | None = None
        self._events: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    @property
    def simulation(self) -> Simulation:
        """What it does; `set_permits` and `restart` change it."""
        return self._routes.simulation

    @property
    def counts(self) -> Counts:
        """What came of the requests so far."""
        return self._routes.counts

    @property
    def log(self) -> RequestLog:
        """How often each request was asked and answered so far."""
        return self._routes.log

    @property
    def running(self) -> bool:
        """It listens."""
        return self._runner is not None

    def set_permits(self, permits: int) -> None:
        """Change how many requests may generate at once; those that do are not interrupted."""
        self._routes.change(replace(self.simulation, permits=permits))

    async def start(self) -> None:
        """Listen, on the same port as before. Does nothing while it is running.

        Raises:
            UserError: the port is not to be had.
        """
        async with self._turn:
            if self._runner is None:
                await self._listen()
        if self._routes.started_at is None:
            self._routes.started_at = asyncio.get_running_loop().time()
            for fault in self.simulation.faults:
                if fault.kind in EVENTS and fault.requests is None:
                    self._begin(fault)

    async def stop(self) -> None:
        """Die: drop every connection, in the middle of whatever it does, and listen no more."""
        async with self._turn:
            runner, self._runner = self._runner, None
            if runner is not None:
                await _kill(runner)

    async def restart(self, *, model_sha: str | None = None) -> None:
        """Die and be back at once, with other weights where `model_sha` is given."""
        await self.stop()
        if model_sha is not None:
            self._routes.change(replace(self.simulation, model_sha=model_sha))
        await self.start()

    async def close(self) -> None:
        """Stop for good; what is scheduled does not happen."""
        for event in self._events:
            event.cancel()
        await asyncio.gather(*self._events, return_exceptions=True)
        await self.stop()

    async def _listen(self) -> None:
        listener = listen(self._host, self._port)
        self._port = listener.getsockname()[1]
        self.url = base_url(listener)
        server = web.Server(self._routes.handle, handler_cancellation=True, access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        self._runner = runner

    def _begin(self, fault: Fault) -> None:
        """Let a fault happen that befalls the whole server."""
        event = asyncio.get_running_loop().create_task(self._happen(fault))
        self._events.add(event)
        event.add_done_callback(self._events.discard)

    async def _happen(self, fault: Fault) -> None:
        if fault.requests is None:
            await asyncio.sleep(fault.after_s)
        self.counts.faults[fault.kind] += 1
        if fault.kind == "restart":
            await self.restart(model_sha=fault.model_sha)
            return
        await self.stop()
        if fault.for_s != float("inf"):
            await asyncio.sleep(fault.for_s)
            await self.start()


@asynccontextmanager
async def simulated_endpoint(
    simulation: Simulation | None = None, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[SimulatedEndpoint]:
    """Run a simulated endpoint inside this event loop for as long as the context lasts.

    Args:
        simulation: what it does; by default it answers at once, 64 requests at a time.
        host: address to listen on.
        port: port to listen on; 0 for any free one.

    Raises:
        UserError: the port is not to be had.
    """
    server = SimulatedEndpoint(simulation or Simulation(), host=host, port=port)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


async def _kill(runner: web.ServerRunner) -> None:
    for site in list(runner.sites):
        await site.stop()
    for connection in runner.server.connections if runner.server else ():
        if connection.transport is not None:
            connection.transport.abort()
    await runner.cleanup()
