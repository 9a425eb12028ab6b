"""The console script `harness`."""

from __future__ import annotations

import click

from builders import __version__
from builders.lazy_group import LazyGroup

SUMMARIES = {
    "pretrain": "Continue a base model's pre-training on corpora.",
    "merge": "Merge an adapter into its base, and check that nothing changed.",
    "doctor": "Check on this machine that packed documents do not see each other.",
    "evaluate": "Benchmark a model on finance, biomedicine and general tasks.",
    "compare": "What adaptation changed, paired, with intervals and a verdict.",
    "verify": "Every figure of cards and pages, computed again.",
    "report": "One self-contained HTML page of everything measured.",
    "publish": "Model, results and leaderboard on the Hub.",
}


@click.group(cls=LazyGroup, package="harness.commands", summaries=SUMMARIES)
@click.version_option(__version__, prog_name="harness")
def main() -> None:
    """Adapt a base model to a synthetic corpus and benchmark it against its base.

    \b
    Example:
      harness pretrain --data metasynth-biomed --output adapted
      harness evaluate --model adapted
    """
