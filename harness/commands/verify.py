"""``harness verify``: every figure of cards and pages, computed again from what is stored."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command("verify", short_help="Every figure of cards and pages, computed again.")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path), metavar="[FOLDER]...")
@click.option("--json", "as_json", is_flag=True, help="What was verified, for machines.")
def command(*, folders: tuple[Path, ...], as_json: bool) -> None:
    """Compute every figure below the FOLDERs (by default here) again, and stop at the first that differs.

    Counts and diversity of corpora come from their rows, records of training from the curves, metrics from
    the rows that were answered, comparisons and leaderboards from both; cards, pages and charts are made anew
    from these and compared line by line. Exits 2 and names file, line and both values when one differs.

    \b
    Example:
      harness verify
      harness verify metasynth-biomed models/adapted results --json
    """
    from harness.verify import verify

    done = verify(folders or (Path(),), lambda line: click.echo(f"verifying {line}", err=True))
    if as_json:
        click.echo(json.dumps([{"kind": one.kind, "place": str(one.place)} for one in done], indent=2))
    else:
        click.echo(f"{len(done)} artefacts verified: every figure is what the stored records give")
