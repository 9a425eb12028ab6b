"""Promise: after kill -9, the same command goes on to the token."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
from tiny_runs import SETTINGS, assert_same_run, curves, done, harness, write_texts

from builders.embedded_model import STAND_IN

if TYPE_CHECKING:
    from pathlib import Path

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["harness.pretrain.run", "transformers.trainer", "peft"])


def _child(words: list[str]) -> None:
    import torch

    torch.set_num_threads(1)
    result = harness(*words)
    os._exit(result.exit_code)


def kill_at_step(step: int, words: list[str], folder: Path, longest_s: float = 240) -> int:
    """Start the command, and kill -9 it once so many steps are done; the step that it had reached."""
    path = folder.with_name(f"{folder.name}.unfinished") / "curves.jsonl"
    process = _PROCESSES.Process(target=_child, args=(words,))
    process.start()
    end = time.monotonic() + longest_s
    while True:
        reached = max((line["step"] for line in lines(path)), default=0)
        if reached >= step or not process.is_alive():
            break
        assert time.monotonic() < end, "the run does not get on"
        time.sleep(0.001)
    assert process.is_alive(), f"ended before step {step}"
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    return reached


def lines(path: Path) -> list[dict[str, int]]:
    """Whole lines of a file that is being written, or not there yet."""
    found = []
    for text in path.read_text().splitlines() if path.exists() else []:
        try:
            found.append(json.loads(text))
        except ValueError:
            break
    return found


def test_a_run_that_is_killed_three_times_is_the_uninterrupted_one(
    uninterrupted: Path, tiny: Path, corpus: Path, tmp_path: Path
) -> None:
    output = tmp_path / "killed"
    words = ["pretrain", "--data", str(corpus), "--base", str(tiny), "--output", str(output), *SETTINGS]
    for step in (4, 9, 14):
        kill_at_step(step, words, output)
        assert not output.exists()
    told = done(harness(*words)).stderr
    assert "going on after step" in told
    assert_same_run(uninterrupted, output)
    run = json.loads((output / "run.json").read_text())
    for name, before in run["before"].items():
        change = run["after"][name] / before - 1
        assert f"({change:+.2%})" in told.replace("\n", " "), "told against the run's beginning"
    assert run["before"]
    names = {path.name for path in output.iterdir()}
    assert names == {path.name for path in uninterrupted.iterdir()}
    for name in ("model.safetensors", "ledger.json"):
        assert (output / name).read_bytes() == (uninterrupted / name).read_bytes()
    assert not output.with_name("killed.unfinished").exists()


def test_adapters_with_dropout_go_on_to_the_token_too(
    adapted: Path, tiny: Path, corpus: Path, tmp_path: Path
) -> None:
    output = tmp_path / "killed"
    words = ["pretrain", "--data", str(corpus), "--base", str(tiny), "--output", str(output), *SETTINGS]
    words += [
        "--learning-rate",
        "1e-2",
        "--method",
        "lora",
        "--set",
        "lora.rank=4",
        "--set",
        "lora.dropout=0.1",
    ]
    kill_at_step(8, words, output)
    done(harness(*words))
    assert_same_run(adapted, output)


def test_a_corrupted_checkpoint_costs_steps_and_changes_nothing(
    uninterrupted: Path, tiny: Path, corpus: Path, tmp_path: Path
) -> None:
    output = tmp_path / "killed"
    words = ["pretrain", "--data", str(corpus), "--base", str(tiny), "--output", str(output), *SETTINGS]
    kill_at_step(10, words, output)
    checkpoints = output.with_name("killed.unfinished") / "checkpoints"
    newest = max(checkpoints.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    weights = newest / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    told = done(harness(*words)).stderr
    assert f"{newest} is corrupted" in told
    assert "going on after step" in told
    assert_same_run(uninterrupted, output)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_embedded_model_goes_on_to_the_token(tmp_path: Path) -> None:
    corpus = write_texts(tmp_path / "texts.jsonl", 3, documents=40)
    runs = {}
    for name in ("whole", "killed"):
        runs[name] = tmp_path / name
        words = ["pretrain", "--data", str(corpus), "--base", "embedded", "--output", str(runs[name])]
        words += ["--tokens", "1200", "--block-size", "64", "--batch", "2", "--micro-batch", "2"]
        words += ["--learning-rate", "1e-3", "--set", "watch.times=2", "--set", "watch.held_out=0.1"]
        words += ["--method", "lora", "--set", "lora.dropout=0.1", "--set", "checkpoint_every=2"]
        if name == "killed":
            for step in (2, 4, 7):
                kill_at_step(step, words, runs[name], longest_s=900)
        done(harness(*words))
    assert_same_run(runs["whole"], runs["killed"])
    assert max(line["step"] for line in curves(runs["killed"])) >= 10
    assert STAND_IN in (runs["killed"] / "README.md").read_text()
