"""How a fault looks from outside: status, body, and what becomes of the connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from builders.serve.refusals import Failed, Overload, Unfinished

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builders.testing.simulation import Fault

AT_THE_DOOR = frozenset({"overloaded", "unauthorized", "unavailable", "bad_request"})
"""Answered at once, without a permit."""

WHILE_GENERATING = frozenset({"generation", "incomplete_generation", "drop", "hang"})
"""Happen before the answer is whole."""

HTML = (
    "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n"
    "<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n<hr><center>nginx</center>\r\n"
    "</body>\r\n</html>\r\n"
)


def choose(faults: Iterable[Fault], number: int, *, age_s: float, chance: float) -> Fault | None:
    """The fault that a request meets.

    Args:
        faults: in order; the shares of those in force add up.
        number: of the request, in order of arrival.
        age_s: seconds since the server started.
        chance: the request's draw from [0, 1).
    """
    for fault in faults:
        if fault.active(number, age_s=age_s):
            if chance < fault.share:
                return fault
            chance -= fault.share
    return None


def everywhere(faults: Iterable[Fault], *, age_s: float) -> str | None:
    """Which of `unavailable` and `unauthorized` befalls every request now, whatever its route."""
    for fault in faults:
        whole = fault.share == 1 and fault.requests is None and fault.active(0, age_s=age_s)
        if whole and fault.kind in ("unavailable", "unauthorized"):
            return fault.kind
    return None


def refusal(kind: str) -> web.Response:
    """The answer of a fault that is one."""
    match kind:
        case "unauthorized":
            return web.Response(status=401)
        case "unavailable":
            return web.Response(status=503, text=HTML, content_type="text/html")
        case "bad_request":
            return web.Response(status=400, text="Failed to parse the request body as JSON: simulated")
        case "overloaded":
            refused: Overload | Failed | Unfinished = Overload()
        case "generation":
            refused = Failed("CUDA out of memory (simulated)")
        case _:
            refused = Unfinished()
    return web.json_response(refused.body(), status=refused.status)


def hang_up(request: web.BaseRequest) -> web.Response:
    """End the connection without an answer; what is returned reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def send_half(request: web.BaseRequest, body: bytes, *, hang: bool) -> web.StreamResponse:
    """Send half of an answer, then nothing more, or end the connection."""
    half = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    if hang:
        await forever()
    if request.transport is not None:
        request.transport.close()
    return half


async def forever() -> None:
    """Until the client leaves or the server stops."""
    await asyncio.get_running_loop().create_future()
