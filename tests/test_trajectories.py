"""Promises of a build's course: exactly what was asked for, whatever comes first and whatever fails."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_outcome import CORPUS, Caller, Exactly, Heard, Server, Storyteller, document

from builders.endpoints.errors import EndpointError, GenerationFailed, Unauthorized, Unavailable
from builders.endpoints.pool import Pool, Retries
from builders.errors import UserError
from builders.journal import DrainingError, Journal, Recorder
from builders.method import Attempt, derive_seed
from builders.trajectories import BARREN_TRAJECTORIES, Outcome, Target, run_trajectories, share

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from builders.endpoints.base import Chat

ONCE = Retries(unavailable=0, generation_failed=0, incomplete=0)


# Quotas


@settings(deadline=None)
@given(missing=st.integers(1, 2_000), most=st.integers(1, 40), least=st.integers(1, 40))
def test_trajectories_owe_what_is_missing_as_equally_as_can_be(missing: int, most: int, least: int) -> None:
    corpus = CORPUS.model_copy(update={"documents_per_trajectory": most, "min_trajectories": least})
    shares: list[int] = []
    while sum(shares) < missing:
        shares.append(share(missing - sum(shares), begun=len(shares), corpus=corpus))
    assert sum(shares) == missing
    assert max(shares) - min(shares) <= 1
    assert 1 <= min(shares) <= max(shares) <= most
    assert len(shares) >= min(missing, least)
    if len(shares) > least:
        assert len(shares) - 1 < missing / most, "no more trajectories than the documents need"


# A build to run


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal")
    yield opened
    opened.close()


def recorder(journal: Journal, server: Server | None = None) -> Recorder:
    return Recorder(journal, Pool(server or Server(), retries=ONCE), listener=lambda *_, **__: None)


async def run(
    journal: Journal,
    method: Any,
    *,
    documents: int | None = None,
    tokens: int | None = None,
    concurrency: int = 8,
    answers: Recorder | None = None,
    heard: Heard | None = None,
) -> Outcome:
    return await run_trajectories(
        CORPUS,
        method,
        recorder=answers or recorder(journal),
        journal=journal,
        target=Target(documents=documents, tokens=tokens),
        concurrency=lambda: concurrency,
        accepted=Exactly(),
        listener=heard or Heard(),
    )


def accepted(journal: Journal) -> list[tuple[int, int, str]]:
    return [
        (trajectory, number, attempt.document.text)
        for trajectory, number, kept, attempt in journal.attempts()
        if kept and attempt.document
    ]


def unlucky(trajectory: int, number: int) -> str | None:
    """Two attempts of five bring nothing, and of the others many bring what another brought too."""
    draw = derive_seed("story", trajectory, number)
    return None if draw % 5 < 2 else f"The story of the {draw % 23} sisters."


# Exactly the documents asked for


@pytest.mark.parametrize("documents", [1, 2, 5, 12, 20])
async def test_exactly_the_documents_asked_for_are_accepted(journal: Journal, documents: int) -> None:
    heard = Heard()
    outcome = await run(journal, Storyteller(unlucky), documents=documents, heard=heard)
    texts = [text for _, _, text in accepted(journal)]
    assert len(texts) == len(set(texts)) == outcome.documents == documents
    assert heard.settlements[-1] == (documents, documents)
    assert outcome.attempts == sum(1 for _ in journal.attempts())
    assert outcome.attempts == documents + sum(journal.dropped().values())


@pytest.mark.parametrize("tokens", [1, 9, 100])
async def test_a_target_in_tokens_takes_the_fewest_documents_that_have_as_many(
    journal: Journal, tokens: int
) -> None:
    sizes = [1 + derive_seed("size", number) % 7 for number in range(500)]

    class Sized(Storyteller):
        async def attempts(self, *, trajectory: int, quota: int, chat: Chat) -> AsyncIterator[Attempt]:
            number = 0
            async for attempt in super().attempts(trajectory=trajectory, quota=quota, chat=chat):
                assert attempt.document
                size = sizes[(3 * trajectory + number) % len(sizes)]
                yield replace(attempt, document=replace(attempt.document, n_tokens=size))
                number += 1

    await run(journal, Sized(lambda *place: f"Story {place}."), tokens=tokens)

    had = [
        attempt.document.n_tokens for _, _, kept, attempt in journal.attempts() if kept and attempt.document
    ]
    assert sum(had) >= tokens > sum(had[:-1])


async def test_the_outcome_depends_on_the_answers_and_not_on_which_came_first(tmp_path: Path) -> None:
    outcomes = []
    for schedule in range(20):
        journal = Journal(tmp_path / str(schedule))
        method = Storyteller(unlucky, schedule=schedule)
        concurrency = 1 + schedule % 8
        outcome = await run(journal, method, documents=17, concurrency=concurrency)
        outcomes.append((outcome, list(journal.attempts()), journal.dropped()))
        journal.close()
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert outcomes[0][2]["duplicate"] > 0, "the schedules had something to disagree on"


async def test_of_equal_documents_the_first_in_order_stays_and_not_the_first_to_come(
    journal: Journal,
) -> None:
    async def slowly() -> None:
        await asyncio.sleep(0.05)

    class Copyist(Caller):
        async def attempts(self, *, trajectory: int, quota: int, chat: Chat) -> AsyncIterator[Attempt]:
            async for attempt in super().attempts(trajectory=trajectory, quota=quota, chat=chat):
                same = document("A story, told twice.") if trajectory < 2 else attempt.document
                yield Attempt(document=same, trace=attempt.trace)

    answers = recorder(journal, Server(seed_0=slowly))
    await run(journal, Copyist(), documents=4, answers=answers)
    kept = [trajectory for trajectory, _, _ in accepted(journal)]
    assert kept == [0, 2, 3, 4], "trajectory 1 came first, and 4 makes up for it"
    assert journal.dropped() == {"duplicate": 1}


async def test_a_second_run_over_the_journal_asks_nothing_and_decides_alike(journal: Journal) -> None:
    await run(journal, Caller(), documents=9)
    decided = list(journal.attempts())
    server = Server()
    await run(journal, Caller(), documents=9, answers=recorder(journal, server))
    assert server.asked == []
    assert list(journal.attempts()) == decided


# What stops a build


async def test_a_build_whose_trajectories_bring_nothing_says_what_stopped_them(journal: Journal) -> None:
    with pytest.raises(
        UserError, match=r"brought no further document \(too-short \d+; last: \d+\.\d+ is short"
    ):
        await run(journal, Storyteller(lambda *_: None), documents=4)
    trajectories = {trajectory for trajectory, *_ in journal.attempts()}
    assert len(trajectories) >= BARREN_TRAJECTORIES


async def test_a_build_that_runs_dry_of_new_documents_ends_too(journal: Journal) -> None:
    with pytest.raises(UserError, match="duplicate"):
        await run(journal, Storyteller(lambda *_: "Always the same."), documents=4)
    settled = [place for *place, _ in accepted(journal) if place[0] < BARREN_TRAJECTORIES]
    assert settled == [[0, 0]]


async def test_bad_luck_with_the_last_document_does_not_end_a_build(journal: Journal) -> None:
    """The last trajectories come one by one; eleven in a row that bring nothing are survived."""

    def text(trajectory: int, number: int) -> str | None:
        return None if 3 <= trajectory < 3 + BARREN_TRAJECTORIES - 1 else f"Story {trajectory}."

    outcome = await run(journal, Storyteller(text), documents=4)
    assert (outcome.documents, outcome.trajectories) == (4, 4 + BARREN_TRAJECTORIES - 1)


async def test_a_call_that_fails_for_good_lets_the_others_in_flight_finish(journal: Journal) -> None:
    async def refused() -> None:
        await asyncio.sleep(0.01)
        raise Unauthorized("wrong key")

    async def slowly() -> None:
        await asyncio.sleep(0.1)

    server = Server(seed_0=refused, seed_1=slowly, seed_2=slowly)
    answers = recorder(journal, server)
    with pytest.raises(Unauthorized, match="wrong key"):
        await run(journal, Caller(), documents=9, concurrency=3, answers=answers)
    assert journal.spent()[0] == 2, "what was in flight is recorded"
    assert sorted(server.asked) == [0, 1, 2], "and nothing new is asked"

    healed = Server()
    await run(journal, Caller(), documents=9, concurrency=3, answers=recorder(journal, healed))
    assert len(healed.asked) == 9 - 2


async def test_a_trajectory_that_fails_is_set_aside_and_tried_again_when_others_are_done(
    journal: Journal,
) -> None:
    failures = iter([GenerationFailed("out of luck")])

    async def once_out_of_luck() -> None:
        for failure in failures:
            raise failure

    heard = Heard()
    method = Caller()
    server = Server(seed_0=once_out_of_luck)
    outcome = await run(
        journal, method, documents=9, concurrency=1, answers=recorder(journal, server), heard=heard
    )
    assert heard.aside == [0]
    assert method.begun == [0, 1, 2, 3, 0]
    assert (outcome.documents, outcome.trajectories) == (9, 4)


async def test_the_first_failure_is_told_and_not_its_consequences(journal: Journal) -> None:
    async def away() -> None:
        raise Unavailable("the server is away")

    server = Server(seed_1=away)
    with pytest.raises(EndpointError, match="the server is away"):
        await run(journal, Caller(), documents=12, answers=recorder(journal, server))


async def test_a_build_told_to_stop_records_what_is_in_flight(journal: Journal) -> None:
    answers: Recorder

    async def slowly() -> None:
        await asyncio.sleep(0.05)

    async def interrupted() -> None:
        answers.drain()

    answers = recorder(journal, Server(seed_0=slowly, seed_1=interrupted))
    with pytest.raises(DrainingError):
        await run(journal, Caller(), documents=12, concurrency=2, answers=answers)
    assert journal.spent()[0] == 2


async def test_a_bug_in_a_method_surfaces_at_once_and_leaves_nobody_at_work(journal: Journal) -> None:
    async def for_ever() -> None:
        await asyncio.sleep(600)

    class Buggy(Caller):
        async def attempts(self, *, trajectory: int, quota: int, chat: Chat) -> AsyncIterator[Attempt]:
            async for attempt in super().attempts(trajectory=trajectory, quota=quota, chat=chat):
                if trajectory == 0:
                    raise ZeroDivisionError
                yield attempt

    method = Buggy()
    server = Server(seed_1=for_ever, seed_2=for_ever)
    with pytest.raises(ZeroDivisionError):
        async with asyncio.timeout(5):
            await run(journal, method, documents=12, answers=recorder(journal, server))
    assert {1, 2} <= set(method.ended), "cancelled, and waited for"


async def test_a_cancelled_build_leaves_nobody_at_work(journal: Journal) -> None:
    all_asked = asyncio.Event()

    async def for_ever() -> None:
        if len(server.asked) == 4:
            all_asked.set()
        await asyncio.sleep(600)

    method = Caller()
    server = Server(**{f"seed_{number}": for_ever for number in range(4)})
    building = asyncio.create_task(run(journal, method, documents=4, answers=recorder(journal, server)))
    await all_asked.wait()
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    assert sorted(method.ended) == [0, 1, 2, 3]
    assert journal.spent() == (0, 0, 0)
