"""The rows of the dataset's two configurations, and the facts of the build behind them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

SCHEMA_VERSION = 1


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DocumentRow(_Record):
    """A row of the default configuration: one accepted document.

    Attributes:
        id: `NAME-TRAJECTORY-STEP`, unique and stable.
        trajectory: number of the trajectory, from 0.
        step: number of the document within its trajectory, from 1.
        n_words: whitespace-separated words of `text`.
        n_tokens: tokens of `text`, by the tokenizer that the facts of the build name.
        seed_id, seed_sha256, seed_topic: the real document that it started from; empty where it started from
            keywords.
        seed_overlap: share of its 8-grams that occur in that document, in [0, 1].
        grounding: share of its audited facts that occur there; None where it has none.
        unsupported: the others, as `kind: fact`.
    """

    id: str
    text: str
    domain: str
    method: str
    genre: str
    persona: str
    keywords: list[str]
    summary: str
    trajectory: int
    step: int
    n_words: int
    n_tokens: int
    model_id: str
    model_sha: str
    seed_id: str = ""
    seed_sha256: str = ""
    seed_topic: str = ""
    seed_overlap: float | None = None
    grounding: float | None = None
    unsupported: list[str] = []


class EvolutionStep(_Record):
    """One step on the way of a document to an instruction.

    Attributes:
        expert: who took it.
        told: what the meta-LM told that expert.
        result: the question as it stood then, a persona, or material in another form.
    """

    expert: str
    told: str
    result: str


class ChatMessage(_Record):
    """One turn of a chat, as trainers read it."""

    role: str
    content: str


class InstructionRow(_Record):
    """A row of the default configuration of a corpus of instructions.

    No column is called `text`: whoever reads documents by that name is to take both, not the response alone.

    Attributes:
        id: `NAME-TRAJECTORY-STEP`, unique and stable.
        messages: instruction and response as a chat of two turns.
        document_id: `id` of the document in its own corpus.
        evolution: how the instruction came about, in order.
        keywords: the document's.
        n_words, n_tokens: of instruction and response.
    """

    id: str
    instruction: str
    response: str
    messages: list[ChatMessage]
    document_id: str
    evolution: list[EvolutionStep]
    domain: str
    method: str
    genre: str
    persona: str
    keywords: list[str]
    summary: str
    trajectory: int
    step: int
    n_words: int
    n_tokens: int
    model_id: str
    model_sha: str

    @property
    def text(self) -> str:
        """Instruction and response, for who looks at texts."""
        return f"{self.instruction}\n\n{self.response}"


Row = DocumentRow | InstructionRow


def row_type(method: str) -> type[DocumentRow] | type[InstructionRow]:
    """What the rows of a corpus are, by its method."""
    return InstructionRow if method == "instruct" else DocumentRow


class TraceRow(_Record):
    """A row of the configuration `traces`: one call that led to a document.

    Attributes:
        document_id: the document.
        call: number of the call within the document's trace, from 0, in the order made.
        parent: the meta-LM's call that asked for this one; None for the meta-LM's own, and for topic labels
            of seed documents.
        role: `meta-LM` or the expert's name.
        instruction: what was new to the model in this call.
        sampling: JSON of the sampling parameters, seed included.
        latency_s: seconds from request to answer.
    """

    document_id: str
    call: int
    parent: int | None
    role: str
    instruction: str
    output: str
    sampling: str
    prompt_tokens: int
    completion_tokens: int
    latency_s: float
    model_id: str
    model_sha: str


class Figure(_Record):
    """A measured value and its 95 % interval; None where the definition gives none."""

    value: float | None
    low: float | None = None
    high: float | None = None


class DiversityRow(_Record):
    """A diversity metric of the corpus, and of the baseline where there is one.

    Attributes:
        more_diverse: whether higher or lower values are more diverse.
    """

    metric: str
    title: str
    more_diverse: Literal["higher", "lower"]
    own: Figure
    baseline: Figure | None = None


class DiversityFacts(_Record):
    """How diverse the corpus is, on a sample as large as the baseline's.

    Attributes:
        documents, words: of the sample, and of the baseline's.
        seed: of what was drawn.
        baseline: name of the baseline's corpus; None where none was there.
        baseline_model: the model that wrote it.
    """

    documents: int
    words: int
    seed: int
    baseline: str | None = None
    baseline_model: str | None = None
    rows: tuple[DiversityRow, ...]


class SourceFacts(_Record):
    """The corpus of documents that instructions were made from.

    Attributes:
        sha256: of its documents, in order, with their ids.
        version: of the package that built it.
        digest: of the settings that it was built with.
        used: documents that an instruction was made from.
    """

    name: str
    sha256: str
    documents: int
    version: str
    digest: str
    model_id: str
    stand_in: bool
    simulated: bool
    used: int = 0


class AuditedFacts(_Record):
    """Facts of one kind in the accepted documents, and how many of them stand in their seed documents."""

    kind: str
    facts: int
    supported: int


class SeedFacts(_Record):
    """The seed documents of a build.

    Attributes:
        source, revision: the seed corpus.
        embedder: what nearness was told by.
        read, indexed: texts of it that were read, and that were fit.
        left_out: the others, by reason.
        used: seed documents that an accepted document started from.
        topics: their different labels.
        repeated_topics: of these seeds in order, those whose label one of the M - 1 before has too.
        documents_per_seed: M.
        mean_overlap: mean of `seed_overlap` over the accepted documents.
        longest_run: most words in a row that one of them shares with its seed.
        grounding: of all accepted documents, kind by kind.
    """

    source: str
    revision: str
    embedder: str
    read: int
    indexed: int
    left_out: dict[str, int]
    used: int
    topics: int
    repeated_topics: int
    documents_per_seed: int
    mean_overlap: float
    longest_run: int
    grounding: tuple[AuditedFacts, ...]

    @property
    def grounded(self) -> tuple[int, int]:
        """Facts that stand in their seed documents, and all."""
        return sum(row.supported for row in self.grounding), sum(row.facts for row in self.grounding)


class GrowthStage(_Record):
    """Mean values of metrics over the parts of a stretch of the corpus, in the order it was written.

    Attributes:
        documents: accepted by the end of the stretch.
        values: by the names that `builders.steering.growth` gives the metrics.
    """

    documents: int
    values: dict[str, float]


class GrowthFacts(_Record):
    """Diversity as the corpus grew: of parts with `documents` documents and `words` words of each."""

    documents: int
    words: int
    stages: tuple[GrowthStage, ...]


class SteeringFacts(_Record):
    """What steering did.

    Attributes:
        guided: trajectories that were told what the corpus has too much of.
        moved: trajectories whose seeds came from a subfield with too few documents.
        shortened: trajectories asked for fewer documents, because later steps had dried up.
        ended_early: trajectories that ended before they brought what they were asked for.
        refused_openings: drafts written anew because they began as too many others do.
        overused: what the next trajectory would have been told; lines of text.
    """

    guided: int
    moved: int
    shortened: int
    ended_early: int
    refused_openings: int
    overused: tuple[str, ...]


class BuildFacts(_Record):
    """Every figure and setting of a finished build: what the card and `builders show` say.

    Written to `build.json`; holds no date, so that equal builds are equal byte for byte.

    Attributes:
        stand_in: a small model stood in for a real one.
        simulated: a simulated endpoint produced the text.
        tokenizer: what counted the documents' tokens; empty for that of the model that wrote them.
        settings: the corpus model as JSON.
        attempts: tries at a document, accepted ones included.
        dropped: attempts without a document, by reason.
        redrafted: drafts refused on the way and written anew, by reason.
        calls: answered calls behind the build, those of dropped attempts included.
        diversity: None with fewer than two documents.
        growth: None with fewer documents than make two parts.
        steering: None for a build without it.
        source: of instructions, the documents that they were made from.
        seeds: None for a build without seed documents.
    """

    schema_version: Literal[1] = 1
    version: str
    name: str
    domain: str
    method: str
    description: str
    license: str
    server: str
    model_id: str
    model_sha: str
    stand_in: bool
    simulated: bool = False
    protocol: str
    corpus_seed: int
    tokenizer: str = ""
    settings: dict[str, Any]
    documents: int
    trajectories: int
    attempts: int
    dropped: dict[str, int]
    redrafted: dict[str, int]
    words: int
    tokens: int
    calls: int
    prompt_tokens: int
    completion_tokens: int
    diversity: DiversityFacts | None = None
    growth: GrowthFacts | None = None
    steering: SteeringFacts | None = None
    source: SourceFacts | None = None
    seeds: SeedFacts | None = None
