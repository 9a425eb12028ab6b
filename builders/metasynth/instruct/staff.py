"""Putting an expert of instructions to work: what it is told, and what its answer does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from builders.metasynth.answers import read_json, read_line, read_verdict
from builders.metasynth.briefing import domain_adjective
from builders.metasynth.instruct.bench import ASKING
from builders.metasynth.staff import pass_materials
from builders.method import Draft, EvolutionStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builders.calls import CallSequence
    from builders.corpora.base import Corpus, Decoding
    from builders.endpoints.base import Completion, JsonSchema, Message
    from builders.metasynth.experts import Expert
    from builders.metasynth.instruct.bench import InstructionBench
    from builders.metasynth.menu import Menu
    from builders.metasynth.protocol import ExpertCall
    from builders.method import Judgement

PERSONA_WORDS = 10
_REST = r"[a-zA-Z][a-zA-Z0-9 ,'()/%-]{10,110}[a-z0-9)]"
_REFERENCE = re.compile(
    r"\[(document|material|persona|question|response|questions|suggestions)\]", re.IGNORECASE
)
_NOT_GROUNDED = re.compile(r"\bnot[\s_-]+grounded\b|\bungrounded\b", re.IGNORECASE)
_VERDICT = re.compile(r"^\W*verdict\W*(?:not\W+)?(?:un)?grounded\W*", re.IGNORECASE)


class InstructionJudge(Protocol):
    """Tidies questions and responses, and decides whether they may stand. Pure functions."""

    def question(self, draft: Draft, *, document: str, current: str, earlier: Sequence[str]) -> Judgement:
        """Judge a question; `current` is the one that it is to replace."""
        ...

    def response(self, draft: Draft, *, document: str, question: str) -> Judgement:
        """Judge a response."""
        ...


@dataclass(frozen=True, kw_only=True)
class InstructStaff:
    """The experts at work. An expert sees its own prompt and the instruction, nothing else."""

    corpus: Corpus
    decoding: Decoding
    guided: bool
    judge: InstructionJudge

    async def work(
        self, call: ExpertCall, bench: InstructionBench, menu: Menu, *, calls: CallSequence, parent: int
    ) -> str:
        """Carry out one call of the meta-LM and report to it what came of it."""
        expert = call.expert
        if expert.name not in bench.allowed():
            return f"{expert.name} is of no use now."
        system = expert.system_prompt(
            domain=domain_adjective(self.corpus.domain),
            persona=bench.persona,
            max_words=self.corpus.max_words,
        )
        writes = expert.yields in ASKING or expert.yields == "response"
        needs = (*expert.needs, *(("suggestions",) if writes and bench.suggestion else ()))
        instruction = hand_over(call.instruction, bench.materials(), needs=needs)
        messages: list[Message] = [
            {"role": "system", "content": system},
            {"role": "user", "content": instruction},
        ]
        long = expert.yields in ("material", "response")
        answer = await calls.ask(
            expert.name,
            messages,
            max_tokens=self.decoding.document_tokens if long else self.decoding.turn_tokens,
            schema=self._schema(expert, bench, menu),
            parent=parent,
        )
        told = pass_materials(call.instruction, {}, needs=(), reference=_REFERENCE)
        refused = self._take(call, answer, bench, prompts=(system, told))
        return f'{expert.name}\'s output:\n"""\n{answer.text.strip()}\n"""{refused}'

    def _take(
        self, call: ExpertCall, answer: Completion, bench: InstructionBench, *, prompts: tuple[str, ...]
    ) -> str:
        """What an answer does to the bench; words on why it is refused, if it is."""
        expert, text = call.expert, answer.text
        if expert.yields in ASKING:
            text = _field(text, "question")
        draft = Draft(text=text, cut=answer.finish_reason == "length", prompts=prompts)
        judged: Judgement | None = None
        match expert.yields:
            case "material":
                bench.take_material(_step(call, text.strip()))
            case "persona":
                bench.take_persona(_step(call, _persona(text)))
            case "question" | "harder" | "edited":
                judged = self.judge.question(
                    draft,
                    document=bench.document.text,
                    current="" if expert.yields == "question" else bench.question,
                    earlier=[row.instruction for row in bench.table],
                )
                bench.take_question(judged, _step(call, judged.text), yields=expert.yields)
            case "response":
                judged = self.judge.response(draft, document=bench.document.text, question=bench.question)
                bench.writer = answer
                bench.take_response(judged)
            case "verdict":
                similar, suggestion = read_verdict(text)
                bench.take_verdict(similar=similar, suggestion=suggestion)
            case "grounds":
                grounded, suggestion = read_grounds(text)
                bench.take_grounds(grounded=grounded, suggestion=suggestion)
        refused = judged.rejection if judged else None
        return f"\n\n(refused: {refused.detail})" if refused else ""

    def _schema(self, expert: Expert, bench: InstructionBench, menu: Menu) -> JsonSchema | None:
        """Verdicts are JSON, and with menus personas and questions; other texts are free."""
        if not self.guided:
            return None
        suggestion = {"type": "string", "maxLength": 160}
        match expert.yields:
            case "persona" if self.decoding.menus:
                return _object(persona={"enum": list(menu.personas)})
            case "question" | "edited" if self.decoding.menus:
                return _object(question=_opened(menu.openings))
            case "harder" if self.decoding.menus:
                return _object(question=_extended(bench.question, menu.additions))
            case "verdict":
                return _object(verdict={"enum": ["DISTINCT", "TOO SIMILAR"]}, suggestion=suggestion)
            case "grounds":
                return _object(verdict={"enum": ["GROUNDED", "NOT GROUNDED"]}, suggestion=suggestion)
        return None


def hand_over(instruction: str, materials: dict[str, str], *, needs: tuple[str, ...]) -> str:
    """What an expert gets: what it cannot work without, each under its name, and below it the task.

    A reference of the instruction, such as `[document]`, becomes the material and is not repeated above.
    """
    referred = {name.lower() for name in _REFERENCE.findall(instruction)}
    attached = [
        f"{name.capitalize()}: {materials[name]}"
        for name in dict.fromkeys(needs)
        if name not in referred and name in materials
    ]
    task = pass_materials(instruction, materials, needs=(), reference=_REFERENCE)
    return "\n\n".join([*attached, f"Task: {task}"])


def read_grounds(output: str) -> tuple[bool, str]:
    """Whether the checker finds a response grounded, and its suggestion.

    A verdict that cannot be read counts as "grounded": the harness' own check stands behind it.
    """
    parsed = read_json(output)
    if isinstance(parsed, dict) and isinstance(parsed.get("verdict"), str):
        suggestion = " ".join(str(parsed.get("suggestion", "")).split())
        return not _NOT_GROUNDED.search(parsed["verdict"]), suggestion
    head, _, rest = output.strip().partition("\n")
    return not _NOT_GROUNDED.search(head), " ".join((rest or _VERDICT.sub("", head)).split())


def _opened(openings: tuple[str, ...]) -> JsonSchema:
    """A string that begins with one of the openings, and ends with the mark that the opening names."""
    forms = "|".join(f"{_literal(words[:-1])}{_REST}{_literal(words[-1])}" for words in openings)
    return {"type": "string", "pattern": f"^({forms})$"}


def _extended(question: str, additions: tuple[str, ...]) -> JsonSchema:
    """The question with more at its end that begins with one of the additions."""
    words, mark = question[:-1].rstrip(), question[-1:]
    chosen = "|".join(map(_literal, additions))
    return {"type": "string", "pattern": f"^{_literal(words)},? ({chosen}) {_REST}{_literal(mark)}$"}


def _literal(words: str) -> str:
    return re.escape(words).replace("\\ ", " ")


def _field(text: str, name: str) -> str:
    """A field of a JSON answer; the answer itself where it is none."""
    parsed = read_json(text)
    return parsed[name] if isinstance(parsed, dict) and isinstance(parsed.get(name), str) else text


def _persona(text: str) -> str:
    text = _field(text, "persona")
    return read_line(text.strip().partition("\n")[0], max_words=PERSONA_WORDS).rstrip(".")


def _step(call: ExpertCall, result: str) -> EvolutionStep:
    return EvolutionStep(expert=call.expert.name, told=call.instruction, result=result)


def _object(**properties: Any) -> JsonSchema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
