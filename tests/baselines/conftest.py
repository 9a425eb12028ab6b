"""A model that imitates answers, so that the control flow can be tested by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from builders.endpoints.base import Completion
from builders.endpoints.errors import EndpointError, Rejected

if TYPE_CHECKING:
    from builders.endpoints.base import JsonSchema, Message, Sampling


@dataclass
class Imitation:
    """Fulfils `builders.endpoints.base.Chat`: answers from the script, errors raised, then "Text SEED."."""

    script: list[str | EndpointError] = field(default_factory=list)
    finish_reason: str = "stop"
    tokenizer: bool = True
    calls: list[tuple[list[Message], Sampling, JsonSchema | None]] = field(default_factory=list)

    async def chat(
        self, messages: list[Message], sampling: Sampling, schema: JsonSchema | None = None
    ) -> Completion:
        self.calls.append((messages, sampling, schema))
        answer = self.script.pop(0) if self.script else f"Text {sampling.seed}."
        if isinstance(answer, EndpointError):
            raise answer
        return Completion(
            text=answer,
            finish_reason=self.finish_reason,
            prompt_tokens=1,
            completion_tokens=99,
            model_id="imitation",
            model_sha="0",
            latency_s=0.0,
        )

    async def count_tokens(self, text: str) -> int:
        if not self.tokenizer:
            raise Rejected("this server counts no tokens")
        return len(text)


@pytest.fixture
def imitation() -> type[Imitation]:
    return Imitation
