"""What the page shows: every document, every attempt that was refused, and the calls behind each."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from builders.dataset.rows import InstructionRow
from builders.journal import Journal
from builders.journal.journal import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from builders.dataset.package import DatasetReader
    from builders.dataset.rows import Row, TraceRow
    from builders.method import Attempt

ACCEPTED = "accepted"
JOURNAL_FOLDER = ".journal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a trace."""

    role: str
    parent: int | None
    instruction: str
    output: str
    prompt_tokens: int
    completion_tokens: int
    latency_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A document, or an attempt that brought none.

    Attributes:
        id: the document's; of a refused attempt, its trajectory and number.
        status: `accepted`, or the reason why not.
        detail: that reason in words, where it was told.
        origin: what it was made from and how far it rests on that, by name; empty with keywords alone.
        text: empty where an attempt brought no document.
        trace: its calls, in the order made.
    """

    id: str
    status: str
    detail: str
    trajectory: int
    method: str
    genre: str
    persona: str
    keywords: Sequence[str]
    summary: str
    origin: Mapping[str, str]
    text: str
    trace: Sequence[Call]

    def trace_as_json(self) -> list[dict[str, Any]]:
        """The calls as JSON takes them."""
        return [asdict(call) for call in self.trace]


def read_entries(reader: DatasetReader) -> Iterator[Entry]:
    """The documents of a corpus in order, then its refused attempts, one by one.

    Refused attempts are in the journal alone: a corpus that came from the Hub, or whose journal belongs
    to a later build, shows its documents only.
    """
    for document, trace in zip(reader.documents(), reader.traces(), strict=True):
        yield _of_row(document, trace)
    folder = reader.folder / JOURNAL_FOLDER
    if not (folder / FILE_NAME).is_file():
        return
    with closing(Journal(folder)) as journal:
        if journal.dropped() == reader.facts.dropped:
            for trajectory, number, reason, attempt in journal.refused():
                yield _of_attempt(reader.facts.method, trajectory, number, reason, attempt)


def _of_row(document: Row, trace: Sequence[TraceRow]) -> Entry:
    return Entry(
        id=document.id,
        status=ACCEPTED,
        detail="",
        trajectory=document.trajectory,
        method=document.method,
        genre=document.genre,
        persona=document.persona,
        keywords=document.keywords,
        summary=document.summary,
        origin=_origin(document),
        text=document.text,
        trace=[
            Call(
                role=call.role,
                parent=call.parent,
                instruction=call.instruction,
                output=call.output,
                prompt_tokens=call.prompt_tokens,
                completion_tokens=call.completion_tokens,
                latency_s=call.latency_s,
            )
            for call in trace
        ],
    )


def _origin(document: Row) -> dict[str, str]:
    if isinstance(document, InstructionRow):
        return {"made from": document.document_id}
    if not document.seed_id:
        return {}
    found = {"seed document": f"{document.seed_id} ({document.seed_topic})"}
    if document.grounding is not None:
        found["grounding"] = f"{document.grounding:.0%} of its facts stand in the seed document"
    if document.unsupported:
        found["not in the seed document"] = ", ".join(document.unsupported)
    return found


def _of_attempt(method: str, trajectory: int, number: int, reason: str, attempt: Attempt) -> Entry:
    document = attempt.document
    last = attempt.rejections[-1] if attempt.rejections else None
    return Entry(
        id=f"trajectory {trajectory}, attempt {number}",
        status=reason,
        detail=last.detail if last and last.reason == reason else "",
        trajectory=trajectory,
        method=method,
        genre=document.genre if document else "",
        persona=document.persona if document else "",
        keywords=document.keywords if document else (),
        summary=document.summary if document else "",
        origin={},
        text=document.whole if document else "",
        trace=[
            Call(
                role=call.role,
                parent=call.parent,
                instruction=call.instruction,
                output=call.output,
                prompt_tokens=call.completion.prompt_tokens,
                completion_tokens=call.completion.completion_tokens,
                latency_s=call.completion.latency_s,
            )
            for call in attempt.trace
        ],
    )
