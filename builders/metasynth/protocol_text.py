"""The text protocol: an expert's name with a colon, then the instruction in triple quotes.

The rules of reading follow the published meta-prompting scaffold (suzgunmirac/meta-prompting):
the odd pieces between triple quotes are instructions, the last line before each is the
expert's name, and expert calls go before a final-answer marker in the same turn. The marker
`>> DOCUMENT`, that an unknown name is an invented domain persona, and that quotes which were
never closed are noticed, are ours.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builders.metasynth.experts import DOMAIN_EXPERT, find_expert
from builders.metasynth.protocol import ExpertCall, Finish, ProtocolName, Turn

if TYPE_CHECKING:
    from builders.endpoints.base import JsonSchema
    from builders.metasynth.experts import Expert
    from builders.metasynth.menu import Menu
    from builders.metasynth.workbench import Workbench

QUOTES = '"""'
MAX_NAME_WORDS = 8
MAX_NAME_LENGTH = 80
LEAD_IN_WORDS = 20
"""How far back in its line a name is looked for, as in "Next I will call the Summarizer Expert:"."""

MAX_GENRE_WORDS = 8
_MARKUP = " \t*#_-:>`"
_GENRE = re.compile(r"^[^\w\n]*genre[^\w\n:]*:(.+)$", re.MULTILINE | re.IGNORECASE)
_HEADING = re.compile(r"\bexpert\b", re.IGNORECASE)
_LEAD_IN = re.compile(r"^.*(?::|\b(?:ask|call|consult|the|to|with)\b) +(?=.*\bexpert\b)", re.IGNORECASE)


class TextProtocol:
    """Reads free text; fulfils :class:`TurnProtocol`.

    Args:
        marker: what stands after `>>` in the line that finishes, and is what is finished.
    """

    name: ProtocolName = "text"
    rules = "protocol_text.md"

    def __init__(self, marker: str = "DOCUMENT") -> None:
        self._finish = f"`>> {marker}`"
        self._marker = re.compile(rf"^[^\w\n]*>>[ \t]*{marker}\b", re.MULTILINE | re.IGNORECASE)
        self._format = (
            'write the expert\'s name with a colon, then the instruction between triple quotes ("""), '
            f"or finish the {marker.lower()} with the line {self._finish}"
        )

    def turn_schema(self, allowed: list[str], menu: Menu) -> JsonSchema | None:
        """Turns are free text."""
        return None

    def expert_schema(self, expert: Expert, bench: Workbench, menu: Menu) -> JsonSchema | None:
        """Answers are free text."""
        return None

    def read(self, output: str, team: tuple[Expert, ...]) -> Turn:
        """Read one turn; see :class:`TurnProtocol`."""
        calls, problems = self._calls(output, team)
        marker = self._marker.search(output)
        if calls or problems:
            if marker:
                problems.append(f"{self._finish} was ignored: read the experts' answers first.")
            return Turn(moves=tuple(calls), problems=tuple(problems))
        if marker:
            genre = _GENRE.search(output, marker.end())
            words = genre.group(1).strip(_MARKUP).split() if genre else []
            return Turn(moves=(Finish(genre=" ".join(words[:MAX_GENRE_WORDS])),))
        return Turn(moves=(), problems=(f"No expert call was found in your answer: {self._format}.",))

    def _calls(self, output: str, team: tuple[Expert, ...]) -> tuple[list[ExpertCall], list[str]]:
        pieces = output.split(QUOTES)
        calls: list[ExpertCall] = []
        problems: list[str] = []
        for before, instruction in zip(pieces[0::2], pieces[1::2], strict=False):
            heading = _heading(before)
            if heading is None:
                continue  # quoted text that is not addressed to an expert
            if not instruction.strip():
                problems.append(f"The instruction for {heading} is empty: {self._format}.")
                continue
            if swallowed := _heading_that_ends(instruction):
                problems.append(
                    f"The triple quotes for {heading} were not closed before {swallowed}: {self._format}."
                )
                continue
            call = _address(heading, instruction.strip(), team)
            if call is None:
                names = ", ".join(expert.name for expert in team)
                problems.append(f"There is no {heading}. Your experts: {names}.")
            else:
                calls.append(call)
        if not calls and not problems and (named := _named_without_instruction(output)):
            problems.append(f"{named} was named without an instruction: {self._format}.")
        return calls, problems


def _heading(before: str) -> str | None:
    """The expert's name in the last line before a quoted instruction."""
    lines = before.strip().splitlines()
    if not lines:
        return None
    line = " ".join(lines[-1].strip(_MARKUP).split()[-LEAD_IN_WORDS:])
    heading = _LEAD_IN.sub("", line).strip(_MARKUP)
    if not _HEADING.search(heading) or len(heading.split()) > MAX_NAME_WORDS:
        return None
    return heading[:MAX_NAME_LENGTH]


def _address(heading: str, instruction: str, team: tuple[Expert, ...]) -> ExpertCall | None:
    expert = find_expert(heading, team)
    if expert is not None:
        return ExpertCall(expert=expert, instruction=instruction)
    writer = next((member for member in team if member.name == DOMAIN_EXPERT), None)
    persona = re.sub(r"\bexpert\b|[^\w ,'/&-]", " ", heading, flags=re.IGNORECASE)
    persona = " ".join(persona.split()).lower()
    if writer is None or not persona:
        return None
    return ExpertCall(expert=writer, instruction=instruction, persona=persona)


def _named_without_instruction(output: str) -> str | None:
    headings = (_heading_that_ends(line) for line in output.splitlines())
    return next((heading for heading in headings if heading), None)


def _heading_that_ends(text: str) -> str | None:
    """The expert's name if the last line of a text is one with a colon, and nothing after it."""
    return _heading(text) if text.rstrip(" \t\r\n*_`").endswith(":") else None
