from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from console import run_builders
from hub_corpora import write_corpus

from builders.testing.hub import hub_double
from builders.testing.hub.server import TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from console import Ended

    from builders.testing.hub import HubDouble


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "metasynth-biomed")


@pytest_asyncio.fixture
async def hub(request: pytest.FixtureRequest) -> AsyncIterator[HubDouble]:
    async with hub_double(**getattr(request, "param", {})) as double:
        yield double


@pytest.fixture
def environment(hub: HubDouble, tmp_path: Path) -> dict[str, str]:
    """What a process needs to take the double for the Hub."""
    plain = {name: "" for name in os.environ if name in ("HF_TOKEN_PATH", "HF_HUB_OFFLINE")}
    return plain | {
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": TOKEN,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HOME": str(tmp_path / "hf-home"),
        "NO_PROXY": "*",
    }


@pytest.fixture
def push(tmp_path: Path, environment: dict[str, str]) -> Callable[..., Any]:
    """`builders push` in a process of its own."""

    async def run(*words: str, **changed: str) -> Ended:
        base = ("push", "metasynth-biomed", "--repo", "owner/metasynth-biomed")
        return await run_builders(*base, *words, folder=tmp_path, **(environment | changed))

    return run


@pytest.fixture
def pushed_here(hub: HubDouble, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A push in this process, in a thread, with little patience: for what is tried many times."""
    from huggingface_hub import HfApi, constants

    from builders.hub.patience import Patience
    from builders.hub.repository import HubRepository

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)

    async def run(
        files: dict[str, Any], *, token: str = TOKEN, revision: str = "main", **options: Any
    ) -> Any:
        said: list[str] = []
        repository = HubRepository(
            "owner/demo",
            "dataset",
            said.append,
            revision=revision,
            api=HfApi(endpoint=hub.url, token=token),
            patience=Patience(tries=4, first_wait_s=0.01),
        )
        options = {"message": "a version", "private": False} | options
        pushed = await asyncio.to_thread(repository.push, files, **options)
        return pushed, said

    return run
