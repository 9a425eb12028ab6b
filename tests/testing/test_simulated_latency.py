"""Promises of the simulated endpoint's clock: a log-normal of the mean asked for, the same in every run."""

from __future__ import annotations

import asyncio
import statistics
from typing import TYPE_CHECKING

import pytest

from builders.testing import Latency
from builders.testing.chance import draw

if TYPE_CHECKING:
    from conftest import Simulate

DRAWS = 20_000


def digest(number: int) -> bytes:
    return number.to_bytes(16)


@pytest.mark.parametrize("sigma", [0.0, 0.6, 1.0])
def test_the_mean_is_the_mean_of_the_whole_answer(sigma: float) -> None:
    latency = Latency(mean_s=0.5, sigma=sigma)
    times = [latency.seconds(draw(1, digest(n), 0).normal, tokens=100) for n in range(DRAWS)]
    assert statistics.fmean(times) == pytest.approx(0.5, rel=0.03)
    assert min(times) > 0


def test_the_draws_are_normal_and_uniform() -> None:
    chances = [draw(7, digest(n), 0) for n in range(DRAWS)]
    normal = statistics.NormalDist.from_samples([chance.normal for chance in chances])
    assert (normal.mean, normal.stdev) == pytest.approx((0, 1), abs=0.03)
    assert sum(chance.normal > 1.96 for chance in chances) / DRAWS == pytest.approx(0.025, abs=0.005)
    for name in ("fault", "moment"):
        values = [getattr(chance, name) for chance in chances]
        assert 0 <= min(values) < 0.001
        assert 0.999 < max(values) < 1
        assert statistics.fmean(values) == pytest.approx(0.5, abs=0.01)


def test_a_draw_is_a_function_of_seed_request_and_repetition() -> None:
    assert draw(1, digest(1), 0) == draw(1, digest(1), 0)
    assert len({draw(*case) for case in ((1, digest(1), 0), (2, digest(1), 0), (1, digest(2), 0))}) == 3
    assert draw(1, digest(1), 0) != draw(1, digest(1), 1)


def test_tokens_take_their_time() -> None:
    assert Latency(mean_s=0.2, per_token_s=0.01).seconds(0.0, tokens=30) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="never negative"):
        Latency(mean_s=-1)


async def test_an_answer_takes_the_time_that_it_tells(simulate: Simulate) -> None:
    loop = asyncio.get_running_loop()
    _, client = await simulate(latency=Latency(mean_s=0.15, sigma=0.3))
    began = loop.time()
    told = (await client.ask()).latency_s
    assert told <= loop.time() - began < told + 0.1


async def test_times_are_the_same_in_every_run_and_differ_between_requests(simulate: Simulate) -> None:
    async def run(seed: int) -> list[float]:
        _, client = await simulate(latency=Latency(mean_s=0.03, sigma=0.6), seed=seed)
        questions = [*range(20), 0]
        return [(await client.ask(number)).latency_s for number in questions]

    first, again, other = await run(1), await run(1), await run(2)
    assert first == again
    assert first != other
    assert first[0] != first[-1], "asked again, it takes another time"
    assert len(set(first)) > 10


async def test_a_refusal_leaves_the_times_as_they_are(simulate: Simulate) -> None:
    server, client = await simulate(latency=Latency(mean_s=0.03, sigma=0.6))
    calm = (await client.ask()).latency_s
    crowded_server, crowded = await simulate(latency=Latency(mean_s=0.03, sigma=0.6), permits=0)
    await asyncio.gather(*(crowded.ask() for _ in range(3)), return_exceptions=True)
    crowded_server.set_permits(1)
    assert (await crowded.ask()).latency_s == calm
    assert (server.counts.refused, crowded_server.counts.refused) == (0, 3)


async def test_the_time_told_can_be_set(simulate: Simulate) -> None:
    _, client = await simulate(told_time_s=0.25)
    assert (await client.ask()).latency_s == 0.25
