"""``builders list``: the corpora that can be built."""

from __future__ import annotations

import json

import click


@click.command("list", short_help="The corpora that can be built.")
@click.option("--json", "as_json", is_flag=True, help="Every setting of every corpus, for machines.")
def command(*, as_json: bool) -> None:
    """List the corpora that can be built by name.

    \b
    Example:
      builders list
    """
    from builders.corpora.registry import known_corpora

    corpora = known_corpora()
    if as_json:
        settings = {name: corpus.model_dump(mode="json") for name, corpus in corpora.items()}
        click.echo(json.dumps(settings, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("corpus", "domain", "method", "what it is", box=None, pad_edge=False)
    for corpus in corpora.values():
        table.add_row(corpus.name, corpus.domain, corpus.method, corpus.description)
    Console().print(table)
