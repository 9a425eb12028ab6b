"""The instruction in the making: what is on the table, and which expert may be called next."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builders.metasynth.workbench import FINISH, TOO_SIMILAR
from builders.method import EvolutionStep, Rejection

if TYPE_CHECKING:
    from builders.corpora.base import Instruct
    from builders.endpoints.base import Completion
    from builders.metasynth.experts import Expert
    from builders.metasynth.instruct.documents import SourceDocument
    from builders.method import Judgement

CHANGING = frozenset({"harder", "edited"})
ASKING = CHANGING | {"question"}
SAME_CHANGE = 2
"""Most calls of one expert that changes a question."""

UNGROUNDED = "not-grounded"
ADVICE = {
    "refers-to-text": "Speak of the subject itself, by its name, as if there were no text.",
    "ungrounded": "Stay with what the text says, in its own terms, without further names or numbers.",
    "copied": "Select what answers the question and say it in words of your own.",
    "no-task": "Write a question that ends with a question mark.",
    "off-topic": "Ask about something that the text names.",
    "unchanged": "Change the question.",
    "answers-itself": "Ask one question, and do not answer it.",
    "too-short": "Say more.",
    "too-long": "Be briefer.",
    "truncated": "Be briefer, and finish the last sentence.",
    "degenerate": "Write flowing prose and say nothing twice.",
    "prompt-leak": "Use words of your own throughout.",
    "chatter": "Answer with the wanted text alone.",
    "repeated": "Ask about another point, in other words.",
}
"""What to tell the writer of what was refused, by the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the instance table: an instruction that is done."""

    instruction: str
    persona: str
    steps: tuple[str, ...]

    def line(self, number: int) -> str:
        """The row as the meta-LM reads it."""
        cells = (self.persona, ", ".join(self.steps), self.instruction)
        return " | ".join([str(number), *(" ".join(cell.split()).replace("|", "/") for cell in cells)])


@dataclass(slots=True)
class InstructionBench:
    """State of one attempt at an instruction; pure bookkeeping, no calls.

    Attributes:
        document: what it is made from.
        table: the instructions of the trajectory so far.
        asked, tried, answered: questions written, changes tried and responses written.
        steps: what made the instruction what it is.
        suggestion: what the next writer is told.
    """

    document: SourceDocument
    table: list[Row]
    experts: tuple[Expert, ...]
    limits: Instruct
    max_rewrites: int
    material: str = ""
    persona: str = ""
    question: str = ""
    response: str = ""
    asked: int = 0
    tried: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    verdict: str = ""
    grounded: bool = False
    suggestion: str = ""
    writer: Completion | None = None
    steps: list[EvolutionStep] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)

    @property
    def finishable(self) -> bool:
        """Answered, and found grounded as far as the team has an expert for it."""
        return bool(self.response) and (self.grounded or "grounds" not in self._team)

    @property
    def exhausted(self) -> bool:
        """Nobody is left who could go on."""
        return not self.allowed()

    def allowed(self) -> list[str]:
        """Names the meta-LM may call now; `FINISH` when the instruction is done."""
        names = [expert.name for expert in self.experts if self._useful(expert.yields)]
        return [*names, FINISH] if self.finishable else names

    @property
    def _team(self) -> set[str]:
        return {expert.yields for expert in self.experts}

    @property
    def _settled(self) -> bool:
        """The question may be answered: it has evolved and is distinct, as far as the team can tell."""
        compared = self.verdict == "distinct" or not self.table or "verdict" not in self._team
        return bool(self.question) and self._changed and compared

    def _useful(self, yields: str) -> bool:
        similar = self.verdict == TOO_SIMILAR
        match yields:
            case "material":
                return not self.material and not self.asked
            case "persona":
                return not self.persona and not self.asked
            case "question":
                return (not self.question or similar) and self.asked <= self.max_rewrites
            case "harder" | "edited":
                few = sum(self.tried.values()) < self.limits.max_evolutions
                open_ = bool(self.question) and not self.answered and self.verdict != "distinct"
                return few and open_ and self.tried[yields] < SAME_CHANGE
            case "verdict":
                return self.verdict == "" and bool(self.table) and bool(self.question) and self._changed
            case "response":
                return self._settled and not self.response and self.answered <= self.max_rewrites
            case "grounds":
                return bool(self.response) and not self.grounded
        return False

    @property
    def _changed(self) -> bool:
        """The question is another than was first written, if the team has who changes it."""
        changing = {expert.name for expert in self.experts if expert.yields in CHANGING}
        return not changing or any(step.expert in changing for step in self.steps)

    def take_material(self, step: EvolutionStep) -> None:
        """Note the document in another form."""
        self.material = step.result
        self.steps.append(step)

    def take_persona(self, step: EvolutionStep) -> None:
        """Note who asks."""
        self.persona = step.result
        self.steps.append(step)

    def take_question(self, judgement: Judgement, step: EvolutionStep, *, yields: str) -> None:
        """A new question, or a change of it. A change that is refused leaves the question as it was."""
        new = yields == "question"
        if new:
            self.asked += 1
            self.tried.clear()
            kept = {expert.name for expert in self.experts if expert.yields not in ASKING}
            self.steps = [taken for taken in self.steps if taken.expert in kept]
            self.question = ""
        else:
            self.tried[yields] += 1
        if judgement.rejection:
            self._refuse(f"question-{judgement.rejection.reason}", judgement.rejection)
            return
        self.question, self.verdict, self.suggestion = judgement.text, "", ""
        self.steps.append(step)

    def take_response(self, judgement: Judgement) -> None:
        """A response; a refused one is not kept."""
        self.answered += 1
        self.grounded = False
        self.response = "" if judgement.rejection else judgement.text
        if judgement.rejection:
            self._refuse(judgement.rejection.reason, judgement.rejection)

    def take_verdict(self, *, similar: bool, suggestion: str) -> None:
        """Note whether the question is distinct."""
        self.verdict = TOO_SIMILAR if similar else "distinct"
        self.suggestion = suggestion if similar else ""
        if similar:
            self.rejections.append(Rejection(TOO_SIMILAR, suggestion or "like an earlier instruction"))

    def take_grounds(self, *, grounded: bool, suggestion: str) -> None:
        """Note whether the response rests on the document."""
        self.grounded = grounded
        if not grounded:
            self.response, self.suggestion = "", suggestion
            self.rejections.append(Rejection(UNGROUNDED, suggestion or "it does not rest on the document"))

    def materials(self) -> dict[str, str]:
        """What an instruction of the meta-LM may refer to as `[name]`; only what is there."""
        texts = {
            "document": self.document.text,
            "material": self.material or self.document.text,
            "persona": self.persona,
            "question": self.question,
            "response": self.response,
            "questions": "\n".join(f"{n}. {row.instruction}" for n, row in enumerate(self.table, 1)),
            "suggestions": self.suggestion,
        }
        return {name: text for name, text in texts.items() if text}

    def _refuse(self, reason: str, rejection: Rejection) -> None:
        self.rejections.append(Rejection(reason, rejection.detail))
        self.suggestion = ADVICE.get(rejection.reason, rejection.detail)
