"""The pieces of a report: what a command left, read and checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from builders.dataset.contamination import RECORD, Contamination, file_hashes
from builders.dataset.reader import DATA, FACTS
from builders.dataset.rows import BuildFacts
from builders.diversity.records import Report as Diversity
from builders.errors import UserError
from harness.compare.records import Report as Comparison
from harness.compare.results import RESULTS
from harness.pretrain.ledger import Ledger
from harness.pretrain.records import RUN, RunRecord
from harness.report.artefacts import Artefact, read_artefact

if TYPE_CHECKING:
    from collections.abc import Sequence

LEDGER, RECIPE, CURVES, ENVIRONMENT = "ledger.json", "recipe.yaml", "curves.jsonl", "environment.json"

Record = TypeVar("Record", bound=BaseModel)


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
        evaluations: lm-eval's results of the first and of the second, where they still lie there.
    """

    file: Artefact
    report: Comparison
    evaluations: tuple[tuple[Artefact, ...], tuple[Artefact, ...]]


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


def read_corpus(folder: Path, page: Path) -> CorpusPiece:
    """Read a corpus' records; its documents are only hashed.

    Raises:
        UserError: one of the files cannot be read.
    """
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


def read_model(folder: Path, page: Path) -> ModelPiece:
    """Read a run's records.

    Raises:
        UserError: one of the files cannot be read.
    """
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


def read_diversity(path: Path, page: Path) -> DiversityPiece:
    """Read what `builders measure --json` printed.

    Raises:
        UserError: it cannot be read.
    """
    file = read_artefact(path, page=page)
    return DiversityPiece(file, _record(file, Diversity))


def read_comparison(
    path: Path, page: Path, results: tuple[Sequence[Path], Sequence[Path]] | None = None
) -> ComparisonPiece:
    """Read a comparison.

    Args:
        path: of the file.
        page: the page.
        results: files of both evaluations; by default those that the comparison names.

    Raises:
        UserError: one of the files cannot be read.
    """
    file = read_artefact(path, page=page)
    report = _record(file, Comparison)
    first, second = results or (_results(report.first.place), _results(report.second.place))
    evaluations = (_read_all(first, page), _read_all(second, page))
    return ComparisonPiece(file, report, evaluations)


def _read_all(paths: Sequence[Path], page: Path) -> tuple[Artefact, ...]:
    return tuple(read_artefact(path, page=page) for path in paths)


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
