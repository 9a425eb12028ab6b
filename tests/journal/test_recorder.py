"""Promises of the recorder: nothing answered is asked again, and a replay meets what the build met."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from builders.corpora.registry import find_corpus
from builders.endpoints.base import Completion, EndpointInfo, Sampling
from builders.endpoints.errors import (
    EndpointError,
    GenerationFailed,
    Incomplete,
    Rejected,
    Unauthorized,
    Unavailable,
)
from builders.endpoints.pool import Pool, Retries
from builders.journal import DrainingError, Recorder
from builders.journal.records import FINAL_ERRORS
from builders.progress import BuildProgress
from builders.request import BuildRequest
from builders.trajectories import Target
from builders.workshop import make_method

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builders.journal import Journal

HELLO: list[Any] = [{"role": "user", "content": "Say hello."}]
SAMPLING = Sampling(max_tokens=8, temperature=0.5, top_p=0.9, seed=1)
INFO = EndpointInfo(
    url="http://127.0.0.1:1",
    server="tgi",
    dialect="tgi",
    model_id="owner/model",
    model_sha="abc",
    max_concurrent_requests=4,
    max_total_tokens=8192,
)
ONCE = Retries(unavailable=0, generation_failed=0, incomplete=0)
TAXONOMY = [GenerationFailed, Unavailable, Rejected, Unauthorized, Incomplete]


class Server:
    """An endpoint that answers with what it is told, and counts."""

    def __init__(self, answer: Callable[[], str], *, info: EndpointInfo = INFO) -> None:
        self.info = info
        self.asked = 0
        self._answer = answer

    async def chat(self, messages: Any, sampling: Sampling, schema: Any = None) -> Completion:
        self.asked += 1
        await asyncio.sleep(0)
        return Completion(
            text=self._answer(),
            finish_reason="stop",
            prompt_tokens=5,
            completion_tokens=3,
            model_id=self.info.model_id,
            model_sha=self.info.model_sha,
            latency_s=0.1,
        )

    async def count_tokens(self, text: str) -> int:
        self.asked += 1
        self._answer()
        return len(text.split())

    async def healthy(self) -> bool:
        return True

    async def look(self) -> EndpointInfo:
        return self.info

    async def load(self) -> None: ...

    async def close(self) -> None: ...


def saying(text: str) -> Callable[[], str]:
    return lambda: text


def failing(error: type[EndpointError]) -> Callable[[], str]:
    def fail() -> str:
        raise error("in the server's words")

    return fail


def recorder(journal: Journal, server: Server, heard: list[tuple[str, bool]] | None = None) -> Recorder:
    def listener(completion: Completion, *, recorded: bool) -> None:
        if heard is not None:
            heard.append((completion.text, recorded))

    return Recorder(journal, Pool(server, retries=ONCE), listener=listener)


async def test_an_answered_call_is_read_back_and_not_asked_again(journal: Journal) -> None:
    heard: list[tuple[str, bool]] = []
    first = await recorder(journal, Server(saying("Hello.")), heard).chat(HELLO, SAMPLING)
    server = Server(saying("Something else."))
    assert await recorder(journal, server, heard).chat(HELLO, SAMPLING) == first
    assert server.asked == 0
    assert heard == [("Hello.", False), ("Hello.", True)]


async def test_another_revision_of_the_model_is_asked_anew(journal: Journal) -> None:
    await recorder(journal, Server(saying("Hello."))).chat(HELLO, SAMPLING)
    server = Server(saying("Good day."), info=replace(INFO, model_sha="def"))
    assert (await recorder(journal, server).chat(HELLO, SAMPLING)).text == "Good day."


@pytest.mark.parametrize("error", FINAL_ERRORS.values())
async def test_a_final_error_is_met_again_in_a_replay(journal: Journal, error: type[EndpointError]) -> None:
    with pytest.raises(error, match="in the server's words"):
        await recorder(journal, Server(failing(error))).chat(HELLO, SAMPLING)
    healed = Server(saying("Hello."))
    with pytest.raises(error, match="in the server's words"):
        await recorder(journal, healed).chat(HELLO, SAMPLING)
    assert healed.asked == 0


@pytest.mark.parametrize("error", [error for error in TAXONOMY if error not in FINAL_ERRORS.values()])
async def test_a_passing_error_is_not_recorded(journal: Journal, error: type[EndpointError]) -> None:
    with pytest.raises(error):
        await recorder(journal, Server(failing(error))).chat(HELLO, SAMPLING)
    assert journal.spent() == (0, 0, 0)
    assert (await recorder(journal, Server(saying("Hello."))).chat(HELLO, SAMPLING)).text == "Hello."


@pytest.mark.parametrize("error", TAXONOMY)
@pytest.mark.parametrize("corpus", ["metasynth-biomed", "template-biomed"])
async def test_an_error_that_a_trajectory_survives_is_recorded(
    journal: Journal, tmp_path: Path, corpus: str, error: type[EndpointError]
) -> None:
    """Else a replay would go another way than the build did, and ask again what was answered."""
    request = BuildRequest(corpus=find_corpus(corpus), target=Target(documents=1), seed=0, folder=tmp_path)
    method = make_method(request, INFO, "text", BuildProgress())
    chat = recorder(journal, Server(failing(error)))
    try:
        attempt = await anext(method.attempts(trajectory=0, quota=1, chat=chat))
    except EndpointError as raised:
        assert type(raised) is error  # noqa: PT017
        assert error not in FINAL_ERRORS.values()
    else:
        assert attempt.document is None
        assert error in FINAL_ERRORS.values()
        assert journal.spent()[0] == 1


async def test_a_build_that_stops_replays_what_is_recorded_and_asks_nothing_new(journal: Journal) -> None:
    server = Server(saying("Hello."))
    stopping = recorder(journal, server)
    told = await stopping.chat(HELLO, SAMPLING)
    counted = await stopping.count_tokens("two words")
    stopping.drain()
    assert await stopping.chat(HELLO, SAMPLING) == told
    assert await stopping.count_tokens("two words") == counted == 2
    with pytest.raises(DrainingError):
        await stopping.chat(HELLO, replace(SAMPLING, seed=2))
    with pytest.raises(DrainingError):
        await stopping.count_tokens("other words")
    assert server.asked == 2


async def test_a_call_in_flight_when_the_build_stops_is_finished_and_recorded(journal: Journal) -> None:
    stopping = recorder(journal, Server(saying("Hello.")))
    call = asyncio.create_task(stopping.chat(HELLO, SAMPLING))
    await asyncio.sleep(0)
    stopping.drain()
    assert (await call).text == "Hello."
    assert journal.spent()[0] == 1


async def test_a_token_count_is_asked_once(journal: Journal) -> None:
    server = Server(saying(""))
    assert await recorder(journal, server).count_tokens("three short words") == 3
    assert await recorder(journal, server).count_tokens("three short words") == 3
    assert server.asked == 1
    other = Server(saying(""), info=replace(INFO, model_sha="def"))
    await recorder(journal, other).count_tokens("three short words")
    assert other.asked == 1, "another model has another tokenizer"


async def test_a_server_that_cannot_count_tokens_is_asked_once_too(journal: Journal) -> None:
    """Else a replay on a server that learned to count would give the documents other figures."""
    with pytest.raises(Rejected, match="in the server's words"):
        await recorder(journal, Server(failing(Rejected))).count_tokens("three short words")
    learned = Server(saying(""))
    with pytest.raises(Rejected):
        await recorder(journal, learned).count_tokens("three short words")
    assert learned.asked == 0
