"""Writes what `harness pretrain` and `harness evaluate` leave, with answers that a test chooses."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from evaluations import FakeTask, write_evaluation
from safetensors.numpy import save_file

from harness.evaluate.fingerprints import model_sha256
from harness.pretrain.ledger import Ledger, SourceLedger
from harness.pretrain.records import RunRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

HOME = "/home/somebody/work"
BENCHMARK = "bench/gpqa"
ROWS = 120


def answers(share: float, *, seed: int = 0, rows: int = ROWS) -> list[float]:
    """Rows answered rightly, each by its own difficulty: a better model answers what a worse one does."""
    draw = random.Random(7)
    noise = random.Random(seed)
    return [float(draw.random() * 0.9 + noise.random() * 0.1 < share) for _ in range(rows)]


def tasks(finance: float, general: float, *, seed: int = 0) -> dict[str, FakeTask]:
    return {
        "fpb": FakeTask(values=answers(finance, seed=seed)),
        "gpqa": FakeTask(values=answers(general, seed=seed + 1), domain="general"),
        "mmlu": FakeTask(values=answers(general, seed=seed + 2), domain="general"),
    }


def evaluate(name: str, told: dict[str, FakeTask], *, pretrained: str = "owner/base-model") -> Path:
    """Results of a model in `results/`, its rows of the Hub's datasets."""
    hubs = {"fpb": "AdaptLLM/finance-tasks:FPB", "gpqa": f"{BENCHMARK}:diamond", "mmlu": "cais/mmlu"}
    data = {task: {"hub": hubs[task], "revision": "0" * 40, "files": [], "instead_of": None} for task in told}
    model = {"name": name, "pretrained": pretrained}
    if (folder := Path("models") / name).is_dir():
        model["sha256"] = model_sha256(folder)
    own = {"schema_version": 1, "model": model, "data": data}
    return write_evaluation(
        Path("results") / name,
        told,
        metasynth=own,
        model_name=pretrained,
        config_general={"path": pretrained},
    )


def pretrain(name: str, *, method: str = "full", stand_in: str | None = None) -> Path:
    """A finished model in `models/`."""
    folder = Path("models") / name
    folder.mkdir(parents=True)
    run = RunRecord(
        name=name,
        fingerprint="f" * 16,
        base="owner/base-model",
        base_place="owner/base-model",
        stand_in=stand_in,
        method=method,
        parameters=1_000_000,
        trained_parameters=1_000_000,
        steps=21,
        tokens=5_000,
        stream="a" * 64,
        first_loss=4.5,
        last_loss=3.25,
        before={"held out": 2.5},
        after={"held out": 2.25},
        roles={"held out": "new"},
        stopped=None,
        seconds=10.0,
        flops=1e9,
        utilisation=None,
    )
    ledger = Ledger(
        fingerprint="f" * 16,
        tokenizer="t",
        seed=0,
        block_size=64,
        budget=5_000,
        blocks=80,
        tokens=5_000,
        padding=120,
        padding_share=0.0234,
        sources=(_source("metasynth-biomed"),),
    )
    settings = "adapter_config.json" if method == "lora" else "config.json"
    weights = "adapter_model.safetensors" if method == "lora" else "model.safetensors"
    texts = {
        "run.json": run.model_dump_json(indent=2),
        "ledger.json": ledger.model_dump_json(indent=2),
        "recipe.yaml": f"data: [{HOME}/metasynth-biomed]\nmethod: {method}\nlearning_rate: 0.0001\n",
        "environment.json": '{"schema_version": 1}',
        "curves.jsonl": '{"kind": "step", "step": 1}\n',
        "curves.svg": "<svg/>",
        settings: '{"base_model_name_or_path": "/home/somebody/base", "r": 8}',
        "tokenizer.json": '{"model": {"vocab": {"/usr": 1}}, "added": ["/home/token"]}',
        "README.md": "# a draft\n",
        "pytorch_model.bin": "a pickle",
    }
    for file, text in texts.items():
        (folder / file).write_text(text, "utf-8")
    save_file({"weight": np.zeros((4, 4), np.float32)}, folder / weights)
    return folder


def _source(name: str) -> SourceLedger:
    numbers: dict[str, Any] = dict.fromkeys(
        ("share", "available_tokens", "tokens", "segments", "predicted", "ends"), 5_000
    )
    counts: dict[str, Any] = dict.fromkeys(
        ("available_documents", "documents", "held_out", "excluded", "empty"), 6
    )
    return SourceLedger(
        name=name, place=f"{HOME}/{name}", weight=1.0, epochs=1.0, digest="d" * 64, **numbers, **counts
    )


def everything(methods: Sequence[str] = ("full",)) -> None:
    """A base and an adapted model that is better in finance, evaluated."""
    evaluate("base", tasks(0.45, 0.6))
    for method in methods:
        pretrain("adapted", method=method)
    evaluate("adapted", tasks(0.75, 0.6), pretrained=f"{HOME}/models/adapted")
