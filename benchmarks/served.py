"""A simulated endpoint in a process of its own, for benchmarks of what asks it."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILDERS = Path(sys.executable).with_name("builders")


@contextmanager
def served(*words: str) -> Iterator[str]:
    """Its URL, while it runs; `words` are further options of `builders serve --simulate`."""
    command = [BUILDERS, "serve", "--simulate", "--port", "0", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        match = re.search(r"http://\S+", process.stdout.readline())
        assert match
        try:
            yield match[0]
        finally:
            process.terminate()
