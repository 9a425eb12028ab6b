"""Methods and a server whose outcome is known beforehand, to run trajectories with."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from builders.corpora.base import Corpus
from builders.endpoints.base import Completion, EndpointInfo, Sampling
from builders.method import Attempt, Document, Rejection, TraceCall

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from builders.endpoints.base import Chat
    from builders.endpoints.errors import EndpointError

CORPUS = Corpus(name="made-up", domain="biomed", documents_per_trajectory=3, min_trajectories=4)
INFO = EndpointInfo(
    url="http://127.0.0.1:1",
    server="tgi",
    dialect="tgi",
    model_id="owner/model",
    model_sha="abc",
    max_concurrent_requests=8,
    max_total_tokens=8192,
)


class Heard:
    """Hears of a build's progress."""

    def __init__(self) -> None:
        self.settlements: list[tuple[int, int]] = []
        self.aside: list[int] = []

    def attempted(self, trajectory: int, attempt: Attempt) -> None: ...

    def settled(self, accepted: int, tokens: int) -> None:
        self.settlements.append((accepted, tokens))

    def set_aside(self, trajectory: int, error: EndpointError) -> None:
        self.aside.append(trajectory)


class Exactly:
    """Remembers texts word for word."""

    def __init__(self) -> None:
        self.texts: set[str] = set()

    def rejection(self, document: Document) -> Rejection | None:
        return Rejection("duplicate", "as before") if document.text in self.texts else None

    def add(self, trajectory: int, step: int, attempt: Attempt) -> None:
        assert attempt.document
        self.texts.add(attempt.document.text)

    def flush(self) -> None: ...


class Storyteller:
    """A method whose documents are known beforehand, and arrive when chance wills.

    `text(trajectory, number)` is the document of an attempt, or None for a dropped one.
    """

    def __init__(self, text: Callable[[int, int], str | None], *, schedule: int = 0) -> None:
        self._text = text
        self._chance = random.Random(schedule)

    async def attempts(self, *, trajectory: int, quota: int, chat: Chat) -> AsyncIterator[Attempt]:
        done = 0
        for number in range(quota * CORPUS.attempts_per_document):
            await asyncio.sleep(self._chance.choice([0, 0, 0.001, 0.003]))
            text = self._text(trajectory, number)
            rejections = (Rejection("too-short", f"{trajectory}.{number} is short"),)
            yield Attempt(document=document(text), rejections=() if text else rejections)
            done += text is not None
            if done == quota:
                return


class Caller:
    """A method that makes one call per document; each trajectory asks with its number as the seed."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.ended: list[int] = []

    async def attempts(self, *, trajectory: int, quota: int, chat: Chat) -> AsyncIterator[Attempt]:
        self.begun.append(trajectory)
        try:
            for number in range(quota):
                sampling = Sampling(
                    max_tokens=8, temperature=1, top_p=0.9, seed=trajectory, stop=(f"{number}",)
                )
                said: Any = [{"role": "user", "content": "Tell a story."}]
                told = await chat.chat(said, sampling)
                call = TraceCall(
                    role="writer",
                    instruction="Tell a story.",
                    output=told.text,
                    sampling=sampling,
                    completion=told,
                    parent=None,
                )
                yield Attempt(document=document(told.text), trace=(call,))
        finally:
            await asyncio.sleep(0.01)
            self.ended.append(trajectory)


class Server:
    """An endpoint that answers each seed by a function of its own."""

    info = INFO

    def __init__(self, **answers: Callable[[], Any]) -> None:
        self._answers = answers
        self.asked: list[int] = []

    async def chat(self, messages: Any, sampling: Sampling, schema: Any = None) -> Completion:
        self.asked.append(sampling.seed)
        answer = self._answers.get(f"seed_{sampling.seed}")
        await (answer() if answer else asyncio.sleep(0))
        return Completion(
            text=f"The story of {sampling.seed} in {sampling.stop[0]} parts.",
            finish_reason="stop",
            prompt_tokens=5,
            completion_tokens=3,
            model_id=INFO.model_id,
            model_sha=INFO.model_sha,
            latency_s=0.1,
        )

    async def count_tokens(self, text: str) -> int:
        return len(text.split())

    async def healthy(self) -> bool:
        return True

    async def look(self) -> EndpointInfo:
        return self.info

    async def load(self) -> None: ...

    async def close(self) -> None: ...


def document(text: str | None) -> Document | None:
    if text is None:
        return None
    return Document(
        text=text,
        genre="story",
        persona="nurse",
        keywords=(),
        summary="",
        n_tokens=1,
        model_id="owner/model",
        model_sha="abc",
    )
