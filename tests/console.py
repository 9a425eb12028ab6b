"""Runs the console scripts as a user does: in a process of their own, in a folder of their own."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

SCRIPTS = Path(sys.executable).parent
ERROR = "builders: "
LONGEST_S = 120


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run ended: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that tells the user what to mend: exit 2, said once, last, without a traceback."""
        assert self.code == 2, f"exit code {self.code}\n{self.err}"
        assert "Traceback" not in self.err, self.err
        lines = self.err.splitlines()
        errors = [line for line in lines if line.startswith(ERROR)]
        assert errors == lines[-1:], self.err
        return errors[0].removeprefix(ERROR)


class Run(Protocol):
    """Runs the script `builders` in the test's folder."""

    async def __call__(self, *words: str, **environment: str) -> Ended: ...


async def run_builders(*words: str, folder: Path, longest_s: float = LONGEST_S, **environment: str) -> Ended:
    """Run the script `builders`; settings of this machine's own do not reach it."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("METASYNTH")}
    process = await asyncio.create_subprocess_exec(
        SCRIPTS / "builders",
        *words,
        cwd=folder,
        env=plain | environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), longest_s)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ended(code=process.returncode, out=out.decode(), err=err.decode())
