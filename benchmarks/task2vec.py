"""Task2Vec with an untied head runs the probe's backbone once per batch.

Promise: at 10 epochs of the head, the fast path takes at most a fifth of the time of the plain path, which
runs the whole probe forward and backward at each step, as the code of the paper does; both give the
same value to 1e-5. Exits 1 when missed.

    python benchmarks/task2vec.py [--batches 2] [--sequences 8] [--tokens 64]

The probe is the embedded model. On a CPU one thread works and its CPU time counts, so that other
processes do not; on a GPU the clock on the wall does. What a probe gains depends on how large its
head is: 28 of the 135 million weights of the embedded model are, 39 of GPT-2's 124 million.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from dataclasses import dataclass
from typing import Any
from unittest import mock

import torch

from builders.diversity import OURS, Sample
from builders.diversity.task2vec import Probe, Probing, Task2Vec, metric
from builders.diversity.task2vec.fisher import fisher
from builders.diversity.task2vec.probe import load_probe
from builders.diversity.task2vec.settings import settings
from builders.embedded_model import embedded_model_folder

EPOCHS = 10
MIN_RATIO = 5.0
MAX_DIFFERENCE = 1e-5
WORDS = 90
VOCABULARY = "rates bank risk growth bond patient dose trial cell gene market year study effect of the in and"


def main() -> None:
    """Measure by both paths, exit 1 when the promise is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--batches", type=int, default=2)
    parser.add_argument("--sequences", type=int, default=8, help="documents of a batch")
    parser.add_argument("--tokens", type=int, default=64, help="of a document")
    shape = vars(parser.parse_args())
    torch.set_num_threads(1)
    changes = [f"epochs={EPOCHS}", *(f"{name}={value}" for name, value in shape.items())]
    probe = load_probe(str(embedded_model_folder()), settings(OURS, changes))
    draw = random.Random(0)
    count = shape["batches"] * shape["sequences"]
    texts = [" ".join(draw.choices(VOCABULARY.split(), k=WORDS)) for _ in range(count)]
    fast, plain = (measured(probe, texts, changes, fast=fast) for fast in (True, False))
    ratio, difference = plain.seconds / fast.seconds, abs(fast.value - plain.value)
    print(f"{count} documents, {shape['batches']} batches, {EPOCHS} epochs, on {probe.device}")
    for name, path in (("plain path", plain), ("fast path", fast)):
        print(
            f"{name:10} {path.seconds:6.1f} s, {path.tuning:6.1f} s of them tuning heads, "
            f"value {path.value:.7f}"
        )
    print(f"plain to fast: {ratio:.2f} times (promise: at least {MIN_RATIO:g})")
    print(f"tuning alone:  {plain.tuning / fast.tuning:.2f} times; the Fisher pass is the same on both paths")
    print(f"difference: {difference:.1e} (promise: at most {MAX_DIFFERENCE:g})")
    sys.exit(ratio < MIN_RATIO or difference > MAX_DIFFERENCE)


@dataclass(frozen=True, kw_only=True)
class Path:
    """What a path gave: the value, the seconds that it took, and those of them before the Fisher pass."""

    value: float
    seconds: float
    tuning: float


def measured(probe: Probe, texts: list[str], changes: list[str], *, fast: bool) -> Path:
    """Measure by one of the paths."""
    information = 0.0

    def clock() -> float:
        if probe.device.type == "cpu":
            return time.process_time()
        torch.cuda.synchronize()
        return time.perf_counter()

    def timed(*arguments: Any) -> Any:
        nonlocal information
        began = clock()
        found = fisher(*arguments)
        information += clock() - began
        return found

    probing = Probing(probe, changes=changes, fast=fast)
    with mock.patch.object(metric, "fisher", timed):
        began = clock()
        value = Task2Vec().measure(Sample(texts, with_intervals=False, probing=probing)).value
        seconds = clock() - began
    return Path(value=value, seconds=seconds, tuning=seconds - information)


if __name__ == "__main__":
    main()
