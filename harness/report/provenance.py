"""The page's last section: models, hashes, settings and versions, each from the file that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.evaluate.records import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.report.artefacts import Artefact, Shown
    from harness.report.pieces import CorpusPiece, ModelPiece, Pieces

Rows = list[tuple[str, "Shown"]]

OF_CORPUS = {
    "model": "/model_id",
    "revision of the model": "/model_sha",
    "server": "/server",
    "method": "/method",
    "protocol": "/protocol",
    "seed": "/corpus_seed",
    "tokens counted by": "/tokenizer",
    "license": "/license",
    "metasynth": "/version",
}
OF_RUN = {
    "base": "/base",
    "read from": "/base_place",
    "stands in": "/stand_in",
    "method": "/method",
    "fingerprint of the run": "/fingerprint",
    "hash of the token ids, in order": "/stream",
}
OF_RESULTS = {"lm-eval": "/lm_eval_version", "transformers": "/transformers_version"}
OF_COMPARISON = {
    "metasynth": "/version",
    "base": "/first/name",
    "adapted": "/second/name",
    "level of the tests": "/level",
    "margin of general tasks": "/margin",
    "resamples of the bootstrap": "/resamples",
    "seed of the bootstrap": "/seed",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something comes from.

    Attributes:
        rows: what matters most; `more` is behind it, under `more_title`.
    """

    title: str
    rows: Rows
    more_title: str = ""
    more: Sequence[tuple[str, Shown]] = ()


def origins(pieces: Pieces) -> Iterator[Origin]:
    """Of every piece."""
    for corpus in pieces.corpora:
        yield _corpus(corpus)
    for model in pieces.models:
        yield _model(model)
    for comparison in pieces.comparisons:
        yield Origin(f"Comparison {comparison.file.path.name}", _told(comparison.file, OF_COMPARISON))
        for results in (*comparison.evaluations[0], *comparison.evaluations[1]):
            yield _results(results)
    for measured in pieces.diversity:
        told = {"metasynth": "/version", "definitions": "/definition", "seed": "/seed"}
        yield Origin(f"Diversity {measured.file.path.name}", _told(measured.file, told))


def files(pieces: Pieces) -> list[Artefact]:
    """Every file that the page was made from, once."""
    found: list[Artefact | None] = []
    for corpus in pieces.corpora:
        found += [corpus.build, corpus.checked, *corpus.shards]
    found += [one.file for one in pieces.diversity]
    for model in pieces.models:
        found += [model.run, model.ledger, model.recipe, model.environment, model.curves]
    for comparison in pieces.comparisons:
        found += [comparison.file, *comparison.evaluations[0], *comparison.evaluations[1]]
    return list({file.place: file for file in found if file}.values())


def _corpus(piece: CorpusPiece) -> Origin:
    return Origin(
        f"Corpus {piece.facts.name}",
        _told(piece.build, OF_CORPUS),
        "All settings",
        list(piece.build.leaves("/settings")),
    )


def _model(piece: ModelPiece) -> Origin:
    rows = _told(piece.run, OF_RUN)
    if piece.ledger:
        for number in range(len(piece.ledger.data["sources"])):
            source = f"/sources/{number}"
            rows.append((f"source {number + 1}", piece.ledger.show(f"{source}/name")))
            rows.append(
                (f"SHA-256 of the tokens of source {number + 1}", piece.ledger.show(f"{source}/digest"))
            )
    if piece.environment:
        rows += list(piece.environment.leaves())
    recipe = piece.recipe.leaves() if piece.recipe else ()
    return Origin(f"Model {piece.facts.name}", rows, "The recipe", list(recipe))


def _results(file: Artefact) -> Origin:
    rows = _told(file, OF_RESULTS)
    own = file.data.get(KEY)
    if isinstance(own, dict):
        rows += [(name, shown) for name, shown in file.leaves(f"/{KEY}") if not name.startswith("data.")]
        more = list(file.leaves(f"/{KEY}/data")) if isinstance(own.get("data"), dict) else []
    else:
        more = []
    return Origin(f"Evaluation {file.path.parent.name}/{file.path.name}", rows, "Rows of the tasks", more)


def _told(file: Artefact, fields: dict[str, str]) -> Rows:
    """Fields that are there and say something."""
    return [
        (name, file.show(pointer))
        for name, pointer in fields.items()
        if file.data.get(pointer.split("/")[1]) not in (None, "")
    ]
