"""`builders push` as a user runs it, against the double of the Hub, with the real client."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest
from console import SCRIPTS

from builders.testing.hub import Account, HubFault
from builders.testing.hub.server import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builders.testing.hub import HubDouble

ID = "owner/metasynth-biomed"

HASHES = """
import hashlib, json, sys
from datasets import load_dataset
for name in ("default", "traces"):
    rows = load_dataset(sys.argv[1], name, split="train").to_list()
    print("rows", name, len(rows), hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest())
"""


async def hashes(name: str, folder: Path, environment: dict[str, str]) -> list[str]:
    """Number and hash of the rows of both configurations, by `load_dataset` in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        HASHES,
        name,
        cwd=folder,
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return [line for line in out.decode().splitlines() if line.startswith("rows ")]


def holding(words: str, folder: Path) -> list[Path]:
    """Files below a folder that hold these words."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in files if words.encode() in path.read_bytes()]


async def test_a_pushed_corpus_loads_with_the_same_rows_after_everything_local_is_gone(
    hub: HubDouble, corpus: Path, push: Callable[..., Any], environment: dict[str, str], tmp_path: Path
) -> None:
    local = await hashes("metasynth-biomed", tmp_path, environment | {"HF_HOME": str(tmp_path / "first")})
    done = await push()
    assert done.code == 0, done.err
    assert "pushed as v1" in done.out
    shutil.rmtree(corpus)
    assert await hashes(ID, tmp_path, environment) == local
    assert [line.split()[:3] for line in local] == [["rows", "default", "6"], ["rows", "traces", "6"]]


async def test_pushing_again_sends_nothing_and_commits_nothing(
    hub: HubDouble, corpus: Path, push: Callable[..., Any]
) -> None:
    assert (await push()).code == 0
    uploads, commits = hub.uploads, hub.commits
    assert (uploads, commits) == (4, 1)
    asked = len(hub.asked)
    again = await push()
    assert again.code == 0
    assert "nothing changed since v1" in again.out
    assert (hub.uploads, hub.commits) == (uploads, commits)
    assert {one.method for one in hub.asked[asked:]} == {"GET"}


async def test_a_private_repository_is_private_and_stays_so(
    hub: HubDouble, corpus: Path, push: Callable[..., Any], environment: dict[str, str]
) -> None:
    assert (await push("--private")).code == 0
    assert (await push()).code == 0
    repository = hub.store.get("dataset", ID)
    assert repository is not None
    assert repository.private
    hub.accounts["hf_stranger1234567"] = Account("stranger")
    told = (await push("--dry-run", "--json", HF_TOKEN="hf_stranger1234567")).out
    assert {change["what"] for change in json.loads(told)["changes"]} == {"add"}  # he cannot see it


async def test_a_public_repository_is_refused_where_a_private_one_is_asked_for(
    hub: HubDouble, corpus: Path, push: Callable[..., Any]
) -> None:
    hub.store.create("dataset", "owner", "metasynth-biomed")
    error = (await push("--private")).error
    assert "exists and is public" in error
    assert hub.uploads == hub.commits == 0


async def test_a_dry_run_shows_every_file_and_changes_nothing(
    hub: HubDouble, corpus: Path, push: Callable[..., Any]
) -> None:
    done = await push("--dry-run")
    assert done.code == 0, done.err
    for name in ("README.md", "build.json", "contamination.json", "traces/train-00001-of-00002.parquet"):
        assert name in done.out
    assert {one.method for one in hub.asked} == {"GET"}
    assert hub.store.get("dataset", ID) is None


async def test_no_token_is_one_line_before_anything_is_sent(
    hub: HubDouble, corpus: Path, push: Callable[..., Any]
) -> None:
    assert "run `hf auth login`, or set HF_TOKEN" in (await push(HF_TOKEN="")).error
    assert "does not accept the token" in (await push(HF_TOKEN="hf_wrongWRONGwrongWRONG")).error
    hub.accounts["hf_readREADreadREAD"] = Account("owner", writes=False)
    assert "take one with write access" in (await push(HF_TOKEN="hf_readREADreadREAD")).error
    hub.accounts["hf_otherOTHERother"] = Account("other")
    assert (
        "take one with write access to repositories of owner"
        in (await push(HF_TOKEN="hf_otherOTHERother")).error
    )
    assert hub.store.get("dataset", ID) is None


async def test_a_push_that_is_killed_in_the_middle_shows_nothing_and_is_completed_by_the_next(
    hub: HubDouble, corpus: Path, push: Callable[..., Any], environment: dict[str, str], tmp_path: Path
) -> None:
    (corpus / "figures").mkdir()
    (corpus / "figures/large.png").write_bytes(os.urandom(1 << 20))
    for after in ("upload", "commit"):
        killed = asyncio.create_task(_killed_at(hub, after, tmp_path, environment))
        await asyncio.wait_for(killed, 60)
        repository = hub.store.get("dataset", ID)
        assert repository is not None
        assert set(repository.files) == {".gitattributes"}, "nothing is visible"
    assert hub.store.large, "what had arrived is kept"
    arrived = len(hub.store.large)
    hub.asked.clear()
    done = await push()
    assert done.code == 0, done.err
    assert hub.uploads == 5 - arrived
    assert hub.commits == 1
    local = await hashes("metasynth-biomed", tmp_path, environment | {"HF_HOME": str(tmp_path / "first")})
    assert await hashes(ID, tmp_path, environment) == local


async def _killed_at(hub: HubDouble, route: str, folder: Path, environment: dict[str, str]) -> None:
    """Push until the double has a request of a route in hand, then kill -9."""
    reached, held = asyncio.Event(), asyncio.Event()
    hub.hold(route, reached, held)
    process = await asyncio.create_subprocess_exec(
        SCRIPTS / "builders",
        *("push", "metasynth-biomed", "--repo", ID),
        cwd=folder,
        env=os.environ | environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    await reached.wait()
    process.kill()
    await process.wait()
    held.set()


async def test_a_commit_without_its_tag_gets_it_from_the_next_push(
    hub: HubDouble, corpus: Path, push: Callable[..., Any]
) -> None:
    hub.script(HubFault(route="tag", status=403))
    assert (await push()).code == 2
    repository = hub.store.get("dataset", ID)
    assert repository is not None
    assert not repository.tags
    hub.script()
    assert "nothing changed since v1" in (await push()).out
    assert repository.tags["v1"] is repository.head
    assert hub.commits == 1


async def test_a_hub_without_xet_storage_is_one_line_that_names_the_switch(
    hub: HubDouble, corpus: Path, push: Callable[..., Any]
) -> None:
    pytest.importorskip("hf_xet")
    assert "set HF_HUB_DISABLE_XET=1" in (await push(HF_HUB_DISABLE_XET="0")).error
    assert hub.commits == 0


async def test_a_token_is_never_in_any_output_file_or_request_to_storage(
    hub: HubDouble, corpus: Path, push: Callable[..., Any], tmp_path: Path
) -> None:
    hub.script(
        HubFault(route="upload", kind="cut"),
        HubFault(route="commit", status=500),
        HubFault(route="tag", status=403),
    )
    runs = [await push("--private"), await push("--dry-run"), await push(), await push(HF_TOKEN=f"{TOKEN}x")]
    assert {run.code for run in runs} == {0, 2}
    for run in runs:
        assert TOKEN not in run.out + run.err
    assert holding(TOKEN, tmp_path) == []
    repository = hub.store.get("dataset", ID)
    assert repository is not None
    assert not any(TOKEN.encode() in hub.store.content(entry) for entry in repository.files.values())
    assert not any(one.with_token for one in hub.asked if one.route in ("upload", "part", "cdn"))
