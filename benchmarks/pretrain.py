"""What exactness costs: training on packed blocks beside the Trainer on concatenated text.

Promise: `harness pretrain` trains at least 0.97 times as many tokens a second as Hugging Face's own
`Trainer` does on the same texts simply concatenated and cut, with the same model, block size, batch,
precision and optimiser, each with the attention that it takes by default. Ours keeps documents apart, hashes
what it serves and writes a line for each step; padding does not count as tokens. Exits 1 when missed.

    python benchmarks/pretrain.py [--steps 24]

Both train in one process and hand over to each other after every step, so that whatever slows the machine
down slows both; the ratio is the median over the pairs of neighbouring steps. On a CPU both run on one thread
and time is CPU time, which other processes disturb less; on a GPU it is the clock's.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from harness.pretrain.base import best_attention
from harness.pretrain.collate import Collate
from harness.pretrain.curves import Curves, StepLine
from harness.pretrain.output import quiet_transformers
from harness.pretrain.prepare import prepare
from harness.pretrain.recipe import load_recipe
from harness.pretrain.sources import parse_sources
from harness.pretrain.trainer import Training

if TYPE_CHECKING:
    from collections.abc import Callable

LEAST = 0.97
BLOCK, BATCH, VOCABULARY = 512, 4, 4096
DOCUMENT_TOKENS = (60, 700)
GPU = torch.cuda.is_available()


def main() -> None:
    """Let both train, print the table, exit 1 when the promise is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=24, help="timed steps of each")
    steps = parser.parse_args().steps
    quiet_transformers()
    torch.set_num_threads(1)
    runs = (concatenated, packed)
    relay = Relay(len(runs))
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(len(runs)) as threads:
        write_texts(Path(folder), blocks=(steps + 1) * BATCH)
        trainings = [
            threads.submit(relay.run, me, partial(run, Path(folder), steps)) for me, run in enumerate(runs)
        ]
        for training in trainings:
            training.result()
    theirs, ours = (rates[1 : steps + 1] for rates in relay.rates)  # a first step also sets things up
    for name, rates in (("Trainer, concatenated", theirs), ("harness pretrain", ours)):
        print(f"{name:22} {statistics.median(rates):8,.0f} tokens/s, median of {len(rates)} steps")
    ratio, low, high = np.percentile(np.array(ours) / np.array(theirs), (50, 25, 75))
    print(
        f"ratio {ratio:.3f} (half of the pairs between {low:.3f} and {high:.3f}); promise: at least {LEAST}"
    )
    sys.exit(bool(ratio < LEAST))


class Relay:
    """Lets so many runs of training go on one at a time, a step each, and times every step by itself.

    Attributes:
        rates: tokens a second of each run's steps.
    """

    def __init__(self, runs: int) -> None:
        self.rates: list[list[float]] = [[] for _ in range(runs)]
        self._waiting = list(range(runs))
        self._changed = threading.Condition()
        self._began = 0.0

    def run(self, me: int, train: Callable[[Callable[[int], None]], None]) -> None:
        """Train when it is this one's turn, to its end."""
        try:
            self._wait(me)
            train(partial(self._step, me))
        finally:
            with self._changed:
                self._waiting.remove(me)
                self._changed.notify_all()

    def _step(self, me: int, tokens: int) -> None:
        self.rates[me].append(tokens / (now() - self._began))
        with self._changed:
            self._waiting.remove(me)
            self._waiting.append(me)
            self._changed.notify_all()
        self._wait(me)

    def _wait(self, me: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting[0] == me)
        self._began = now()


def model() -> Any:
    """A Llama of some 7 million parameters, the same each time."""
    set_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=256,
        intermediate_size=768,
        num_hidden_layers=6,
        num_attention_heads=4,
        max_position_embeddings=BLOCK,
        eos_token_id=0,
        bos_token_id=None,
        attn_implementation="sdpa",
    )
    return LlamaForCausalLM(config)


def tokenizer() -> Any:
    """One token a word."""
    words = Tokenizer(
        models.WordLevel({name: number for number, name in enumerate(names())}, unk_token="<eos>")
    )
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<eos>")


def names() -> list[str]:
    """The vocabulary."""
    return ["<eos>", *(f"w{number}" for number in range(1, VOCABULARY))]


def write_texts(folder: Path, *, blocks: int) -> None:
    """Documents of the lengths of abstracts, enough for so many blocks and a few more."""
    draw = random.Random(1)
    left = blocks * BLOCK * 1.2
    with (folder / "texts.jsonl").open("w") as file:
        while left > 0:
            size = draw.randint(*DOCUMENT_TOKENS)
            file.write(json.dumps({"text": " ".join(draw.choices(names()[1:], k=size))}) + "\n")
            left -= size


def now() -> float:
    """Seconds of this process, or of the clock where a GPU does the work."""
    if GPU:
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


class Told(TrainerCallback):  # type: ignore[misc]
    """Tells of each step of the Trainer."""

    def __init__(self, stepped: Callable[[int], None]) -> None:
        self._stepped = stepped

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """A batch was trained on."""
        self._stepped(BATCH * BLOCK)


def concatenated(folder: Path, steps: int, stepped: Callable[[int], None]) -> None:
    """Train with the Trainer as it is, on texts with an EOS between them, cut into blocks."""
    words = tokenizer()
    rows = [json.loads(line)["text"] for line in (folder / "texts.jsonl").open()]
    ids = list(chain.from_iterable([*row, 0] for row in words(rows)["input_ids"]))
    blocks = np.array(ids[: len(ids) // BLOCK * BLOCK]).reshape(-1, BLOCK)[: (steps + 1) * BATCH]
    trainer = Trainer(
        model=model(),
        args=TrainingArguments(
            output_dir=str(folder / "trainer"),
            per_device_train_batch_size=BATCH,
            num_train_epochs=1,
            learning_rate=1e-4,
            bf16=GPU,
            use_cpu=not GPU,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            log_level="error",
        ),
        train_dataset=[{"input_ids": block, "labels": block} for block in blocks],
        callbacks=[Told(stepped)],
    )
    trainer.train()


def packed(folder: Path, steps: int, stepped: Callable[[int], None]) -> None:
    """Train with ours on the same texts: packed, kept apart, hashed, logged."""
    settings = {"block_size": BLOCK, "batch": BATCH, "micro_batch": BATCH, "checkpoint_every": 10**6}
    recipe = load_recipe((), settings | {"learning_rate": 1e-4})
    words, whole = tokenizer(), model()
    whole.set_attn_implementation(best_attention(whole.config))
    blocks = prepare(
        parse_sources([str(folder / "texts.jsonl")]), tokenizer=words, work=folder / "work", block_size=BLOCK
    )
    blocks = prepare(
        parse_sources([str(folder / "texts.jsonl")]),
        tokenizer=words,
        work=folder / "work",
        block_size=BLOCK,
        budget=round(blocks.tokens / len(blocks) * (steps + 1) * BATCH * 0.99),
    )
    run = Path(tempfile.mkdtemp(dir=folder))
    seen = [0]

    def on_step(line: StepLine) -> None:
        seen.append(line.tokens)
        stepped(seen[-1] - seen[-2])

    curves = Curves(run / "curves.jsonl", step=-1)
    Training(
        recipe=recipe,
        model=whole,
        blocks=blocks,
        collate=Collate(whole.config, block_size=BLOCK),
        slices=[],
        eos=0,
        folder=run,
        curves=curves,
        run="benchmark",
        bf16=GPU,
        use_cpu=not GPU,
        on_step=on_step,
        on_watch=lambda _: None,
    ).train(None)
    curves.close()


if __name__ == "__main__":
    main()
