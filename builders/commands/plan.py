"""``builders plan``: what a build will take, from a few probes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from builders.commands.options import build_options, build_request, ending_early
from builders.interrupts import run

if TYPE_CHECKING:
    from rich.console import Console

    from builders.forecast import Forecast, Range


@click.command("plan", short_help="What a build will take, from a few probes.")
@build_options
@click.option(
    "--probes",
    type=click.IntRange(2),
    help="Trajectories to run; by default 6, fewer for a small corpus. More make the interval narrower.",
)
@click.option("--json", "as_json", is_flag=True, help="The forecast for machines.")
def command(*, probes: int | None, as_json: bool, **options: Any) -> None:
    """Forecast what building the corpus NAME takes: calls, tokens, hours, money, acceptance.

    Runs the first trajectories of the build, whole, and keeps them in its journal: `builders build` with
    the same options asks none of their calls again. Each figure comes with a 95 % prediction interval
    (the forecast made anew without each probe in turn, Student's t over the probes, widened for the
    trajectories to come and for near-duplicates).

    \b
    Example:
      builders plan metasynth-finance --endpoint http://127.0.0.1:8080 --tokens 25M --price 0.2/0.6
    """
    from rich.console import Console

    from builders.plan import plan
    from builders.progress import BuildProgress

    request = build_request(**options)
    with ending_early(), BuildProgress(doing="probing") as progress:
        forecast = run(plan(request, progress, probes=probes))
    if as_json:
        click.echo(forecast.model_dump_json(indent=2))
    else:
        _show(forecast, Console())


def _show(forecast: Forecast, console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    probes = forecast.probes
    if forecast.stand_in or forecast.simulated:
        writer = "a simulated endpoint" if forecast.simulated else "a small stand-in model"
        console.print(f"{writer} answered: the figures are those of a build on it", style="bold yellow")
    table = Table("", box=None, pad_edge=False)
    for heading in ("expected", f"{forecast.level:.0%} interval", "probes"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, found, of_probes in (
        ("documents", forecast.documents, f"{probes.documents:,}"),
        ("calls", forecast.calls, f"{probes.calls:,}"),
        ("prompt tokens", forecast.prompt_tokens, f"{probes.prompt_tokens:,}"),
        ("completion tokens", forecast.completion_tokens, f"{probes.completion_tokens:,}"),
        ("tokens", forecast.tokens, f"{probes.prompt_tokens + probes.completion_tokens:,}"),
    ):
        table.add_row(name, *_cells(found, "{:,.0f}"), of_probes)
    table.add_row("hours, after the probes", *_cells(forecast.hours, _hours(forecast.hours.high)), "")
    if forecast.money and probes.money is not None:
        form = "{:,.2f}" if forecast.money.high >= 1 else "{:.4f}"
        table.add_row("money", *_cells(forecast.money, form), form.format(probes.money))
    share = probes.documents / probes.attempts
    table.add_row("attempts accepted", *_cells(forecast.acceptance, "{:.1%}"), f"{share:.1%}")
    console.print(table)
    for line in (
        f"{forecast.name}: {forecast.trajectories:,} trajectories, of which {probes.trajectories} are probed",
        f"{probes.calls_asked:,} calls were asked now; the probes are the beginning of the build, which "
        "finds them in its journal and asks none of them again",
        forecast.method,
        *forecast.assumptions,
    ):
        console.print(Text(f"- {line}"), soft_wrap=True)


def _cells(found: Range, form: str) -> tuple[str, str]:
    return form.format(found.expected), f"{form.format(found.low)} to {form.format(found.high)}"


def _hours(longest: float) -> str:
    """Digits enough to tell short builds."""
    return "{:,.1f}" if longest >= 10 else "{:.2f}" if longest >= 0.1 else "{:.4f}"
