"""The pieces of a report, where the other commands put them, and the commands that make the missing ones.

Corpora are folders with a `build.json`; models lie in `models/`; what `builders measure --json` and `harness
compare --json` printed is known by what it holds, whatever its name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from builders.dataset.contamination import RECORD, Contamination, file_hashes
from builders.dataset.reader import DATA, FACTS
from builders.dataset.rows import BuildFacts
from builders.diversity.records import Report as Diversity
from builders.errors import UserError
from harness.compare.records import Report as Comparison
from harness.compare.results import RESULTS
from harness.pretrain.ledger import Ledger
from harness.pretrain.output import MODELS, model_folder
from harness.pretrain.records import RUN, RunRecord
from harness.report.artefacts import Artefact, read_artefact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LEDGER, RECIPE, CURVES, ENVIRONMENT = "ledger.json", "recipe.yaml", "curves.jsonl", "environment.json"
LARGEST = 50_000_000
"""Bytes of a file that is looked into; what is printed with --json is far smaller."""

Record = TypeVar("Record", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What goes on the page; empty options take whatever lies in the working folder.

    Attributes:
        corpora: folders of built corpora.
        diversity: files of `builders measure --json`.
        models: names in `models/`, or folders.
        comparisons: files of `harness compare --json`.
        page: the file to write; sources are named relative to its folder.
    """

    corpora: Sequence[Path] = ()
    diversity: Sequence[Path] = ()
    models: Sequence[str] = ()
    comparisons: Sequence[Path] = ()
    page: Path


@dataclass(frozen=True, slots=True)
class CorpusPiece:
    """A built corpus.

    Attributes:
        checked: the record of `builders check`; None without one, or where it is of other documents
            (`outdated`).
        shards: its files of documents.
    """

    folder: Path
    build: Artefact
    facts: BuildFacts
    checked: Artefact | None
    contamination: Contamination | None
    outdated: bool
    shards: tuple[Artefact, ...]


@dataclass(frozen=True, slots=True)
class ModelPiece:
    """A finished run of continual pre-training; files that another release did not write are None."""

    folder: Path
    run: Artefact
    facts: RunRecord
    ledger: Artefact | None
    recipe: Artefact | None
    curves: Artefact | None
    environment: Artefact | None


@dataclass(frozen=True, slots=True)
class DiversityPiece:
    """Corpora measured side by side."""

    file: Artefact
    report: Diversity


@dataclass(frozen=True, slots=True)
class ComparisonPiece:
    """Two models on the same tasks.

    Attributes:
        evaluations: lm-eval's results that were compared, where they still lie there.
    """

    file: Artefact
    report: Comparison
    evaluations: tuple[Artefact, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """A piece that is not there, and the commands that make it."""

    part: str
    commands: tuple[str, ...]


@dataclass(slots=True)
class Pieces:
    """All that was found.

    Attributes:
        left_out: files that look like a piece and cannot be read, with the reason.
    """

    corpora: list[CorpusPiece] = field(default_factory=list)
    diversity: list[DiversityPiece] = field(default_factory=list)
    models: list[ModelPiece] = field(default_factory=list)
    comparisons: list[ComparisonPiece] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def find(request: Request) -> Pieces:
    """Find and read every piece.

    Raises:
        UserError: a piece that was named cannot be read, or there is none at all.
    """
    found = Pieces()
    here = Path()
    corpora = request.corpora or sorted(path.parent for path in here.glob(f"[!.]*/{FACTS}"))
    models = [model_folder(name, option="--model") for name in request.models] or sorted(
        path.parent for path in MODELS.glob(f"[!.]*/{RUN}")
    )
    loose = [] if request.diversity and request.comparisons else _loose(here)
    measured = request.diversity or [path for path, kind in loose if kind is Diversity]
    compared = request.comparisons or [path for path, kind in loose if kind is Comparison]

    def take(
        place: Path, named: bool, into: list[Any], read: Callable[[Path, Path], Any], made_by: str
    ) -> None:
        try:
            into.append(read(place, request.page))
        except UserError as error:
            if named:
                raise UserError(f"{error} (`{made_by}` makes it)") from None
            found.left_out.append(str(error))

    for folder in corpora:
        take(folder, bool(request.corpora), found.corpora, _corpus, "builders build NAME")
    for path in measured:
        take(path, bool(request.diversity), found.diversity, _diversity, "builders measure CORPUS --json")
    for folder in models:
        take(folder, bool(request.models), found.models, _model, "harness pretrain")
    for path in compared:
        take(path, bool(request.comparisons), found.comparisons, _comparison, "harness compare --json")
    found.missing = list(_missing(found))
    if not (found.corpora or found.diversity or found.models or found.comparisons):
        why = f"; {found.left_out[0]}" if found.left_out else ""
        raise UserError(
            "there is nothing to report here: run this in the folder that holds your corpora and models/, or "
            f"name them with --corpus and --model{why}"
        )
    return found


def _loose(folder: Path) -> list[tuple[Path, type[BaseModel]]]:
    """Files in a folder that hold a report of diversity or a comparison, by their keys."""
    found: list[tuple[Path, type[BaseModel]]] = []
    for path in sorted(folder.glob("[!.]*.json")):
        try:
            data = json.loads(path.read_text("utf-8")) if path.stat().st_size < LARGEST else None
        except (OSError, ValueError):
            continue
        if isinstance(data, dict):
            found += [
                (path, kind)
                for kind in (Diversity, Comparison)
                if {name for name, told in kind.model_fields.items() if told.is_required()} <= data.keys()
            ]
    return found


def _corpus(folder: Path, page: Path) -> CorpusPiece:
    build = read_artefact(folder / FACTS, page=page)
    facts = _record(build, BuildFacts)
    paths = sorted(folder.glob(f"{DATA}/train-*.parquet"))
    checked = contamination = None
    outdated = False
    if (folder / RECORD).is_file():
        checked = read_artefact(folder / RECORD, page=page)
        contamination = _record(checked, Contamination)
        if not contamination.speaks_of(file_hashes(paths, folder)):
            checked = contamination = None
            outdated = True
    shards = tuple(read_artefact(path, page=page) for path in paths)
    return CorpusPiece(folder, build, facts, checked, contamination, outdated, shards)


def _model(folder: Path, page: Path) -> ModelPiece:
    run = read_artefact(folder / RUN, page=page)
    there = {
        name: read_artefact(folder / name, page=page) if (folder / name).is_file() else None
        for name in (LEDGER, RECIPE, CURVES, ENVIRONMENT)
    }
    if ledger := there[LEDGER]:
        _record(ledger, Ledger)
    return ModelPiece(
        folder,
        run,
        _record(run, RunRecord),
        ledger=there[LEDGER],
        recipe=there[RECIPE],
        curves=there[CURVES],
        environment=there[ENVIRONMENT],
    )


def _diversity(path: Path, page: Path) -> DiversityPiece:
    file = read_artefact(path, page=page)
    return DiversityPiece(file, _record(file, Diversity))


def _comparison(path: Path, page: Path) -> ComparisonPiece:
    file = read_artefact(path, page=page)
    report = _record(file, Comparison)
    evaluations = [
        read_artefact(results, page=page)
        for side in (report.first, report.second)
        for results in _results(side.place)
    ]
    return ComparisonPiece(file, report, tuple(evaluations))


def _results(place: str) -> list[Path]:
    """The results files of an evaluation that was compared, oldest first; none where they are gone."""
    path = Path(place)
    if not path.exists():
        path = RESULTS / place
    return [path] if path.is_file() else sorted(path.glob("results_*.json"))


def _record(file: Artefact, kind: type[Record]) -> Record:
    try:
        return kind.model_validate(file.data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole of it"
        raise UserError(
            f"{file.path} is not what this release reads ({where}: {first['msg']}): make it again"
        ) from None


def _missing(found: Pieces) -> list[Missing]:
    """What is not there, in the order in which it is made."""
    names = [piece.facts.name for piece in found.corpora]
    corpus = names[0] if names else "metasynth-biomed"
    baseline = f"template-{corpus.partition('-')[2]}"
    adapted = found.models[0].facts.name if found.models else "adapted"
    told: list[Missing] = []
    if not names:
        told.append(Missing("a corpus", (f"builders build {corpus}",)))
    if not found.diversity:
        command = f"builders measure {' '.join(names) or f'{corpus} {baseline}'} --json > diversity.json"
        baselines = () if baseline in names or len(names) > 1 else (f"builders build {baseline}",)
        told.append(Missing("diversity against template and real text", (*baselines, command)))
    told += [
        Missing(f"overlap of {piece.facts.name} with test items", (f"builders check {piece.folder}",))
        for piece in found.corpora
        if not piece.checked
    ]
    if not found.models:
        told.append(Missing("a trained model", (f"harness pretrain --data {corpus} --output {adapted}",)))
    if not found.comparisons:
        evaluated = {name: (RESULTS / name).is_dir() for name in ("base", adapted)}
        steps = [f"harness evaluate --model {name}" for name, there in evaluated.items() if not there]
        compare = f"harness compare base {adapted} --json > comparison.json"
        told.append(Missing("the benchmark of base and adapted model", (*steps, compare)))
    return told
