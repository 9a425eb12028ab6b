"""The options of `builders serve --simulate`, and what they say."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from builders.testing import Fault, FaultKind

Decorated = TypeVar("Decorated", bound="Callable[..., Any]")
_FAULT = re.compile(
    r"(?P<kind>\w+)(?:=(?P<share>[\d.]+))?(?:@(?P<after>[\d.]+)(?:\+(?P<for>[\d.]+))?)?", re.ASCII
)
_SHARE = click.FloatRange(0, 1)

OPTIONS = (
    click.option(
        "--permits",
        type=click.IntRange(0),
        default=64,
        show_default=True,
        help="Simulated: requests that generate at once; more are refused with 429.",
    ),
    click.option(
        "--latency",
        type=click.FloatRange(0),
        default=0.0,
        show_default=True,
        metavar="SECONDS",
        help="Simulated: mean time of an answer, log-normal.",
    ),
    click.option(
        "--sigma",
        type=click.FloatRange(0),
        default=0.6,
        show_default=True,
        help="Simulated: spread of that time on the logarithmic scale.",
    ),
    click.option("--queue", is_flag=True, help="Simulated: requests beyond the permits wait instead."),
    click.option("--hide-limit", is_flag=True, help="Simulated: /info does not tell the permits."),
    click.option(
        "--fault",
        multiple=True,
        metavar="KIND[=SHARE][@AFTER[+FOR]]",
        help="Simulated: fail a share of the requests, from AFTER seconds on and for FOR seconds; "
        "repeatable. The kinds are those of builders.testing.Fault: drop=0.02, overloaded@10+30, down@60+5.",
    ),
    click.option(
        "--duplicate-share",
        type=_SHARE,
        default=0.0,
        metavar="SHARE",
        help="Simulated: documents that nearly repeat another.",
    ),
    click.option(
        "--reject-share",
        type=_SHARE,
        default=0.0,
        metavar="SHARE",
        help="Simulated: documents too short to be accepted.",
    ),
    click.option(
        "--seed",
        type=int,
        default=0,
        show_default=True,
        help="Simulated: seed of latencies and faults; answers depend on requests alone.",
    ),
)
NAMES = (
    "permits",
    "latency",
    "sigma",
    "queue",
    "hide_limit",
    "fault",
    "duplicate_share",
    "reject_share",
    "seed",
)


def simulation_options(command: Decorated) -> Decorated:
    """Give a command the options of a simulation; their names are `NAMES`."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@asynccontextmanager
async def simulated(
    *, host: str, port: int, context: int, api_key: str | None, settings: dict[str, Any]
) -> AsyncIterator[str]:
    """Serve a simulation made of the options; yields its URL.

    Raises:
        UserError: an option makes no sense, or the port is not to be had.
    """
    from builders.testing import Latency, Simulation, simulated_endpoint

    latency = Latency(mean_s=settings["latency"], sigma=settings["sigma"])
    faults = tuple(read_fault(text) for text in settings["fault"])
    try:
        simulation = Simulation(
            seed=settings["seed"],
            permits=settings["permits"],
            queue=settings["queue"],
            tell_limit=not settings["hide_limit"],
            latency=latency,
            faults=faults,
            duplicate_share=settings["duplicate_share"],
            reject_share=settings["reject_share"],
            max_total_tokens=context,
            api_key=api_key,
        )
    except ValueError as error:
        raise UserError(f"{error}") from None
    async with simulated_endpoint(simulation, host=host, port=port) as server:
        yield server.url


def read_fault(text: str) -> Fault:
    """Read `KIND[=SHARE][@AFTER[+FOR]]`.

    Raises:
        UserError: it is not of that shape, or there is no such kind.
    """
    from builders.testing import Fault

    match = _FAULT.fullmatch(text)
    if match is None:
        raise UserError(f"--fault {text}: write KIND[=SHARE][@AFTER[+FOR]], for example drop=0.02@10+30")
    try:
        return Fault(
            cast("FaultKind", match["kind"]),  # refuses what is no kind
            share=float(match["share"] or 1),
            after_s=float(match["after"] or 0),
            for_s=float(match["for"] or "inf"),
        )
    except ValueError as error:
        raise UserError(f"--fault {text}: {error}") from None
