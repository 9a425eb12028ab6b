"""What the commands that run trajectories share: their options, the request, and how they end early."""

from __future__ import annotations

import shlex
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from builders.commands.amounts import amount, price
from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from builders.build import BuildRequest
    from builders.corpora.base import Corpus
    from builders.journal import Price

INTERRUPTED = 130
BUDGET_SPENT = 3

_OPTIONS = {
    "endpoints": click.option(
        "--endpoint",
        "endpoints",
        metavar="URL",
        multiple=True,
        help="A server that speaks TGI's or OpenAI's HTTP interface; give it many times to use many. The key "
        "is read from METASYNTH_API_KEY, that of the second from METASYNTH_API_KEY_2 where it has its own. "
        "Without it the embedded endpoint is started on this machine.",
    ),
    "documents": click.option("--documents", type=click.IntRange(1), help="Accepted documents to end with."),
    "tokens": click.option(
        "--tokens",
        type=amount,
        metavar="AMOUNT",
        help="Instead: tokens that the accepted documents shall have; 25M for 25 millions.",
    ),
    "tokenizer": click.option(
        "--tokenizer",
        metavar="NAME",
        help="What counts tokens: a Hub id, a model's folder, or a tokenizer.json; by default the served "
        "model's. Name that of the model to be trained.",
    ),
    "protocol": click.option(
        "--protocol", type=click.Choice(["text", "guided"]), help="By default what the endpoint supports."
    ),
    "seed": click.option(
        "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the whole build."
    ),
    "output": click.option(
        "--output",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(),
        help="Folder in which the corpus' folder is made; by default the current one.",
    ),
    "adapter": click.option(
        "--adapter",
        type=click.Choice(["chat", "text-generation"]),
        default="chat",
        show_default=True,
        help="`text-generation` uses TGI's native routes through its official client.",
    ),
    "dialect": click.option(
        "--dialect", type=click.Choice(["tgi", "openai"]), help="By default what the server says it is."
    ),
    "concurrency": click.option(
        "--concurrency",
        type=click.IntRange(1),
        help="Calls in flight at most; by default what the servers take, found out while building.",
    ),
    "patience": click.option(
        "--patience",
        type=click.FloatRange(0, min_open=True),
        default=600.0,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait while no endpoint answers before the work stops.",
    ),
    "answer_timeout": click.option(
        "--answer-timeout",
        type=click.FloatRange(0, min_open=True),
        default=600.0,
        show_default=True,
        metavar="SECONDS",
        help="How long an answer may take at most before it is asked for anew.",
    ),
    "prices": click.option(
        "--price",
        "prices",
        type=price,
        metavar="READ/WRITTEN",
        multiple=True,
        help="Of a million tokens read and written: 0.2/0.6. One for all endpoints, or one for each, in "
        "order.",
    ),
    "steering": click.option(
        "--steering",
        type=click.Choice(["on", "off"]),
        help="Whether new trajectories are told what the corpus has too much of; off is the paper's method. "
        "By default what the corpus says.",
    ),
    "seed_dataset": click.option(
        "--seed-dataset",
        metavar="ID|FILE|FOLDER",
        help="Start from real documents of a dataset of the Hub (streamed), a file or a folder, and not from "
        "keywords alone. See docs/seeds.md.",
    ),
    "text_column": click.option(
        "--text-column",
        metavar="NAME",
        help="Field of --seed-dataset that holds the text; by default `text`.",
    ),
    "source": click.option(
        "--from",
        "source",
        metavar="CORPUS",
        help="Of instructions: the corpus of documents that they are made from, by its name in --output or "
        "its folder; by default the one that the corpus names.",
    ),
    "allow_model_change": click.option(
        "--allow-model-change",
        is_flag=True,
        help="Go on when an endpoint serves another model than the build began with.",
    ),
}


def build_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the argument NAME and every option that says what is built and where; see `build_request`."""
    return click.argument("name")(run_options()(command))


def run_options(*without: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the options that say what is built, where and on what, without some of them, by name."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        for name, option in reversed(_OPTIONS.items()):
            command = command if name in without else option(command)
        return command

    return decorate


def build_request(
    *,
    name: str | Corpus,
    endpoints: tuple[str, ...],
    documents: int | None = None,
    tokens: int | None,
    tokenizer: str | None,
    protocol: Literal["text", "guided"] | None,
    seed: int,
    output: Path,
    adapter: str,
    dialect: Literal["tgi", "openai"] | None,
    concurrency: int | None,
    patience: float,
    answer_timeout: float,
    prices: tuple[tuple[float, float], ...],
    steering: Literal["on", "off"] | None = None,
    seed_dataset: str | None = None,
    text_column: str | None = None,
    source: str | None = None,
    allow_model_change: bool,
    tokens_spent: int | None = None,
    cost: float | None = None,
    hours: float | None = None,
) -> BuildRequest:
    """The request that these options make; `tokens_spent`, `cost` and `hours` limit what it may spend.

    `name` is that of a corpus, or the corpus.

    Raises:
        UserError: options that contradict each other, or a corpus that there is not.
    """
    from builders.build import BuildRequest
    from builders.corpora.registry import find_corpus
    from builders.endpoints.pool import Retries
    from builders.endpoints.timeouts import Timeouts
    from builders.journal import Budget
    from builders.tokenizer import open_tokenizer
    from builders.trajectories import Target

    if documents and tokens:
        raise UserError("--documents and --tokens exclude each other; give one of them")
    corpus = find_corpus(name) if isinstance(name, str) else name
    if steering:
        if corpus.method != "metasynth" and steering == "on":
            raise UserError(
                f"--steering speaks to a meta-LM, and the method of {corpus.name} has none; leave it out"
            )
        corpus = corpus.model_copy(update={"steering": steering == "on"})
    if seed_dataset or text_column:
        corpus = _seeded(corpus, seed_dataset, text_column)
    if source and corpus.method != "instruct":
        raise UserError(f"--from is for corpora of instructions, and {corpus.name} is none; leave it out")
    return BuildRequest(
        corpus=corpus,
        source=source,
        target=Target(tokens=tokens) if tokens else Target(documents=documents or corpus.documents),
        tokenizer=open_tokenizer(tokenizer) if tokenizer else None,
        seed=seed,
        folder=output / corpus.name,
        endpoints=endpoints,
        adapter=adapter,
        dialect=dialect,
        protocol=protocol,
        concurrency=concurrency,
        retries=Retries(patience_s=patience),
        timeouts=Timeouts(answer_s=answer_timeout),
        budget=Budget(tokens=tokens_spent, cost=cost, hours=hours, prices=_prices(endpoints, prices)),
        allow_model_change=allow_model_change,
    )


def _seeded(corpus: Corpus, source: str | None, text_column: str | None) -> Corpus:
    """The corpus with seed documents from elsewhere, its other settings of them kept."""
    from builders.corpora.base import SeedDocuments

    if corpus.method != "metasynth":
        raise UserError(
            f"--seed-dataset is for the method `metasynth`, and {corpus.name} has another; leave it out"
        )
    known = corpus.seed_documents.model_dump() if corpus.seed_documents else {}
    named = {name: value for name, value in (("source", source), ("text_column", text_column)) if value}
    if not {**known, **named}.get("source"):
        raise UserError("--text-column needs --seed-dataset: name the corpus that has that field")
    return corpus.model_copy(update={"seed_documents": SeedDocuments(**known | named)})


def _prices(endpoints: tuple[str, ...], prices: tuple[tuple[float, float], ...]) -> dict[str, Price]:
    from builders.endpoints.connect import normalise
    from builders.journal import Price

    if len(prices) not in {0, 1, len(endpoints)}:
        raise UserError(
            f"{len(prices)} prices for {len(endpoints)} endpoints; give one, or one for each endpoint"
        )
    if prices and not endpoints:
        raise UserError("--price needs --endpoint: the embedded endpoint costs nothing")
    each = prices * len(endpoints) if len(prices) == 1 else prices
    return {
        normalise(url): Price(prompt=read, completion=written)
        for url, (read, written) in zip(endpoints, each, strict=False)
    }


@contextmanager
def ending_early() -> Iterator[None]:
    """Tell in one line why the work ended before its end, and which command goes on with it.

    Raises:
        UserError: the endpoint fails.
        SystemExit: 130 after Ctrl-C, 3 when the budget is spent.
    """
    from builders.endpoints.errors import EndpointError, ModelChanged, Unauthorized
    from builders.journal import BudgetSpentError, DrainingError

    again = f"run `{shlex.join(['builders', *sys.argv[1:]])}` to go on"
    try:
        yield
    except Unauthorized as error:
        raise UserError(f"{error}; set METASYNTH_API_KEY and {again}") from None
    except ModelChanged as error:
        raise UserError(
            f"{error}; everything answered is kept. Serve the old model again and {again}, or add "
            "--allow-model-change"
        ) from None
    except EndpointError as error:
        words = f"{type(error).__name__}: {error}"
        raise UserError(f"the endpoint fails ({words}); everything answered is kept, {again}") from None
    except BudgetSpentError as error:
        click.echo(f"stopped: {error}; everything answered is kept, raise it and {again}", err=True)
        sys.exit(BUDGET_SPENT)
    except (DrainingError, KeyboardInterrupt):
        click.echo(f"stopped; everything answered is kept, {again}", err=True)
        sys.exit(INTERRUPTED)
