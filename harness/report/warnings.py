"""What a reader must know before any figure: stand-in models, and text that no model wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.report.pieces import ComparisonPiece, CorpusPiece, DiversityPiece, ModelPiece, Pieces

SIMULATED = "{}: a simulated endpoint produced this text; no language model wrote a word of it."
STAND_IN = "{}: a small stand-in model ({}) wrote this text; it shows the path, not the quality."
STAND_IN_SEED = "{} was made from {}, {}."
TRAINED = "{}: {} stands in for a real base model; its figures say nothing about one."
TRAINED_ON = "{} was trained on {}, {}."
COMPARED = "{} is a small stand-in ({}): its scores show the path, not the paper's result."
SUMMARY = (
    "Not a result. Parts of this page come from a {}: they show that the path from a corpus to a benchmark "
    "works, and nothing about how well a real model does on it."
)


def of_corpus(piece: CorpusPiece) -> Iterator[str]:
    """Of one corpus."""
    facts = piece.facts
    if facts.simulated:
        yield SIMULATED.format(facts.name)
    if facts.stand_in:
        yield STAND_IN.format(facts.name, facts.model_id)
    if facts.source and (why := _unreal(facts.source.simulated, facts.source.stand_in)):
        yield STAND_IN_SEED.format(facts.name, facts.source.name, why)


def of_diversity(piece: DiversityPiece, corpora: Iterable[CorpusPiece]) -> Iterator[str]:
    """Of the corpora that were measured, and whether they are still what was measured."""
    for measured in piece.report.corpora:
        for corpus in corpora:
            if corpus.facts.name == measured.name:
                yield from of_corpus(corpus)
                if corpus.facts.documents != measured.of_documents:
                    yield (
                        f"{measured.name} was measured before it was built anew: measure it again. The "
                        "figures below are of what it was."
                    )
    if not piece.report.equal_size:
        yield "The samples differ in size: their values must not be compared."


def of_model(piece: ModelPiece, corpora: Iterable[CorpusPiece]) -> Iterator[str]:
    """Of a run, and of what it was trained on."""
    run = piece.facts
    if run.stand_in:
        yield TRAINED.format(run.name, run.stand_in)
    trained_on = {source["name"] for source in piece.ledger.data["sources"]} if piece.ledger else set()
    for corpus in corpora:
        facts = corpus.facts
        if {facts.name, corpus.folder.name} & trained_on and (
            why := _unreal(facts.simulated, facts.stand_in)
        ):
            yield TRAINED_ON.format(run.name, facts.name, why)
    if run.stopped:
        yield f"{run.name} was stopped before its budget: {run.stopped}."


def of_comparison(piece: ComparisonPiece, pieces: Pieces) -> Iterator[str]:
    """Of both models, and of what the second was trained on."""
    report = piece.report
    for side in (report.first, report.second):
        if side.stand_in:
            yield COMPARED.format(side.name, side.stand_in)
    for model in pieces.models:
        if Path(report.second.name).name == model.facts.name:
            yield from (words for words in of_model(model, pieces.corpora) if words not in _stands_in(model))
    if names := outdated(piece):
        yield (
            f"The results of {' and '.join(names)} are not those that were compared: compare again. The "
            "figures below are of what they were."
        )


def outdated(piece: ComparisonPiece) -> list[str]:
    """Models of which the latest results hold other scores than those compared."""
    found = []
    for side, score, files in (
        (piece.report.first, "first", piece.evaluations[0]),
        (piece.report.second, "second", piece.evaluations[1]),
    ):
        latest: dict[str, dict[str, float]] = {}
        for file in files:
            latest |= file.data.get("results", {})
        compared = {
            task.task: (task.metric, getattr(task, score))
            for dom in piece.report.domains
            for task in dom.tasks
        }
        if any(name in compared and not _holds(figures, *compared[name]) for name, figures in latest.items()):
            found.append(side.name)
    return found


def summary(pieces: Pieces) -> str | None:
    """The line at the top; None where everything is real."""
    simulated = any(one.facts.simulated for one in pieces.corpora)
    stand_in = (
        any(one.facts.stand_in for one in pieces.corpora)
        or any(one.facts.stand_in for one in pieces.models)
        or any(side.stand_in for one in pieces.comparisons for side in (one.report.first, one.report.second))
    )
    told = [*(["simulated endpoint"] if simulated else []), *(["small stand-in model"] if stand_in else [])]
    return SUMMARY.format(" and a ".join(told)) if told else None


def _holds(figures: dict[str, float], metric: str, score: float) -> bool:
    return any(
        name.partition(",")[0] == metric and isinstance(value, int | float) and abs(value - score) <= 1e-6
        for name, value in figures.items()
    )


def _stands_in(model: ModelPiece) -> set[str]:
    run = model.facts
    return {TRAINED.format(run.name, run.stand_in)}


def _unreal(simulated: bool, stand_in: bool) -> str:
    if simulated:
        return "whose text no language model wrote (a simulated endpoint)"
    return "which a small stand-in model wrote" if stand_in else ""
