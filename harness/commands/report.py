"""``harness report``: one self-contained HTML page of everything measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builders.errors import UserError

if TYPE_CHECKING:
    from harness.report.pieces import Pieces

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("report", short_help="One self-contained HTML page of everything measured.")
@click.option(
    "--corpus",
    "corpora",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    multiple=True,
    help="A built corpus; by default all in this folder.",
)
@click.option(
    "--diversity",
    type=FILE,
    metavar="FILE",
    multiple=True,
    help="What `builders measure --json` printed; by default all in this folder.",
)
@click.option(
    "--model", "models", metavar="NAME", multiple=True, help="A trained model; by default all in models/."
)
@click.option(
    "--comparison",
    "comparisons",
    type=FILE,
    metavar="FILE",
    multiple=True,
    help="What `harness compare --json` printed; by default all in this folder.",
)
@click.option(
    "--output",
    type=FILE,
    default=Path("report.html"),
    show_default=True,
    metavar="OUT.html",
    help="The page; an older one is replaced.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="What is on the page and what is missing, for machines."
)
def command(
    *,
    corpora: tuple[Path, ...],
    diversity: tuple[Path, ...],
    models: tuple[str, ...],
    comparisons: tuple[Path, ...],
    output: Path,
    as_json: bool,
) -> None:
    """Put corpora, diversity, training, benchmark and provenance on one page that needs nothing else.

    Everything is found in this folder, where the other commands put it; keep what `builders measure` and
    `harness compare` print with --json in files there. What is missing is told, with the commands that make
    it.

    \b
    Example:
      builders measure metasynth-biomed template-biomed --json > diversity.json
      harness compare base adapted --json > comparison.json
      harness report
    """
    from harness.report import Request, find, write_page

    if output.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"--output {output}: the page is HTML, so let the name end in .html")
    if not output.parent.is_dir():
        raise UserError(f"--output {output}: there is no folder {output.parent}; make it first")
    pieces = find(
        Request(corpora=corpora, diversity=diversity, models=models, comparisons=comparisons, page=output)
    )
    write_page(pieces, output)
    if as_json:
        click.echo(json.dumps(_told(pieces, output), indent=2))
    else:
        _show(pieces, output)


def _told(pieces: Pieces, output: Path) -> dict[str, object]:
    return {
        "schema_version": 1,
        "page": str(output),
        "corpora": [str(one.folder) for one in pieces.corpora],
        "diversity": [str(one.file.path) for one in pieces.diversity],
        "models": [str(one.folder) for one in pieces.models],
        "comparisons": [str(one.file.path) for one in pieces.comparisons],
        "missing": [{"part": gap.part, "commands": list(gap.commands)} for gap in pieces.missing],
        "left_out": pieces.left_out,
    }


def _show(pieces: Pieces, output: Path) -> None:
    from builders.dataset.untrusted import one_line
    from harness.report import outline

    for words in pieces.left_out:
        click.echo(f"left out: {one_line(words)}", err=True)
    for gap in pieces.missing:
        click.echo(f"missing: {one_line(gap.part)}")
        for told in gap.commands:
            click.echo(f"  {one_line(told)}")
    for line in outline(pieces):
        click.echo(line)
    click.echo(f"wrote {output}")
