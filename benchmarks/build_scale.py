"""A large build costs memory and time like a small one, document for document.

Promise, of a simulated build of 5,000 documents with the near-duplicate check on:

    resident memory at the end is at most 80 MB above that at 500 documents;
    documents per second of CPU time of the last thousand are within 15 % of the first thousand;
    asking for the finished build again takes at most a tenth of the build's time.

Exits 1 when one is missed. A twentieth of the simulated documents nearly repeat another. The build is the
command `builders build`, the simulated endpoint is a process of its own. At zero latency the build's own
work is all the time there is; its CPU time is compared, since other processes take their share of the clock.

    python benchmarks/build_scale.py [--documents 5000]
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from served import BUILDERS, served

MAX_GROWTH_MB = 80
MAX_DRIFT = 0.15
MAX_AGAIN = 0.1
ATTEMPTED = re.compile(r"\[(\d+)/\d+\]")


@dataclass(frozen=True, kw_only=True)
class Point:
    """CPU seconds until so many documents were written, and resident memory then."""

    documents: int
    cpu_s: float
    resident_mb: float


def main() -> None:
    """Build, ask again, print the table, exit 1 when a promise is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--documents", type=int, default=5000, help="documents to build")
    documents = parser.parse_args().documents
    with served("--duplicate-share", "0.05") as url, tempfile.TemporaryDirectory() as folder:
        words = ["build", "metasynth-biomed", "--documents", f"{documents}", "--endpoint", url]
        began = time.perf_counter()
        points = build(words, Path(folder))
        built = time.perf_counter() - began
        began = time.perf_counter()
        subprocess.run([BUILDERS, *words], cwd=folder, check=True, capture_output=True)
        again = time.perf_counter() - began
    growth = points[-1].resident_mb - at(points, 500).resident_mb
    first = 1000 / (at(points, 1000).cpu_s - points[0].cpu_s)
    last = 1000 / (at(points, documents).cpu_s - at(points, documents - 1000).cpu_s)
    drift = last / first - 1
    print(f"{documents} documents in {built:.1f} s")
    print(
        f"resident memory: {at(points, 500).resident_mb:.0f} MB at 500 documents, "
        f"{points[-1].resident_mb:.0f} MB at the end: {growth:+.0f} MB (promise: at most {MAX_GROWTH_MB})"
    )
    print(
        f"documents/s of CPU time: {first:.1f} in the first thousand, {last:.1f} in the last: {drift:+.1%} "
        f"(promise: within {MAX_DRIFT:.0%})"
    )
    print(f"again: {again:.1f} s, {again / built:.3f} of the build (promise: at most {MAX_AGAIN})")
    sys.exit(growth > MAX_GROWTH_MB or abs(drift) > MAX_DRIFT or again > MAX_AGAIN * built)


def build(words: list[str], folder: Path) -> list[Point]:
    """Run a build; what it took at each line that tells of its progress."""
    points: list[Point] = []
    with subprocess.Popen(
        [BUILDERS, *words], cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        for line in process.stderr:
            match = ATTEMPTED.match(line)
            if match and (not points or int(match[1]) > points[-1].documents):
                with suppress(OSError):  # it has ended
                    points.append(point(int(match[1]), process.pid))
    if process.returncode:
        sys.exit(f"the build failed with exit code {process.returncode}")
    return points


def at(points: list[Point], documents: int) -> Point:
    """The first point with so many documents."""
    return next((point for point in points if point.documents >= documents), points[-1])


def point(documents: int, pid: int) -> Point:
    """What the system tells of a process now."""
    usage = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    return Point(
        documents=documents,
        cpu_s=(int(usage[11]) + int(usage[12])) / os.sysconf("SC_CLK_TCK"),
        resident_mb=int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6,
    )


if __name__ == "__main__":
    main()
