"""The accepted documents of a build: remembered, so that none repeats them, and kept as rows."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from builders.acceptance.repeats import Repeats
from builders.dataset.rows import ChatMessage, DocumentRow, EvolutionStep, InstructionRow, TraceRow
from builders.dataset.stream import DocumentStream
from builders.method import Rejection
from builders.steering.growth import Growth

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builders.corpora.base import Corpus
    from builders.dataset.rows import Row
    from builders.method import Attempt, Document, Evolved, SeedUse

STREAM_FOLDER = "accepted"
RESPONSES_FOLDER = "responses"
RESPONSE_SHINGLE, RESPONSE_THRESHOLD = 5, 0.7
"""How alike two responses are at most; the corpus' own thresholds are for its instructions."""


class Accepted:
    """Takes documents in the order of (trajectory, step). Begins empty, whatever the folder holds.

    Args:
        corpus: the corpus that they belong to.
        folder: where the index of repetitions and the stream of rows are kept.
    """

    def __init__(self, corpus: Corpus, folder: Path) -> None:
        self._corpus = corpus
        self._repeats = Repeats(corpus, folder)
        self._responses = _response_repeats(corpus, folder) if corpus.instruct else None
        self._stream = DocumentStream(folder / STREAM_FOLDER)
        self.growth = Growth(corpus.min_words)

    def rejection(self, document: Document) -> Rejection | None:
        """Why a document repeats an earlier one, or an instruction or its response do; None when not."""
        if self._responses and (found := self._responses.rejection(document.text)):
            return Rejection(f"{found.reason}-response", found.detail)
        return self._repeats.rejection(_distinct(document))

    def add(self, trajectory: int, step: int, attempt: Attempt) -> None:
        """Keep a document, the `step`-th of its trajectory, with its trace."""
        if (document := attempt.document) is None:
            raise ValueError("an attempt without a document is no row")
        row = _row(self._corpus, trajectory, step, document)
        self._repeats.add(row.id, _distinct(document))
        if self._responses:
            self._responses.add(row.id, document.text)
        self.growth.add(document.text)
        self._stream.add(row, trace_rows(row.id, attempt))

    def flush(self) -> None:
        """Let others see what was added."""
        self._stream.flush()

    def rows(self) -> Iterator[tuple[Row, list[TraceRow]]]:
        """Every document with its trace, in order, one at a time. Nothing can be added any more."""
        return self._stream.rows()

    def texts(self) -> Iterator[str]:
        """The text of every document, in order. Nothing can be added any more."""
        return self._stream.texts()

    def close(self) -> None:
        """Close the files."""
        self._repeats.close()
        if self._responses:
            self._responses.close()
        self._stream.close()


def _distinct(document: Document) -> str:
    """What no two of a corpus share: the document, or the instruction."""
    return document.evolved.instruction if document.evolved else document.text


def _response_repeats(corpus: Corpus, folder: Path) -> Repeats:
    limits = {"near_duplicate_threshold": RESPONSE_THRESHOLD, "near_duplicate_shingle": RESPONSE_SHINGLE}
    (folder / RESPONSES_FOLDER).mkdir(parents=True, exist_ok=True)
    return Repeats(
        corpus.model_copy(update={**limits, "semantic_threshold": None}), folder / RESPONSES_FOLDER
    )


def _row(corpus: Corpus, trajectory: int, step: int, document: Document) -> Row:
    """An accepted document, or instruction, as a row of the default configuration."""
    common: dict[str, Any] = {
        "id": f"{corpus.name}-{trajectory:06d}-{step:02d}",
        "domain": corpus.domain,
        "method": corpus.method,
        "genre": document.genre,
        "persona": document.persona,
        "keywords": list(document.keywords),
        "summary": document.summary,
        "trajectory": trajectory,
        "step": step,
        "n_words": len(document.whole.split()),
        "n_tokens": document.n_tokens,
        "model_id": document.model_id,
        "model_sha": document.model_sha or "",
    }
    if document.evolved is None:
        return DocumentRow(text=document.text, **common, **_seed_columns(document.seed))
    return _instruction_row(document.evolved, document.text, common)


def _seed_columns(seed: SeedUse | None) -> dict[str, Any]:
    if seed is None:
        return {}
    return {
        "seed_id": seed.id,
        "seed_sha256": seed.sha256,
        "seed_topic": seed.topic,
        "seed_overlap": seed.grounding.overlap,
        "grounding": seed.grounding.share,
        "unsupported": [
            f"{claim.kind}: {claim.text}" for claim in seed.grounding.claims if not claim.supported
        ],
    }


def _instruction_row(evolved: Evolved, response: str, common: dict[str, Any]) -> InstructionRow:
    return InstructionRow(
        instruction=evolved.instruction,
        response=response,
        messages=[
            ChatMessage(role="user", content=evolved.instruction),
            ChatMessage(role="assistant", content=response),
        ],
        document_id=evolved.document_id,
        evolution=[EvolutionStep(expert=s.expert, told=s.told, result=s.result) for s in evolved.steps],
        **common,
    )


def trace_rows(document_id: str, attempt: Attempt) -> list[TraceRow]:
    """Every call of an attempt as rows of the configuration `traces`."""
    return [
        TraceRow(
            document_id=document_id,
            call=number,
            parent=call.parent,
            role=call.role,
            instruction=call.instruction,
            output=call.output,
            sampling=json.dumps(asdict(call.sampling), sort_keys=True),
            prompt_tokens=call.completion.prompt_tokens,
            completion_tokens=call.completion.completion_tokens,
            latency_s=call.completion.latency_s,
            model_id=call.completion.model_id,
            model_sha=call.completion.model_sha or "",
        )
        for number, call in enumerate(attempt.trace)
    ]
