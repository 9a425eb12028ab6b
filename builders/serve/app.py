"""The routes of TGI as an aiohttp application."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from builders import __version__
from builders.serve import answers
from builders.serve.bodies import (
    AnyBody,
    ChatRequest,
    CompletionRequest,
    GenerateParameters,
    GenerateRequest,
    read_body,
)
from builders.serve.generation import answer, steps
from builders.serve.metrics import CONTENT_TYPE, Metrics
from builders.serve.orders import MAX_STOP_SEQUENCES, chat_order, completion_order, order
from builders.serve.refusals import Invalid, Overload, Refusal, Unhealthy, Unreadable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from builders.serve.engine import Engine
    from builders.serve.generation import Ending, Step
    from builders.serve.orders import Order

ROUTER = "builders-serve"
PAYLOAD_BYTES = 2_000_000
NO_PARAMETERS = GenerateParameters()
# As in TGI, the key guards whatever runs the model or its tokenizer; these stay open, for
# probes that carry no key. (TGI leaves /chat_tokenize open too; here it is guarded.)
OPEN_ROUTES = frozenset({("GET", "/"), *(("GET", f"/{name}") for name in ("health", "info", "metrics"))})
OPEN_ROUTES |= {("GET", "/v1/models")}


@dataclass(slots=True, kw_only=True)
class TgiServer:
    """One model behind TGI's routes.

    Attributes:
        engine: the llama.cpp server.
        model_id: as ``/info`` gives it.
        model_sha: as ``/info`` gives it.
        context: tokens of prompt and answer together.
        max_concurrent_requests: generating requests in flight; one more is refused with 429.
        api_key: what ``Authorization: Bearer`` must carry; None for no key.
    """

    engine: Engine
    model_id: str
    model_sha: str
    context: int
    max_concurrent_requests: int
    api_key: str | None = field(default=None, repr=False)
    metrics: Metrics = field(default_factory=Metrics)
    in_flight: int = 0

    def application(self) -> web.Application:
        """The application, to be run with ``handler_cancellation=True``."""
        app = web.Application(client_max_size=PAYLOAD_BYTES, middlewares=[self._errors, self._key])
        app.add_routes(
            [
                web.get("/", self.health),
                web.get("/health", self.health),
                web.get("/info", self.info),
                web.get("/metrics", self.prometheus),
                web.get("/v1/models", self.models),
                web.post("/", self.compatible),
                web.post("/generate", self.generate),
                web.post("/generate_stream", self.generate_stream),
                web.post("/v1/chat/completions", self.chat),
                web.post("/v1/completions", self.complete),
                web.post("/tokenize", self.tokenize),
                web.post("/chat_tokenize", self.chat_tokenize),
            ]
        )
        return app

    async def health(self, request: web.Request) -> web.Response:
        """``GET /health``: 200 and nothing else, or 503."""
        if not await self.engine.healthy():
            raise Unhealthy
        return web.Response()

    async def info(self, request: web.Request) -> web.Response:
        """``GET /info``."""
        return web.json_response(
            {
                "model_id": self.model_id,
                "model_sha": self.model_sha,
                "model_pipeline_tag": "text-generation",
                "max_concurrent_requests": self.max_concurrent_requests,
                "max_best_of": 1,
                "max_stop_sequences": MAX_STOP_SEQUENCES,
                "max_input_tokens": self.context - 1,
                "max_total_tokens": self.context,
                "validation_workers": 1,
                "max_client_batch_size": 1,
                "router": ROUTER,
                "version": __version__,
                "sha": None,
                "docker_label": None,
            }
        )

    async def prometheus(self, request: web.Request) -> web.Response:
        """``GET /metrics``."""
        text = self.metrics.render(await self.engine.load())
        return web.Response(text=text, headers={"Content-Type": CONTENT_TYPE})

    async def models(self, request: web.Request) -> web.Response:
        """``GET /v1/models``."""
        model = {"id": self.model_id, "object": "model", "created": 0, "owned_by": self.model_id}
        return web.json_response({"object": "list", "data": [model]})

    async def tokenize(self, request: web.Request) -> web.Response:
        """``POST /tokenize``."""
        body = await _read(request, GenerateRequest)
        tokens = await self.engine.tokenize(body.inputs)
        return web.json_response(answers.simple_tokens(body.inputs, tokens))

    async def chat_tokenize(self, request: web.Request) -> web.Response:
        """``POST /chat_tokenize``: the rendered prompt and its tokens."""
        body = await _read(request, ChatRequest)
        text = await self.engine.apply_template([message.plain() for message in body.messages])
        tokens = answers.simple_tokens(text, await self.engine.tokenize(text))
        return web.json_response({"templated_text": text, "tokenize_response": tokens})

    async def compatible(self, request: web.Request) -> web.StreamResponse:
        """``POST /``: like ``/generate_stream`` with ``stream``, else ``/generate`` in a list."""
        body = await _read(request, GenerateRequest)
        if body.stream:
            return await self._generate_stream(request, body)
        return await self._generate(body, in_list=True)

    async def generate(self, request: web.Request) -> web.StreamResponse:
        """``POST /generate``."""
        return await self._generate(await _read(request, GenerateRequest), in_list=False)

    async def generate_stream(self, request: web.Request) -> web.StreamResponse:
        """``POST /generate_stream``."""
        return await self._generate_stream(request, await _read(request, GenerateRequest))

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """``POST /v1/chat/completions``."""
        body = await _read(request, ChatRequest)
        include_usage = bool(body.stream_options and body.stream_options.include_usage)
        model_id = self.model_id

        def events(placed: Order, step: Step, index: int) -> list[str]:
            chunk = answers.chat_chunk(placed, step, model_id=model_id)
            if include_usage:
                chunk["usage"] = None
            sent = [json.dumps(chunk)]
            if step.ending and include_usage:
                sent.append(json.dumps(answers.usage_chunk(placed, step.ending, model_id=model_id)))
            return [*sent, "[DONE]"] if step.ending else sent

        with self._admitted():
            started = time.perf_counter()
            placed = await chat_order(self.engine, body, context=self.context)
            if body.stream:
                return await self._stream(request, placed, started=started, events=events)
            whole = await answer(self.engine, placed)
            content = answers.chat_completion(placed, whole.pieces, ending=whole.ending, model_id=model_id)
            return self._respond(placed, content, ending=whole.ending, started=started)

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """``POST /v1/completions``."""
        body = await _read(request, CompletionRequest)

        def events(placed: Order, step: Step, index: int) -> list[str]:
            chunk = answers.text_chunk(step.piece.text, step.ending, model_id=self.model_id)
            return [json.dumps(chunk), "[DONE]"] if step.ending else [json.dumps(chunk)]

        with self._admitted():
            started = time.perf_counter()
            placed = await completion_order(self.engine, body, context=self.context)
            if body.stream:
                return await self._stream(request, placed, started=started, events=events)
            whole = await answer(self.engine, placed)
            content = answers.text_completion(placed, whole.ending, model_id=self.model_id)
            return self._respond(placed, content, ending=whole.ending, started=started)

    async def _generate(self, body: GenerateRequest, *, in_list: bool) -> web.Response:
        parameters = body.parameters or NO_PARAMETERS
        details = bool(parameters.details or parameters.decoder_input_details)
        with self._admitted():
            started = time.perf_counter()
            placed = await order(
                self.engine, body.inputs, parameters=parameters, context=self.context, logprobs=details
            )
            whole = await answer(self.engine, placed)
            content = answers.generated(
                placed,
                whole.pieces,
                ending=whole.ending,
                prompt=body.inputs if parameters.return_full_text else "",
                details=details,
                prefill=bool(parameters.decoder_input_details),
            )
            return self._respond(
                placed, [content] if in_list else content, ending=whole.ending, started=started
            )

    async def _generate_stream(self, request: web.Request, body: GenerateRequest) -> web.StreamResponse:
        parameters = body.parameters or NO_PARAMETERS
        if parameters.decoder_input_details:
            raise Invalid("`decoder_input_details` == true is not supported when streaming tokens")

        def events(placed: Order, step: Step, index: int) -> list[str]:
            response = answers.stream_response(
                placed,
                step,
                index=index,
                prompt=body.inputs if parameters.return_full_text else "",
                details=bool(parameters.details),
            )
            return [json.dumps(response)]

        with self._admitted():
            started = time.perf_counter()
            placed = await order(
                self.engine, body.inputs, parameters=parameters, context=self.context, logprobs=True
            )
            return await self._stream(request, placed, started=started, events=events)

    async def _stream(
        self,
        request: web.Request,
        placed: Order,
        *,
        started: float,
        events: Callable[[Order, Step, int], list[str]],
    ) -> web.StreamResponse:
        """Send server-sent events. A failure before the first is a plain error; later, it is an event."""
        validated = time.perf_counter()
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-cache",
                "x-accel-buffering": "no",
                "x-compute-type": "cpu",
                "x-compute-characters": str(len(placed.inputs)),
            }
        )
        index = 0
        try:
            async with aclosing(steps(self.engine, placed)) as produced:
                async for step in produced:
                    index += 1
                    if not response.prepared:
                        await response.prepare(request)
                    for data in events(placed, step, index):
                        await response.write(f"data: {data}\n\n".encode())
                    if step.ending:
                        self._count(placed, step.ending, started=started, validated=validated)
        except Refusal as refusal:
            if not response.prepared:
                raise
            self.metrics.failed(refusal.error_type)
            await response.write(f"data: {json.dumps(refusal.body())}\n\n".encode())
        await response.write_eof()
        return response

    def _respond(self, placed: Order, content: Any, *, ending: Ending, started: float) -> web.Response:
        """A whole answer, with the headers in which TGI accounts for its time."""
        total = time.perf_counter() - started
        validation = max(0.0, total - ending.queue_s - ending.inference_s)
        self._count(placed, ending, started=started, validated=started + validation)
        per_token = ending.inference_s / max(1, ending.generated_tokens)
        return web.json_response(
            content,
            headers={
                "x-compute-type": "cpu",
                "x-compute-time": f"{total:.6f}",
                "x-compute-characters": str(len(placed.inputs)),
                "x-total-time": _milliseconds(total),
                "x-validation-time": _milliseconds(validation),
                "x-queue-time": _milliseconds(ending.queue_s),
                "x-inference-time": _milliseconds(ending.inference_s),
                "x-time-per-token": _milliseconds(per_token),
                "x-prompt-tokens": str(len(placed.prompt)),
                "x-generated-tokens": str(ending.generated_tokens),
            },
        )

    def _count(self, placed: Order, ending: Ending, *, started: float, validated: float) -> None:
        self.metrics.succeeded(
            input_length=len(placed.prompt),
            generated_tokens=ending.generated_tokens,
            duration=time.perf_counter() - started,
            validation_duration=validated - started,
            queue_duration=ending.queue_s,
            inference_duration=ending.inference_s,
            mean_time_per_token_duration=ending.inference_s / max(1, ending.generated_tokens),
        )

    @contextmanager
    def _admitted(self) -> Iterator[None]:
        """Count a request in, or refuse it at once."""
        self.metrics.received()
        if self.in_flight >= self.max_concurrent_requests:
            raise Overload
        self.in_flight += 1
        try:
            yield
        except asyncio.CancelledError:
            self.metrics.failed("dropped")
            raise
        finally:
            self.in_flight -= 1

    @web.middleware
    async def _errors(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refusal as refusal:
            self.metrics.failed(refusal.error_type)
            return web.json_response(refusal.body(), status=refusal.status)
        except Unreadable as fault:
            self.metrics.failed("validation")
            return web.Response(text=str(fault), status=fault.status)

    @web.middleware
    async def _key(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if self.api_key is not None and (request.method, request.path) not in OPEN_ROUTES:
            given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
            if not hmac.compare_digest(given, f"Bearer {self.api_key}".encode()):
                return web.Response(status=401)
        return await handler(request)


async def _read(request: web.Request, kind: type[AnyBody]) -> AnyBody:
    if request.content_type != "application/json":
        raise Unreadable(415, "Expected request with `Content-Type: application/json`")
    return read_body(kind, await request.read())


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
