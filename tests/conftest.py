from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
import pytest_asyncio
from scripted_server import scripted_server, tgi_pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scripted_server import Reply, ScriptedServer

SCRIPTS = Path(sys.executable).parent
ERROR = "builders: "


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run of a console script ended."""

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
    """Runs the script `builders` in a process of its own."""

    async def __call__(self, *words: str, cwd: Path | None = None, **environment: str) -> Ended: ...


class Serve(Protocol):
    """Starts a scripted server that lives until the test ends."""

    async def __call__(self, pages: dict[str, Reply] | None = None) -> ScriptedServer: ...


@pytest.fixture
def builders(tmp_path: Path) -> Run:
    """The console script in a real process, by default in the test's own folder."""

    async def run(*words: str, cwd: Path | None = None, **environment: str) -> Ended:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("METASYNTH")}
        process = await asyncio.create_subprocess_exec(
            SCRIPTS / "builders",
            *words,
            cwd=cwd or tmp_path,
            env=plain | environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(), timeout=60)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return Ended(code=process.returncode, out=out.decode(), err=err.decode())

    return run


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Serve]:
    """Scripted servers, like TGI unless the pages say otherwise."""
    async with AsyncExitStack() as stack:

        async def start(pages: dict[str, Reply] | None = None) -> ScriptedServer:
            return await stack.enter_async_context(scripted_server(tgi_pages() if pages is None else pages))

        yield start
