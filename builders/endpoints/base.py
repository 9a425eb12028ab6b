"""The contract between the method and whatever language model server answers it.

An adapter turns one server's HTTP dialect into :class:`Endpoint`; everything above it
(pool, journal, conductor) speaks only in the terms defined here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict

if TYPE_CHECKING:
    from builders.endpoints.server_load import ServerLoad

JsonSchema = dict[str, Any]


class Message(TypedDict):
    """One turn of a conversation, in the shape that chat APIs take."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How to draw an answer. Part of a call's identity, so it holds nothing else.

    Attributes:
        max_tokens: most tokens to generate, >= 1.
        temperature: softmax temperature, > 0.
        top_p: nucleus mass, in (0, 1].
        frequency_penalty: in [-2, 2]; positive values discourage repetition.
        seed: non-negative; the same request with the same seed asks for the same answer.
        stop: strings that end the answer (not included in it).
    """

    max_tokens: int
    temperature: float
    top_p: float
    seed: int
    frequency_penalty: float = 0.0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One answer.

    Attributes:
        text: what the model wrote.
        finish_reason: ``stop`` (the model ended), or ``length`` (cut at ``max_tokens``).
        prompt_tokens: tokens of the prompt, as the server counted them.
        completion_tokens: tokens generated.
        model_id: the model that answered.
        model_sha: its revision, where the server tells; else None.
        latency_s: seconds from request to answer: the server's own figure where it sends
            one (TGI's ``x-total-time``), else as the client saw it.
        endpoint: base URL of the server that answered.
    """

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    model_id: str
    model_sha: str | None
    latency_s: float
    endpoint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointInfo:
    """What a server says of itself.

    Attributes:
        url: base URL, without a trailing slash and without credentials.
        server: ``tgi``, ``vllm``, ``sglang``, ``llama.cpp``, ``openai``, ``builders-serve`` or
            ``simulated``.
        dialect: how structured output is asked for: ``tgi`` or ``openai``.
        model_id: Hub id or name of the served model.
        model_sha: revision or hash of the weights, where told.
        max_concurrent_requests: requests that the server admits at once, where told.
        max_total_tokens: prompt plus completion tokens of one request, where told.
        stand_in: True when a small model stands in for a real one (the embedded model).
        simulated: True when no model answers at all (`builders.testing`).
    """

    url: str
    server: str
    dialect: Literal["tgi", "openai"]
    model_id: str
    model_sha: str | None
    max_concurrent_requests: int | None
    max_total_tokens: int | None
    stand_in: bool = False
    simulated: bool = False


class Chat(Protocol):
    """What the method needs of a language model: answers, and token counts."""

    async def chat(
        self, messages: list[Message], sampling: Sampling, schema: JsonSchema | None = None
    ) -> Completion:
        """Answer a conversation, constrained to ``schema`` where one is given.

        Raises:
            EndpointError: one of the taxonomy in :mod:`builders.endpoints.errors`.
        """
        ...

    async def count_tokens(self, text: str) -> int:
        """Count the tokens of a text with the served model's tokenizer."""
        ...


class Endpoint(Chat, Protocol):
    """One server. Adapters fulfil this."""

    info: EndpointInfo

    async def healthy(self) -> bool:
        """Ask the server whether it is up; never raises."""
        ...

    async def look(self) -> EndpointInfo:
        """Ask the server anew what it is.

        Raises:
            UserError: it does not answer, or not as before.
        """
        ...

    async def load(self) -> ServerLoad | None:
        """What the server tells of its queue; None where it tells nothing. Never raises."""
        ...

    async def close(self) -> None:
        """Release the connections."""
        ...
