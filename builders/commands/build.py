"""``builders build``: a corpus from a name and an endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from builders.commands.amounts import amount
from builders.commands.options import build_options, build_request, ending_early
from builders.errors import UserError
from builders.interrupts import run

if TYPE_CHECKING:
    from builders.build import BuildRequest
    from builders.dataset.rows import BuildFacts


@click.command("build", short_help="Build a corpus, or go on with one.")
@build_options
@click.option(
    "--max-tokens-spent",
    type=amount,
    metavar="AMOUNT",
    help="Stop before prompts and answers have more tokens than this.",
)
@click.option(
    "--max-cost", type=click.FloatRange(0, min_open=True), help="Stop before more is spent; needs --price."
)
@click.option("--max-hours", type=click.FloatRange(0, min_open=True), help="Stop after hours at work.")
@click.option("--json", "as_json", is_flag=True, help="The facts of the finished build, for machines.")
def command(
    *,
    max_tokens_spent: int | None,
    max_cost: float | None,
    max_hours: float | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Build the corpus NAME (see `builders list`), or the one that a script NAME.py defines.

    Everything answered is kept in a journal beside the dataset. To go on after an interruption, or
    after a budget was spent (exit code 3), run the same command again: nothing that was answered is
    asked twice.

    \b
    Example:
      builders build metasynth-biomed --documents 8
      builders build metasynth-biomed --documents 8 --seed-dataset abstracts.jsonl.gz --text-column text
      builders build metasynth-finance --endpoint http://127.0.0.1:8080 --tokens 25M --max-hours 12
    """
    from builders.build import build
    from builders.progress import BuildProgress

    request = build_request(**options, tokens_spent=max_tokens_spent, cost=max_cost, hours=max_hours)
    if max_cost and not request.budget.prices:
        raise UserError("--max-cost needs --price, for example --price 0.2/0.6")
    with ending_early(), BuildProgress() as progress:
        facts = run(build(request, progress))
    click.echo(facts.model_dump_json(indent=2) if as_json else _farewell(request, facts))


def _farewell(request: BuildRequest, facts: BuildFacts) -> str:
    folder = request.folder
    return "\n".join(
        [
            f"{facts.documents} documents ({facts.words:,} words, {facts.tokens:,} tokens) in {folder}/",
            f"  {facts.documents} of {facts.attempts} attempts accepted, {facts.calls} calls, "
            f"{facts.completion_tokens:,} tokens generated",
            f'  load:  datasets.load_dataset("{folder}"), and the traces: load_dataset("{folder}", "traces")',
            f"  look:  builders show {folder}       builders show {folder} 1",
        ]
    )
