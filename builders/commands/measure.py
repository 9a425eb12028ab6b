"""``builders measure``: the diversity of corpora, side by side, at equal size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from builders.commands.measuring import MeasuringProgress, listed, possible
from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builders.diversity.base import Metric
    from builders.diversity.corpus import Corpus
    from builders.diversity.inverse_frequency import Frequencies
    from builders.diversity.task2vec import Probing

DEFINITIONS = ("metasynth", "diversity-0.3.1", "beyond-scale")


@click.command("measure", short_help="The diversity of corpora, side by side, at equal size.")
@click.argument("corpora", metavar="CORPUS...", nargs=-1, required=True)
@click.option("--reference", metavar="CORPUS", help="Real text to see the others against.")
@click.option("--metrics", metavar="NAME,...", multiple=True, help="Only these; by default all but task2vec.")
@click.option("--text-column", default="text", show_default=True, help="Field that holds the documents.")
@click.option(
    "--definition",
    type=click.Choice(DEFINITIONS),
    default=DEFINITIONS[0],
    show_default=True,
    help="Whose definitions; other than ours, they reproduce the numbers of public code.",
)
@click.option("--documents", type=click.IntRange(min=2), metavar="N", help="Measure samples of at most N.")
@click.option(
    "--allow-unequal", is_flag=True, help="Measure all of each corpus; the output says that sizes differ."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of what is drawn.")
@click.option(
    "--frequencies", metavar="CORPUS", help="Count word frequencies for mif in it; by default wordfreq's."
)
@click.option("--embedding-model", metavar="MODEL", help="Hub id or folder; by default all-MiniLM-L6-v2.")
@click.option("--probe", metavar="MODEL", help="Of task2vec: Hub id or folder; by default GPT-2.")
@click.option(
    "--task2vec",
    "task2vec_settings",
    metavar="NAME=VALUE,...",
    multiple=True,
    help="Settings of task2vec, such as batches=20,sequences=64,tokens=128,epochs=10,head=tied.",
)
@click.option(
    "--plot", type=click.Path(path_type=Path, dir_okay=False), metavar="OUT.svg", help="Draw a figure."
)
@click.option("--json", "as_json", is_flag=True, help="The report for machines.")
def command(
    corpora: tuple[str, ...],
    *,
    reference: str | None,
    metrics: tuple[str, ...],
    text_column: str,
    definition: str,
    documents: int | None,
    allow_unequal: bool,
    seed: int,
    frequencies: str | None,
    embedding_model: str | None,
    probe: str | None,
    task2vec_settings: tuple[str, ...],
    plot: Path | None,
    as_json: bool,
) -> None:
    """Measure how diverse each CORPUS is, on samples of equally many documents and words.

    CORPUS is a built folder, a JSONL (also .gz, .zst), Parquet or text file (a document a line), or a
    dataset of the Hub as OWNER/NAME.

    \b
    Example:
      builders measure metasynth-biomed template-biomed --reference abstracts.jsonl.gz
      builders measure corpus.parquet --metrics compression-ratio,1-gram-diversity --json
      builders measure corpus.parquet --metrics task2vec --task2vec batches=20,sequences=100
    """
    from rich.console import Console

    from builders.acceptance.embeddings import MODEL
    from builders.diversity.embeddings import Embeddings, default_file
    from builders.diversity.figure import figure
    from builders.diversity.registry import chosen
    from builders.diversity.report import Request, measure
    from builders.diversity.table import print_report
    from builders.svg import check_plot, write_plot

    if documents and allow_unequal:
        raise UserError("--documents makes samples equal, --allow-unequal does not: give one of them")
    names = listed(metrics)
    wanted = chosen(names, definition=definition)
    if not names:
        wanted = possible(wanted, frequencies=frequencies)
    if plot:
        check_plot(plot)
    probing = _probing(wanted, probe, listed(task2vec_settings), definition)
    counted = _frequencies(wanted, frequencies, text_column)
    read = _read([*corpora, *([reference] if reference else [])], text_column)
    with MeasuringProgress(len(read) * len(wanted)) as progress:
        if probing:
            probing.progress = progress.probed
            progress.loading()
            progress.loaded(probing.loaded())
        embeddings = None
        if any(metric.needs == "embeddings" for metric in wanted):
            embeddings = Embeddings(
                default_file(),
                model=embedding_model or MODEL,
                windows=definition == DEFINITIONS[0],
                progress=progress.embedded,
            )
        try:
            request = Request(
                corpora=read,
                reference=reference is not None,
                metrics=wanted,
                definition=definition,
                seed=seed,
                documents=documents,
                equal=not allow_unequal,
                embeddings=embeddings,
                frequencies=counted,
                probing=probing,
            )
            report = measure(request, progress)
        finally:
            if embeddings:
                embeddings.close()
    if plot:
        write_plot(plot, figure(report))
    if as_json:
        click.echo(report.model_dump_json(indent=2))
    else:
        print_report(report, Console())


def _frequencies(metrics: Sequence[Metric], place: str | None, text_column: str) -> Frequencies | None:
    from builders.diversity.corpus import read_corpus
    from builders.diversity.inverse_frequency import Frequencies

    if not any(metric.needs == "frequencies" for metric in metrics):
        return None
    if place is None:
        return Frequencies.of_english()
    return Frequencies.of(read_corpus(place, text_column=text_column).texts, name=place)


def _probing(
    metrics: Sequence[Metric], probe: str | None, changes: Sequence[str], definition: str
) -> Probing | None:
    from builders.diversity.task2vec import Kept, Probing, default_folder

    if any(metric.needs == "probe" for metric in metrics):
        return Probing(probe, definition=definition, changes=changes, kept=Kept(default_folder()))
    if probe or changes:
        raise UserError("--probe and --task2vec are of task2vec: name it in --metrics")
    return None


def _read(places: Sequence[str], text_column: str) -> list[Corpus]:
    from builders.diversity.corpus import read_corpus

    return [read_corpus(place, text_column=text_column) for place in places]
