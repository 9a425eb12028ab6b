"""The page in a few lines for the terminal: corpora, diversity, models, comparisons, and their worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders.dataset.untrusted import one_line
from harness.report.formats import written
from harness.report.warnings import summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.report.pieces import ComparisonPiece, CorpusPiece, DiversityPiece, ModelPiece, Pieces

METRICS = ("compression-ratio", "4-gram-diversity")
"""Of the diversity of corpora, those that a line has room for."""


def outline(pieces: Pieces) -> list[str]:
    """Lines on the corpora, their diversity, the models and the comparisons; last, what it all is worth."""
    parts = {
        "corpora": [_corpus(one) for one in pieces.corpora],
        "diversity": [words for one in pieces.diversity for words in _diversity(one)],
        "models": [_model(one) for one in pieces.models],
        "comparisons": [_comparison(one) for one in pieces.comparisons],
    }
    lines = [f"{part}: {one_line('; '.join(found)) or 'none'}" for part, found in parts.items()]
    worth = summary(pieces)
    return [*lines, worth] if worth else lines


def _corpus(piece: CorpusPiece) -> str:
    facts = piece.facts
    accepted = written("share", [facts.documents, facts.attempts])
    return f"{facts.name} {facts.documents:,} documents, {facts.words:,} words, {accepted} of attempts"


def _diversity(piece: DiversityPiece) -> Iterator[str]:
    for name in METRICS:
        found = [
            (corpus.name, measured)
            for corpus in piece.report.corpora
            for measured in corpus.measurements
            if measured.metric == name
        ]
        if found:
            values = ", ".join(f"{corpus} {written('number', [one.value])}" for corpus, one in found)
            yield f"{found[0][1].title} {values} ({found[0][1].more_diverse} is more diverse)"


def _model(piece: ModelPiece) -> str:
    run = piece.facts
    changes = ", ".join(
        f"{name} {written('relative', [run.before[name], after])}"
        for name, after in run.after.items()
        if name in run.before
    )
    return f"{run.name} from {run.base}, {run.tokens:,} tokens; bits per byte {changes or 'not watched'}"


def _comparison(piece: ComparisonPiece) -> str:
    report = piece.report
    changes = [
        f"{domain.name} {_percent(row.first)} to {_percent(row.second)}, {row.verdict}"
        for domain in report.domains
        for row in ([domain.mean] if domain.mean else domain.tasks)
    ]
    return f"{report.first.name} to {report.second.name}: {'; '.join(changes)}"


def _percent(score: float) -> str:
    return written("percent", [score])
