"""``harness publish``: a model, its results and the leaderboard on the Hub."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builders.errors import UserError

if TYPE_CHECKING:
    from builders.hub.repository import Pushed
    from harness.publish.run import Published


@click.command("publish", short_help="Model, results and leaderboard on the Hub.")
@click.argument("name")
@click.option("--repo", "repo_id", required=True, metavar="OWNER/MODEL", help="Of the model.")
@click.option(
    "--leaderboard",
    "leaderboard_id",
    required=True,
    metavar="OWNER/RESULTS",
    help="Dataset of results; models that are in it already are ranked along.",
)
@click.option(
    "--base",
    default="base",
    show_default=True,
    metavar="NAME",
    help="Results of the model before adaptation.",
)
@click.option("--results", metavar="NAME", help="Results of the model, if they are not called NAME.")
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    metavar="OWNER/CORPUS",
    help="A corpus that it was trained on, for the card; give all.",
)
@click.option(
    "--check", "checks", multiple=True, metavar="CORPUS", help="What `builders check` found; as in compare."
)
@click.option("--license", "license_", metavar="ID", help="Of the model, for the card; such as apache-2.0.")
@click.option("--private", is_flag=True, help="Make both repositories private; public ones are then refused.")
@click.option("--dry-run", is_flag=True, help="Show every file and every figure; change nothing.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write all files below this new folder, too.",
)
@click.option("--json", "as_json", is_flag=True, help="What was done, for machines.")
def command(
    *, license_: str | None, dry_run: bool, output: Path | None, as_json: bool, **options: object
) -> None:
    """Publish the model NAME of models/ with its results, and rank it in a leaderboard.

    Results go into the dataset --leaderboard in lm-eval's layout, the model with a card into --repo. Scores
    of tasks that are Benchmarks of the Hub go into .eval_results/, those of others into the card's
    model-index; nothing is written to anybody else's repository. The token is that of `hf auth login` or
    HF_TOKEN.

    \b
    Example:
      harness publish adapted --repo OWNER/adapted --leaderboard OWNER/results --dry-run
      harness publish adapted --repo OWNER/adapted --leaderboard OWNER/results --dataset OWNER/corpus
    """
    from builders.hub.patience import quiet_client
    from harness.publish.entrants import PublishRequest
    from harness.publish.run import publish

    if output and output.exists() and any(output.iterdir()):
        raise UserError(f"--output {output} is not empty: name a new folder")
    quiet_client(bars=sys.stderr.isatty())
    request = PublishRequest(license=license_, **options)  # type: ignore[arg-type]
    try:
        done = publish(request, say=lambda line: click.echo(line, err=True), dry_run=dry_run, output=output)
    except KeyboardInterrupt:
        click.echo("stopped; the same command goes on: what arrived is kept", err=True)
        raise click.exceptions.Exit(130) from None
    if as_json:
        click.echo(json.dumps(_told(done), indent=2))
    else:
        _show(done, dry_run=dry_run)


def _told(done: Published) -> dict[str, object]:
    return {
        "results": asdict(done.results),
        "model": asdict(done.model),
        "comparison": done.report.model_dump(mode="json"),
        "leaderboard": done.board.model_dump(mode="json"),
        "benchmarks": {name: found.model_dump() for name, found in done.benchmarks.items()},
    }


def _show(done: Published, *, dry_run: bool) -> None:
    from rich.console import Console

    from harness.compare.table import print_report
    from harness.leaderboard.terminal import print_board

    console = Console()
    if dry_run:
        print_report(done.report, console)
        console.print()
        print_board(done.board, console)
        for name, found in done.benchmarks.items():
            console.print(f"{name} is the Benchmark {found.dataset_id}, {found.task_id}", highlight=False)
        if not done.benchmarks:
            console.print("no task is a Benchmark of the Hub: all scores go into the card", highlight=False)
    for pushed in (done.results, done.model):
        _show_files(pushed, console, dry_run=dry_run)


def _show_files(pushed: Pushed, console: object, *, dry_run: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    assert isinstance(console, Console)
    if not dry_run:
        done = f"pushed {len(pushed.changed)} files" if pushed.committed else "nothing changed"
        console.print(f"{pushed.repo_id}: {done} ({pushed.commit})", highlight=False)
        return
    table = Table("file", "bytes", "", box=None, pad_edge=False, title=pushed.repo_id, title_justify="left")
    for change in pushed.changes:
        table.add_row(Text(change.path), f"{change.size:,}", change.what)
    console.print(table)
