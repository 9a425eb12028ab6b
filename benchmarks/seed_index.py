"""Seed documents are found at once among 200,000, and the index takes no memory for them.

Promise: an index of 200,000 texts answers the 8 nearest in under 20 ms, the slowest of 200 queries included,
and finds at least 95 % of those that an exact search finds; from a tenth of the texts to all of them, the
memory of the process grows by less than 40 MB (mapped files aside, which the system takes back as it likes).
An index that is there is opened in under a second. Exits 1 when missed.

    METASYNTH_DATA=FOLDER python benchmarks/seed_index.py [--documents 200000]

Texts are sentences of the real texts under `FOLDER/domain_text`, drawn at random until there are 120 words,
so that no two are the same; without `METASYNTH_DATA`, of simulated prose. The embedder is the hashing one;
texts are not screened. The reference is a blocked matrix product over the same vectors in half precision.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import random
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from builders.seeds import load_hierarchy
from builders.seeds.documents import (
    HashingEmbedder,
    Screen,
    SeedIndex,
    SeedSource,
    SourceText,
    build_index,
)
from builders.testing.prose import Prose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

WORDS = 120
QUERIES = 200
NEAREST = 8
BLOCK = 8_192
MAX_MS = 20.0
MIN_RECALL = 0.95
MAX_GROWTH_MB = 40.0
MAX_OPEN_S = 1.0


def main() -> None:
    """Build an index, ask it, exit 1 when a promise is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--documents", type=int, default=200_000)
    documents = parser.parse_args().documents
    sentences = real_sentences() or [Prose(number).write("forms") for number in range(5_000)]
    memory: dict[int, float] = {}

    def watch(_: int, kept: int) -> None:
        if kept >= documents // 10:
            memory.setdefault(documents // 10, own_mb())

    with tempfile.TemporaryDirectory() as folder:
        source = SeedSource(
            name="texts",
            revision="1",
            total=documents,
            texts=lambda skip: texts(sentences, skip, documents),
        )
        screen = Screen(
            hierarchy=load_hierarchy("biomed"),
            min_words=1,
            min_domain_words=0.0,
            is_english=lambda text: True,
        )
        began = time.perf_counter()
        asyncio.run(
            build_index(
                Path(folder), source, screen=screen, embed=HashingEmbedder(), most=documents, progress=watch
            )
        ).close()
        build_s = time.perf_counter() - began
        began = time.perf_counter()
        index = SeedIndex(Path(folder))
        open_s = time.perf_counter() - began
        slowest_ms, median_ms, exact_ms, recall = ask(index)
        growth = own_mb() - memory[documents // 10]
        size = sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e6
        index.close()
    print(f"built:   {documents:,} texts in {build_s:.0f} s, {size:.0f} MB on disk")
    print(f"opened:  {open_s * 1e3:.0f} ms")
    print(
        f"asked:   {median_ms:.1f} ms by the median, {slowest_ms:.1f} ms at most; {recall:.1%} of the nearest"
    )
    print(f"exact:   {exact_ms:.1f} ms by the median, {exact_ms / median_ms:.1f} times as long")
    print(f"memory:  {growth:+.1f} MB from {documents // 10:,} texts to the last query")
    missed = slowest_ms >= MAX_MS or recall < MIN_RECALL or growth >= MAX_GROWTH_MB or open_s >= MAX_OPEN_S
    print("missed" if missed else "kept")
    sys.exit(missed)


def ask(index: SeedIndex) -> tuple[float, float, float, float]:
    """Slowest and median query and median exact search, in ms; the share of the nearest that is found."""
    draw = np.random.default_rng(1)
    used = np.zeros(len(index), dtype=np.bool_)
    used[draw.choice(len(index), len(index) // 20, replace=False)] = True
    numbers = draw.choice(len(index), QUERIES, replace=False).tolist()
    index.nearest(index.vector(numbers[0]), NEAREST, used=used)  # the files are read for the first time
    took, exact_took, found = list[float](), list[float](), 0
    for place, number in enumerate(numbers):
        query = index.vector(number)
        began = time.perf_counter()
        nearest = index.nearest(query, NEAREST, used=used)
        took.append(time.perf_counter() - began)
        if place < 20:
            began = time.perf_counter()
            exact = exact_nearest(index, query, used)
            exact_took.append(time.perf_counter() - began)
            found += len(set(exact) & set(nearest))
    median_ms, exact_ms = np.median(took) * 1e3, np.median(exact_took) * 1e3
    return max(took) * 1e3, float(median_ms), float(exact_ms), found / (20 * NEAREST)


def exact_nearest(index: SeedIndex, query: NDArray[np.float32], used: NDArray[np.bool_]) -> list[int]:
    """The nearest by a product with every vector, some rows at a time."""
    vectors = np.memmap(index.folder / "vectors.f16", "<f2", "r", shape=(len(index), index.facts.dimensions))
    similar = np.concatenate(
        [vectors[start : start + BLOCK].astype(np.float32) @ query for start in range(0, len(index), BLOCK)]
    )
    similar[used] = -2
    return [int(number) for number in np.argsort(-similar)[:NEAREST]]


def texts(sentences: list[str], skip: int, documents: int) -> Iterator[SourceText]:
    """Texts of sentences drawn at random: the same ones every time."""
    for number in range(skip, documents):
        draw, words = random.Random(number), list[str]()
        while len(words) < WORDS:
            words += draw.choice(sentences).split()
        yield SourceText(f"texts#{number}", " ".join(words))


def real_sentences() -> list[str]:
    """Sentences of real text, if there is any."""
    if "METASYNTH_DATA" not in os.environ:
        return []
    found: list[str] = []
    for path in sorted((Path(os.environ["METASYNTH_DATA"]) / "domain_text").glob("*/*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                found += re.split(r"(?<=[.!?])\s+", json.loads(line)["text"])[:10]
    return [sentence for sentence in found if len(sentence.split()) >= 5]


def own_mb() -> float:
    """Memory of this process alone, without mapped files."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


if __name__ == "__main__":
    main()
