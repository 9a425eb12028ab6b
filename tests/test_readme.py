"""Promises of the README: every command in it exists, and what needs no GPU and no Hub runs as printed."""

from __future__ import annotations

import importlib
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from console import run_builders

from builders.testing import simulated_endpoint

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
PROGRAMS = ("builders", "harness")

AS_PRINTED = ("builders build metasynth-biomed --endpoint", "from datasets import load_dataset")
"""Runs below, in the suite. The endpoint is a simulated one at the README's port."""

SLOW = (
    "make demo",
    "builders check metasynth-biomed --against",
    "harness doctor",
    "harness evaluate --tasks smoke",
)
"""Runs below, behind the marker."""

ELSEWHERE = {
    "make test": "runs this",
    "docker run": "needs a GPU",
    "pip install": "changes the environment that the tests run in; `make setup` does it",
    "harness pretrain --recipe mistral-7b-biomed": "needs a GPU",
    "harness evaluate --model base": "its data sets are the Hub's",
    "harness evaluate --model adapted": "likewise",
    "harness compare base adapted": "needs those two",
}


class Block(NamedTuple):
    language: str
    text: str


def blocks() -> list[Block]:
    """The fenced blocks of the README, but what a command printed."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    return [Block(*each) for each in found if not each[1].startswith("$ ")]


def commands() -> list[str]:
    """Every command of the README: of its blocks, and those in its text that are whole."""
    text = "".join(block.text for block in blocks() if not block.language).replace("\\\n", " ")
    lines = [line.partition(" # ")[0].strip() for line in text.splitlines()]
    inline = re.findall(r"`((?:builders|harness) [^`A-Z\[]+ --[^`A-Z\[]+|pip install [^`]+)`", _prose())
    return [" ".join(line.split()) for line in [*lines, *inline] if line]


def _prose() -> str:
    return re.sub(r"^```.*?^```", "", (ROOT / "README.md").read_text(), flags=re.DOTALL | re.MULTILINE)


def options(words: list[str]) -> set[str]:
    """The options of the command that these words begin with; an unknown command raises."""
    program: click.Group = importlib.import_module(f"{words[0]}.cli").main
    command = program.get_command(click.Context(program), words[1])
    assert command is not None, f"there is no command {' '.join(words[:2])}"
    return {name for parameter in command.params for name in parameter.opts}


def test_every_command_is_known_to_be_run_or_why_not() -> None:
    known = (*AS_PRINTED, *SLOW, *ELSEWHERE)
    strange = [command for command in commands() if not command.startswith(known)]
    assert not strange, "run them here, or say why not"
    missing = [start for start in known if not any(c.startswith(start) for c in [*commands(), _python()])]
    assert not missing, "the README does not have them any more"


def test_every_command_and_option_exists() -> None:
    lines = [command for command in commands() if command.startswith(PROGRAMS)]
    assert len(lines) >= 8
    for line in lines:
        words = shlex.split(line)
        assert {word for word in words if word.startswith("--")} <= options(words), line
    for name, command in re.findall(r"`(builders|harness) (\w+)", _prose()):
        options([name, command])


async def test_a_build_and_load_dataset_run_as_printed(tmp_path: Path) -> None:
    build = next(command for command in commands() if command.startswith(AS_PRINTED[0]))
    port = int(re.search(r":(\d+)", build)[1])  # type: ignore[index]
    try:
        server = simulated_endpoint(port=port)
        await server.__aenter__()
    except OSError as error:
        pytest.skip(f"the README's port is taken: {error}")
    try:
        ended = await run_builders(*shlex.split(build)[1:], folder=tmp_path)
    finally:
        await server.__aexit__(None, None, None)
    assert ended.code == 0, ended.err
    documents, traces = _loaded_as_printed(tmp_path)
    assert documents == int(shlex.split(build)[-1])
    assert traces >= documents


def _loaded_as_printed(folder: Path) -> tuple[int, int]:
    """How many rows the README's Python finds: documents and traces."""
    code = f"{_python()}\nprint(len(documents), len(traces))"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    documents, traces = ran.stdout.split()
    return int(documents), int(traces)


def _python() -> str:
    return next(block.text for block in blocks() if block.language == "python")


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_demo_and_what_the_readme_does_with_it_run_as_printed(tmp_path: Path) -> None:
    clone = tmp_path / "metasynth"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    plain = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}  # a newcomer's

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, cwd=clone, env=plain, capture_output=True, text=True, timeout=1_200)

    demo = run("make", "demo")
    assert demo.returncode == 0, demo.stderr
    printed = (demo.stdout + demo.stderr).splitlines()
    for line in _shown_of_the_demo():
        assert any(other.startswith(line) for other in printed), line
    for command in (command for command in commands() if command.startswith(SLOW[2:])):
        name, *words = shlex.split(command)
        ran = run(f".venv/bin/{name}", *words)
        assert ran.returncode == 0, (command, ran.stderr)


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="the benchmarks' rows are not on this machine")
async def test_the_check_against_the_benchmarks_runs_as_printed(tmp_path: Path) -> None:
    async with simulated_endpoint() as server:
        words = ("build", "metasynth-biomed", "--endpoint", server.url, "--documents", "20")
        assert (await run_builders(*words, folder=tmp_path)).code == 0
    check = next(command for command in commands() if command.startswith(SLOW[1]))
    ended = await run_builders(*shlex.split(check)[1:], "--json", folder=tmp_path, METASYNTH_DATA=str(DATA))
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)


def _shown_of_the_demo() -> list[str]:
    """Lines that the README says `make demo` prints, up to the first figure: those differ."""
    shown = re.search(r"^\$ make demo\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    assert shown
    lines = [re.split(r"\d|\.\.\.", line)[0] for line in shown[1].splitlines() if line != "..."]
    assert len(lines) > 5
    return lines
