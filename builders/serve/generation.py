"""Run an order: llama.cpp's events in, TGI's tokens out.

TGI's last token carries how the answer ended, so each token is held back until the next.
llama.cpp sends a character of several tokens as one event, and keeps a stop sequence to
itself; TGI's text includes it, so it is put back.
"""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from builders.serve.refusals import Unfinished

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from builders.serve.engine import Engine
    from builders.serve.orders import Order

FinishReason = Literal["length", "eos_token", "stop_sequence"]
FINISH_REASONS: dict[str, FinishReason] = {
    "limit": "length",
    "eos": "eos_token",
    "word": "stop_sequence",
}
FINAL_FIELDS = ("content", "stop", "stop_type", "stopping_word", "tokens_predicted", "timings")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A generated token.

    Attributes:
        id: in the model's vocabulary.
        text: what it adds to the answer; for a special token, nothing.
        logprob: of the model, before temperature; None where llama.cpp does not tell.
        special: True for the end-of-sequence token.
        alternatives: the most likely tokens at its place, best first.
    """

    id: int
    text: str
    logprob: float | None = None
    special: bool = False
    alternatives: tuple[Piece, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an answer ended.

    Attributes:
        finish_reason: TGI's word.
        text: the whole answer.
        generated_tokens: the end-of-sequence token included.
        queue_s: seconds spent waiting for a slot.
        inference_s: seconds of prompt and generation.
    """

    finish_reason: FinishReason
    text: str
    generated_tokens: int
    queue_s: float
    inference_s: float


@dataclass(frozen=True, slots=True)
class Step:
    """A token, and with the last one the ending."""

    piece: Piece
    ending: Ending | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    pieces: list[Piece]
    ending: Ending


async def steps(engine: Engine, order: Order) -> AsyncGenerator[Step]:
    """Generate token by token. Closing the generator frees the slot.

    Raises:
        Refusal: llama.cpp rejects or fails.
    """
    started = time.perf_counter()
    held: Piece | None = None
    text = ""
    async with aclosing(engine.complete(_payload(order))) as events:
        async for event in events:
            if event["stop"]:
                last = _last_piece(event, held or Piece(id=0, text=""))
                elapsed = time.perf_counter() - started
                yield Step(last, _ending(event, text=text + last.text, elapsed=elapsed))
            elif event["tokens"]:
                if held is not None:
                    text += held.text
                    yield Step(held)
                held = _piece(event)


async def answer(engine: Engine, order: Order) -> Answer:
    """Generate to the end; see :func:`steps`."""
    pieces = []
    async with aclosing(steps(engine, order)) as produced:
        async for step in produced:
            pieces.append(step.piece)
            if step.ending:
                return Answer(pieces, step.ending)
    raise Unfinished


def _payload(order: Order) -> dict[str, Any]:
    return order.sampling | {
        "prompt": [token.id for token in order.prompt],
        "n_predict": order.max_new_tokens,
        "n_probs": max(order.top_tokens, int(order.logprobs)),
        "min_p": 0.0,
        "cache_prompt": True,
        "stream": True,
        "return_tokens": True,
        "response_fields": FINAL_FIELDS,
    }


def _piece(event: dict[str, Any]) -> Piece:
    found = (event.get("completion_probabilities") or [{}])[-1]
    return Piece(
        id=event["tokens"][-1],
        text=event["content"],
        logprob=found.get("logprob"),
        alternatives=tuple(
            Piece(id=entry["id"], text=entry["token"], logprob=entry["logprob"])
            for entry in found.get("top_logprobs", ())
        ),
    )


def _last_piece(event: dict[str, Any], held: Piece) -> Piece:
    """The last token, with what only the last event tells of it."""
    if event["stop_type"] == "eos":
        return replace(held, text="", special=True)
    if event["stop_type"] == "word":
        return replace(held, text=held.text + event["stopping_word"])
    return held


def _ending(event: dict[str, Any], *, text: str, elapsed: float) -> Ending:
    timings = event.get("timings", {})
    inference = (timings.get("prompt_ms", 0.0) + timings.get("predicted_ms", 0.0)) / 1000
    return Ending(
        finish_reason=FINISH_REASONS.get(event["stop_type"], "length"),
        text=text,
        generated_tokens=event["tokens_predicted"],
        queue_s=max(0.0, elapsed - inference),
        inference_s=inference,
    )
