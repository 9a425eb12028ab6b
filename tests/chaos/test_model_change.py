"""Promises when an endpoint changes its model: it is noticed, said, recorded, and mixed only if allowed."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from typing import TYPE_CHECKING

import pytest
from ordeal import NAME

from builders.endpoints.base import Sampling
from builders.endpoints.connect import connect
from builders.endpoints.errors import ModelChanged
from builders.endpoints.member import IDLE_S
from builders.endpoints.pool import Pool
from builders.testing import Fault, Latency, Simulation, simulated_endpoint

if TYPE_CHECKING:
    from pathlib import Path

    from console import Run

OTHER_SHA = "0dd0000000000000000000000000000000000002"
LATENCY = Latency(mean_s=0.03, sigma=0.6)
CHANGING = Simulation(
    permits=8, latency=LATENCY, faults=(Fault("restart", requests=range(150, 151), model_sha=OTHER_SHA),)
)


def build(url: str, *more: str) -> list[str]:
    return ["build", NAME, "--protocol", "guided", "--documents", "30", "--endpoint", url, *more]


def answered_by(folder: Path) -> dict[str, int]:
    """Recorded answers by the revision that gave them."""
    with sqlite3.connect(folder / NAME / ".journal" / "journal.sqlite") as journal:
        query = "SELECT json_extract(answer, '$.completion.model_sha'), COUNT(*) FROM calls GROUP BY 1"
        return dict(journal.execute(query).fetchall())


def written_by(folder: Path) -> set[str]:
    """Revisions that wrote documents."""
    import pyarrow.parquet as parquet

    shards = (folder / NAME / "data").glob("*.parquet")
    return {sha for shard in shards for sha in parquet.read_table(shard)["model_sha"].to_pylist()}


async def test_a_change_in_the_middle_stops_the_build_and_is_mixed_only_when_allowed(
    builders: Run, tmp_path: Path
) -> None:
    async with simulated_endpoint(CHANGING) as server:
        stopped = (await builders(*build(server.url))).error
        kept = answered_by(tmp_path)
        refused = (await builders(*build(server.url))).error
        before = server.counts.requests
        allowed = await builders(*build(server.url, "--allow-model-change"))
        asked = server.counts.requests - before

    known = CHANGING.model_sha
    assert f"the model at {server.url} changed from metasynth/simulated at revision {known}" in stopped
    assert f"to metasynth/simulated at revision {OTHER_SHA}" in stopped
    assert "everything answered is kept" in stopped
    assert "--allow-model-change" in stopped
    assert set(kept) == {known}, "nothing that the other model answered is recorded"
    assert 100 <= kept[known] <= 150

    assert f"was begun with {known}, and {server.url} serves {OTHER_SHA}" in refused
    assert "--allow-model-change" in refused

    assert allowed.code == 0, allowed.err
    assert f"begun with {known}, and {server.url} serves {OTHER_SHA}" in allowed.err
    both = answered_by(tmp_path)
    assert both == {known: kept[known], OTHER_SHA: asked}
    assert written_by(tmp_path) == {known, OTHER_SHA}
    facts = json.loads((tmp_path / NAME / "build.json").read_text())
    assert set(facts["model_sha"].split(", ")) == {known, OTHER_SHA}


async def test_a_change_that_is_allowed_beforehand_is_said_aloud_and_recorded(
    builders: Run, tmp_path: Path
) -> None:
    async with simulated_endpoint(CHANGING) as server:
        ended = await builders(*build(server.url, "--allow-model-change"))
        assert ended.code == 0, ended.err
        assert server.log.repeated == 0
    known = CHANGING.model_sha
    assert f"changed from metasynth/simulated at revision {known}" in ended.err
    assert ended.err.count("the build goes on with both, as it was told to") == 1
    assert written_by(tmp_path) == {known, OTHER_SHA}
    by = answered_by(tmp_path)
    assert 140 <= by[known] <= 150, "what was asked before the restart is the old model's, and nothing else"


@pytest.mark.parametrize("allowed", [False, True])
async def test_a_change_while_nothing_is_asked_is_noticed_before_anything_is(allowed: bool) -> None:
    def sampling(seed: int) -> Sampling:
        return Sampling(max_tokens=50, temperature=1.0, top_p=0.9, seed=seed)

    said: list[str] = []
    async with simulated_endpoint() as server:
        pool = Pool(await connect(server.url), allow_model_change=allowed, say=said.append)
        async with pool:
            first = await pool.chat([{"role": "user", "content": "What is a bond?"}], sampling(1))
            await asyncio.sleep(IDLE_S + 0.1)
            await server.restart(model_sha=OTHER_SHA)
            asking = pool.chat([{"role": "user", "content": "What is a bond?"}], sampling(2))
            if allowed:
                second = await asking
                assert (first.model_sha, second.model_sha) == (Simulation().model_sha, OTHER_SHA)
                assert len(said) == 1
            else:
                with pytest.raises(ModelChanged, match=OTHER_SHA):
                    await asking
                assert server.counts.answered == 1
