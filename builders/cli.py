"""The console script `builders`."""

from __future__ import annotations

import click

from builders import __version__
from builders.lazy_group import LazyGroup

SUMMARIES = {
    "list": "The corpora that can be built.",
    "build": "Build a corpus, or go on with one.",
    "plan": "What a build will take, from a few probes.",
    "show": "A built corpus, or one document with its trace.",
    "ablate": "Methods compared: equal budgets, one table.",
    "measure": "The diversity of corpora, side by side, at equal size.",
    "check": "Test items of the benchmarks in a corpus.",
    "push": "Push a built corpus to the Hub.",
    "serve": "Serve a small model on this machine, as TGI would.",
}


@click.group(cls=LazyGroup, package="builders.commands", summaries=SUMMARIES)
@click.version_option(__version__, prog_name="builders")
def main() -> None:
    """Build diverse synthetic corpora with a meta-LM that directs expert LLM agents.

    \b
    Example:
      builders build metasynth-biomed --documents 8
      builders show metasynth-biomed 1
    """
