"""``builders serve``: a TGI-compatible endpoint on this machine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from builders.commands import simulation
from builders.errors import UserError

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

API_KEY_VARIABLE = "METASYNTH_SERVE_API_KEY"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
OF_A_MODEL = ("model", "parallel", "max_concurrent_requests")
SIMULATED = "metasynth/simulated"


@click.command("serve", short_help="Serve a small model on this machine, as TGI would.")
@click.option(
    "--model",
    default="embedded",
    show_default=True,
    metavar="PATH|HUB_ID|embedded",
    help="A GGUF file, a Hub id (owner/name or owner/name:file.gguf), or the embedded model.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port; 0 for any free one."
)
@click.option(
    "--parallel", type=click.IntRange(1), default=4, show_default=True, help="Requests generated at once."
)
@click.option(
    "--context",
    type=click.IntRange(2),
    default=8192,
    show_default=True,
    help="Tokens of each request, prompt and answer together.",
)
@click.option(
    "--max-concurrent-requests",
    type=click.IntRange(1),
    default=128,
    show_default=True,
    help="Requests in flight, waiting ones included; more are refused with 429.",
)
@click.option(
    "--api-key",
    envvar=API_KEY_VARIABLE,
    metavar="KEY",
    help="Ask this key of every request. Better set in the environment variable "
    f"{API_KEY_VARIABLE}, where no process list shows it.",
)
@click.option(
    "--simulate",
    is_flag=True,
    help="Serve no model, but simulated answers that follow the call protocol: for tests and benchmarks.",
)
@simulation.simulation_options
@click.pass_context
def command(
    call: click.Context,
    /,
    model: str,
    host: str,
    port: int,
    *,
    parallel: int,
    context: int,
    max_concurrent_requests: int,
    api_key: str | None,
    simulate: bool,
    **simulated: Any,
) -> None:
    """Serve a model on this machine with the HTTP interface of Text Generation Inference.

    Without options it serves SmolLM2-135M-Instruct, which stands in for a real endpoint in
    demos and tests. It runs until Ctrl+C.

    \b
    Example:
      builders serve --port 8080
      builders build metasynth-biomed --endpoint http://127.0.0.1:8080 --documents 4
      builders serve --simulate --permits 16 --latency 0.5 --fault drop=0.02
    """
    _refuse_stray_options(call, simulate=simulate)
    if host not in LOOPBACK and not api_key:
        click.echo(f"Anyone who can reach {host} can use this endpoint: set {API_KEY_VARIABLE}.", err=True)
    if simulate:
        endpoint = simulation.simulated(
            host=host, port=port, context=context, api_key=api_key or None, settings=simulated
        )
        asyncio.run(_serve(SIMULATED, endpoint))
        return
    from builders.serve import embedded_endpoint

    endpoint = embedded_endpoint(
        model,
        host=host,
        port=port,
        parallel=parallel,
        context=context,
        max_concurrent_requests=max_concurrent_requests,
        api_key=api_key or None,
    )
    asyncio.run(_serve(model, endpoint))


def _refuse_stray_options(call: click.Context, *, simulate: bool) -> None:
    """No option is ignored silently."""
    for name in OF_A_MODEL if simulate else simulation.NAMES:
        if call.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            flag = f"--{name.replace('_', '-')}"
            raise UserError(f"{flag} does not go with --simulate" if simulate else f"{flag} needs --simulate")


async def _serve(model: str, endpoint: AbstractAsyncContextManager[str]) -> None:
    import signal

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with endpoint as url:
        click.echo(f"Serving {model} at {url} (Ctrl+C stops)")
        await stop.wait()
