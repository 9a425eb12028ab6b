"""An ablation as a page of Markdown: what each method took, and two tables of diversity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders.dataset.untrusted import markdown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builders.ablation.record import Ablation
    from builders.diversity.records import MeasurementRecord, Report

STAND_IN = (
    "> **Written by a small stand-in model.** The figures show that the comparison works, and what this\n"
    "> model does with each method; they say nothing about the methods with a model worth training from."
)
SIMULATED = "> **Simulated.** No language model wrote a word of these corpora."


def ablation_page(found: Ablation) -> str:
    """The whole page; ends with a line break."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Ablation) -> Iterator[str]:
    yield f"# Methods compared: {markdown(found.domain)}"
    yield ""
    yield (
        f"Each method's corpus was built to {found.target_tokens:,} tokens by {markdown(found.model_id)}, "
        f"with seed {found.corpus_seed}"
        + (f" and seed documents from {markdown(found.seed_dataset)}." if found.seed_dataset else ".")
    )
    yield ""
    for marked, words in ((found.stand_in, STAND_IN), (found.simulated, SIMULATED)):
        if marked:
            yield words
            yield ""
    yield "## What each took"
    yield ""
    yield "| method | documents | tokens | attempts | calls | tokens generated | dropped |"
    yield "|---|---:|---:|---:|---:|---:|---|"
    for own in found.spent:
        dropped = ", ".join(f"{markdown(reason)} {count}" for reason, count in own.dropped.items()) or "-"
        yield (
            f"| {own.method} | {own.documents:,} | {own.tokens:,} | {own.attempts:,} | {own.calls:,} | "
            f"{own.generated:,} | {dropped} |"
        )
    yield ""
    yield "## Diversity at equal tokens"
    yield ""
    yield from _diversity(found.equal_tokens)
    yield ""
    yield "## Diversity at equal calls"
    yield ""
    yield f"What each method brings with {found.calls:,} calls, in the order in which it was built:"
    yield ""
    for own in found.spent:
        yield f"- {own.method}: {own.within_calls:,} documents, {own.within_calls_tokens:,} tokens"
    yield ""
    if found.equal_calls is None:
        yield "One of them brings fewer than two documents, so there is nothing to compare."
    else:
        yield from _diversity(found.equal_calls)


def _diversity(report: Report) -> Iterator[str]:
    first = report.corpora[0]
    yield (
        f"Samples of {first.n_documents:,} documents and {first.n_words:,} words of each. In brackets: 95 % "
        "intervals by subsampling without replacement."
    )
    yield ""
    names = " | ".join(
        markdown(corpus.name) + (" (reference)" if corpus.role == "reference" else "")
        for corpus in report.corpora
    )
    yield f"| metric | diverse is | {names} |"
    yield "|---|---|" + "---|" * len(report.corpora)
    for row in zip(*(corpus.measurements for corpus in report.corpora), strict=True):
        yield f"| {row[0].title} | {row[0].more_diverse} | " + " | ".join(map(_cell, row)) + " |"


def _cell(measured: MeasurementRecord) -> str:
    if measured.value is None:
        return "-"
    value = f"{measured.value:.4f}"
    if measured.interval is None:
        return value
    return f"{value} [{measured.interval.low:.4f}, {measured.interval.high:.4f}]"
