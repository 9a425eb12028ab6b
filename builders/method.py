"""What a method of writing documents is, whatever the method.

A method runs trajectories. A trajectory is a pure function of its number, the corpus and the
answers it gets, so it can be run again from the journal and comes out the same. It yields
attempts; an attempt either brought a document or was dropped, and carries every call made for it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from builders.endpoints.base import Completion, Sampling  # noqa: TC001 - the journal stores an Attempt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from builders.endpoints.base import Chat

META_LM = "meta-LM"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceCall:
    """One call that led to a document.

    Attributes:
        role: `meta-LM`, or the name of the expert.
        instruction: what was new to the model in this call: an expert's whole instruction,
            or the last message that the meta-LM was shown.
        output: what the model answered.
        sampling: how the answer was drawn.
        completion: the answer's accounting.
        parent: number of the meta-LM's call, within the attempt, that asked for this one;
            None for the meta-LM's own calls.
    """

    role: str
    instruction: str
    output: str
    sampling: Sampling
    completion: Completion
    parent: int | None


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a draft or an attempt was not taken.

    Attributes:
        reason: stable slug that tables group by, such as ``too-short`` or ``prompt-leak``.
        detail: one line for the journal and for the meta-LM, which reads it as feedback.
    """

    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvolutionStep:
    """One step on the way of a document to an instruction.

    Attributes:
        expert: who took it.
        told: what the meta-LM told that expert, its references to material as they were written.
        result: what came of it: the question as it stood then, a persona, or material in another form.
    """

    expert: str
    told: str
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evolved:
    """What an instruction has beside its response.

    Attributes:
        instruction: as it was when it was answered.
        document_id: of the document that it was made from.
        steps: how it came about, in order.
    """

    instruction: str
    document_id: str
    steps: tuple[EvolutionStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A fact of a document that can be looked up in its seed document.

    Attributes:
        kind: `number`, `drug`, `ticker` or `quotation`.
        text: as the document has it.
        supported: it stands in the seed document.
    """

    kind: str
    text: str
    supported: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounding:
    """A document beside its seed document.

    Attributes:
        overlap: share of the document's distinct 8-grams that occur in the seed, in [0, 1].
        longest_run: most words in a row that the two share.
        claims: the audited facts, each once.
    """

    overlap: float
    longest_run: int
    claims: tuple[Claim, ...]

    @property
    def share(self) -> float | None:
        """Share of the facts that the seed document holds; None without any."""
        return sum(claim.supported for claim in self.claims) / len(self.claims) if self.claims else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedUse:
    """The seed document that a document started from; its text is not kept.

    Attributes:
        id: in the seed corpus.
        sha256: of its text in UTF-8, in hexadecimal.
        topic: its label, by the Topic Label Expert.
    """

    id: str
    sha256: str
    topic: str
    grounding: Grounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A finished document with what the meta-LM decided about it.

    Attributes:
        text: the document; of an instruction, its response.
        evolved: the instruction, where the corpus is one of instructions.
        seed: where it started from, if from a seed document.
        n_tokens: of `whole`.
    """

    text: str
    genre: str
    persona: str
    keywords: tuple[str, ...]
    summary: str
    n_tokens: int
    model_id: str
    model_sha: str | None
    evolved: Evolved | None = None
    seed: SeedUse | None = None

    @property
    def whole(self) -> str:
        """Everything that is to be read: the document, or an instruction and its response."""
        return f"{self.evolved.instruction}\n\n{self.text}" if self.evolved else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at a document.

    Attributes:
        document: the document, or None when the attempt was dropped.
        rejections: every rejection of a draft along the way; when the attempt was dropped, the
            last one says why.
        trace: every call of the attempt, in order.
    """

    document: Document | None
    rejections: tuple[Rejection, ...] = ()
    trace: tuple[TraceCall, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A text as a model wrote it, for the judge.

    Attributes:
        text: the raw answer.
        cut: True when the answer ended at `max_tokens`.
        prompts: what the writer had been told, for the check on prompt leakage.
        seed: text of the seed document, which it must not copy; empty where there is none.
    """

    text: str
    cut: bool
    prompts: tuple[str, ...]
    seed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A judge's answer: the tidied text, why it is refused, if it is, and how it stands to its seed."""

    text: str
    rejection: Rejection | None
    grounding: Grounding | None = None


class Judge(Protocol):
    """Tidies a draft and decides whether it may stand, by itself, as a document."""

    def __call__(self, draft: Draft) -> Judgement:
        """Judge one draft. A pure function of the draft."""
        ...


class Narrator(Protocol):
    """Hears what a trajectory is doing, for the person who watches."""

    def __call__(self, trajectory: int, event: str) -> None:
        """Tell one event, in a few words."""
        ...


class Method(Protocol):
    """A way to write documents. `metasynth` and `template` fulfil it."""

    @property
    def ingredients(self) -> tuple[object, ...]:
        """What documents depend on beside the corpus, the seed and the answers; told apart by `repr`."""
        ...

    def attempts(self, *, trajectory: int, quota: int, chat: Chat) -> AsyncIterator[Attempt]:
        """Run a trajectory until `quota` documents are done or its attempts are used up."""
        ...


def derive_seed(purpose: str, *place: int) -> int:
    """A seed in [0, 2**31) that is a pure function of its purpose and place in the build."""
    digest = hashlib.sha256("/".join([purpose, *map(str, place)]).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
