"""Steering costs little, and the same for each document whatever the size of the corpus.

Promise, of a simulated build with steering on:

    the metrics and counts that are kept while it runs, and the guidance that is made of them, take at
    most 10 % of the build's CPU time;
    a document of the last thousand costs at most 1.25 times one of the first thousand.

Exits 1 when one is missed. The build is made in this process, the simulated endpoint is one of its own,
so that the CPU time compared is the client's.

    python benchmarks/steering.py [--documents 5000]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from served import served

from builders.build import BuildRequest, build
from builders.corpora.registry import find_corpus
from builders.steering import Pilot
from builders.steering.growth import Growth
from builders.trajectories import Target

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_SHARE = 0.10
MAX_LATER = 1.25
THOUSAND = 1000


class Meter:
    """CPU seconds of the calls that it is put around, and what they were when each document came."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.at_document: list[float] = []

    def around(self, kind: type, name: str, *, document: bool = False) -> None:
        """Time every call of a method."""
        timed: Callable[..., Any] = getattr(kind, name)

        def call(*args: Any, **options: Any) -> Any:
            began = time.thread_time()
            try:
                return timed(*args, **options)
            finally:
                self.seconds += time.thread_time() - began
                if document:
                    self.at_document.append(self.seconds)

        setattr(kind, name, call)


class Silent:
    """Shows nothing of a build."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def main() -> None:
    """Build, print the figures, exit 1 when a promise is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--documents", type=int, default=5000, help="documents to build")
    documents = parser.parse_args().documents
    meter = Meter()
    meter.around(Growth, "add", document=True)
    for name in ("settle", "guidance", "quota"):
        meter.around(Pilot, name)
    corpus = find_corpus("metasynth-biomed").model_copy(update={"steering": True})
    with served() as url, tempfile.TemporaryDirectory() as folder:
        request = BuildRequest(
            corpus=corpus,
            target=Target(documents=documents),
            seed=0,
            folder=Path(folder) / corpus.name,
            endpoints=(url,),
        )
        began = time.process_time()
        facts = asyncio.run(build(request, Silent()))
        spent = time.process_time() - began
    share = meter.seconds / spent
    first = meter.at_document[THOUSAND - 1]
    last = meter.at_document[-1] - meter.at_document[-1 - THOUSAND]
    print(f"{facts.documents} documents, {facts.calls} calls: {spent:.1f} s of CPU time")
    print(
        f"metrics, counts and guidance: {meter.seconds:.2f} s, "
        f"{meter.seconds / facts.documents * 1e3:.2f} ms a document, {share:.1%} of the build "
        f"(promise: at most {MAX_SHARE:.0%})"
    )
    print(
        f"a thousand documents: {first:.2f} s at first, {last:.2f} s at last, {last / first:.2f} times "
        f"(promise: at most {MAX_LATER})"
    )
    sys.exit(share > MAX_SHARE or last > MAX_LATER * first)


if __name__ == "__main__":
    main()
