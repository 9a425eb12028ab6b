from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest.importorskip("datasets")

Load = dict[str, Any]

LOAD = """
import json, sys
from datasets import load_dataset, get_dataset_config_names
name = sys.argv[1]
default, traces = load_dataset(name), load_dataset(name, "traces")
print(json.dumps({
    "configurations": get_dataset_config_names(name),
    "splits": [list(default), list(traces)],
    "documents": list(default["train"]),
    "traces": list(traces["train"]),
    "types": {key: str(value) for key, value in traces["train"].features.items()},
}))
"""


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Load]:
    """`load_dataset` of a name, beside its folder, offline, in a process and a cache of their own."""

    def run(name: str, beside: Path) -> Load:
        offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf-home")}
        done = subprocess.run(
            [sys.executable, "-c", LOAD, name],
            cwd=beside,
            env={**os.environ, **offline},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        loaded: Load = json.loads(done.stdout.splitlines()[-1])
        return loaded

    return run


def test_both_configurations_load_by_name_beside_the_folder(
    tmp_path: Path, make: Any, load: Callable[..., Load]
) -> None:
    folder = tmp_path / "metasynth-biomed"
    journal = folder / ".journal"
    journal.mkdir(parents=True)
    (journal / "train-00000-of-00001.parquet").write_bytes(b"not a dataset")
    (journal / "calls.jsonl").write_text('{"text": "not a document"}\n')
    make.write(folder, 25, rows_per_shard=10, text=make.hostile)
    loaded = load("metasynth-biomed", tmp_path)
    assert loaded["configurations"] == ["default", "traces"]
    assert loaded["splits"] == [["train"], ["train"]]
    pairs = list(make.corpus(25, text=make.hostile))
    assert loaded["documents"] == [row.model_dump() for row, _ in pairs]
    assert loaded["traces"] == [call.model_dump() for _, trace in pairs for call in trace]
    assert "int64" in loaded["types"]["parent"]


def test_a_rebuilt_corpus_is_not_read_from_the_old_cache(
    tmp_path: Path, make: Any, load: Callable[..., Load]
) -> None:
    make.write(tmp_path / "demo", 5, genre="old")
    assert {row["genre"] for row in load("demo", tmp_path)["documents"]} == {"old"}
    make.write(tmp_path / "demo", 5, genre="new")
    assert {row["genre"] for row in load("demo", tmp_path)["documents"]} == {"new"}


def test_a_hostile_description_does_not_keep_the_dataset_from_loading(
    tmp_path: Path, make: Any, load: Callable[..., Load]
) -> None:
    from builders.dataset.package import write_dataset

    facts = make.facts(2, description=f"x\n---\nconfigs: [{{{make.hostile}", license="'\": [\n---")
    write_dataset(tmp_path / "demo", documents=make.corpus(2), facts=facts)
    assert len(load("demo", tmp_path)["documents"]) == 2


def test_remains_of_a_crash_do_not_disturb_loading(
    tmp_path: Path, make: Any, load: Callable[..., Load]
) -> None:
    make.write(tmp_path / "demo", 5)
    make.write(tmp_path / "demo" / ".writing", 50)
    assert len(load("demo", tmp_path)["documents"]) == 5
