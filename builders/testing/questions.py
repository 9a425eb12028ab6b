"""A chat request as the simulation reads it: what was asked, cheaply, and its digest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from builders.serve.refusals import Invalid, NoTools, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CHARACTERS_PER_TOKEN = 4
"""English runs at 4 to 5 characters a token; a fixed width makes counting free."""


@dataclass(slots=True)
class Question:
    """What a chat request asks.

    Attributes:
        messages: role and text of each turn.
        seed: of the sampler.
        schema: what the answer must fit, if anything.
        max_tokens: of the answer.
        prompt_tokens: of the question.
        digest: of messages, seed and schema: what the answer is a function of.
    """

    messages: list[tuple[str, str]]
    seed: int
    schema: dict[str, Any] | None
    max_tokens: int
    prompt_tokens: int
    digest: bytes


def read_question(raw: bytes, *, max_total_tokens: int) -> Question:
    """Read the body of a chat request.

    Raises:
        Unreadable: it is not JSON (400), or lacks its messages (422); TGI tells these in plain text.
        Invalid: it asks for more tokens than there are, for a stream, or for what fits no model (422).
    """
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise Unreadable(400, f"Failed to parse the request body as JSON: {error}") from None
    try:
        messages = [(message["role"], _plain(message["content"])) for message in body["messages"]]
        seed, wanted = int(body.get("seed") or 0), body.get("max_tokens")
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Unreadable(422, "Failed to deserialize the JSON body into the target type: messages") from None
    if not messages:
        raise Invalid("`messages` cannot be empty")
    if body.get("stream"):
        raise Invalid("`stream` is not supported by the simulated endpoint; leave it out")
    if body.get("tools"):
        raise NoTools
    prompt_tokens = count_tokens("".join(content for _, content in messages))
    max_tokens = wanted if wanted is not None else max(1, max_total_tokens - prompt_tokens)
    if not isinstance(max_tokens, int) or max_tokens < 1:
        raise Invalid("`max_new_tokens` must be strictly positive")
    if prompt_tokens + max_tokens > max_total_tokens:
        raise Invalid(
            f"`inputs` tokens + `max_new_tokens` must be <= {max_total_tokens}. "
            f"Given: {prompt_tokens} `inputs` tokens and {max_tokens} `max_new_tokens`"
        )
    schema = _schema(body.get("response_format"))
    return Question(messages, seed, schema, max_tokens, prompt_tokens, _digest(messages, seed, schema))


def request_digest(
    messages: Iterable[Mapping[str, str]], *, seed: int, schema: dict[str, Any] | None = None
) -> bytes:
    """The digest under which :class:`builders.testing.RequestLog` knows a request; 16 bytes."""
    return _digest([(message["role"], message["content"]) for message in messages], seed, schema)


def count_tokens(text: str) -> int:
    """Tokens of a text: four characters each, the last one perhaps fewer."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def split_tokens(text: str) -> list[dict[str, Any]]:
    """TGI's `SimpleToken` for each token of a text."""
    width = CHARACTERS_PER_TOKEN
    pieces = ((at, text[at : at + width]) for at in range(0, len(text), width))
    return [{"id": at // width, "text": piece, "start": at, "stop": at + len(piece)} for at, piece in pieces]


def _digest(messages: list[tuple[str, str]], seed: int, schema: dict[str, Any] | None) -> bytes:
    turns = "\x1e".join(f"{role}\x1f{content}" for role, content in messages)
    asked = f"{turns}\x1e{seed}\x1e{schema!r}"
    return blake2b(asked.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _plain(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content)


def _schema(wanted: Any) -> dict[str, Any] | None:
    """The JSON schema of a `response_format`, in TGI's shape or OpenAI's."""
    if wanted is None:
        return None
    try:
        schema = wanted["json_schema"]["schema"] if wanted["type"] == "json_schema" else wanted["value"]
    except (KeyError, TypeError):
        raise Invalid("`response_format` must hold a JSON schema") from None
    if not isinstance(schema, dict):
        raise Invalid(
            "`response_format` must hold a JSON schema; the simulated endpoint knows no other grammar"
        )
    return schema
