"""The JSON bodies that TGI's routes take.

Types are checked strictly, as serde does; a field that is null counts as absent; fields
that TGI does not know are ignored, as TGI does. Ranges are checked in `orders`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from builders.serve.refusals import Unreadable

Count = Annotated[int, Field(ge=0, lt=2**32)]
Seed = Annotated[int, Field(ge=0, lt=2**64)]


class Body(BaseModel):
    """A JSON object of a request."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class GenerateParameters(Body):
    """TGI's ``GenerateParameters``."""

    adapter_id: str | None = None
    best_of: Count | None = None
    decoder_input_details: bool | None = None
    details: bool | None = None
    do_sample: bool | None = None
    frequency_penalty: float | None = None
    grammar: dict[str, Any] | None = None
    max_new_tokens: Count | None = None
    repetition_penalty: float | None = None
    return_full_text: bool | None = None
    seed: Seed | None = None
    stop: list[str] | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_n_tokens: Count | None = None
    top_p: float | None = None
    truncate: Count | None = None
    typical_p: float | None = None
    watermark: bool | None = None


class GenerateRequest(Body):
    """TGI's ``GenerateRequest``, and with ``stream`` its ``CompatGenerateRequest``."""

    inputs: str
    parameters: GenerateParameters | None = None
    stream: bool | None = None


class TextChunk(Body):
    """A part of a message."""

    type: Literal["text"]
    text: str


class ChatMessage(Body):
    """One turn; text only."""

    role: str
    content: str | list[TextChunk]

    def plain(self) -> dict[str, str]:
        """The turn as a chat template takes it."""
        content = self.content
        text = content if isinstance(content, str) else "".join(chunk.text for chunk in content)
        return {"role": self.role, "content": text}


class StreamOptions(Body):
    """OpenAI's options of a streamed chat."""

    include_usage: bool | None = None


class ChatRequest(Body):
    """TGI's ``ChatRequest``."""

    messages: list[ChatMessage]
    frequency_penalty: float | None = None
    logit_bias: Any = None
    logprobs: bool | None = None
    max_tokens: Count | None = None
    n: Count | None = None
    presence_penalty: float | None = None
    response_format: dict[str, Any] | None = None
    seed: Seed | None = None
    stop: list[str] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    tools: list[Any] | None = None
    top_logprobs: Count | None = None
    top_p: float | None = None


class CompletionRequest(Body):
    """TGI's ``CompletionRequest``."""

    prompt: str | list[str]
    frequency_penalty: float | None = None
    max_tokens: Count | None = None
    repetition_penalty: float | None = None
    seed: Seed | None = None
    stop: list[str] | None = None
    stream: bool | None = None
    suffix: str | None = None
    temperature: float | None = None
    top_p: float | None = None


AnyBody = TypeVar("AnyBody", bound=Body)


def read_body(kind: type[AnyBody], raw: bytes) -> AnyBody:
    """Read a body.

    Raises:
        Unreadable: it is not JSON (400), or a field is missing or of the wrong type (422).
    """
    try:
        return kind.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        words = f"{where}: {first['msg']}" if where else first["msg"]
        if first["type"] == "json_invalid":
            raise Unreadable(400, f"Failed to parse the request body as JSON: {words}") from None
        raise Unreadable(422, f"Failed to deserialize the JSON body into the target type: {words}") from None
