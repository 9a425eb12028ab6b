"""``builders serve``: a TGI-compatible endpoint on this machine."""

from __future__ import annotations

import asyncio

import click

API_KEY_VARIABLE = "METASYNTH_SERVE_API_KEY"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


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
def command(
    model: str,
    host: str,
    port: int,
    *,
    parallel: int,
    context: int,
    max_concurrent_requests: int,
    api_key: str | None,
) -> None:
    """Serve a model on this machine with the HTTP interface of Text Generation Inference.

    Without options it serves SmolLM2-135M-Instruct, which stands in for a real endpoint in
    demos and tests. It runs until Ctrl+C.

    \b
    Example:
      builders serve --port 8080
      builders build metasynth-biomed --endpoint http://127.0.0.1:8080 --documents 4
    """
    asyncio.run(
        _serve(
            model,
            host=host,
            port=port,
            parallel=parallel,
            context=context,
            max_concurrent_requests=max_concurrent_requests,
            api_key=api_key or None,
        )
    )


async def _serve(
    model: str,
    *,
    host: str,
    port: int,
    parallel: int,
    context: int,
    max_concurrent_requests: int,
    api_key: str | None,
) -> None:
    import signal

    from builders.serve import embedded_endpoint

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if host not in LOOPBACK and api_key is None:
        click.echo(f"Anyone who can reach {host} can use this endpoint: set {API_KEY_VARIABLE}.", err=True)
    async with embedded_endpoint(
        model,
        host=host,
        port=port,
        parallel=parallel,
        context=context,
        max_concurrent_requests=max_concurrent_requests,
        api_key=api_key,
    ) as url:
        click.echo(f"Serving {model} at {url} (Ctrl+C stops)")
        await stop.wait()
