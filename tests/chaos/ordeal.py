"""Drives a real build through crashes, and keeps count of what it was answered and asks again."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from console import SCRIPTS, Ended

from builders.testing import request_digest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence
    from pathlib import Path

    from builders.testing import SimulatedEndpoint

NAME = "metasynth-biomed"
INCOMPLETE = 3
"""An incomplete answer is asked for again with the next seed, so many times at most."""

POLL_S = 0.02
LONGEST_RUN_S = 240.0


def dataset(folder: Path) -> dict[str, bytes]:
    """Every file of a dataset but the journal."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".journal" not in path.parts
    }


@dataclass
class JournalReader:
    """Reads the journal of a build, while it is at work or after it was killed.

    Attributes:
        recorded: digests of the requests whose answers are in the journal, as far as read.
    """

    folder: Path
    recorded: set[bytes] = field(default_factory=set)
    _read: int = 0

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[sqlite3.Connection]:
        path = self.folder / ".journal" / "journal.sqlite"
        journal = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            yield journal
        finally:
            journal.close()

    async def calls(self) -> int:
        """Answered calls so far."""
        try:
            async with self._open() as journal:
                return int(journal.execute("SELECT COALESCE(MAX(number), 0) FROM calls").fetchone()[0])
        except sqlite3.OperationalError:  # not made yet
            return 0

    async def read(self) -> set[bytes]:
        """Read on; a copy of what is recorded now."""
        async with self._open() as journal:
            texts = dict(journal.execute("SELECT lower(hex(hash)), text FROM texts"))
            rows = journal.execute("SELECT number, request FROM calls WHERE number > ?", (self._read,))
            for number, told in rows.fetchall():
                request = json.loads(told)
                messages = [{"role": role, "content": texts[digest]} for role, digest in request["messages"]]
                for more in range(INCOMPLETE + 1):
                    seed = request["sampling"]["seed"] + more
                    self.recorded.add(request_digest(messages, seed=seed, schema=request["schema"]))
                self._read = number
        return set(self.recorded)


@dataclass
class Ordeal:
    """A build that is killed, stopped and begun again until it ends.

    Args:
        folder: where the dataset's folder is made.
        servers: what it is built on, in this process.
        words: further arguments of `builders build`.

    Attributes:
        kills: times that it was killed.
        stops: what it said when it stopped by itself.
        lost: requests that a server answered, and whose answer the build could not record any more when
            it was killed. Nobody but the server knows of them.
        lost_by_stops: such requests where it stopped by itself: it has time to wait for them.
        said: on stderr, by the last run.
    """

    folder: Path
    servers: Sequence[SimulatedEndpoint]
    words: Sequence[str]
    kills: int = 0
    stops: list[str] = field(default_factory=list)
    said: str = ""
    lost: set[bytes] = field(default_factory=set)
    lost_by_stops: int = 0
    _before: list[tuple[set[bytes], Counter[bytes]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.journal = JournalReader(self.folder / NAME)

    async def survive(self, moments: Iterable[int]) -> None:
        """Kill the build when so many calls are recorded, and begin it anew until it ends well."""
        pending = sorted(moments)
        while True:
            ended = await self._run(until=pending[0] if pending else None)
            if ended is None:
                self.kills += 1
                pending.pop(0)
            elif ended.code == 0:
                assert not pending, f"it was to be killed when {pending} calls were recorded, and had ended"
                return
            else:
                self.stops.append(ended.error)  # exit code 2 and one clear line, or the test fails
                assert len(self.stops) < 10, self.stops
            await asyncio.sleep(0.1)  # the servers see that it is gone
            recorded = await self.journal.read()
            self._before.append((recorded, self._asked(recorded)))
            lost = set(self._answered()) - recorded - self.lost
            self.lost |= lost
            if ended is not None:
                self.lost_by_stops += len(lost)

    async def _run(self, *, until: int | None) -> Ended | None:
        """Run the command to its end, or kill it when so many calls are recorded."""
        urls = [word for server in self.servers for word in ("--endpoint", server.url)]
        words = ["build", NAME, "--protocol", "guided", *urls, *self.words]
        plain = {name: value for name, value in os.environ.items() if not name.startswith("METASYNTH")}
        with (self.folder / "stderr").open("w+b") as err:
            process = await asyncio.create_subprocess_exec(
                SCRIPTS / "builders",
                *words,
                cwd=self.folder,
                env=plain,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=err,
            )
            try:
                async with asyncio.timeout(LONGEST_RUN_S):
                    ended = asyncio.create_task(process.wait())
                    while until is not None and not ended.done():
                        if await self.journal.calls() >= until:
                            process.kill()
                            await ended
                            return None
                        await asyncio.sleep(POLL_S)
                    code = await ended
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
                err.seek(0)
                self.said = err.read().decode()
            return Ended(code=code, out="", err=self.said)

    # What the servers counted

    def _asked(self, digests: Iterable[bytes]) -> Counter[bytes]:
        return Counter({digest: sum(s.log.asked(digest) for s in self.servers) for digest in digests})

    def _answered(self) -> Counter[bytes]:
        whole: Counter[bytes] = Counter()
        for server in self.servers:
            whole.update(server.log.answers)
        return whole

    def asked_again(self) -> int:
        """Requests whose answers were in the journal when a run began, and that it asked nevertheless."""
        return sum(
            count for recorded, asked in self._before for count in (self._asked(recorded) - asked).values()
        )

    def paid_twice(self) -> int:
        """Requests answered more than once, beside those whose answer was lost in flight."""
        twice = {digest for digest, count in self._answered().items() if count > 1}
        return len(twice - self.lost)

    @property
    def faults(self) -> Counter[str]:
        """What befell the servers."""
        whole: Counter[str] = Counter()
        for server in self.servers:
            whole.update(server.counts.faults)
        return whole
