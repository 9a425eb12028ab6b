"""What a simulated endpoint does with each request, on every route."""

from __future__ import annotations

import asyncio
import hmac
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from aiohttp import web

from builders.serve.metrics import CONTENT_TYPE
from builders.serve.refusals import Invalid, Refusal, Unreadable
from builders.testing import bodies, faults
from builders.testing.chance import draw
from builders.testing.log import Counts, RequestLog, summary
from builders.testing.permits import Permits
from builders.testing.questions import count_tokens, read_question, split_tokens
from builders.testing.replies import reply
from builders.testing.simulation import EVENTS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from builders.testing.chance import Chance
    from builders.testing.questions import Question
    from builders.testing.simulation import Fault, Simulation

CHAT = "/v1/chat/completions"
GUARDED = frozenset({CHAT, "/tokenize"})
CONTROL = "/simulation"


class Routes:
    """Answers requests as a simulation says; knows nothing of listening and dying.

    Args:
        simulation: what to do.
        on_event: told of a fault of the whole server whose request has arrived.

    Attributes:
        simulation: the settings in force; see :meth:`change`.
        counts, log: what came of the chat requests.
        permits: who generates, and who waits.
        started_at: the event loop's time at which the server first listened, in seconds.
    """

    def __init__(self, simulation: Simulation, *, on_event: Callable[[Fault], None]) -> None:
        self.simulation = simulation
        self.counts = Counts()
        self.log = RequestLog()
        self.permits = Permits(simulation.permits)
        self.started_at: float | None = None
        self._on_event = on_event
        self._faults = [fault for fault in simulation.faults if fault.kind not in EVENTS]
        self._events = {
            fault.requests.start: fault
            for fault in simulation.faults
            if fault.kind in EVENTS and fault.requests is not None
        }
        self._routes: dict[str, Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]] = {
            f"POST {CHAT}": self._chat,
            "POST /tokenize": self._tokenize,
            "GET /": self._health,
            "GET /health": self._health,
            "GET /info": self._info,
            "GET /metrics": self._metrics,
            "GET /v1/models": self._models,
            f"GET {CONTROL}": self._told,
            f"POST {CONTROL}": self._changed,
        }

    def change(self, simulation: Simulation) -> None:
        """Go on with other permits or another `model_sha`."""
        self.simulation = simulation
        self.permits.set_limit(simulation.permits)

    @property
    def age_s(self) -> float:
        """Seconds since the server first listened."""
        now = asyncio.get_running_loop().time()
        return 0.0 if self.started_at is None else now - self.started_at

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer any request."""
        path = request.path
        answer = self._routes.get(f"{request.method} {path}")
        if answer is None:
            return web.Response(status=404)
        if self._faults and path != CONTROL:
            kind = faults.everywhere(self._faults, age_s=self.age_s)
            if kind == "unavailable" or (kind == "unauthorized" and path in GUARDED):
                if path == CHAT:
                    self._arrived()
                self.counts.faults[kind] += 1
                return faults.refusal(kind)
        if self.simulation.api_key is not None and path in GUARDED and not self._knows(request):
            return web.Response(status=401)
        try:
            return await answer(request)
        except Refusal as refusal:
            self.counts.invalid += 1
            return web.json_response(refusal.body(), status=refusal.status)
        except Unreadable as unreadable:
            self.counts.invalid += 1
            return web.Response(status=unreadable.status, text=str(unreadable))

    async def _chat(self, request: web.BaseRequest) -> web.StreamResponse:
        number = self._arrived()
        if self.permits.full and not self.simulation.queue and not self._faults:
            return self._refuse()  # before the body is read: storms cost little
        question = read_question(await request.read(), max_total_tokens=self.simulation.max_total_tokens)
        chance = draw(self.simulation.seed, question.digest, self.log.asked(question.digest))
        fault = faults.choose(self._faults, number, age_s=self.age_s, chance=chance.fault)
        if fault is not None and fault.kind in faults.AT_THE_DOOR:
            self.log.ask(question.digest)
            self.counts.faults[fault.kind] += 1
            return faults.refusal(fault.kind)
        if self.simulation.queue:
            await self.permits.wait()
        elif not self.permits.take():
            return self._refuse()
        self.log.ask(question.digest)
        self.counts.most_in_flight = max(self.counts.most_in_flight, self.permits.held)
        return await self._generate(request, question, chance=chance, fault=fault)

    def _arrived(self) -> int:
        """Count a chat request, and let happen what is to befall the server then; the request's number."""
        number = self.counts.requests
        self.counts.requests += 1
        if number in self._events:
            self._on_event(self._events[number])
        return number

    async def _generate(
        self, request: web.BaseRequest, question: Question, *, chance: Chance, fault: Fault | None
    ) -> web.StreamResponse:
        """Take the time of an answer, give the permit back, and only then answer."""
        kind = fault.kind if fault is not None else None
        try:
            whole = reply(question, self.simulation)
            text, finish_reason = bodies.cut(whole, tokens=question.max_tokens)
            seconds = self.simulation.latency.seconds(chance.normal, tokens=count_tokens(text))
            if kind is not None:
                self.counts.faults[kind] += 1
            if kind == "hang":
                await faults.forever()
            await _pass_time(seconds * chance.moment if kind in faults.WHILE_GENERATING else seconds)
        except asyncio.CancelledError:
            self.counts.left += 1
            raise
        finally:
            self.permits.give_back()
        if request.transport is None or request.transport.is_closing():  # the server died meanwhile
            self.counts.left += 1
            raise ConnectionResetError
        match kind:
            case None:
                return self._answer(question, text, finish_reason=finish_reason, seconds=seconds)
            case "drop":
                return faults.hang_up(request)
            case "generation" | "incomplete_generation":
                return faults.refusal(kind)
            case "truncated":
                text, finish_reason = text[: len(text) // 2], "length"
            case "empty":
                text, finish_reason = "", "stop"
        model_id = self.simulation.model_id
        body = bodies.completion(text, question, finish_reason=finish_reason, model_id=model_id)
        if kind in ("drop_midway", "hang_midway"):
            return await faults.send_half(request, body, hang=kind == "hang_midway")
        if kind == "invalid_json":
            body = body[: len(body) // 2]
        return self._completed(body, seconds=seconds)

    def _answer(self, question: Question, text: str, *, finish_reason: str, seconds: float) -> web.Response:
        self.log.answer(question.digest)
        self.counts.answered += 1
        self.counts.prompt_tokens += question.prompt_tokens
        self.counts.completion_tokens += count_tokens(text)
        model_id = self.simulation.model_id
        body = bodies.completion(text, question, finish_reason=finish_reason, model_id=model_id)
        return self._completed(body, seconds=seconds)

    def _completed(self, body: bytes, *, seconds: float) -> web.Response:
        told = self.simulation.told_time_s
        milliseconds = max(1, round(1000 * (seconds if told is None else told)))  # zero reads as untold
        headers = {"Content-Type": "application/json", "x-total-time": str(milliseconds)}
        return web.Response(body=body, headers=headers)

    def _refuse(self) -> web.Response:
        self.counts.refused += 1
        return faults.refusal("overloaded")

    def _knows(self, request: web.BaseRequest) -> bool:
        given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
        return hmac.compare_digest(given, f"Bearer {self.simulation.api_key}".encode())

    async def _tokenize(self, request: web.BaseRequest) -> web.Response:
        try:
            text = json.loads(await request.read())["inputs"]
            return web.json_response(split_tokens(text))
        except (ValueError, KeyError, TypeError):
            raise Unreadable(422, "Failed to deserialize the JSON body: missing field `inputs`") from None

    async def _health(self, request: web.BaseRequest) -> web.Response:
        return web.Response()

    async def _info(self, request: web.BaseRequest) -> web.Response:
        simulation = self.simulation
        told = simulation.tell_limit
        limit = (simulation.permits if told else None) if isinstance(told, bool) else told
        return web.json_response(
            bodies.info(
                model_id=simulation.model_id,
                model_sha=simulation.model_sha,
                max_total_tokens=simulation.max_total_tokens,
                limit=limit,
            )
        )

    async def _metrics(self, request: web.BaseRequest) -> web.Response:
        text = bodies.metrics(self.counts, self.permits)
        return web.Response(text=text, headers={"Content-Type": CONTENT_TYPE})

    async def _models(self, request: web.BaseRequest) -> web.Response:
        model_id = self.simulation.model_id
        model = {"id": model_id, "object": "model", "created": 0, "owned_by": model_id}
        return web.json_response({"object": "list", "data": [model]})

    async def _told(self, request: web.BaseRequest) -> web.Response:
        """What only a simulation has: the counts, for a client in another process."""
        return web.json_response(summary(self.counts, self.log, in_flight=self.permits.held))

    async def _changed(self, request: web.BaseRequest) -> web.Response:
        """Change the permits from another process."""
        try:
            permits = json.loads(await request.read())["permits"]
            self.change(replace(self.simulation, permits=permits))
        except (ValueError, KeyError, TypeError):
            raise Invalid("`permits` must be a whole number >= 0") from None
        return await self._told(request)


async def _pass_time(seconds: float) -> None:
    if seconds > 0:
        await asyncio.sleep(seconds)
