"""Opens a pool on the endpoints that are there; those that are away join it when they come."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from builders.endpoints.breaker import Breaker
from builders.endpoints.pool import Pool
from builders.endpoints.probe import AwayError
from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from builders.endpoints.base import Endpoint

    Opener = Callable[[int, str], Awaitable[Endpoint]]


@asynccontextmanager
async def opened_pool(
    urls: Sequence[str], opener: Opener, *, say: Callable[[str], None], **settings: Any
) -> AsyncIterator[Pool]:
    """Connect to endpoints, at least one of which must be there.

    Args:
        urls: base URLs.
        opener: opens the endpoint of a number, from 1, and a URL.
        say: told what a person should know, in a line.
        settings: those of :class:`Pool`.

    Raises:
        UserError: none is there, or one is and cannot be used.
    """
    async with AsyncExitStack() as stack:
        there: list[Endpoint] = []
        away: list[tuple[int, str]] = []
        absence: AwayError | None = None
        for number, url in enumerate(urls, start=1):
            try:
                endpoint = await opener(number, url)
            except AwayError as error:
                absence = absence or error
                away.append((number, url))
            else:
                stack.push_async_callback(endpoint.close)
                there.append(endpoint)
        if absence and not there:
            raise absence
        pool = await stack.enter_async_context(Pool(*there, say=say, **settings))
        for number, url in away:
            task = asyncio.create_task(_join_when_there(pool, number, url, opener, say=say))
            stack.push_async_callback(_end, task)
        yield pool


async def _join_when_there(
    pool: Pool, number: int, url: str, opener: Opener, *, say: Callable[[str], None]
) -> None:
    """Add an endpoint to the pool as soon as it is there; one that is of no use is left out, aloud."""
    say(f"{url} is away; the build begins without it, and uses it when it is there")
    breaker = Breaker()
    while True:
        breaker.open(time.monotonic())
        await asyncio.sleep(breaker.cool_down_s(time.monotonic()))
        try:
            endpoint = await opener(number, url)
        except AwayError:
            continue
        except UserError as error:
            say(f"the build goes on without {url}: {error}")
            return
        try:
            pool.join(endpoint)
        except UserError as error:
            await endpoint.close()
            say(f"the build goes on without {url}: {error}")
        else:
            say(f"{url} is there")
        return


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
