from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

for neighbour in ("harness_compare", "harness_publish", "pretrain_training"):
    sys.path.append(str(Path(__file__).parents[1] / neighbour))

if TYPE_CHECKING:
    from collections.abc import Iterator


class Silent:
    """Shows nothing of a build."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


async def _build(folder: Path) -> None:
    from builders.build import BuildRequest, build
    from builders.corpora.registry import find_corpus
    from builders.testing import Simulation, simulated_endpoint
    from builders.trajectories import Target

    async with simulated_endpoint(Simulation()) as server:
        await build(
            BuildRequest(
                corpus=find_corpus("metasynth-biomed"),
                target=Target(documents=110),
                seed=1,
                folder=folder,
                endpoints=(server.url,),
            ),
            Silent(),
        )


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with all that the commands leave: corpus, model, evaluations, comparison, published files."""
    from finished_models import evaluate, tasks
    from tiny_runs import SETTINGS, done, harness, make_tiny_model, write_texts

    from builders.hub.repository import HubRepository
    from builders.testing.hub import hub_double
    from builders.testing.hub.server import TOKEN
    from harness.publish.entrants import PublishRequest
    from harness.publish.run import publish

    root, before = tmp_path_factory.mktemp("story"), Path.cwd()
    os.chdir(root)
    random.seed(0)
    try:
        asyncio.run(_build(root / "metasynth-biomed"))
        tiny = make_tiny_model(root / "owner" / "base-model")
        corpus = write_texts(root / "corpus.jsonl", 1)
        done(harness("pretrain", "--data", corpus, "--base", tiny, "--output", "adapted", *SETTINGS))
        evaluate("base", tasks(0.45, 0.6), pretrained=str(tiny))
        evaluate("adapted", tasks(0.75, 0.6), pretrained=str(root / "models" / "adapted"))
        compared = done(harness("compare", "base", "adapted", "--json")).output
        (root / "comparison.json").write_text(compared[compared.index("{") :], "utf-8")

        async def dry_run() -> None:
            from huggingface_hub import HfApi

            async with hub_double() as double:
                api = HfApi(endpoint=double.url, token=TOKEN)
                places = [
                    HubRepository(f"owner/{name}", kind, print, api=api)
                    for name, kind in (("results", "dataset"), ("adapted", "model"))
                ]
                request = PublishRequest(
                    name="adapted", repo_id="owner/adapted", leaderboard_id="owner/results"
                )
                await asyncio.to_thread(
                    publish,
                    request,
                    say=print,
                    dry_run=True,
                    output=root / "published",
                    repositories=(places[0], places[1]),
                )

        asyncio.run(dry_run())
        yield root
    finally:
        os.chdir(before)
