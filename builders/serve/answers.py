"""TGI's response bodies, from tokens and endings."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from builders import __version__

if TYPE_CHECKING:
    from builders.serve.engine import VocabularyToken
    from builders.serve.generation import Ending, FinishReason, Piece, Step
    from builders.serve.orders import Order

# What OpenAI's clients know: the model ended, whether by itself or at a stop sequence.
CHAT_REASONS: dict[FinishReason, str] = {"length": "length", "eos_token": "stop", "stop_sequence": "stop"}
SYSTEM_FINGERPRINT = f"{__version__}-builders-serve"


def simple_tokens(text: str, tokens: list[VocabularyToken]) -> list[dict[str, Any]]:
    """TGI's ``SimpleToken``: each token with the characters of the text that it covers.

    Several tokens that share a character each cover it; a token that is not in the text
    (a begin-of-sequence token) covers nothing.
    """
    raw = text.encode()
    character_of = [index for index, character in enumerate(text) for _ in character.encode()]
    simple: list[dict[str, Any]] = []
    at = 0
    for token in tokens:
        # SentencePiece models put a space in front of the first word.
        piece = next((p for p in (token.raw, token.raw.lstrip(b" ")) if p and raw.startswith(p, at)), b"")
        end = at + len(piece)
        start, stop = (character_of[at], character_of[end - 1] + 1) if piece else (0, 0)
        simple.append({"id": token.id, "text": text[start:stop], "start": start, "stop": stop})
        at = end
    return simple


def token(piece: Piece) -> dict[str, Any]:
    """TGI's ``Token``."""
    return {"id": piece.id, "text": piece.text, "logprob": piece.logprob, "special": piece.special}


def top_tokens(piece: Piece) -> list[dict[str, Any]]:
    """TGI's list of the likeliest tokens at one place."""
    return [token(alternative) for alternative in piece.alternatives]


def generated(
    order: Order, pieces: list[Piece], *, ending: Ending, prompt: str, details: bool, prefill: bool
) -> dict[str, Any]:
    """TGI's ``GenerateResponse``; ``prompt`` goes in front of the text."""
    body: dict[str, Any] = {"generated_text": prompt + ending.text}
    if details:
        body["details"] = {
            "finish_reason": ending.finish_reason,
            "generated_tokens": ending.generated_tokens,
            "seed": order.seed,
            # llama.cpp does not tell the log-probabilities of a prompt.
            "prefill": [
                {"id": entry["id"], "text": entry["text"], "logprob": None}
                for entry in simple_tokens(order.inputs, order.prompt)
            ]
            if prefill
            else [],
            "tokens": [token(piece) for piece in pieces],
        }
        if order.top_tokens:
            body["details"]["top_tokens"] = [top_tokens(piece) for piece in pieces]
    return body


def stream_response(order: Order, step: Step, *, index: int, prompt: str, details: bool) -> dict[str, Any]:
    """TGI's ``StreamResponse``."""
    ending = step.ending
    body: dict[str, Any] = {"index": index, "token": token(step.piece)}
    if order.top_tokens:
        body["top_tokens"] = top_tokens(step.piece)
    body["generated_text"] = prompt + ending.text if ending else None
    body["details"] = (
        {
            "finish_reason": ending.finish_reason,
            "generated_tokens": ending.generated_tokens,
            "input_length": len(order.prompt),
            "seed": order.seed,
        }
        if ending and details
        else None
    )
    return body


def usage(order: Order, ending: Ending) -> dict[str, int]:
    """OpenAI's ``usage``."""
    prompt, completion = len(order.prompt), ending.generated_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def envelope(kind: str, *, model_id: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    """What all of OpenAI's bodies have in common."""
    return {
        "object": kind,
        "id": "",
        "created": int(time.time()),
        "model": model_id,
        "system_fingerprint": SYSTEM_FINGERPRINT,
        "choices": choices,
    }


def chat_logprobs(order: Order, pieces: list[Piece]) -> dict[str, Any] | None:
    """OpenAI's ``logprobs`` of a choice; tokens of unknown log-probability are left out."""
    if not order.logprobs:
        return None
    return {
        "content": [
            {
                "token": piece.text,
                "logprob": piece.logprob,
                "top_logprobs": [
                    {"token": alternative.text, "logprob": alternative.logprob}
                    for alternative in piece.alternatives[: order.top_tokens]
                ],
            }
            for piece in pieces
            if piece.logprob is not None
        ]
    }


def chat_completion(order: Order, pieces: list[Piece], *, ending: Ending, model_id: str) -> dict[str, Any]:
    """TGI's ``ChatCompletion``."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": ending.text},
        "logprobs": chat_logprobs(order, pieces),
        "finish_reason": CHAT_REASONS[ending.finish_reason],
    }
    return envelope("chat.completion", model_id=model_id, choices=[choice]) | {"usage": usage(order, ending)}


def chat_chunk(order: Order, step: Step, *, model_id: str) -> dict[str, Any]:
    """TGI's ``ChatCompletionChunk`` for one token."""
    choice = {
        "index": 0,
        # The official client (text-generation 0.7) requires the field `tool_calls`.
        "delta": {"role": "assistant", "content": step.piece.text, "tool_calls": None},
        "logprobs": chat_logprobs(order, [step.piece]),
        "finish_reason": CHAT_REASONS[step.ending.finish_reason] if step.ending else None,
    }
    return envelope("chat.completion.chunk", model_id=model_id, choices=[choice])


def usage_chunk(order: Order, ending: Ending, *, model_id: str) -> dict[str, Any]:
    """The chunk after the last token that ``stream_options.include_usage`` asks for."""
    return envelope("chat.completion.chunk", model_id=model_id, choices=[]) | {"usage": usage(order, ending)}


def text_completion(order: Order, ending: Ending, *, model_id: str) -> dict[str, Any]:
    """TGI's ``CompletionFinal``."""
    return text_chunk(ending.text, ending, model_id=model_id) | {"usage": usage(order, ending)}


def text_chunk(text: str, ending: Ending | None, *, model_id: str) -> dict[str, Any]:
    """TGI's ``Chunk`` of a streamed completion."""
    reason = CHAT_REASONS[ending.finish_reason] if ending else ""
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": reason}
    return envelope("text_completion", model_id=model_id, choices=[choice])
