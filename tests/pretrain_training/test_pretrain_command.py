"""Promises of `harness pretrain` to its user: what it leaves, what it says before, and what it refuses."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
import torch
import yaml
from tiny_runs import SETTINGS, done, error_of, harness
from transformers import AutoModelForCausalLM, AutoTokenizer

from harness.evaluate.models import find_model
from harness.pretrain.base import find_base
from harness.pretrain.curves import read_curves
from harness.pretrain.records import Environment, RunRecord

if TYPE_CHECKING:
    from pathlib import Path


def test_a_finished_model_has_everything_and_loads_as_it_is(uninterrupted: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(uninterrupted)
    tokenizer = AutoTokenizer.from_pretrained(uninterrupted)
    assert model(**tokenizer("ban bero", return_tensors="pt")).logits.isfinite().all()
    record = RunRecord.model_validate_json((uninterrupted / "run.json").read_bytes())
    assert (record.tokens, record.steps, record.stand_in) == (5000, 21, None)
    assert record.last_loss < record.first_loss
    assert Environment.model_validate_json((uninterrupted / "environment.json").read_bytes()).threads == 1
    ledger = json.loads((uninterrupted / "ledger.json").read_text())
    assert sum(source["tokens"] for source in ledger["sources"]) == ledger["tokens"] == 5000
    recipe = yaml.safe_load((uninterrupted / "recipe.yaml").read_text())
    assert recipe["learning_rate"] == 1e-3
    lines = read_curves(uninterrupted / "curves.jsonl")
    assert [line.step for line in lines if line.kind == "step"] == list(range(1, 22))
    assert (uninterrupted / "curves.svg").read_text().startswith("<svg")
    assert not list(uninterrupted.glob("*.bin")) + list(uninterrupted.glob("*.pt"))
    card = (uninterrupted / "README.md").read_text()
    for figure in (f"{record.first_loss:.4f}", f"{record.after['corpus.jsonl']:.4f}", record.stream):
        assert figure in card


def test_an_adapter_is_one_of_all_linear_layers_and_names_its_base(adapted: Path, tiny: Path) -> None:
    from peft import AutoPeftModelForCausalLM

    settings = json.loads((adapted / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == str(tiny)
    parts = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    assert {name.split(".")[-1] for name in settings["target_modules"]} == set(parts)
    assert AutoPeftModelForCausalLM.from_pretrained(str(adapted)) is not None


def test_evaluate_takes_the_result_as_it_is(uninterrupted: Path, adapted: Path, tiny: Path) -> None:
    whole, adapter = find_model(str(uninterrupted)), find_model(str(adapted))
    assert (whole.pretrained, whole.adapter) == (str(uninterrupted), None)
    assert (adapter.pretrained, adapter.adapter) == (str(tiny), str(adapted))


def test_a_resolved_recipe_makes_the_same_model_again(
    uninterrupted: Path, tiny: Path, tmp_path: Path
) -> None:
    output = tmp_path / "again"
    done(harness("pretrain", "--recipe", uninterrupted / "recipe.yaml", "--output", output))
    assert (output / "model.safetensors").read_bytes() == (uninterrupted / "model.safetensors").read_bytes()


def test_a_finished_model_is_left_alone(uninterrupted: Path, tiny: Path, corpus: Path) -> None:
    words = ("pretrain", "--data", corpus, "--base", tiny, "--output", uninterrupted, *SETTINGS)
    before = {path: path.stat().st_mtime_ns for path in uninterrupted.iterdir()}
    done(harness(*words))
    assert "finished model of another recipe" in error_of(harness(*words, "--seed", "9"))
    assert {path: path.stat().st_mtime_ns for path in uninterrupted.iterdir()} == before
    assert not uninterrupted.with_name("uninterrupted.unfinished").exists()


def unfinished(output: Path, tiny: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """A run that ended in the middle; the words that began it."""
    from harness.pretrain.trainer import Training

    words = ["pretrain", "--data", corpus, "--base", tiny, "--output", output, *SETTINGS]

    def stepped(training: Training, step: int, logs: dict[str, float]) -> None:
        original(training, step, logs)
        if step == 7:
            raise KeyboardInterrupt

    original = Training._stepped
    monkeypatch.setattr(Training, "_stepped", stepped)
    assert harness(*words).exit_code == 1
    monkeypatch.undo()
    return words


def test_a_checkpoint_of_another_recipe_is_refused_and_kept(
    tiny: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = unfinished(tmp_path / "mine", tiny, corpus, monkeypatch)
    folder = tmp_path / "mine.unfinished"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    told = error_of(harness(*words, "--learning-rate", "5e-4"))
    assert "learning_rate 0.001, now 0.0005" in told
    assert "--output" in told
    identity = folder / "identity.json"
    record = json.loads(identity.read_text())
    assert "seed 0, now 3" in error_of(harness(*words, "--seed", "3"))
    theirs = record["recipe"] | {"learning_rate": 5e-4}
    identity.write_text(json.dumps(record | {"recipe": theirs}))  # as if a checkpoint was put here by hand
    assert "checkpoint of another recipe" in error_of(harness(*words, "--learning-rate", "5e-4"))
    identity.write_text(json.dumps(record))
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {path: after[path] for path in before if path != identity} == {
        path: content for path, content in before.items() if path != identity
    }
    done(harness(*words))


def test_a_run_that_ends_while_its_model_is_written_writes_it_the_next_time(
    uninterrupted: Path, tiny: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.pretrain import finish

    def interrupted(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    output = tmp_path / "out"
    words = ("pretrain", "--data", corpus, "--base", tiny, "--output", output, *SETTINGS)
    monkeypatch.setattr(finish, "model_card", interrupted)
    assert harness(*words).exit_code == 1
    assert not output.exists()
    monkeypatch.undo()
    done(harness(*words))
    assert (output / "model.safetensors").read_bytes() == (uninterrupted / "model.safetensors").read_bytes()
    assert (output / "ledger.json").read_bytes() == (uninterrupted / "ledger.json").read_bytes()


def test_a_dry_run_says_what_a_run_takes_without_weights(tiny: Path, corpus: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for path in tiny.iterdir():
        if path.suffix != ".safetensors":
            shutil.copy(path, bare)
    words = (
        "pretrain",
        "--data",
        corpus,
        "--base",
        bare,
        "--output",
        tmp_path / "out",
        *SETTINGS,
        "--dry-run",
    )
    told = json.loads(done(harness(*words, "--json")).stdout)
    parameters = sum(value.numel() for value in AutoModelForCausalLM.from_pretrained(tiny).parameters())
    assert (told["tokens"], told["steps"], told["parameters"]) == (5000, 21, parameters)
    assert told["seconds"] > 0
    assert told["memory_bytes"] > parameters * 16
    assert "about" in done(harness(*words)).stdout
    assert not (tmp_path / "out").exists()


def huge(folder: Path, tiny: Path) -> Path:
    """A model of some 400 billion parameters: its settings, no weights."""
    folder.mkdir()
    for path in tiny.iterdir():
        if path.suffix != ".safetensors":
            shutil.copy(path, folder)
    settings = json.loads((folder / "config.json").read_text())
    sizes = {"hidden_size": 16384, "intermediate_size": 65536, "num_hidden_layers": 100, "head_dim": 4096}
    (folder / "config.json").write_text(json.dumps(settings | sizes))
    return folder


def test_too_little_memory_is_told_before_anything_is_loaded(
    tiny: Path, corpus: Path, tmp_path: Path
) -> None:
    base = huge(tmp_path / "huge", tiny)
    told = error_of(
        harness("pretrain", "--data", corpus, "--base", base, "--output", tmp_path / "out", *SETTINGS)
    )
    assert "not enough memory" in told
    assert "--method lora" in told
    assert "optimiser" in told


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--base", "./no-such-folder"], "./no-such-folder"),
        (["--block-size", "9999"], "--block-size 9999"),
        (["--set", "lora.rnk=3"], "did you mean 'rank'?"),
        (["--batch", "3"], "no multiple of micro_batch"),
        (["--method", "qlora"], "pip install bitsandbytes"),
        (["--track"], "pip install trackio"),
        (["--replay", "corpus.jsonl:1.5"], "between 0 and 1"),
        (["--set", "fsdp=true"], "leave the field fsdp out"),
        (["--recipe", "smok"], "did you mean 'smoke'?"),
        (["--watch-general", "nowhere.jsonl"], "nowhere.jsonl"),
    ],
)
def test_mistakes_are_told_in_one_line_and_leave_no_model(
    words: list[str], message: str, tiny: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("bitsandbytes", "trackio"):
        monkeypatch.setitem(__import__("sys").modules, package, None)
    given = ["pretrain", "--data", corpus, "--base", tiny, "--output", tmp_path / "out", *SETTINGS, *words]
    assert message in error_of(harness(*given))
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_model_is_not_touched(tiny: Path, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    told = error_of(
        harness("pretrain", "--data", corpus, "--base", tiny, "--output", tmp_path / "mine", *SETTINGS)
    )
    assert "choose another --output" in told
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "mine"


def test_without_a_gpu_and_a_base_the_embedded_model_stands_in_and_it_says_so() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU: Mistral-7B-v0.3 is the default")
    base = find_base(None)
    assert base.stand_in
    assert "SmolLM2-135M" in base.name


def test_replay_has_its_share_of_all_tokens(tiny: Path, corpus: Path, tmp_path: Path) -> None:
    from tiny_runs import write_texts

    general = write_texts(tmp_path / "general.jsonl", 4)
    words = ("--data", corpus, "--base", tiny, "--output", tmp_path / "out", *SETTINGS, "--tokens", "2000")
    done(harness("pretrain", *words, "--replay", f"{general}:0.2"))
    ledger = json.loads((tmp_path / "out" / "ledger.json").read_text())
    assert [source["tokens"] for source in ledger["sources"]] == [1600, 400]
