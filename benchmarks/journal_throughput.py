"""The journal costs next to nothing beside the calls it records, however many it holds.

Promise: recording or finding an answer takes less than 2 ms and less than twice as long among the
last calls as among the first, and a message that many calls share is stored once. Exits 1 when missed.

    python benchmarks/journal_throughput.py [--calls 40000]

Calls are those of a meta-LM's conversations: twelve turns each, every turn on top of the earlier
ones. The unit of time is one commit of one row to SQLite in the same run and folder.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from builders.endpoints.base import Completion, Message, Sampling
from builders.journal import Journal, call_key
from builders.journal.records import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODEL = "example/model@0123456789abcdef"
TURNS = 12
WORDS = 120
MAX_SECONDS = 0.002
MAX_GROWTH = 2.0


def main() -> None:
    """Record and find, print the table, exit 1 when a promise is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=40_000, help="calls to record")
    calls = parser.parse_args().calls
    tenth = calls // 10
    with tempfile.TemporaryDirectory() as folder:
        unit = commit_seconds(Path(folder), rows=tenth)
        journal = Journal(Path(folder))
        stream = conversations()
        first, *_, last = [timed(tenth, stream, lambda *call: record(journal, *call)) for _ in range(10)]
        late_calls = islice(conversations(), calls - tenth, None)
        found_last = timed(tenth, late_calls, lambda *call: find(journal, *call))
        small = Journal(Path(folder) / "small")
        timed(tenth, conversations(), lambda *call: record(small, *call))
        found_first = timed(tenth, conversations(), lambda *call: find(small, *call))
        size = journal.path.stat().st_size
        journal.close()
        small.close()
    said = sum(len(m["content"]) for messages, _ in islice(conversations(), tenth) for m in messages) / tenth
    table = [("record", first, last), ("find", found_first, found_last)]
    print(f"one commit to SQLite: {unit * 1e6:.0f} us")
    for name, early, late in table:
        print(
            f"{name:7} {early * 1e6:6.0f} us/call with {tenth} calls, {late * 1e6:6.0f} us with {calls}: "
            f"{late / early:.2f} times (promise: under {MAX_GROWTH:g}); {late / unit:.1f} commits"
        )
    print(f"on disk: {size / calls:.0f} bytes/call, of which the messages sent would take {said:.0f}")
    slowest = max(late for _, _, late in table)
    growth = max(late / early for _, early, late in table)
    sys.exit(slowest >= MAX_SECONDS or growth >= MAX_GROWTH or size / calls >= said)


def conversations() -> Iterator[tuple[list[Message], Sampling]]:
    """Calls of one conversation after another, always the same ones."""
    draw = random.Random(0)
    meta_prompt = text(draw)
    number = 0
    while True:
        messages: list[Message] = [
            {"role": "system", "content": meta_prompt},
            {"role": "user", "content": text(draw)},
        ]
        for _ in range(TURNS):
            number += 1
            yield list(messages), Sampling(max_tokens=320, temperature=0.8, top_p=0.95, seed=number)
            messages.append({"role": "assistant", "content": text(draw)})
            messages.append({"role": "user", "content": text(draw)})


def text(draw: random.Random) -> str:
    """Some words."""
    return " ".join(f"{draw.getrandbits(20):x}" for _ in range(WORDS))


def record(journal: Journal, messages: list[Message], sampling: Sampling) -> None:
    """Record one call, its key included."""
    completion = Completion(
        text=messages[-1]["content"],
        finish_reason="stop",
        prompt_tokens=1000,
        completion_tokens=200,
        model_id="example/model",
        model_sha="0123456789abcdef",
        latency_s=1.0,
    )
    key = call_key(messages, sampling, None, model=MODEL)
    journal.record(key, messages, sampling, None, Answer(completion=completion))


def find(journal: Journal, messages: list[Message], sampling: Sampling) -> None:
    """Find one call, its key included."""
    assert journal.answer(call_key(messages, sampling, None, model=MODEL)) is not None


def timed(
    count: int,
    calls: Iterator[tuple[list[Message], Sampling]],
    work: Callable[[list[Message], Sampling], None],
) -> float:
    """CPU and waiting seconds that the work takes per call, without making the call up."""
    batch = list(islice(calls, count))
    began = time.perf_counter()
    for call in batch:
        work(*call)
    return (time.perf_counter() - began) / count


def commit_seconds(folder: Path, *, rows: int) -> float:
    """Seconds that SQLite takes to commit one row, with the journal's settings."""
    database = sqlite3.connect(folder / "unit.sqlite", isolation_level=None)
    database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE t (a, b)")
    began = time.perf_counter()
    for row in range(rows):
        database.execute("INSERT INTO t VALUES (?, ?)", (row, "x" * 1000))
    seconds = (time.perf_counter() - began) / rows
    database.close()
    return seconds


if __name__ == "__main__":
    main()
