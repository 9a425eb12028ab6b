"""``builders push``: a built corpus as a dataset repository of the Hub."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from builders.hub.repository import Pushed


@click.command("push", short_help="Push a built corpus to the Hub.")
@click.argument("name")
@click.option("--repo", "repo_id", required=True, metavar="OWNER/NAME", help="Made where it is not there.")
@click.option("--private", is_flag=True, help="Make the repository private; a public one is then refused.")
@click.option(
    "--revision", default="main", show_default=True, metavar="BRANCH", help="Made where it is not there."
)
@click.option("--tag", metavar="TAG", help="Of this version; by default the next of v1, v2, ...")
@click.option("--dry-run", is_flag=True, help="Show every file and what would become of it; change nothing.")
@click.option("--unchecked", is_flag=True, help="Even if `builders check` did not look for test items.")
@click.option("--allow-simulated", is_flag=True, help="Even if no language model wrote the text.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder in which the corpus' folder lies; by default the current one.",
)
@click.option("--json", "as_json", is_flag=True, help="What was done, for machines.")
def command(
    name: str,
    *,
    repo_id: str,
    private: bool,
    revision: str,
    tag: str | None,
    dry_run: bool,
    unchecked: bool,
    allow_simulated: bool,
    output: Path,
    as_json: bool,
) -> None:
    """Push the corpus NAME, all configurations with card and figures, in one commit.

    Every figure of the card is computed again from the documents before. Interrupted, the same command goes
    on; where nothing changed, nothing is sent. The token is that of `hf auth login` or HF_TOKEN.

    \b
    Example:
      builders push metasynth-biomed --repo OWNER/metasynth-biomed --private --dry-run
      builders push metasynth-biomed --repo OWNER/metasynth-biomed --private
    """
    from builders.hub.patience import quiet_client
    from builders.push.push import PushRequest, push

    quiet_client(bars=sys.stderr.isatty())
    request = PushRequest(
        folder=output / name,
        repo_id=repo_id,
        private=private,
        revision=revision,
        tag=tag,
        unchecked=unchecked,
        allow_simulated=allow_simulated,
    )
    try:
        pushed = push(request, say=lambda line: click.echo(line, err=True), dry_run=dry_run)
    except KeyboardInterrupt:
        click.echo("stopped; the same command goes on: large files that arrived are kept", err=True)
        raise click.exceptions.Exit(130) from None
    if as_json:
        click.echo(json.dumps(asdict(pushed), indent=2))
    else:
        _show(pushed, dry_run=dry_run)


def _show(pushed: Pushed, *, dry_run: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("file", "bytes", "", box=None, pad_edge=False)
    for change in pushed.changes:
        told = {"keep": "unchanged", "add": "new", "change": "changed", "delete": "deleted"}[change.what]
        table.add_row(Text(change.path), f"{change.size:,}", told)
    console = Console()
    if dry_run or pushed.committed:
        console.print(table)
    if dry_run:
        console.print(f"nothing was sent; this would be {pushed.tag} of {pushed.repo_id}", highlight=False)
    elif pushed.committed:
        console.print(
            f'pushed as {pushed.tag} ({pushed.commit}): load_dataset("{pushed.repo_id}")', highlight=False
        )
    else:
        console.print(f"nothing changed since {pushed.tag} ({pushed.commit})", highlight=False)
