from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from builders.dataset.package import write_dataset
from builders.dataset.rows import BuildFacts, DocumentRow, SourceFacts, TraceRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOSTILE = (
    "a | b\r\n---\n```\n`x` [bold]y[/bold] *z* <script>\x1b[31mred\x1b[0m\x1b]0;title\x07"
    " # \N{GRINNING FACE} \\ $x$"
)
CALLS = 3

Pair = tuple[DocumentRow, list[TraceRow]]


def document_row(number: int, **changed: Any) -> DocumentRow:
    values: dict[str, Any] = {
        "id": f"demo-{number // 10:06d}-{number % 10 + 1:02d}",
        "text": f"Document {number} speaks of enzyme {number * 7919 % 1000}.",
        "domain": "biomed",
        "method": "metasynth",
        "genre": ["case report", "leaflet"][number % 2],
        "persona": "nurse",
        "keywords": ["enzyme", f"term {number}"],
        "summary": f"On enzyme {number}.",
        "trajectory": number // 10,
        "step": number % 10 + 1,
        "n_words": 6 + number,
        "n_tokens": 9,
        "model_id": "owner/model",
        "model_sha": "abc123",
    }
    return DocumentRow(**{**values, **changed})


def trace_row(document_id: str, call: int, **changed: Any) -> TraceRow:
    values: dict[str, Any] = {
        "document_id": document_id,
        "call": call,
        "parent": None if call == 0 else 0,
        "role": "Domain Expert" if call else "meta-LM",
        "instruction": f"Instruction {call} of {document_id}",
        "output": f"Output {call} of {document_id}",
        "sampling": '{"seed": 7}',
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "latency_s": 0.25,
        "model_id": "owner/model",
        "model_sha": "abc123",
    }
    return TraceRow(**{**values, **changed})


def corpus(count: int, **changed: Any) -> Iterator[Pair]:
    for number in range(count):
        row = document_row(number, **changed)
        yield row, [trace_row(row.id, call) for call in range(CALLS)]


def build_facts(documents: int, **changed: Any) -> BuildFacts:
    values: dict[str, Any] = {
        "version": "0.1.0",
        "name": "demo",
        "domain": "biomed",
        "method": "metasynth",
        "description": "Documents for a test",
        "license": "apache-2.0",
        "server": "tgi",
        "model_id": "owner/model",
        "model_sha": "abc123",
        "stand_in": False,
        "protocol": "guided",
        "corpus_seed": 11,
        "settings": {"min_words": 60, "decoding": {"temperature": 0.8, "menus": False}, "exemplars": None},
        "documents": documents,
        "trajectories": 12,
        "attempts": documents * 2,
        "dropped": {"too-short": 3, "too-similar": 1},
        "redrafted": {"too-similar": 4},
        "words": 123456,
        "tokens": 234567,
        "calls": 345678,
        "prompt_tokens": 4567890,
        "completion_tokens": 567890,
    }
    if changed.get("method") == "instruct":
        values["source"] = SourceFacts(
            name="documents",
            sha256="d" * 64,
            documents=20,
            version="0.1.0",
            digest="e" * 16,
            model_id="owner/model",
            stand_in=False,
            simulated=False,
            used=5,
        )
    return BuildFacts(**{**values, **changed})


class Workshop:
    """Makes rows, facts and whole datasets."""

    hostile = HOSTILE
    calls = CALLS
    document = staticmethod(document_row)
    trace = staticmethod(trace_row)
    corpus = staticmethod(corpus)
    facts = staticmethod(build_facts)

    def write(self, folder: Path, count: int = 5, *, rows_per_shard: int = 50_000, **changed: Any) -> Path:
        write_dataset(
            folder,
            documents=corpus(count, **changed),
            facts=build_facts(count),
            rows_per_shard=rows_per_shard,
        )
        return folder


@pytest.fixture
def make() -> Workshop:
    return Workshop()


@pytest.fixture
def snapshot() -> Callable[[Path], dict[str, bytes]]:
    """Every file below a folder, by its path in there."""

    def read(folder: Path) -> dict[str, bytes]:
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
        return {str(path.relative_to(folder)): path.read_bytes() for path in files}

    return read
