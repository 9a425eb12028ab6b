"""The pool finds what endpoints admit and keeps them busy.

Promise, against the simulated endpoint with 64 permits, log-normal latency of mean 0.5 s (sigma 0.6),
an immediate 429 beyond, and 3,000 calls; as a ratio to the time of a yardstick in the same run, which is
a bare aiohttp loop with a semaphore of exactly 64 on the same latencies, without faults:

    (a) the limit told by /info                                          at most 1.03
    (b) not told, starting from 8, 128 or 512; at most 5 % refused        at most 1.10
    (c) permits change from 64 to 16 and back; to the piecewise ideal     at most 1.12
    (d) 3 % answered with 500 and 2 % dropped                             at most 1.10
    (e) endpoints of 16, 32 and 64 permits; to a bare loop of 112         at most 1.06

No call is lost in any. Exits 1 when a promise is missed.

    python benchmarks/admission.py [--calls 3000] [--only b128]

A latency is a function of the request and of how often it was asked, so that every run draws the same.
In (c) the ideal is 64 permits until second 6, 16 until second 18, and 64 again, at the yardstick's pace.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

from builders.endpoints.base import Sampling
from builders.endpoints.connect import connect
from builders.endpoints.pool import Pool
from builders.testing import Fault, Latency, Simulation, simulated_endpoint

if TYPE_CHECKING:
    from builders.testing import SimulatedEndpoint

PERMITS = 64
LATENCY = Latency(mean_s=0.5, sigma=0.6)
FEWER, FEWER_AT_S, MORE_AT_S = 16, 6.0, 18.0
FAULTS = (Fault("incomplete_generation", share=0.03), Fault("drop", share=0.02))
MAX_REFUSED = 0.05


@dataclass(frozen=True, kw_only=True)
class Run:
    """How the pool did the calls."""

    seconds: float
    requests: int
    refused: int


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Servers, where the pool starts, and the promise."""

    name: str
    most: float
    simulations: tuple[Simulation, ...]
    start: int | None = None
    changes: bool = False
    reference: int = PERMITS
    may_refuse: float = 1.0


def simulation(*, permits: int = PERMITS, tell: bool = True, faults: tuple[Fault, ...] = ()) -> Simulation:
    """One endpoint of the benchmark."""
    return Simulation(permits=permits, tell_limit=tell, latency=LATENCY, faults=faults)


UNTOLD = (simulation(tell=False),)
SCENARIOS = [
    Scenario(name="a", most=1.03, simulations=(simulation(),)),
    Scenario(name="b8", most=1.10, simulations=UNTOLD, start=8, may_refuse=MAX_REFUSED),
    Scenario(name="b128", most=1.10, simulations=UNTOLD, start=128, may_refuse=MAX_REFUSED),
    Scenario(name="b512", most=1.10, simulations=UNTOLD, start=512, may_refuse=MAX_REFUSED),
    Scenario(name="c", most=1.12, simulations=(simulation(),), changes=True),
    Scenario(name="d", most=1.10, simulations=(simulation(faults=FAULTS),)),
    Scenario(
        name="e", most=1.06, simulations=tuple(simulation(permits=n) for n in (16, 32, 64)), reference=112
    ),
]


async def main() -> None:
    """Run the scenarios, print the table, exit 1 when a promise is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=3000, help="calls of each run")
    parser.add_argument("--only", choices=[scenario.name for scenario in SCENARIOS], help="one scenario")
    arguments = parser.parse_args()
    chosen = [scenario for scenario in SCENARIOS if arguments.only in (None, scenario.name)]
    yardsticks = {
        permits: await yardstick(permits, arguments.calls)
        for permits in dict.fromkeys(scenario.reference for scenario in chosen)
    }
    for permits, seconds in yardsticks.items():
        print(f"bare loop of {permits}: {seconds:.2f} s, {arguments.calls / seconds:.0f} calls/s", flush=True)
    missed = []
    for scenario in chosen:
        ideal = yardsticks[scenario.reference]
        if scenario.changes:
            work = ideal * PERMITS
            done = FEWER_AT_S * PERMITS + (MORE_AT_S - FEWER_AT_S) * FEWER
            ideal = MORE_AT_S + (work - done) / PERMITS
        run = await pooled(scenario, arguments.calls)
        ratio, refused = run.seconds / ideal, run.refused / run.requests
        kept = ratio <= scenario.most and refused <= scenario.may_refuse
        if not kept:
            missed.append(scenario.name)
        print(
            f"{scenario.name:5} {run.seconds:6.2f} s, {ratio:.3f} of {ideal:.2f} s (promise: at most "
            f"{scenario.most:.2f}); {refused:.2%} of {run.requests} requests refused"
            f"{'' if kept else '  MISSED'}",
            flush=True,
        )
    sys.exit(bool(missed))


async def yardstick(permits: int, calls: int) -> float:
    """Seconds of a bare loop that knows the limit."""
    async with (
        simulated_endpoint(simulation(permits=permits)) as server,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):
        admission = asyncio.Semaphore(permits)

        async def ask(number: int) -> None:
            said = {"messages": question(number), "max_tokens": 64, "seed": number}
            async with (
                admission,
                session.post(f"{server.url}/v1/chat/completions", json=said) as response,
            ):
                response.raise_for_status()
                await response.read()

        began = time.perf_counter()
        await asyncio.gather(*(ask(number) for number in range(calls)))
        return time.perf_counter() - began


async def pooled(scenario: Scenario, calls: int) -> Run:
    """The same calls through the pool."""
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(simulated_endpoint(s)) for s in scenario.simulations]
        endpoints = [await connect(server.url) for server in servers]
        pool = await stack.enter_async_context(
            Pool(*endpoints, start=scenario.start, say=lambda line: print(f"  {line}"))
        )

        async def ask(number: int) -> str:
            sampling = Sampling(max_tokens=64, temperature=1.0, top_p=1.0, seed=number)
            return (await pool.chat(question(number), sampling)).text

        changes = asyncio.create_task(change(servers[0])) if scenario.changes else None
        began = time.perf_counter()
        texts = await asyncio.gather(*(ask(number) for number in range(calls)))
        seconds = time.perf_counter() - began
        if changes:
            await changes
        assert len(texts) == calls
        assert all(texts), "an answer was lost"
        assert sum(len(server.log.answers) for server in servers) == calls
        return Run(
            seconds=seconds,
            requests=sum(server.counts.requests for server in servers),
            refused=sum(server.counts.refused for server in servers),
        )


async def change(server: SimulatedEndpoint) -> None:
    """Take permits away for a while."""
    await asyncio.sleep(FEWER_AT_S)
    server.set_permits(FEWER)
    await asyncio.sleep(MORE_AT_S - FEWER_AT_S)
    server.set_permits(PERMITS)


def question(number: int) -> list[dict[str, str]]:
    """One call of the run."""
    return [{"role": "user", "content": f"Question {number}: what is a bond?"}]


if __name__ == "__main__":
    asyncio.run(main())
