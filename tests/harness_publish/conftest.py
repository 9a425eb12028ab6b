from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from builders.testing.hub import hub_double
from builders.testing.hub.server import TOKEN

sys.path.append(str(Path(__file__).parents[1] / "harness_compare"))  # for its writer of evaluations

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from builders.testing.hub import HubDouble


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[HubDouble]:
    async with hub_double() as double:
        yield double


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def publish_here(hub: HubDouble, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """`publish` in this process, in a thread, with the double as the Hub."""
    from huggingface_hub import HfApi, constants

    from builders.hub.patience import Patience
    from builders.hub.repository import HubRepository
    from harness.publish.entrants import PublishRequest
    from harness.publish.run import publish

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf-cache"))

    async def run(
        name: str = "adapted",
        *,
        repo_id: str = "owner/adapted",
        board: str = "owner/results",
        token: str = TOKEN,
        dry_run: bool = False,
        output: Path | None = None,
        **options: Any,
    ) -> Any:
        def say(line: str) -> None:
            said.append(line)

        said: list[str] = []
        api = HfApi(endpoint=hub.url, token=token)
        patience = Patience(tries=4, first_wait_s=0.01)
        repositories = (
            HubRepository(board, "dataset", say, api=api, patience=patience),
            HubRepository(repo_id, "model", say, api=api, patience=patience),
        )
        request = PublishRequest(name=name, repo_id=repo_id, leaderboard_id=board, **options)
        done = await asyncio.to_thread(
            publish, request, say=say, dry_run=dry_run, output=output, repositories=repositories
        )
        return done, said

    return run
