from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import pytest_asyncio

from builders.serve import embedded_endpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

OPENAPI = Path(__file__).parents[2] / "../shared/tgi/openapi.json"


@pytest_asyncio.fixture(scope="session")
async def embedded_url() -> AsyncIterator[str]:
    """The real embedded model behind its real server: 4 slots of 2048 tokens, 12 requests at most."""
    pytest.importorskip("xllamacpp")
    async with embedded_endpoint(context=2048, max_concurrent_requests=12) as url:
        yield url


class Caller:
    """Plain HTTP against one server."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def get(self, path: str, **options: Any) -> tuple[int, str]:
        async with self.session.get(self.url + path, **options) as response:
            return response.status, await response.text()

    async def post(self, path: str, body: Any, **options: Any) -> tuple[int, Any, dict[str, str]]:
        """Status, body (parsed where it is JSON) and headers."""
        async with self.session.post(self.url + path, json=body, **options) as response:
            text = await response.text()
            parsed = json.loads(text) if response.content_type == "application/json" else text
            return response.status, parsed, {k.lower(): v for k, v in response.headers.items()}

    async def events(self, path: str, body: Any) -> list[str]:
        """The data of every server-sent event of a streamed answer."""
        status, text, headers = await self.post(path, body)
        assert (status, headers["content-type"]) == (200, "text/event-stream"), text
        return [line.removeprefix("data: ") for line in text.split("\n\n") if line]

    async def gauge(self, name: str) -> float:
        _, text = await self.get("/metrics")
        return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} "))


@pytest_asyncio.fixture(scope="session")
async def server(embedded_url: str) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession() as session:
        yield Caller(session, embedded_url)


@pytest.fixture(scope="session")
def fits() -> Callable[[Any, str], None]:
    """Asserts that a body fits a component schema of TGI's own API description."""
    if not OPENAPI.is_file():
        pytest.skip("TGI's openapi.json is not beside this checkout (../shared/tgi)")
    from jsonschema import Draft4Validator

    api = _with_null(json.loads(OPENAPI.read_text()))

    def check(body: Any, component: str) -> None:
        schema = {"$ref": f"#/components/schemas/{component}", "components": api["components"]}
        Draft4Validator(schema).validate(body)

    return check


def _with_null(node: Any) -> Any:
    """OpenAPI 3.0's ``nullable`` in the words of JSON Schema; its numeric bounds are Draft 4's."""
    if isinstance(node, list):
        return [_with_null(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {
        key: _with_null(value)
        for key, value in node.items()
        if key != "nullable" and not key.startswith("exclusive")
    }
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain
