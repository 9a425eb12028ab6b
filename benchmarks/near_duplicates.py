"""Looking for near-duplicates costs the same however many documents were accepted.

Promise: finding and adding a document among 50,000 takes at most 1.5 times as long as among 5,000, less
than 2 ms in all, and resident memory grows by at most 20 MB over that range. Every edited copy
put in between is found. Exits 1 when missed.

    python benchmarks/near_duplicates.py [--documents 50000]

Documents have 190 words, drawn with Zipf's frequencies from 20,000. The 5,000 are a tenth of
`--documents`. Nine in ten stretches only fill the index; the first and the last are timed, and
there every fifth document is a copy of an earlier one with three words changed, which is only
looked for. The unit of time is shingling a document, measured before each document that is
timed: a machine that slows down slows both.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from builders.acceptance import NearDuplicates
from builders.acceptance.shingles import shingle_hashes

WORDS = 190
VOCABULARY = 20_000
EDITS = 3
COPIES = 5
KEPT = 50
MAX_RATIO = 1.5
MAX_MB = 20.0
MAX_SECONDS = 0.002


class Stretch(NamedTuple):
    """What a stretch of documents took, per document, and what was missed."""

    unit: float
    find: float
    add: float
    missed: int

    @property
    def units(self) -> float:
        """Finding and adding, as a multiple of shingling."""
        return (self.find + self.add) / self.unit


def main() -> None:
    """Fill an index, time its first and last tenth, exit 1 when a promise is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--documents", type=int, default=50_000, help="documents to add")
    documents = parser.parse_args().documents
    timed = documents // 25
    tenth = documents // 10
    draw = random.Random(0)
    writer = Writer(draw)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.sqlite"
        index = NearDuplicates(path)
        fill(index, writer, tenth - timed // 2)
        early = stretch(index, writer, timed)
        fill(index, writer, tenth - len(index))
        before = resident_mb()
        fill(index, writer, documents - timed // 2 - len(index))
        late = stretch(index, writer, timed)
        fill(index, writer, documents - len(index))
        grown = resident_mb() - before
        index.commit()
        size = path.stat().st_size
        index.close()
    for when, count, took in (("early", tenth, early), ("late", documents, late)):
        print(
            f"{when:5} among {count:6}: find {took.find * 1e6:4.0f} us, add {took.add * 1e6:4.0f} us; "
            f"shingling {took.unit * 1e6:4.0f} us: {took.units:.2f} times"
        )
    ratio = late.units / early.units
    total = late.find + late.add
    missed = early.missed + late.missed
    print(f"late to early: {ratio:.2f} times (promise: at most {MAX_RATIO:g})")
    print(f"resident memory: {grown:+.1f} MB from {tenth} to {documents} (promise: at most {MAX_MB:g})")
    print(f"a document: {total * 1e3:.2f} ms (promise: under {MAX_SECONDS * 1e3:g})")
    print(f"edited copies missed: {missed} (promise: none); on disk {size / documents:.0f} bytes/document")
    sys.exit(ratio > MAX_RATIO or grown > MAX_MB or total >= MAX_SECONDS or missed > 0)


class Writer:
    """Draws documents, and now and then remembers one to copy."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._vocabulary = [f"w{number:x}" for number in range(VOCABULARY)]
        self._weights = list(accumulate(1 / rank for rank in range(1, VOCABULARY + 1)))
        self.kept: list[tuple[str, list[str]]] = []

    def document(self) -> list[str]:
        """Words of a new document."""
        return self._draw.choices(self._vocabulary, cum_weights=self._weights, k=WORDS)

    def copy(self) -> tuple[str, str]:
        """Key of a remembered document, and its text with some words changed."""
        key, words = self._draw.choice(self.kept)
        changed = list(words)
        for position in self._draw.sample(range(WORDS), EDITS):
            changed[position] = "changed"
        return key, " ".join(changed)


def fill(index: NearDuplicates, writer: Writer, count: int) -> None:
    """Add documents, untimed."""
    for number in range(count):
        words = writer.document()
        key = str(len(index))
        if not number % KEPT:
            writer.kept.append((key, words))
        index.add(key, " ".join(words))


def stretch(index: NearDuplicates, writer: Writer, count: int) -> Stretch:
    """Find and add new documents, find copies."""
    clock = time.perf_counter
    unit = find = add = 0.0
    added = missed = 0
    for number in range(count):
        original, text = writer.copy() if number % COPIES == 0 else (None, " ".join(writer.document()))
        began = clock()
        shingle_hashes(text, words=index.shingle_words)
        shingled = clock()
        match = index.find(text)
        found = clock()
        unit += shingled - began
        find += found - shingled
        missed += (match.key if match else None) != original
        if original is None:
            began = clock()
            index.add(str(number), text)
            add += clock() - began
            added += 1
    return Stretch(unit / count, find / count, add / added, missed)


def resident_mb() -> float:
    """Resident memory of this process, in MB."""
    command = ["ps", "-o", "rss=", "-p", str(os.getpid())]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) * 1024 / 1e6


if __name__ == "__main__":
    main()
