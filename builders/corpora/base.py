"""What a corpus is: every setting of its construction, as one validated, frozen model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Fraction = Annotated[float, Field(gt=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Resemblance = Annotated[float, Field(ge=0.1, le=1)]

DOCUMENT_EXPERTS = (
    "Seed Keyword Extraction Expert",
    "Seed Expansion Expert",
    "Domain Expert",
    "Summarizer Expert",
    "Content Analyst Expert",
)


INSTRUCT_EXPERTS = (
    "Document Transformation Expert",
    "Persona Suggestion Expert",
    "Question Expert",
    "Complexity Expert",
    "Question Editing Expert",
    "Distinctness Expert",
    "Answer Expert",
    "Grounding Expert",
)


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Decoding(_Settings):
    """How answers are drawn. The paper does not state its own; these are ours.

    Attributes:
        temperature: softmax temperature, > 0.
        top_p: nucleus mass, in (0, 1].
        frequency_penalty: in [-2, 2].
        document_tokens: room for one document, in tokens.
        turn_tokens: room for one turn of the meta-LM, or one short answer of an expert.
        seed_words: of a seed document, the first words that experts are shown.
        menus: under the guided protocol, the meta-LM picks personas, genres and
            instructions from menus instead of writing them: for models too small to
            write an instruction.
    """

    temperature: Annotated[float, Field(gt=0, le=2)] = 0.8
    top_p: Fraction = 0.95
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] = 0.0
    document_tokens: Positive = 640
    turn_tokens: Positive = 320
    seed_words: Positive = 400
    menus: bool = False


class Exemplars(_Settings):
    """Real text shown to the template writer as examples.

    Attributes:
        source: a `.txt`, `.jsonl` or `.jsonl.gz` file, or the Hub id of a dataset.
        text_column: field that holds the text.
        per_prompt: exemplars shown in one prompt, drawn anew for every call.
        pool: exemplars read from the source to draw from.
        max_words: each exemplar is cut to this many words.
    """

    source: str
    text_column: str = "text"
    per_prompt: Positive = 2
    pool: Positive = 1000
    max_words: Positive = 120


class SeedDocuments(_Settings):
    """Real documents that trajectories start from, in the place of keywords alone. Numbers are ours.

    Attributes:
        source: a JSONL, Parquet or text file, a folder of them, or the Hub id of a dataset, then streamed.
        text_column: field that holds the text.
        documents_per_seed: documents from one seed document (the paper's M).
        neighbours: nearest documents whose topics are looked at first for the next seed (k); doubled while
            none is new.
        most_neighbours: as far as that goes; then documents drawn at random are looked at.
        most: seed documents that are indexed, the first that are fit.
        min_words: fewest words of a seed document.
        min_domain_words: least share of its content words that are words of the keyword hierarchy, in [0, 1];
            0 takes any text for one of the domain.
        embedder: `minilm` needs the extra `[metrics]`; `hashing` needs nothing and knows words, not meaning;
            `auto` is the first where it is installed.
    """

    source: str
    text_column: str = "text"
    documents_per_seed: Positive = 3
    neighbours: Positive = 8
    most_neighbours: Positive = 64
    most: Positive = 200_000
    min_words: Positive = 50
    min_domain_words: Annotated[float, Field(ge=0, le=1)] = 0.27
    embedder: Literal["auto", "minilm", "hashing"] = "auto"


class Instruct(_Settings):
    """How instructions are made from the documents of a built corpus.

    Attributes:
        source: name of that corpus, looked for beside the one to build.
        max_evolutions: most changes to a question after it was first written.
        min_instruction_words, max_instruction_words: length of an instruction.
        min_support: smallest share of the different content words of a response that its document, or
            the instruction, must hold.
        max_copied: largest share of the words of a response that may stand in one run in its document.
    """

    source: str
    max_evolutions: Positive = 3
    min_instruction_words: Positive = 6
    max_instruction_words: Positive = 120
    min_support: Fraction = 0.5
    max_copied: Fraction = 0.9


class Corpus(_Settings):
    """A named data set to build, and every limit of its construction.

    Attributes:
        name: name of the corpus and of the folder it is built in.
        domain: `finance`, `biomed`, or a word for a domain of your own.
        method: `metasynth` (a meta-LM directs experts), `instruct` (it makes instructions of the documents
            of another corpus) or `template` (the baseline).
        description: one sentence for `builders list` and the dataset card.
        keywords: keyword hierarchy: a domain with curated keywords, or a YAML file.
        documents: accepted documents to build, unless the command says otherwise.
        seeds_per_trajectory: seed keywords of a trajectory, all from one subfield.
        documents_per_trajectory: most documents of one trajectory.
        min_trajectories: a small corpus is spread over at least so many trajectories.
        attempts_per_document: a trajectory that owes q documents gives up after
            q times this many attempts.
        experts: the experts that the meta-LM may call.
        max_rounds: most turns of the meta-LM for one document.
        max_rewrites: rewrites of a draft that is refused or too similar (R), before it is dropped.
        max_expansions: related terms kept from one call of the Seed Expansion Expert.
        min_words, max_words: length of an accepted document, in whitespace-separated words.
        leak_words: a document that shares this many consecutive words with its
            instructions counts as prompt leakage.
        near_duplicate_threshold: a document whose word shingles have this Jaccard similarity,
            in [0.1, 1], to those of any accepted document is rejected; None: not looked at.
        near_duplicate_shingle: consecutive words of a shingle.
        semantic_threshold: likewise for the cosine similarity of sentence embeddings, in (0, 1];
            needs the extra `[metrics]`. None: not looked at.
        language_check: reject documents that are not in English.
        decoding: sampling parameters and room for answers.
        stand_in_decoding: the same when the embedded small model stands in; it needs
            colder sampling, a penalty on repetition and shorter documents.
        exemplars: real text for the template baseline's prompts.
        seed_documents: real documents that trajectories start from; None for keywords. Only for the method
            `metasynth`.
        instruct: how instructions are made, where the method is `instruct`; documents are then
            instructions, and `min_words` and `max_words` limit responses.
        previous_documents: last generations shown to the template writer with "do not repeat these".
        steering: tell new trajectories what the corpus has too much of (`builders.steering`); off is the
            paper's method. Only for the method `metasynth`.
        license: license of the corpus on its card.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    domain: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    method: Literal["metasynth", "instruct", "template"] = "metasynth"
    description: str = ""
    keywords: str = ""
    documents: Positive = 48_000
    seeds_per_trajectory: Positive = 6
    documents_per_trajectory: Positive = 10
    min_trajectories: Positive = 4
    attempts_per_document: Positive = 4
    experts: tuple[str, ...] = DOCUMENT_EXPERTS
    max_rounds: Annotated[int, Field(ge=3)] = 14
    max_rewrites: Annotated[int, Field(ge=0)] = 2
    max_expansions: Positive = 4
    min_words: Positive = 60
    max_words: Positive = 400
    leak_words: Annotated[int, Field(ge=4)] = 8
    near_duplicate_threshold: Resemblance | None = 0.7
    near_duplicate_shingle: Positive = 5
    semantic_threshold: Fraction | None = None
    language_check: bool = True
    decoding: Decoding = Decoding()
    stand_in_decoding: Decoding = Decoding(
        temperature=0.4,
        top_p=0.9,
        frequency_penalty=0.6,
        document_tokens=320,
        turn_tokens=200,
        seed_words=150,
        menus=True,
    )
    exemplars: Exemplars | None = None
    seed_documents: SeedDocuments | None = None
    instruct: Instruct | None = None
    previous_documents: Annotated[int, Field(ge=0)] = 0
    steering: bool = False
    license: str = "apache-2.0"

    @model_validator(mode="after")
    def _consistent(self) -> Corpus:
        if self.min_words > self.max_words:
            raise ValueError(f"min_words ({self.min_words}) is greater than max_words ({self.max_words})")
        if self.method == "template" and self.previous_documents and self.documents_per_trajectory < 2:
            raise ValueError("previous_documents needs documents_per_trajectory of at least 2")
        if self.steering and self.method != "metasynth":
            raise ValueError("steering needs the method `metasynth`: it speaks to the meta-LM")
        if self.seed_documents and self.method != "metasynth":
            raise ValueError(f"the method `{self.method}` takes no seed_documents; only `metasynth` does")
        if (self.method == "instruct") != (self.instruct is not None):
            raise ValueError(
                "the method `instruct` needs the settings `instruct`, and no other method has them"
            )
        return self

    @property
    def keyword_source(self) -> str:
        """The keyword hierarchy: `keywords`, or the one of the domain."""
        return self.keywords or self.domain
