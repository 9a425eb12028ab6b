"""The document in the making: what is on the table, and which expert may be called next."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builders.metasynth.experts import DOMAIN_EXPERT
from builders.method import Rejection

if TYPE_CHECKING:
    from builders.endpoints.base import Completion
    from builders.metasynth.experts import Expert
    from builders.metasynth.memory import InstanceTable
    from builders.method import Grounding, Judgement
    from builders.seeds import SeedSet

FINISH = "FINISH"
TOO_SIMILAR = "too-similar"
ADVICE = {
    "too-short": "Write several full paragraphs.",
    "too-long": "Be briefer.",
    "truncated": "Be briefer, and finish the last sentence.",
    "degenerate": "Write flowing prose in full paragraphs, without lists, and say nothing twice.",
    "prompt-leak": "Use words of your own throughout.",
    "chatter": "Write the document alone, from its first sentence to its last.",
    "not-english": "Write in English.",
    "seed-copy": "Tell it in words of your own, in another order, and leave the source's sentences alone.",
}
"""What to tell the writer of a refused draft, by the reason: a diagnosis would be discussed in the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedText:
    """The seed document of some documents.

    Attributes:
        id, sha256, text: see :class:`builders.seeds.documents.SeedDocument`.
        topic: its label.
        excerpt: what experts are shown of it.
    """

    id: str
    sha256: str
    text: str
    topic: str
    excerpt: str


@dataclass(slots=True)
class Seeds:
    """The seed set S_t of a trajectory: drawn, grown by expansion, used up by documents.

    Attributes:
        text: the seed document that the drawn terms were found in, if they were.
        used: what finished documents were about, a term once for each of them.
    """

    drawn: SeedSet
    text: SeedText | None = None
    expanded: list[str] = field(default_factory=list)
    used: list[str] = field(default_factory=list)

    @property
    def unused(self) -> list[str]:
        """Terms that no document has taken yet, drawn ones first."""
        return self._used_at_most(0)

    @property
    def offered(self) -> list[str]:
        """Terms for the next document: those taken least often, at least two of them."""
        times = 0
        while len(offered := self._used_at_most(times)) < 2 and times < len(self.used):
            times += 1
        return offered

    def _used_at_most(self, times: int) -> list[str]:
        uses = Counter(term.casefold() for term in self.used)
        terms = (*self.drawn.terms, *self.expanded)
        return [term for term in terms if uses[term.casefold()] <= times]

    def expand(self, terms: list[str]) -> None:
        """Add related terms that are new."""
        known = {term.casefold() for term in (*self.drawn.terms, *self.expanded)}
        for term in terms:
            if term.casefold() not in known:
                known.add(term.casefold())
                self.expanded.append(term)

    def use(self, keywords: tuple[str, ...]) -> None:
        """Mark what a finished document was about."""
        self.used.extend(keywords)


@dataclass(slots=True)
class Workbench:
    """State of one attempt at a document; pure bookkeeping, no calls."""

    seeds: Seeds
    table: InstanceTable
    experts: tuple[Expert, ...]
    max_rewrites: int
    keywords: list[str] = field(default_factory=list)
    expansion: list[str] = field(default_factory=list)
    expanded: bool = False
    persona: str = ""
    genre: str = ""
    draft: str = ""
    drafts: int = 0
    topic: str = ""
    writer: Completion | None = None
    summary: str = ""
    verdict: str = ""
    suggestion: str = ""
    grounding: Grounding | None = None
    rejections: list[Rejection] = field(default_factory=list)

    @property
    def stands(self) -> bool:
        """There is a draft, and nothing is said against it so far."""
        return bool(self.draft) and self.verdict != TOO_SIMILAR

    @property
    def exhausted(self) -> bool:
        """The draft is refused and the rewrites are used up."""
        return self.drafts > self.max_rewrites and not self.stands

    def allowed(self) -> list[str]:
        """Names the meta-LM may call now; `FINISH` when the document is done."""
        names = [expert.name for expert in self.experts if self._useful(expert)]
        return [*names, FINISH] if self.finishable else names

    @property
    def finishable(self) -> bool:
        """Summarised, compared and not refused, as far as the team has experts for it."""
        team = {expert.yields for expert in self.experts}
        return (
            self.stands
            and (bool(self.summary) or "summary" not in team)
            and (bool(self.verdict) or "verdict" not in team or not self.table.rows)
        )

    def _useful(self, expert: Expert) -> bool:
        match expert.yields:
            case "keywords":
                return not self.keywords and not self.drafts
            case "expansion":
                return bool(self.keywords) and not self.expanded and not self.drafts
            case "draft" if expert.name == DOMAIN_EXPERT:
                return not self.stands
            case "draft":
                return self.stands and not self.verdict and self.drafts <= self.max_rewrites
            case "summary":
                return self.stands and not self.summary
            case "verdict":
                return self.stands and bool(self.summary) and not self.verdict and bool(self.table.rows)
            case "topic":
                return self.stands and not self.topic
        return False  # who makes instructions is of no use to documents

    def take_draft(self, judgement: Judgement) -> None:
        """Put a new draft on the table; what was said of the old one no longer holds."""
        self.drafts += 1
        self.summary = self.verdict = self.topic = ""
        self.draft = "" if judgement.rejection else judgement.text
        self.grounding = judgement.grounding
        if judgement.rejection:
            self.rejections.append(judgement.rejection)
            self.suggestion = ADVICE.get(judgement.rejection.reason, judgement.rejection.detail)

    def take_verdict(self, *, similar: bool, suggestion: str) -> None:
        """Note the Content Analyst's judgement."""
        self.verdict = TOO_SIMILAR if similar else "distinct"
        self.suggestion = suggestion
        if similar:
            self.rejections.append(
                Rejection(reason=TOO_SIMILAR, detail=suggestion or "like an earlier document")
            )

    def materials(self) -> dict[str, str]:
        """What an instruction may refer to as `[name]`; only what is there."""
        texts = {
            "seed": self.seeds.text.excerpt if self.seeds.text else "",
            "seeds": ", ".join(self.seeds.offered),
            "keywords": ", ".join(self.keywords or self.seeds.offered[:3]),
            "draft": self.draft,
            "summary": self.summary,
            "summaries": self.table.summaries(),
            "suggestions": self.suggestion,
        }
        return {name: text for name, text in texts.items() if text}
