"""``builders build``: a corpus from a name and an endpoint."""

from __future__ import annotations

import asyncio
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from builders.errors import UserError

if TYPE_CHECKING:
    from builders.build import BuildRequest
    from builders.dataset.rows import BuildFacts

INTERRUPTED = 130


@click.command("build", short_help="Build a corpus, or go on with one.")
@click.argument("name")
@click.option(
    "--endpoint",
    metavar="URL",
    help="A server that speaks TGI's or OpenAI's HTTP interface; its key is read from METASYNTH_API_KEY. "
    "Without it the embedded endpoint is started on this machine.",
)
@click.option("--documents", type=click.IntRange(1), help="Accepted documents to end with.")
@click.option(
    "--protocol", type=click.Choice(["text", "guided"]), help="By default what the endpoint supports."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the whole build.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder in which the corpus' folder is made; by default the current one.",
)
@click.option(
    "--adapter",
    type=click.Choice(["chat", "text-generation"]),
    default="chat",
    show_default=True,
    help="`text-generation` uses TGI's native routes through its official client.",
)
@click.option(
    "--dialect", type=click.Choice(["tgi", "openai"]), help="By default what the server says it is."
)
@click.option(
    "--concurrency",
    type=click.IntRange(1),
    help="Trajectories at work at once; by default what the server admits.",
)
@click.option("--json", "as_json", is_flag=True, help="The facts of the finished build, for machines.")
def command(
    name: str,
    *,
    endpoint: str | None,
    documents: int | None,
    protocol: Literal["text", "guided"] | None,
    seed: int,
    output: Path,
    adapter: str,
    dialect: Literal["tgi", "openai"] | None,
    concurrency: int | None,
    as_json: bool,
) -> None:
    """Build the corpus NAME (see `builders list`), or the one that a script NAME.py defines.

    Everything answered is kept in a journal beside the dataset. To go on after an interruption,
    run the same command again: nothing that was answered is asked twice.

    \b
    Example:
      builders build metasynth-biomed --documents 8
      builders build metasynth-finance --endpoint http://127.0.0.1:8080 --documents 1000
    """
    from builders.build import BuildRequest
    from builders.corpora.registry import find_corpus

    corpus = find_corpus(name)
    request = BuildRequest(
        corpus=corpus,
        documents=documents or corpus.documents,
        seed=seed,
        folder=output / corpus.name,
        endpoint=endpoint,
        adapter=adapter,
        dialect=dialect,
        protocol=protocol,
        concurrency=concurrency,
    )
    facts = _run(request)
    click.echo(facts.model_dump_json(indent=2) if as_json else _farewell(request, facts))


def _run(request: BuildRequest) -> BuildFacts:
    from builders.build import build
    from builders.endpoints.errors import EndpointError, Unauthorized
    from builders.journal import DrainingError
    from builders.progress import BuildProgress

    again = f"run `{shlex.join(['builders', *sys.argv[1:]])}` to go on"
    try:
        with BuildProgress() as progress:
            return asyncio.run(build(request, progress))
    except Unauthorized as error:
        raise UserError(f"{error}; set METASYNTH_API_KEY and {again}") from None
    except EndpointError as error:
        words = f"{type(error).__name__}: {error}"
        raise UserError(f"the endpoint fails ({words}); everything answered is kept, {again}") from None
    except (DrainingError, KeyboardInterrupt):
        click.echo(f"stopped; everything answered is kept, {again}", err=True)
        sys.exit(INTERRUPTED)


def _farewell(request: BuildRequest, facts: BuildFacts) -> str:
    folder = request.folder
    return "\n".join(
        [
            f"{facts.documents} documents ({facts.words:,} words, {facts.tokens:,} tokens) in {folder}/",
            f"  {facts.documents} of {facts.attempts} attempts accepted, {facts.calls} calls, "
            f"{facts.completion_tokens:,} tokens generated",
            f'  load:  datasets.load_dataset("{folder}"), and the traces: load_dataset("{folder}", "traces")',
            f"  look:  builders show {folder}       builders show {folder} 1",
        ]
    )
