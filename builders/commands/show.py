"""``builders show``: a built corpus, or one of its documents with everything that led to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from builders.dataset.untrusted import one_line, printable
from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from builders.dataset.package import DatasetReader
    from builders.dataset.rows import BuildFacts, InstructionRow, Row, TraceRow

MOST_USED = 5
FIRST_DOCUMENTS = 3
FIRST_LINE = 160
SHORT_INSTRUCTION = 240
INDENT = 4


@click.command("show", short_help="A built corpus, or one document with its trace.")
@click.argument("name")
@click.argument("document", required=False)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder in which the corpus' folder lies; by default the current one.",
)
@click.option("--full", is_flag=True, help="Instructions in full length.")
@click.option("--json", "as_json", is_flag=True, help="The same for machines, nothing shortened.")
@click.option(
    "--html",
    is_flag=True,
    help="Write NAME.html instead: one page to look through the whole corpus in a browser, offline.",
)
def command(name: str, document: str | None, *, output: Path, full: bool, as_json: bool, html: bool) -> None:
    """Show what was built as NAME, or one DOCUMENT (its id, or its number from 1) with its trace.

    NAME may also be the path of a corpus' folder.

    \b
    Example:
      builders show metasynth-biomed
      builders show metasynth-biomed 1
      builders show metasynth-biomed --html
    """
    from rich.console import Console

    from builders.dataset.package import open_dataset

    reader = open_dataset(_folder(name, output))
    if html:
        if document is not None or as_json:
            raise UserError("--html shows a whole corpus: leave out the document and --json")
        _write_page(reader)
        return
    if document is None:
        summary = _summary(reader)
        if as_json:
            click.echo(json.dumps(summary, indent=2))
        else:
            _show_summary(summary, reader.facts, Console())
        return
    row = reader.document(document) or _unknown(document, reader)
    trace = reader.trace(row.id)
    if as_json:
        whole = {"document": row.model_dump(), "trace": [call.model_dump() for call in trace]}
        click.echo(json.dumps(whole, indent=2))
    else:
        console = Console()
        _show_document(row, console)
        _show_trace(trace, console, full=full)


def _write_page(reader: DatasetReader) -> None:
    """Write the page beside the corpus' folder; say where, how large, and what it lacks."""
    from importlib.util import find_spec

    from builders.viewer import MOST, write_page

    target = reader.folder.resolve().parent / f"{reader.folder.resolve().name}.html"
    embeddings = None
    if find_spec("sentence_transformers") and find_spec("sklearn"):
        from builders.diversity.embeddings import Embeddings, default_file

        embeddings = Embeddings(default_file(), progress=_embedding)
    try:
        entries = write_page(reader, target, embed=embeddings)
    except OSError as error:
        raise UserError(
            f"cannot write {target} ({error.strerror}): free some space, or move the corpus"
        ) from None
    finally:
        if embeddings is not None:
            embeddings.close()
    size = target.stat().st_size / 1e6
    click.echo(f"{target}: {entries:,} documents and refused attempts, {size:.1f} MB; open it in a browser")
    if entries == MOST:
        click.echo(f"only the first {MOST:,} are on the page", err=True)
    if embeddings is None:
        click.echo("no map and no neighbours: pip install 'metasynth[metrics]' for these", err=True)


def _embedding(done: int, total: int) -> None:
    if total:
        click.echo(f"embedded {done:,} of {total:,} documents", err=True)


def _folder(name: str, output: Path) -> Path:
    """The corpus of that name in the output folder, or else the folder itself that was named."""
    folder = output / name
    return Path(name) if Path(name).is_dir() and not folder.is_dir() else folder


def _unknown(key: str, reader: DatasetReader) -> Row:
    """Raise for a document that is not there, with the nearest that is."""
    from difflib import get_close_matches

    if key.isdecimal():
        count = reader.facts.documents
        raise UserError(f"there is no document {key} in {reader.folder}: they are numbered from 1 to {count}")
    near = get_close_matches(key, (row["id"] for row in reader.columns("id")), n=1, cutoff=0.5)
    hint = f"did you mean {one_line(near[0])}?" if near else "give an id, or a number from 1"
    raise UserError(f"there is no document {key!r} in {reader.folder}: {hint}")


def _summary(reader: DatasetReader) -> dict[str, Any]:
    from collections import Counter
    from itertools import islice

    genres: Counter[str] = Counter()
    personas: Counter[str] = Counter()
    lengths: list[tuple[int, str]] = []
    for row in reader.columns("id", "genre", "persona", "n_words"):
        genres[row["genre"]] += 1
        personas[row["persona"]] += 1
        lengths.append((row["n_words"], row["id"]))
    extremes = {"shortest": min(lengths, default=None), "longest": max(lengths, default=None)}
    return {
        "facts": reader.facts.model_dump(mode="json"),
        "genres": dict(genres.most_common(MOST_USED)),
        "personas": dict(personas.most_common(MOST_USED)),
        **{name: found and {"id": found[1], "words": found[0]} for name, found in extremes.items()},
        "first": [{"id": row.id, "text": row.text} for row in islice(reader.documents(), FIRST_DOCUMENTS)],
    }


def _show_summary(summary: dict[str, Any], facts: BuildFacts, console: Console) -> None:
    from builders.dataset.card import share

    console.print(_text(facts.name, style="bold"), _text(facts.description), sep="\n")
    if facts.stand_in or facts.simulated:
        writer = "A simulated endpoint" if facts.simulated else "A small stand-in model"
        warning = f"{writer} wrote this: it shows the path, not the quality. Do not train on it."
        console.print(_text(warning, style="bold yellow"))
    figures = {
        "documents": f"{facts.documents:,} ({facts.words:,} words, {facts.tokens:,} tokens)",
        "attempts": f"{facts.attempts:,}, {share(facts.documents, facts.attempts)} accepted",
        "trajectories": f"{facts.trajectories:,}",
        "calls": f"{facts.calls:,} ({facts.prompt_tokens:,} prompt tokens, "
        f"{facts.completion_tokens:,} completion tokens)",
        "method": f"{facts.method} ({facts.protocol})",
        "model": f"{facts.model_id} {facts.model_sha}",
        "server": facts.server,
        "corpus seed": str(facts.corpus_seed),
    }
    if facts.seeds:
        supported, audited = facts.seeds.grounded
        figures["seeds"] = f"{facts.seeds.used:,} documents of {facts.seeds.source}"
        figures["grounding"] = f"{supported:,} of {audited:,} facts occur in the seeds"
    for end in ("shortest", "longest"):
        if found := summary[end]:
            figures[end] = f"{found['id']} ({found['words']:,} words)"
    console.print(_table(figures.items()))
    if reasons := sorted({*facts.dropped, *facts.redrafted}):
        rows = [(name, facts.dropped.get(name, 0), facts.redrafted.get(name, 0)) for name in reasons]
        console.print(_table(rows, "rejected for", "attempts dropped", "drafts written anew"))
    console.print(_table(summary["genres"].items(), "genre", "documents"))
    console.print(_table(summary["personas"].items(), "persona", "documents"))
    first = [(row["id"], _short(row["text"], FIRST_LINE)) for row in summary["first"]]
    console.print(_table(first, "document", "begins"))


def _show_document(row: Row, console: Console) -> None:
    from builders.dataset.rows import InstructionRow

    console.print(_text(row.id, style="bold"))
    facts = {
        "genre": row.genre,
        "persona": row.persona,
        "keywords": ", ".join(row.keywords),
        "summary": row.summary,
        "length": f"{row.n_words:,} words, {row.n_tokens:,} tokens",
        "model": f"{row.model_id} {row.model_sha}",
    }
    if isinstance(row, InstructionRow):
        facts = {"made from": row.document_id, **facts}
    elif row.seed_id:
        share = (
            "nothing to look up" if row.grounding is None else f"{row.grounding:.0%} of its facts occur there"
        )
        lacking = f"; not: {', '.join(row.unsupported)}" if row.unsupported else ""
        facts |= {"seed": f"{row.seed_id} ({row.seed_topic})", "grounding": share + lacking}
    console.print(_table(facts.items()))
    console.print()
    if isinstance(row, InstructionRow):
        _show_evolution(row, console)
    console.print(printable(row.text), markup=False, highlight=False, emoji=False)


def _show_evolution(row: InstructionRow, console: Console) -> None:
    console.print(_text("How it came about", style="bold"))
    steps = [
        (str(number), step.expert, step.told, step.result) for number, step in enumerate(row.evolution, 1)
    ]
    console.print(_table(steps, "", "expert", "told", "result"))
    console.print()


def _show_trace(trace: Sequence[TraceRow], console: Console, *, full: bool) -> None:
    """Every call, indented under the one that asked for it."""
    from rich.padding import Padding

    console.print(_text(f"\nTrace: {len(trace)} calls", style="bold"))
    depths: dict[int, int] = {}
    for call in trace:
        depth = 0 if call.parent is None else depths.get(call.parent, 0) + 1
        depths[call.call] = depth
        told = printable(call.instruction) if full else _short(call.instruction, SHORT_INSTRUCTION)
        cost = f"{call.prompt_tokens:,} + {call.completion_tokens:,} tokens, {call.latency_s:.1f} s"
        parts = [
            _text(f"{call.call} {call.role}", style="bold cyan"),
            _text(cost, style="dim"),
            _text("told: ").append(told),
            _text("said: ").append(printable(call.output)),
        ]
        console.print()
        for part in parts:
            console.print(Padding(part, (0, 0, 0, INDENT * depth), expand=False))


def _text(words: str, *, style: str = "") -> Text:
    """Words for the terminal: no markup is read in them and no control character passes."""
    from rich.text import Text

    return Text(printable(words), style=style)


def _table(rows: Any, *heading: str) -> Table:
    from rich.table import Table

    table = Table(*heading, show_header=bool(heading), box=None, pad_edge=False)
    if not heading:
        table.add_column(style="dim")
        table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*(_text(one_line(str(cell))) for cell in row))
    return table


def _short(text: str, length: int) -> str:
    line = one_line(text)
    return line if len(line) <= length else line[: length - 4].rstrip() + " ..."
