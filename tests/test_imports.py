"""Promises of the imports: they go one way, `--help` is quick, and what is heavy waits until it is needed."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from console import SCRIPTS

import builders
import harness

BUILDERS = Path(builders.__file__).parent
HARNESS = Path(harness.__file__).parent
HELP_S = 0.35

LAYERS = [
    {"errors", "interrupts"},
    {"reading"},
    {"corpora", "dataset", "endpoints", "lazy_group", "seeds", "serve", "tokenizer"},
    {"embedded_model", "hub", "method", "svg"},
    {"calls"},
    {"acceptance", "journal"},
    {"diversity"},
    {"steering"},
    {"metasynth"},
    {
        "accepted",
        "baselines",
        "contamination",
        "crew",
        "document_source",
        "finished",
        "push",
        "seeding",
        "testing",
        "viewer",
    },
    {"trajectories"},
    {"request"},
    {"workshop"},
    {"build", "forecast"},
    {"ablation", "plan", "progress"},
    {"commands"},
    {"cli"},
]
"""Packages and modules of `builders`; each imports only from the layers above its line."""

HEAVY = {"torch", "transformers", "datasets", "lm_eval", "evaluate", "peft"}


def sources(package: Path) -> list[Path]:
    return sorted(package.rglob("*.py"))


def imported(source: Path) -> set[str]:
    """Every module that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found


def imported_at_once(source: Path) -> set[str]:
    """Top-level names of the packages that a file imports when it is imported itself."""
    found: set[str] = set()
    for node in ast.parse(source.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
    return found


def part(module: str) -> str:
    """`builders.seeds.keywords` is a part of `seeds`."""
    return module.split(".")[1]


def test_imports_go_one_way() -> None:
    height = {name: level for level, layer in enumerate(LAYERS) for name in layer}
    for source in sources(BUILDERS):
        own = source.relative_to(BUILDERS).with_suffix("").parts[0]
        if own == "__init__":
            continue
        for module in imported(source):
            if module.startswith("builders.") and part(module) != own:
                assert height[part(module)] < height[own], f"{source} imports {module}"


def test_builders_never_imports_the_harness() -> None:
    importing = [
        source for source in sources(BUILDERS) if any(m.startswith("harness") for m in imported(source))
    ]
    assert importing == []


@pytest.mark.parametrize("package", [BUILDERS, HARNESS], ids=["builders", "harness"])
def test_no_module_imports_what_is_heavy_before_it_is_needed(package: Path) -> None:
    importing = {str(source): HEAVY & imported_at_once(source) for source in sources(package)}
    assert {source: heavy for source, heavy in importing.items() if heavy} == {}


@pytest.mark.parametrize("script", ["builders", "harness"])
def test_help_imports_nothing_heavy(script: str) -> None:
    program = (
        f"import json, sys; from {script}.cli import main; main(['--help'], standalone_mode=False); "
        "print('\\n' + json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    modules = set(json.loads(done.stdout.splitlines()[-1]))
    assert modules & (HEAVY | {"pyarrow", "numpy", "aiohttp", "pydantic", "xllamacpp"}) == set()


@pytest.mark.parametrize("script", ["builders", "harness"])
def test_help_answers_at_once(script: str) -> None:
    def run() -> float:
        began = time.perf_counter()
        subprocess.run([SCRIPTS / script, "--help"], check=True, capture_output=True)
        return time.perf_counter() - began

    assert min(run() for _ in range(7)) <= HELP_S  # the quickest: other processes slow the rest
