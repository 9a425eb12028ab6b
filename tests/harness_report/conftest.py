from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from click.testing import CliRunner
from console import run_builders

from builders.testing import Simulation, simulated_endpoint

for folder in ("harness_compare", "pretrain_training", "contamination"):  # their writers of artefacts
    sys.path.append(str(Path(__file__).parents[1] / folder))

if TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENTS = {"metasynth-biomed": 16, "template-biomed": 110}
"""By corpus; one is large enough for growth, the cheaper one."""


def measure_and_check(folder: Path, real: Path, data: Path) -> None:
    """What both commands say of the corpora in the folder."""
    from tiny_runs import done

    from builders.cli import main

    def builders(*words: str) -> str:
        return done(CliRunner().invoke(main, words, prog_name="builders")).stdout

    before = Path.cwd()
    os.chdir(folder)
    try:
        metrics = ("--metrics", "compression-ratio,1-gram-diversity,4-gram-diversity")
        measured = builders("measure", *DOCUMENTS, "--reference", str(real), *metrics, "--json")
        Path("diversity.json").write_text(measured)
        for name in DOCUMENTS:
            builders("check", name, "--against", "fpb,mqp", "--data-dir", str(data), "--no-paraphrases")
    finally:
        os.chdir(before)


def train_and_compare(folder: Path, base: Path, real: Path) -> None:
    """A run of a tiny model in the folder, results of it and of its base, and their comparison."""
    from benchmarked import evaluate
    from tiny_runs import SETTINGS, done, harness

    before = Path.cwd()
    os.chdir(folder)
    try:
        watch = ("--watch-general", real, "--data", "metasynth-biomed")
        done(harness("pretrain", *watch, "--base", base, "--output", "adapted", *SETTINGS))
        evaluate(40)
        evaluate(64)
        compared = done(harness("compare", "base", "adapted", "--resamples", "1000", "--json"))
        Path("comparison.json").write_text(compared.stdout)
    finally:
        os.chdir(before)


@pytest_asyncio.fixture(scope="session")
async def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder after every command, all of it real but for its size and the answers of the models."""
    from small_data import data_folder
    from tiny_runs import make_tiny_model, write_texts

    folder = tmp_path_factory.mktemp("laboratory")
    async with simulated_endpoint(Simulation()) as server:
        for name, documents in DOCUMENTS.items():
            words = ("--endpoint", server.url, "--documents", str(documents), "--seed", "1")
            ended = await run_builders("build", name, *words, folder=folder)
            assert ended.code == 0, ended.err
    real = write_texts(folder / "real.jsonl", 3)
    data = data_folder(folder / "items")
    measure_and_check(folder, real, data)
    train_and_compare(folder, make_tiny_model(tmp_path_factory.mktemp("tiny")), real)
    return folder


@pytest.fixture
def here(laboratory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the laboratory, as the working folder."""
    folder = tmp_path / "work"
    shutil.copytree(laboratory, folder, ignore=shutil.ignore_patterns(".journal"))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def changed() -> Callable[[str, Callable[[dict], object]], None]:
    """Changes a JSON file of the working folder."""

    def change(path: str, how: Callable[[dict], object]) -> None:
        data = json.loads(Path(path).read_text())
        how(data)
        Path(path).write_text(json.dumps(data))

    return change


@pytest.fixture
def report() -> Callable[..., str]:
    """Runs `harness report`; returns what it says on stdout."""
    from harness.cli import main

    def run(*words: str) -> str:
        result = CliRunner().invoke(main, ["report", *words], prog_name="harness")
        assert result.exit_code == 0, (result.output, result.exception)
        return result.stdout

    return run
