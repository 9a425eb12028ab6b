"""A build at work, that a test watches, interrupts and suspends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SCRIPT = Path(sys.executable).parent / "builders"
LONGEST_S = 60


class Building:
    """A build at work in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said = ""

    async def says(self, words: str) -> None:
        """Wait until a line on stderr holds these words."""
        assert self.process.stderr is not None
        while words not in self.said:
            line = await asyncio.wait_for(self.process.stderr.readline(), timeout=LONGEST_S)
            assert line, f"ended without saying {words!r}:\n{self.said}"
            self.said += line.decode()

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    async def ended(self) -> tuple[int, str]:
        """Exit code and stdout."""
        out, err = await asyncio.wait_for(self.process.communicate(), timeout=LONGEST_S)
        self.said += err.decode()
        assert self.process.returncode is not None
        return self.process.returncode, out.decode()


@asynccontextmanager
async def building(folder: Path, *words: str) -> AsyncIterator[Building]:
    """Run a command in a process of its own; it is killed if the block ends first."""
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONDEVMODE": "1"},  # tells of anything left open or never awaited
    )
    try:
        yield Building(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
