"""The page: its frame, its script, and the data of a corpus packed into it, in one file.

The page loads nothing, and its Content-Security-Policy lets no script run but its own, by its hash.
Traces are by far the largest part; they are packed a few documents at a time, written as they are read,
and unpacked when a reader opens one of them.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import asdict
from importlib.resources import files
from itertools import count, islice
from typing import TYPE_CHECKING, Any

from builders.dataset.card import share
from builders.viewer.course import courses
from builders.viewer.entries import ACCEPTED, read_entries
from builders.viewer.likeness import likeness
from builders.viewer.packing import packed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from builders.dataset.package import DatasetReader
    from builders.viewer.entries import Entry
    from builders.viewer.likeness import Likeness

    Embed = Callable[[Sequence[str]], NDArray[np.float32]]

MOST = 6_000
"""Entries of a page: what a browser takes with ease."""

TRACES_TOGETHER, ENTRIES_TOGETHER = 40, 500
DATA = "DATA-GOES-HERE"
WARNINGS = {
    "simulated": "A simulated endpoint wrote this: no language model wrote a word of it.",
    "stand_in": "A small stand-in model wrote this: it shows the path, not the quality. Do not train on it.",
}
MAP_NOTE = (
    "Each dot is a document; neighbours are alike (t-SNE of sentence embeddings). Distances between far "
    "groups mean nothing. Choose a dot to read it."
)
NO_EMBEDDINGS = (
    "The map and the neighbours need sentence embeddings: pip install 'metasynth[metrics]', then make this "
    "page again."
)


def write_page(reader: DatasetReader, target: Path, *, embed: Embed | None) -> int:
    """Write a corpus as one page, under a draft's name first.

    Args:
        reader: the corpus.
        target: the file; an older one is replaced.
        embed: maps texts to vectors; without it the page has no map and no neighbours.

    Returns:
        Entries on the page: the first `MOST` of them at most.

    Raises:
        UserError: the corpus is damaged.
        OSError: the page cannot be written.
    """
    draft = target.with_name(f".{target.name}.draft")
    try:
        with draft.open("w", encoding="utf-8") as file:
            head, tail = _frame(reader, embedded=embed is not None)
            file.write(head)
            entries: list[dict[str, Any]] = []
            unread = islice(read_entries(reader), MOST)
            for number in count():
                if not (together := list(islice(unread, TRACES_TOGETHER))):
                    break
                file.write(_element(f"traces-{number}", [entry.trace_as_json() for entry in together]))
                first = len(entries)
                entries.extend(_told(entry, pack=number, first=first) for entry in together)
            if embed is not None:
                _compare(entries, embed)
            starts = range(0, len(entries), ENTRIES_TOGETHER)
            for number, start in enumerate(starts):
                file.write(_element(f"entries-{number}", entries[start : start + ENTRIES_TOGETHER]))
            found = courses([entry["text"] for entry in entries if entry["status"] == ACCEPTED])
            facts = {"packs": len(starts), "courses": [asdict(course) for course in found]}
            file.write(_element("facts", facts))
            file.write(tail)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return len(entries)


def _told(entry: Entry, *, pack: int, first: int) -> dict[str, Any]:
    """An entry without its trace, and where that is: place number - `first` of the traces `pack`."""
    return {
        "id": entry.id,
        "status": entry.status,
        "detail": entry.detail,
        "trajectory": entry.trajectory,
        "method": entry.method,
        "genre": entry.genre,
        "persona": entry.persona,
        "keywords": list(entry.keywords),
        "summary": entry.summary,
        "origin": dict(entry.origin),
        "text": entry.text,
        "words": len(entry.text.split()),
        "calls": len(entry.trace),
        "pack": pack,
        "first": first,
        "near": [],
        "place": None,
    }


def _compare(entries: Sequence[dict[str, Any]], embed: Embed) -> None:
    """Add neighbours and places to the entries that have a text."""
    written = [number for number, entry in enumerate(entries) if entry["text"]]
    if not written:
        return
    found = likeness(embed([entries[number]["text"] for number in written]))
    for row, number in enumerate(written):
        entries[number]["near"] = list(_near(found, row, written))
        if found.places is not None:
            entries[number]["place"] = [round(float(part), 4) for part in found.places[row]]


def _near(found: Likeness, row: int, written: Sequence[int]) -> Iterator[tuple[int, float]]:
    for other, similarity in zip(found.neighbours[row], found.similarities[row], strict=True):
        yield written[other], round(float(similarity), 4)


def _element(name: str, data: Any) -> str:
    return f'<script type="text/plain" id="{name}">{packed(data)}</script>\n'


def _frame(reader: DatasetReader, *, embedded: bool) -> tuple[str, str]:
    """The page before and after its data."""
    from jinja2 import Environment, StrictUndefined

    facts = reader.facts
    script = _own("page.js")
    environment = Environment(undefined=StrictUndefined, autoescape=True)
    page = environment.from_string(_own("page.html")).render(
        facts=facts,
        warning=next((words for name, words in WARNINGS.items() if getattr(facts, name)), ""),
        accepted=share(facts.documents, facts.attempts),
        map_note=MAP_NOTE if embedded else NO_EMBEDDINGS,
        course_note="Parts of equally many documents and words, in the order in which they were written.",
        style=_own("page.css"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        data_here=DATA,
    )
    head, _, tail = page.partition(DATA)
    return head, tail


def _own(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")
