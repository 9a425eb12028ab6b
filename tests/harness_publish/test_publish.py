"""`harness publish` against the double of the Hub, with the real client."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from finished_models import BENCHMARK, HOME, answers, evaluate, everything, pretrain, tasks
from huggingface_hub import DatasetCard, ModelCard, parse_eval_result_entries
from huggingface_hub.repocard_data import model_index_to_eval_results

from builders.errors import UserError
from builders.testing.hub import Account, HubFault
from builders.testing.hub.server import TOKEN
from builders.testing.hub.store import Entry, git_hash
from harness.compare.records import Report
from harness.leaderboard.boards import leaderboard
from harness.leaderboard.records import Leaderboard
from harness.leaderboard.rendering import as_page
from harness.pretrain.ledger import Ledger
from harness.pretrain.records import RunRecord
from harness.publish.model import model_card
from harness.publish.publication import PublicationRecord
from harness.publish.results import results_card

if TYPE_CHECKING:
    from collections.abc import Callable

    from builders.testing.hub import HubDouble

EVAL = "name: GPQA\ntasks:\n- {id: gpqa_diamond, config: diamond}\n- {id: gpqa_main, config: main}\n"


def make_benchmark(hub: HubDouble, repo_id: str = BENCHMARK, *, live: bool = True, told: str = EVAL) -> None:
    owner, name = repo_id.split("/")
    repository = hub.store.create("dataset", owner, name)
    repository.benchmark = live
    repository.commit("main", {"eval.yaml": Entry(told.encode())}, title="eval", author=owner)


def contents(hub: HubDouble, kind: str, repo_id: str) -> dict[str, bytes]:
    repository = hub.store.get(kind, repo_id)
    assert repository is not None
    files = {path: hub.store.content(entry) for path, entry in repository.files.items()}
    files.pop(".gitattributes")
    return files


def below(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def header(card: bytes) -> dict[str, Any]:
    read = yaml.safe_load(card.decode().split("---\n", 2)[1])
    assert isinstance(read, dict)
    return read


async def test_a_dry_run_writes_the_same_files_as_the_real_one_and_changes_nothing(
    hub: HubDouble, publish_here: Callable[..., Any]
) -> None:
    everything()
    make_benchmark(hub)
    told, _ = await publish_here(dry_run=True, output=Path("dry"))
    assert {one.method for one in hub.asked} <= {"GET", "HEAD"}
    done, _ = await publish_here(output=Path("real"))
    dry = below(Path("dry"))
    assert dry == below(Path("real"))
    pushed = {
        **{
            f"owner__results/{path}": file for path, file in contents(hub, "dataset", "owner/results").items()
        },
        **{f"owner__adapted/{path}": file for path, file in contents(hub, "model", "owner/adapted").items()},
    }
    assert pushed == dry
    shown = [f"owner__results/{one.path}" for one in told.results.changes]
    shown += [f"owner__adapted/{one.path}" for one in told.model.changes]
    assert sorted(shown) == sorted(dry)
    assert done.report == told.report


async def test_publishing_again_changes_nothing(hub: HubDouble, publish_here: Callable[..., Any]) -> None:
    everything()
    await publish_here()
    commits, uploads = hub.commits, hub.uploads
    done, _ = await publish_here()
    assert (hub.commits, hub.uploads) == (commits, uploads) == (2, 1)
    assert not done.results.changed
    assert not done.model.changed


async def test_scores_go_into_eval_results_only_for_a_live_benchmark_and_are_read_by_the_hubs_own_parser(
    hub: HubDouble, publish_here: Callable[..., Any]
) -> None:
    everything()
    make_benchmark(hub)
    make_benchmark(hub, "cais/mmlu", live=False)
    done, _ = await publish_here()
    files = contents(hub, "model", "owner/adapted")
    found = [path for path in files if path.startswith(".eval_results/")]
    assert found == [".eval_results/bench__gpqa.yaml"]
    (entry,) = parse_eval_result_entries(yaml.safe_load(files[found[0]]))
    assert (entry.dataset_id, entry.task_id) == (BENCHMARK, "gpqa_diamond")
    assert entry.value == round(100 * sum(answers(0.6, seed=1)) / 120, 2)
    assert entry.dataset_revision == "0" * 40
    assert set(done.benchmarks) == {"gpqa"}
    name, others = model_index_to_eval_results(header(files["README.md"])["model-index"])
    assert name == "adapted"
    assert {result.dataset_name for result in others} == {"fpb", "mmlu"}


@pytest.mark.parametrize(
    ("told", "live"),
    [(EVAL, False), ("tasks: []", True), ("tasks:\n- {id: other, config: other}\n", True), (": [", True)],
    ids=["not allow-listed", "no task", "another configuration", "no YAML"],
)
async def test_a_dataset_that_is_no_benchmark_for_this_task_gets_no_score(
    hub: HubDouble, publish_here: Callable[..., Any], told: str, live: bool
) -> None:
    everything()
    make_benchmark(hub, live=live, told=told)
    await publish_here()
    files = contents(hub, "model", "owner/adapted")
    assert not [path for path in files if path.startswith(".eval_results/")]
    assert len(header(files["README.md"])["model-index"][0]["results"]) == 3


async def test_a_score_of_some_rows_or_of_another_dataset_is_none_of_a_benchmark(
    hub: HubDouble, publish_here: Callable[..., Any]
) -> None:
    make_benchmark(hub)
    pretrain("adapted")
    for name, share in (("base", 0.5), ("adapted", 0.6)):
        told = tasks(share, share)
        told["gpqa"].of_rows = 448
        evaluate(name, told)
    await publish_here()
    assert not [path for path in contents(hub, "model", "owner/adapted") if path.startswith(".eval_results/")]


async def test_cards_are_valid_and_say_what_the_records_beside_them_say(
    hub: HubDouble, publish_here: Callable[..., Any]
) -> None:
    everything()
    await publish_here(datasets=("owner/metasynth-biomed",), license="apache-2.0")
    model = contents(hub, "model", "owner/adapted")
    card = ModelCard(model["README.md"].decode())
    assert card.data.base_model == "owner/base-model"
    assert card.data.base_model_relation == "finetune"
    assert card.data.datasets == ["owner/metasynth-biomed"]
    report = Report.model_validate_json(model["comparison.json"])
    for domain in report.domains:
        for task in domain.tasks:
            row = next(line for line in card.text.splitlines() if line.startswith(f"| {task.task} "))
            assert f"| {100 * task.first:.2f} | {100 * task.second:.2f} | {100 * task.change:+.2f} |" in row
            assert task.interval is not None
            assert f"[{100 * task.interval.low:+.2f}, {100 * task.interval.high:+.2f}]" in row
            assert task.verdict in row
    assert "4.5000" in card.text
    assert "3.2500" in card.text
    results = contents(hub, "dataset", "owner/results")
    board = Leaderboard.model_validate_json(results["leaderboard.json"])
    told = DatasetCard(results["README.md"].decode()).text
    page = results["leaderboard.html"].decode()
    for one in board.boards:
        for place in one.places:
            for text in (told, page):
                assert f"{100 * place.score:.2f}" in text
    for text in (told, page):
        assert "owner/adapted" in text
        assert "owner/base-model" in text
    assert not re.search(r"(?:src|href)=|url\(|@import|https?://", page)


async def test_an_adapter_names_its_base_on_the_hub(hub: HubDouble, publish_here: Callable[..., Any]) -> None:
    everything(methods=("lora",))
    await publish_here()
    model = contents(hub, "model", "owner/adapted")
    assert json.loads(model["adapter_config.json"])["base_model_name_or_path"] == "owner/base-model"
    data = ModelCard(model["README.md"].decode()).data
    assert (data.base_model_relation, data.library_name) == ("adapter", "peft")


async def test_nothing_published_names_a_folder_of_this_machine_or_holds_a_pickle(
    hub: HubDouble, publish_here: Callable[..., Any]
) -> None:
    everything()
    await publish_here()
    for kind, repo_id in (("model", "owner/adapted"), ("dataset", "owner/results")):
        for path, content in contents(hub, kind, repo_id).items():
            assert not path.endswith(".bin")
            assert HOME.encode() not in content, path
            assert b"somebody" not in content, path
            assert TOKEN.encode() not in content, path
    vocabulary = contents(hub, "model", "owner/adapted")["tokenizer.json"]
    assert vocabulary == below(Path("models/adapted"))["tokenizer.json"], "no word of it is a place"


def leak(path: Path) -> None:
    path.write_text(json.dumps({"HF_TOKEN": TOKEN}))


async def test_what_looks_like_a_token_is_not_published(
    hub: HubDouble, publish_here: Callable[..., Any]
) -> None:
    everything()
    leak(Path("models/adapted/environment.json"))
    evaluate("adapted", tasks(0.75, 0.6))
    with pytest.raises(UserError, match=r"environment\.json holds what looks like a token") as told:
        await publish_here()
    assert TOKEN not in str(told.value)
    assert hub.commits == 0


async def test_nothing_is_written_to_anybody_elses_repository(
    hub: HubDouble, publish_here: Callable[..., Any]
) -> None:
    everything()
    make_benchmark(hub)
    before = hub.store.repositories["dataset", BENCHMARK].head
    await publish_here()
    written = [one.path for one in hub.asked if one.method not in ("GET", "HEAD") and "/lfs/" not in one.path]
    allowed = ("/api/repos/create", "/api/validate-yaml")
    own = re.compile(r"/(api/)?(models/|datasets/)?owner/(adapted|results)[/.]")
    assert [path for path in written if path not in allowed and not own.match(path)] == []
    assert hub.store.repositories["dataset", BENCHMARK].head is before
    with pytest.raises(UserError, match="take one with write access to repositories of stranger"):
        await publish_here(board="stranger/results")


async def test_private_is_both_and_stays(hub: HubDouble, publish_here: Callable[..., Any]) -> None:
    everything()
    await publish_here(private=True)
    await publish_here()
    assert [repository.private for repository in hub.store.repositories.values()] == [True, True]


async def test_models_that_others_published_are_ranked_along_and_nobody_is_lost_in_a_race(
    hub: HubDouble, publish_here: Callable[..., Any]
) -> None:
    everything()
    await publish_here()
    pretrain("second")
    evaluate("second", tasks(0.9, 0.6, seed=5))
    hub.accounts["hf_otherOTHERother"] = Account("other", organisations=("owner",))
    hub.script(HubFault(route="commit", kind="moved"))
    done, said = await publish_here("second", repo_id="other/second", token="hf_otherOTHERother")
    assert any("ranking anew" in line for line in said)
    results = contents(hub, "dataset", "owner/results")
    assert "NOTE.md" in results
    board = Leaderboard.model_validate_json(results["leaderboard.json"])
    assert board == done.board
    assert set(board.entrants) == {"owner__base-model", "owner__adapted", "other__second"}
    (fpb,) = [one for one in board.boards if one.task == "fpb"]
    assert [(place.model, place.best, place.worst) for place in fpb.places] == [
        ("other__second", 1, 1),
        ("owner__adapted", 2, 2),
        ("owner__base-model", 3, 3),
    ]
    (mmlu,) = [one for one in board.boards if one.task == "mmlu"]
    assert {(place.best, place.worst) for place in mmlu.places} == {(1, 3)}, "equal models are tied"


@pytest.mark.parametrize("route", ["tree", "listing", "create", "batch", "upload", "commit"])
async def test_a_fault_on_the_way_ends_in_success_and_a_lasting_one_in_one_line(
    hub: HubDouble, publish_here: Callable[..., Any], route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.01)))
    everything()
    hub.script(HubFault(route=route, status=503, times=10**9))
    with pytest.raises(UserError) as told:
        await publish_here()
    assert "\n" not in str(told.value)
    hub.script(HubFault(route=route, status=503), HubFault(route=route, kind="cut", skip=1))
    await publish_here()
    assert "comparison.json" in contents(hub, "model", "owner/adapted")


LOAD = """
import sys
from datasets import load_dataset
rows = load_dataset(sys.argv[1], "owner__adapted__fpb", split="latest")
print("rows", len(rows), sum(rows["score"]))
"""


async def test_the_command_publishes_and_rows_load_by_name(hub: HubDouble, tmp_path: Path) -> None:
    everything()
    environment = os.environ | {
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": TOKEN,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HOME": str(tmp_path / "hf-home"),
        "COLUMNS": "120",
    }

    async def run(*words: str) -> tuple[int | None, str, str]:
        process = await asyncio.create_subprocess_exec(
            *words,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()

    command = [sys.executable, "-m", "harness", "publish", "adapted", "--repo", "owner/adapted"]
    command += ["--leaderboard", "owner/results"]
    code, shown, err = await run(*command, "--dry-run")
    assert code == 0, err
    for words in ("leaderboard.html", "model.safetensors", "comparison.json", "fpb", "better"):
        assert words in shown
    code, out, err = await run(*command)
    assert code == 0, err
    assert "owner/adapted: pushed" in out
    assert TOKEN not in shown + out + err
    code, out, err = await run(sys.executable, "-c", LOAD, "owner/results")
    assert code == 0, err
    assert f"rows 120 {sum(answers(0.75))}" in out


async def test_other_weights_or_another_base_than_those_evaluated_are_refused(
    hub: HubDouble, publish_here: Callable[..., Any]
) -> None:
    everything()
    evaluate("stranger", tasks(0.3, 0.3), pretrained="other/model")
    with pytest.raises(UserError, match="results of other/model, and adapted was adapted from"):
        await publish_here(base="stranger")
    leak(Path("models/adapted/config.json"))
    with pytest.raises(UserError, match="results of other weights than those in models/adapted"):
        await publish_here()
    assert hub.commits == 0


def weights_gone() -> None:
    Path("models/adapted/model.safetensors").unlink()


async def test_what_is_missing_is_one_line(hub: HubDouble, publish_here: Callable[..., Any]) -> None:
    everything()
    with pytest.raises(UserError, match=r"there is no models/nobody/run\.json: name a model that"):
        await publish_here("nobody")
    weights_gone()
    evaluate("adapted", tasks(0.75, 0.6))
    with pytest.raises(UserError, match=r"holds no weights"):
        await publish_here()
    with pytest.raises(UserError, match="are the same"):
        await publish_here(board="owner/adapted")
    assert hub.commits == 0


def test_git_hashes_are_gits() -> None:
    assert git_hash(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"


async def test_both_cards_and_the_leaderboard_follow_from_the_files_beside_them(
    hub: HubDouble, publish_here: Callable[..., Any]
) -> None:
    everything()
    make_benchmark(hub)
    await publish_here(output=Path("out"))
    model = below(Path("out/owner__adapted"))
    card = model_card(
        PublicationRecord.model_validate_json(model["publication.json"]),
        report=Report.model_validate_json(model["comparison.json"]),
        run=RunRecord.model_validate_json(model["run.json"]),
        ledger=Ledger.model_validate_json(model["ledger.json"]),
        recipe=yaml.safe_load(model["recipe.yaml"]),
    )
    assert card.encode() == model["README.md"]
    results = below(Path("out/owner__results"))
    again = leaderboard(Path("out/owner__results"), "owner/results", lambda line: None)
    assert again == Leaderboard.model_validate_json(results["leaderboard.json"])
    assert as_page(again).encode() == results["leaderboard.html"]
    assert results_card(again, Path("out/owner__results")).encode() == results["README.md"]
