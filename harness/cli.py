"""The console script `harness`."""

from __future__ import annotations

import click

from builders import __version__


@click.group()
@click.version_option(__version__, prog_name="harness")
def main() -> None:
    """Adapt a base model to a synthetic corpus and benchmark it against its base.

    This release builds corpora (`builders --help`); it has no harness commands yet.
    """
