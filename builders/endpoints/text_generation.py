"""The adapter for TGI's native routes, through the official `text-generation` client.

For environments that already hold that client (it needs ``huggingface_hub<1``); elsewhere
`chat_completions` does the same with less. The conversation is rendered by the server's
own chat template (`/chat_tokenize`), and the client hides the headers of `/generate`, so
latency is the client's.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import aiohttp

from builders.endpoints.base import Completion, EndpointInfo, JsonSchema, Message, Sampling
from builders.endpoints.chat_completions import (
    ChatCompletionsEndpoint,
    require_complete,
    without_stop,
)
from builders.endpoints.errors import (
    EndpointError,
    GenerationFailed,
    Overloaded,
    Rejected,
    Unavailable,
    from_status,
)
from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builders.endpoints.timeouts import Timeouts

# TGI's own bound; more are refused by the server.
TOP_P_OFF = 1.0


class TextGenerationEndpoint(ChatCompletionsEndpoint):
    """Speaks `/generate` to one TGI server; fulfils :class:`Endpoint`.

    Tokenizing, health and closing are TGI's common ground with the chat adapter.

    Raises:
        UserError: the client is not installed.
    """

    def __init__(
        self, info: EndpointInfo, *, api_key: str | None = None, timeouts: Timeouts | None = None
    ) -> None:
        try:
            from text_generation import AsyncClient
        except ImportError:
            raise UserError(
                "the text-generation adapter needs its client, in an environment of its own: "
                "run `pip install 'metasynth[text-generation]'`"
            ) from None
        super().__init__(info, api_key=api_key, timeouts=timeouts)
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = AsyncClient(info.url, headers=headers, timeout=math.ceil(self._timeouts.answer_s))

    async def chat(
        self, messages: list[Message], sampling: Sampling, schema: JsonSchema | None = None
    ) -> Completion:
        """Answer a conversation; see :meth:`Chat.chat`."""
        from text_generation.types import Grammar, GrammarType

        prompt = await self._render(messages)
        grammar = None if schema is None else Grammar(type=GrammarType.Json, value=schema)
        started = time.perf_counter()
        try:
            response = await self._client.generate(
                prompt["templated_text"],
                do_sample=True,
                max_new_tokens=sampling.max_tokens,
                temperature=sampling.temperature,
                top_p=None if sampling.top_p >= TOP_P_OFF else sampling.top_p,
                frequency_penalty=sampling.frequency_penalty or None,
                seed=sampling.seed,
                stop_sequences=list(sampling.stop),
                grammar=grammar,
            )
        except Exception as error:
            raise taxonomy(error) from error
        completion = Completion(
            text=without_stop(response.generated_text, sampling.stop),
            finish_reason="length" if response.details.finish_reason == "length" else "stop",
            prompt_tokens=len(prompt["tokenize_response"]),
            completion_tokens=response.details.generated_tokens,
            model_id=self.info.model_id,
            model_sha=self.info.model_sha,
            latency_s=round(time.perf_counter() - started, 4),
            endpoint=self.info.url,
        )
        require_complete(completion, schema=schema)
        return completion

    async def _render(self, messages: list[Message]) -> Mapping[str, Any]:
        body, _ = await self._post("/chat_tokenize", {"messages": messages})
        if not isinstance(body, dict) or "templated_text" not in body:
            raise Rejected("`/chat_tokenize` answers without `templated_text`: is the server TGI 2 or later?")
        return body


def taxonomy(error: Exception) -> EndpointError:
    """Map what the client raises to the taxonomy.

    The client reads every answer as JSON, so that an empty 401 and a proxy's HTML show as
    aiohttp's ``ContentTypeError``, which has the status; it raises its own validation errors
    before it asks.
    """
    from text_generation import errors

    if isinstance(error, aiohttp.ContentTypeError):
        return from_status(error.status, "")
    if isinstance(error, (TimeoutError, aiohttp.ClientError)):
        return Unavailable(f"no answer: {type(error).__name__}")
    classes: list[tuple[tuple[type[Exception], ...], type[EndpointError]]] = [
        ((errors.OverloadedError, errors.RateLimitExceededError), Overloaded),
        ((errors.GenerationError, errors.IncompleteGenerationError), GenerationFailed),
        ((errors.ShardNotReadyError, errors.ShardTimeoutError), Unavailable),
        (
            (errors.ValidationError, errors.BadRequestError, errors.NotFoundError, errors.UnknownError),
            Rejected,
        ),
    ]
    for theirs, ours in classes:
        if isinstance(error, theirs):
            return ours(str(error))
    raise error
