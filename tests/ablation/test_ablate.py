"""Promises of `builders ablate`: equal tokens and calls, a table with intervals, a figure; it resumes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from builders.ablation import Ablation, ablation_page, method_corpora
from builders.corpora.base import SeedDocuments
from builders.errors import UserError
from builders.testing import Simulation, simulated_endpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BUILDERS = Path(sys.executable).with_name("builders")
METHODS = ["template", "keywords", "keywords+steering"]
METRICS = "compression-ratio,1-gram-diversity,near-duplicates"
TOKENS = 6_000


@pytest_asyncio.fixture
async def url() -> AsyncIterator[str]:
    async with simulated_endpoint(Simulation(collapse=0.12)) as server:
        yield server.url


async def ablate(folder: Path, url: str, *words: str) -> tuple[int, str, str]:
    """Run the command in a folder, in a process of its own."""
    import asyncio

    process = await asyncio.create_subprocess_exec(
        BUILDERS,
        *("ablate", "--domain", "biomed", "--methods", ",".join(METHODS), "--tokens", f"{TOKENS}"),
        *("--metrics", METRICS, "--endpoint", url, "--protocol", "guided", *words),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_methods_are_compared_at_equal_tokens_and_at_equal_calls_and_again_in_no_time(
    tmp_path: Path, url: str
) -> None:
    code, out, err = await ablate(tmp_path, url, "--json")
    assert code == 0, err
    found = Ablation.model_validate_json(out)
    assert [own.method for own in found.spent] == METHODS
    assert all(TOKENS <= own.tokens <= 1.1 * TOKENS for own in found.spent)
    assert found.simulated
    assert found.equal_tokens.equal_size
    assert all(corpus.measurements[0].interval for corpus in found.equal_tokens.corpora)

    template, keywords, _ = found.spent
    assert found.calls == template.calls
    assert template.within_calls == template.documents
    assert 0 < keywords.within_calls < keywords.documents

    folder = tmp_path / "ablation-biomed"
    assert json.loads((folder / "ablation.json").read_text()) == json.loads(out)
    assert (folder / "ablation.md").read_text() == ablation_page(found)
    assert "Simulated" in ablation_page(found)
    assert (folder / "ablation.svg").read_text().startswith("<svg")

    code, again, err = await ablate(tmp_path, url, "--json")
    assert code == 0, err
    assert again == out


def test_a_method_that_reads_documents_needs_them() -> None:
    with pytest.raises(UserError, match="--seed-dataset"):
        method_corpora("biomed", ["documents"], None)
    seeded = method_corpora("biomed", ["documents+steering"], SeedDocuments(source="abstracts.jsonl"))
    corpus = seeded["documents+steering"]
    assert corpus.steering
    assert corpus.seed_documents is not None


@pytest.mark.parametrize(
    ("methods", "named"), [(["templates"], "'templates'"), (["keywords", "keywords"], "twice")]
)
def test_a_method_that_there_is_not_or_that_comes_twice_is_named(methods: list[str], named: str) -> None:
    with pytest.raises(UserError, match=named):
        method_corpora("biomed", methods, None)
