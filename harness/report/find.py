"""The pieces of a report, where the other commands put them, and the commands that make the missing ones.

Corpora are folders with a `build.json`; models lie in `models/`; what `builders measure --json` and `harness
compare --json` printed is known by what it holds, whatever its name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builders.dataset.reader import FACTS
from builders.diversity.records import Report as Diversity
from builders.errors import UserError
from harness.compare.records import Report as Comparison
from harness.compare.results import RESULTS
from harness.pretrain.output import MODELS, model_folder
from harness.pretrain.records import RUN
from harness.report.pieces import (
    Missing,
    Pieces,
    read_comparison,
    read_corpus,
    read_diversity,
    read_model,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic import BaseModel

LARGEST = 50_000_000
"""Bytes of a file that is looked into; what is printed with --json is far smaller."""


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
        take(folder, bool(request.corpora), found.corpora, read_corpus, "builders build NAME")
    for path in measured:
        take(path, bool(request.diversity), found.diversity, read_diversity, "builders measure CORPUS --json")
    for folder in models:
        take(folder, bool(request.models), found.models, read_model, "harness pretrain")
    for path in compared:
        take(path, bool(request.comparisons), found.comparisons, read_comparison, "harness compare --json")
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
