"""``builders ablate``: the same budget spent by several methods, and how diverse what they wrote is."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from builders.commands.amounts import amount
from builders.commands.measuring import MeasuringProgress, listed, possible
from builders.commands.options import build_request, ending_early, run_options
from builders.errors import UserError
from builders.interrupts import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builders.ablation import Ablation
    from builders.build import BuildRequest
    from builders.dataset.rows import BuildFacts
    from builders.diversity.base import Metric
    from builders.diversity.corpus import Corpus

DEFAULT_METHODS = "template,keywords,documents,documents+steering"


@click.command("ablate", short_help="Methods compared: equal budgets, one table.")
@click.option("--domain", required=True, help="A domain with shipped corpora, as biomed or finance.")
@click.option(
    "--methods",
    default=DEFAULT_METHODS,
    show_default=True,
    metavar="METHOD,...",
    help="Of template, keywords, keywords+steering, documents, documents+steering.",
)
@click.option("--tokens", type=amount, required=True, metavar="AMOUNT", help="Of each method's corpus.")
@click.option("--reference", metavar="CORPUS", help="Real text, as one more column of the tables.")
@click.option("--metrics", "metrics", multiple=True, metavar="NAME,...", help="By default all but task2vec.")
@click.option(
    "--seed-dataset", metavar="ID|FILE|FOLDER", help="Real documents for the methods that read them."
)
@click.option("--text-column", default="text", show_default=True, help="Field that holds their text.")
@run_options("documents", "tokens", "output", "steering", "seed_dataset", "text_column")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the corpora and results; by default ablation-DOMAIN.",
)
@click.option("--json", "as_json", is_flag=True, help="The figures for machines.")
def command(
    *,
    domain: str,
    methods: str,
    tokens: int,
    reference: str | None,
    metrics: tuple[str, ...],
    seed_dataset: str | None,
    text_column: str,
    output: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Build a corpus of equal tokens with each method, on the same endpoints, and compare their diversity.

    Writes ablation.md (what each method took, diversity at equal tokens and at equal calls),
    ablation.json and ablation.svg beside the corpora. Run again after an interruption, it goes on.

    \b
    Example:
      builders ablate --domain biomed --methods template,keywords,keywords+steering --tokens 20k
      builders ablate --domain biomed --tokens 20k --seed-dataset abstracts.jsonl.gz
    """
    from builders.ablation import ablation_page, method_corpora
    from builders.ablation.run import build_each
    from builders.corpora.base import SeedDocuments
    from builders.diversity.corpus import read_corpus
    from builders.diversity.figure import figure
    from builders.diversity.registry import chosen
    from builders.progress import BuildProgress

    wanted = chosen(listed(metrics))
    if not metrics:
        wanted = possible(wanted)
    if any(metric.needs == "probe" for metric in wanted):
        raise UserError("--metrics: task2vec has settings of its own; measure the corpora with it afterwards")
    folder = output or Path(f"ablation-{domain}")
    seeds = SeedDocuments(source=seed_dataset, text_column=text_column) if seed_dataset else None
    corpora = method_corpora(domain, listed([methods]), seeds)
    requests = {
        method: build_request(name=corpus, tokens=tokens, output=folder, **options)
        for method, corpus in corpora.items()
    }
    real = read_corpus(reference) if reference else None
    with ending_early(), BuildProgress() as progress:
        facts = run(build_each(requests, progress))
    found = _measured(domain, requests, facts, wanted, real, seed_dataset=seed_dataset)
    (folder / "ablation.json").write_text(found.model_dump_json(indent=2) + "\n", "utf-8")
    (folder / "ablation.md").write_text(ablation_page(found), "utf-8")
    (folder / "ablation.svg").write_text(figure(found.equal_tokens), "utf-8")
    click.echo(found.model_dump_json(indent=2) if as_json else _told(found, folder))


def _measured(
    domain: str,
    requests: dict[str, BuildRequest],
    facts: dict[str, BuildFacts],
    metrics: Sequence[Metric],
    reference: Corpus | None,
    *,
    seed_dataset: str | None,
) -> Ablation:
    from builders.ablation.run import Measuring, compare
    from builders.diversity.embeddings import Embeddings, default_file
    from builders.diversity.inverse_frequency import Frequencies

    tables = 2
    with ExitStack() as stack:
        progress = stack.enter_context(MeasuringProgress(tables * len(requests) * len(metrics)))
        embeddings = None
        if any(metric.needs == "embeddings" for metric in metrics):
            embeddings = Embeddings(default_file(), progress=progress.embedded)
            stack.callback(embeddings.close)
        frequencies = None
        if any(metric.needs == "frequencies" for metric in metrics):
            frequencies = Frequencies.of_english()
        measuring = Measuring(
            metrics=metrics,
            embeddings=embeddings,
            frequencies=frequencies,
            display=progress,
            reference=reference,
        )
        return compare(domain, requests, facts, measuring, seed_dataset=seed_dataset)


def _told(found: Ablation, folder: Path) -> str:
    lines = [
        f"{own.method}: {own.documents:,} documents, {own.tokens:,} tokens, {own.calls:,} calls"
        for own in found.spent
    ]
    return "\n".join([*lines, f"tables and figure: {folder}/ablation.md, {folder}/ablation.svg"])
