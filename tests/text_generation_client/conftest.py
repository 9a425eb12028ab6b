from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from builders.serve import embedded_endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

API_KEY = "s3cret"


@pytest.fixture(scope="session")
def embedded_url() -> Iterator[str]:
    """The real embedded model in a thread of its own, so that the blocking client can call it too."""
    pytest.importorskip("xllamacpp")
    started = threading.Event()
    found: list[str] = []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with embedded_endpoint(context=1024, max_concurrent_requests=4, api_key=API_KEY) as url:
            found.append(url)
            started.set()
            await stop.wait()

    def run() -> None:
        try:
            loop.run_until_complete(serve())
        finally:
            started.set()

    thread = threading.Thread(target=run)
    thread.start()
    started.wait()
    assert found, "the embedded endpoint did not start"
    yield found[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join()


@pytest.fixture(scope="session")
def headers() -> dict[str, str]:
    return {"Authorization": f"Bearer {API_KEY}"}
