"""A corpus is built through TGI's native routes and the official client."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from builders.serve import embedded_endpoint

pytest.importorskip("text_generation")
pytestmark = [pytest.mark.text_generation, pytest.mark.timeout(600)]


async def test_three_documents_are_built_through_the_official_client(tmp_path: Path) -> None:
    async with embedded_endpoint() as url:
        returncode, words = await _build(url, tmp_path)
    assert returncode == 0, words

    from datasets import load_dataset

    folder = str(tmp_path / "metasynth-biomed")
    documents = load_dataset(folder, split="train")
    traces = load_dataset(folder, "traces", split="train")
    assert len(set(documents["text"])) == 3
    assert {row["document_id"] for row in traces} == set(documents["id"])


async def _build(url: str, output: Path) -> tuple[int | None, str]:
    command = ["build", "metasynth-biomed", "--documents", "3", "--seed", "1", "--output", str(output)]
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("builders")),
        *command,
        "--adapter",
        "text-generation",
        "--endpoint",
        url,
        stderr=asyncio.subprocess.PIPE,
    )
    _, stderr = await process.communicate()
    return process.returncode, stderr.decode()
