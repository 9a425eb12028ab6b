"""What is published: a model that `harness pretrain` left, its evaluation, and that of its base."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from builders.errors import UserError
from builders.serve.weights import EMBEDDED_MODEL_ID
from harness.compare.contamination import read_checks
from harness.compare.report import Request, compare
from harness.compare.results import read_evaluation
from harness.evaluate.fingerprints import model_sha256
from harness.evaluate.records import KEY
from harness.leaderboard.records import EntrantRecord
from harness.pretrain.ledger import Ledger
from harness.pretrain.output import model_folder
from harness.pretrain.records import RUN, RunRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.compare.records import Report
    from harness.compare.results import Evaluation

LEDGER, RECIPE = "ledger.json", "recipe.yaml"
MARGIN, EFFECT, RESAMPLES, SEED = 0.01, 0.02, 10_000, 0
"""Those of `harness compare`."""

_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRequest:
    """What is published where.

    Attributes:
        name: of the model in `models/` and of its results in `results/`, or folders.
        results: of the adapted model, where not by its name.
        base: results of the base.
        repo_id: of the model; `leaderboard_id` of the results dataset.
        datasets: Hub ids of the corpora that it was trained on.
        checks: see `harness compare`.
        private: make both repositories private, and refuse public ones.
        license: of the model, for its card.
    """

    name: str
    repo_id: str
    leaderboard_id: str
    results: str | None = None
    base: str = "base"
    datasets: Sequence[str] = ()
    checks: Sequence[str] = ()
    private: bool = False
    license: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything on disk that a publication is made of.

    Attributes:
        folder: of the model.
        adapted, base: the evaluations; `entrants` says who they are.
        figures: lm-eval's own results of the adapted model, the latest by task.
        base_id: the base on the Hub; None where it is not there.
    """

    request: PublishRequest
    folder: Path
    run: RunRecord
    ledger: Ledger
    adapted: Evaluation
    base: Evaluation
    report: Report
    entrants: dict[str, EntrantRecord]
    base_id: str | None
    is_adapter: bool


def material(request: PublishRequest, say: Callable[[str], None]) -> Material:
    """Read the model and both evaluations, and compare these.

    Raises:
        UserError: something is missing, unfinished, or does not belong together.
    """
    folder = model_folder(request.name, option="NAME")
    run, ledger = _record(folder, RUN, RunRecord), _record(folder, LEDGER, Ledger)
    adapted, base = read_evaluation(request.results or folder.name), read_evaluation(request.base)
    compared = compare(
        Request(
            first=base,
            second=adapted,
            metrics={},
            margin=MARGIN,
            effect=EFFECT,
            resamples=RESAMPLES,
            seed=SEED,
            checks=read_checks(request.checks),
        ),
        lambda task: say(f"comparing {task}"),
    )
    _check_weights(folder, adapted)
    _check_base(run, base, told=request.base)
    base_id = _base_id(run)
    known = base_id or Path(run.base).name
    report = compared.model_copy(
        update={
            "first": compared.first.model_copy(update={"name": known, "place": folder_of(known)}),
            "second": compared.second.model_copy(
                update={"name": request.repo_id, "place": folder_of(request.repo_id)}
            ),
        }
    )
    stand_in = run.stand_in or adapted.stand_in
    return Material(
        request=request,
        folder=folder,
        run=run,
        ledger=ledger,
        adapted=adapted,
        base=base,
        report=report,
        entrants={
            folder_of(known): EntrantRecord(name=known, role="base", stand_in=stand_in or base.stand_in),
            folder_of(request.repo_id): EntrantRecord(
                name=request.repo_id, role="adapted", base=known, stand_in=stand_in
            ),
        },
        base_id=base_id,
        is_adapter=(folder / "adapter_config.json").is_file(),
    )


def folder_of(name: str) -> str:
    """A model's folder in the results dataset, as lm-eval writes it."""
    return re.sub(r"[^\w.-]", "__", name).strip(".") or "model"


def data_of(evaluation: Evaluation, task: str) -> dict[str, Any]:
    """Where the rows of a task came from, as `harness evaluate` notes it; empty for others' results."""
    own = _results(evaluation, task).get(KEY)
    data = own.get("data", {}).get(task) if isinstance(own, dict) else None
    return data or {}


def results_file(evaluation: Evaluation, task: str) -> Path:
    """lm-eval's file of figures that a task's come from."""
    samples = evaluation.tasks[task].samples
    date = samples.name.removeprefix(f"samples_{task}_").removesuffix(".jsonl")
    return samples.with_name(f"results_{date}.json")


def _results(evaluation: Evaluation, task: str) -> dict[str, Any]:
    read = json.loads(results_file(evaluation, task).read_text("utf-8"))
    return read if isinstance(read, dict) else {}


def _check_weights(folder: Path, adapted: Evaluation) -> None:
    """See that the weights that are published are those that were evaluated.

    Raises:
        UserError: they are others. Results of another program do not say whose they are, and pass.
    """
    evaluated = _models(adapted)
    told = {model.get("adapter_sha256") or model.get("sha256") for model in evaluated} - {None}
    if told and told != {model_sha256(folder)}:
        raise UserError(
            f"{adapted.place} are results of other weights than those in {folder}: run `harness evaluate "
            f"--model {folder.name}` again"
        )


def _check_base(run: RunRecord, base: Evaluation, *, told: str) -> None:
    """See that the model was adapted from the base that it is compared with.

    Raises:
        UserError: it was adapted from another.
    """
    for model in _models(base):
        name = str(model.get("pretrained") or "")
        if model.get("adapter") or Path(name).name != Path(run.base_place).name:
            raise UserError(
                f"{base.place} are results of {name or 'an unnamed model'}, and {run.name} was adapted from "
                f"{run.base}: evaluate that, and name its results with --base (now {told})"
            )


def _models(evaluation: Evaluation) -> list[dict[str, Any]]:
    """The models of all results of an evaluation, as `harness evaluate` notes them."""
    own = [_results(evaluation, task).get(KEY) for task in evaluation.tasks]
    return [record["model"] for record in own if isinstance(record, dict) and record.get("model")]


def _base_id(run: RunRecord) -> str | None:
    if run.stand_in:
        return EMBEDDED_MODEL_ID
    place = run.base_place
    return place if _HUB_ID.fullmatch(place) and not Path(place).exists() else None


def _record(folder: Path, name: str, kind: type[Any]) -> Any:
    try:
        return kind.model_validate_json((folder / name).read_bytes())
    except FileNotFoundError:
        raise UserError(
            f"there is no {folder / name}: name a model that `harness pretrain` finished"
        ) from None
    except (OSError, ValidationError) as error:
        why = " ".join(str(error).split())[:120]
        raise UserError(
            f"{folder / name} cannot be read ({why}): publish with the release that wrote it"
        ) from None
