"""llama.cpp's native HTTP server, started in this process and spoken to over loopback.

It listens on a free port of 127.0.0.1 and takes only requests that carry a secret drawn
at start, so that the address is of no use to anyone else on the machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from builders.errors import UserError
from builders.serve.refusals import BadTemplate, Failed, Invalid, Unfinished

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from builders.serve.weights import Weights

# Prompts of conversations that lost their slot to another, kept for when they go on.
PROMPT_CACHE_MIB = 1024
LINE_BYTES = 2**20
# A request in flight holds a thread of the native server; these answer the short calls.
SPARE_HTTP_THREADS = 8
HEALTH_TIMEOUT_S = 5.0
DRAIN_TIMEOUT_S = 5.0
DRAIN_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class VocabularyToken:
    """A token of a text: its id, and the bytes that it stands for."""

    id: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Load:
    """What the engine is busy with: requests in a slot, and requests that wait for one."""

    processing: int
    waiting: int


class Engine:
    """One llama.cpp server with one model.

    Attributes:
        address: its base URL on loopback.
    """

    def __init__(self, address: str, *, secret: str, native: object | None = None) -> None:
        self.address = address
        self._native = native
        self._session = aiohttp.ClientSession(
            # llama.cpp drops kept connections as it likes, and each holds one of its threads.
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            timeout=aiohttp.ClientTimeout(total=None),
            headers={"Authorization": f"Bearer {secret}"},
            read_bufsize=LINE_BYTES,
        )

    @classmethod
    async def start(cls, weights: Weights, *, parallel: int, context: int, connections: int) -> Engine:
        """Load a model and start serving it.

        Args:
            weights: the model file.
            parallel: requests that are generated at once, each in a slot of its own.
            context: tokens of each slot, prompt and answer together.
            connections: requests in flight, those included that wait for a slot.

        Raises:
            UserError: llama.cpp's package is missing, the file is no model, or the model has
                less context.
        """
        secret = secrets.token_urlsafe(32)
        native = await asyncio.to_thread(
            _launch, weights, secret=secret, parallel=parallel, context=context, connections=connections
        )
        engine = cls(native.listening_address, secret=secret, native=native)
        granted = int((await engine._get_json("/props"))["default_generation_settings"]["n_ctx"])
        if granted < context:
            await engine.close()
            raise UserError(
                f"{weights.model_id} has a context of {granted} tokens; ask for --context {granted} or less"
            )
        return engine

    async def tokenize(self, text: str) -> list[VocabularyToken]:
        """Split a text as a prompt is: special tokens are recognised and, where the model wants, added."""
        answer = await self._post_json(
            "/tokenize",
            {"content": text, "with_pieces": True, "add_special": True, "parse_special": True},
        )
        return [
            VocabularyToken(
                token["id"],
                token["piece"].encode() if isinstance(token["piece"], str) else bytes(token["piece"]),
            )
            for token in answer["tokens"]
        ]

    async def apply_template(self, messages: list[dict[str, str]]) -> str:
        """Render a conversation with the model's chat template, ready for the assistant's turn.

        Raises:
            BadTemplate: the template refuses the messages.
        """
        try:
            answer = await self._post_json("/apply-template", {"messages": messages})
        except Failed as error:
            raise BadTemplate(str(error)) from None
        return str(answer["prompt"])

    async def complete(self, payload: dict[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        """Generate; yields llama.cpp's events, of which the last has ``stop`` true.

        Closing the iterator cancels the request and frees its slot.

        Raises:
            Invalid: llama.cpp rejects the payload.
            Failed: llama.cpp fails or is down.
            Unfinished: llama.cpp stops before the last event.
        """
        try:
            async with self._session.post(f"{self.address}/completion", json=payload) as response:
                if response.status == 400:
                    raise Invalid(_words(await response.text()))
                if response.status != 200:
                    raise Failed(_words(await response.text()))
                async for line in response.content:
                    if not line.startswith(b"data: "):
                        continue
                    event = json.loads(line[len(b"data: ") :])
                    if "error" in event:
                        raise Failed(str(event["error"].get("message", event["error"])))
                    yield event
                    if event.get("stop"):
                        return
        except aiohttp.ClientConnectorError:
            raise Failed("llama.cpp does not answer") from None
        except aiohttp.ClientError:
            raise Unfinished from None
        raise Unfinished

    async def healthy(self) -> bool:
        """Whether llama.cpp answers its health check; never raises."""
        timeout = aiohttp.ClientTimeout(total=HEALTH_TIMEOUT_S)
        try:
            async with self._session.get(f"{self.address}/health", timeout=timeout) as response:
                return response.status == 200
        except (TimeoutError, aiohttp.ClientError, RuntimeError):
            return False

    async def load(self) -> Load:
        """How many requests llama.cpp has in its slots and in its queue, as it says itself."""
        gauges = {"requests_processing": 0, "requests_deferred": 0}
        for line in (await self._get_text("/metrics")).splitlines():
            name, _, value = line.removeprefix("llamacpp:").partition(" ")
            if name in gauges:
                gauges[name] = int(float(value))
        return Load(gauges["requests_processing"], gauges["requests_deferred"])

    async def close(self) -> None:
        """Stop the server, once the requests that were cancelled have left their slots."""
        try:
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                while (await self.load()).processing:  # noqa: ASYNC110 - the native server has no event
                    await asyncio.sleep(DRAIN_POLL_S)
        except (TimeoutError, Failed):
            pass
        await self._session.close()
        natives = [self._native]
        self._native = None
        await asyncio.to_thread(natives.clear)  # the native server stops when its last reference goes

    async def _get_text(self, path: str) -> str:
        try:
            async with self._session.get(f"{self.address}{path}") as response:
                return await response.text()
        except aiohttp.ClientError:
            raise Failed("llama.cpp does not answer") from None

    async def _get_json(self, path: str) -> Any:
        return json.loads(await self._get_text(path))

    async def _post_json(self, path: str, payload: dict[str, Any]) -> Any:
        try:
            async with self._session.post(f"{self.address}{path}", json=payload) as response:
                text = await response.text()
        except aiohttp.ClientError:
            raise Failed("llama.cpp does not answer") from None
        if response.status != 200:
            raise Failed(_words(text))
        return json.loads(text)


def threads() -> int:
    """Threads that compute: one per core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _launch(weights: Weights, *, secret: str, parallel: int, context: int, connections: int) -> Any:
    """Start the native server; takes from one second to the time that the file's size needs."""
    try:
        import llguidance  # noqa: F401 - `grammar` needs it; better to know now
        import xllamacpp
    except ImportError as error:
        raise UserError(
            f"the embedded endpoint needs the package {error.name}; run `pip install 'metasynth[local]'`"
        ) from None
    params = xllamacpp.CommonParams()
    params.model.path = str(weights.path)
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [secret]
    params.n_parallel = parallel
    params.n_ctx = parallel * context
    params.kv_unified = False
    params.fit_params = False
    params.cache_ram_mib = PROMPT_CACHE_MIB
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads = threads()
        # Wait asleep, not spinning: with another process on one of two cores, 2 spinning
        # threads made 34 tokens/s, 2 sleeping ones 147 (1 thread, 84), at 4 requests.
        cpu.poll = 0
    params.n_threads_http = connections + SPARE_HTTP_THREADS
    params.endpoint_metrics = True
    params.ui = False
    params.verbosity = -1
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        raise UserError(
            f"llama.cpp cannot serve {weights.path} ({error}); is it a GGUF model, "
            f"and is there memory for {parallel} x {context} tokens of context?"
        ) from None


def _words(text: str) -> str:
    """The message of llama.cpp's error body."""
    try:
        return str(json.loads(text)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return text.strip()[:300]
