"""What a call costs the machine that asks.

Promise: at zero latency, with 64 calls in flight, the CPU time of the client process per call is at most
2.5 times that of a bare aiohttp loop doing the same requests for `Endpoint.chat`, and at most 4.0 times
with admission, journal and trace (`CallSequence.ask` over `Recorder` and `Pool`). Exits 1 when missed.

    python benchmarks/call_overhead.py [--calls 4000] [--rounds 5]

The simulated endpoint runs in a process of its own. Bare loop, endpoint and whole path take turns in one
run; the ratio is of the medians over the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from served import served

from builders.calls import CallSequence
from builders.corpora.base import Decoding
from builders.endpoints.base import Sampling
from builders.endpoints.connect import connect
from builders.endpoints.pool import Pool
from builders.journal import Journal, Recorder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from builders.endpoints.base import Message

IN_FLIGHT = 64
MAX_ENDPOINT = 2.5
MAX_WHOLE = 4.0
PROMPT = "You direct experts who write documents together. " * 8


async def main() -> None:
    """Take turns, print the table, exit 1 when a promise is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=4000, help="calls of each turn")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each kind")
    arguments = parser.parse_args()
    kinds = {"bare loop": bare, "Endpoint.chat": endpoint, "whole path": whole}
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    with served("--permits", "128") as url:
        for turn in range(arguments.rounds):
            for kind, run in kinds.items():
                seconds[kind].append(await run(url, arguments.calls, turn) / arguments.calls)
    medians = {kind: statistics.median(taken) for kind, taken in seconds.items()}
    for kind, median in medians.items():
        print(
            f"{kind:14} {median * 1e6:5.0f} us/call, {1 / median:6.0f} calls/s of one core, "
            f"{median / medians['bare loop']:.2f} times the bare loop"
        )
    ratios = medians["Endpoint.chat"] / medians["bare loop"], medians["whole path"] / medians["bare loop"]
    print(f"promise: at most {MAX_ENDPOINT} and {MAX_WHOLE}")
    sys.exit(ratios[0] > MAX_ENDPOINT or ratios[1] > MAX_WHOLE)


def messages(number: int, turn: int) -> list[Message]:
    """A short conversation, another for each call."""
    return [
        {"role": "system", "content": PROMPT},
        {"role": "user", "content": f"Turn {turn}, question {number}: what is a bond?"},
    ]


def sampling(number: int) -> Sampling:
    """How it is to be answered."""
    return Sampling(max_tokens=64, temperature=0.8, top_p=0.95, seed=number)


async def timed(calls: int, ask: Callable[[int], Awaitable[Any]]) -> float:
    """CPU seconds of this process for so many calls, 64 in flight."""
    numbers = iter(range(calls))

    async def worker() -> None:
        for number in numbers:
            await ask(number)

    began = time.process_time()
    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return time.process_time() - began


async def bare(url: str, calls: int, turn: int) -> float:
    """Post the request, read the answer as JSON."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask(number: int) -> str:
            drawn = sampling(number)
            payload = {
                "model": "simulated",
                "messages": messages(number, turn),
                "max_tokens": drawn.max_tokens,
                "temperature": drawn.temperature,
                "top_p": drawn.top_p,
                "seed": drawn.seed,
                "stream": False,
            }
            async with session.post(f"{url}/v1/chat/completions", json=payload) as response:
                body = json.loads(await response.read())
            return str(body["choices"][0]["message"]["content"])

        return await timed(calls, ask)


async def endpoint(url: str, calls: int, turn: int) -> float:
    """The adapter alone."""
    adapter = await connect(url)
    try:
        return await timed(calls, lambda number: adapter.chat(messages(number, turn), sampling(number)))
    finally:
        await adapter.close()


async def whole(url: str, calls: int, turn: int) -> float:
    """Admission, journal and trace around it."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        journal = stack.enter_context(closing(Journal(folder)))
        pool = await stack.enter_async_context(Pool(await connect(url)))
        recorder = Recorder(journal, pool, listener=lambda *_, **__: None)

        async def ask(number: int) -> None:
            sequence = CallSequence(
                recorder.of(number), corpus_seed=turn, trajectory=number, decoding=Decoding()
            )
            await sequence.ask("expert", messages(number, turn), max_tokens=64)
            recorder.leave(number)

        return await timed(calls, ask)


if __name__ == "__main__":
    asyncio.run(main())
