"""The guided protocol: the endpoint enforces a JSON schema on every decision.

The schema of a turn lists exactly the experts that may be called now, so that even a small
model cannot call one out of turn; which of them, and with what words, stays the meta-LM's
choice. With menus, the words are chosen from a few suggestions instead of written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builders.metasynth.answers import read_json
from builders.metasynth.experts import DOMAIN_EXPERT, find_expert
from builders.metasynth.protocol import ExpertCall, Finish, ProtocolName, Turn
from builders.metasynth.workbench import FINISH

if TYPE_CHECKING:
    from builders.endpoints.base import JsonSchema
    from builders.metasynth.experts import Expert
    from builders.metasynth.menu import Menu
    from builders.metasynth.workbench import Workbench

INSTRUCTION = {"type": "string", "minLength": 20, "maxLength": 360}
SHORT_TEXT = {"type": "string", "minLength": 4, "maxLength": 48}
TERMS = {"minItems": 2, "maxItems": 4}


class GuidedProtocol:
    """Reads JSON turns; fulfils :class:`TurnProtocol`.

    Args:
        menus: the meta-LM picks from the menu of the attempt instead of writing.
    """

    name: ProtocolName = "guided"
    rules = "protocol_guided.md"

    def __init__(self, *, menus: bool) -> None:
        self._menus = menus

    def turn_schema(self, allowed: list[str], menu: Menu) -> JsonSchema | None:
        """One object per expert that may be called; `expert` comes first and selects it."""
        kinds = [self._call(name, menu) for name in allowed if name != FINISH]
        if FINISH in allowed:
            kinds.append(_object(expert={"enum": [FINISH]}))
        return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}

    def expert_schema(self, expert: Expert, bench: Workbench, menu: Menu) -> JsonSchema | None:
        """Lists and verdicts are JSON; texts are free.

        Keywords are picked from the terms offered, unless a whole text is read for them.
        """
        match expert.yields:
            case "keywords":
                reads = bench.seeds.text is not None and not self._menus
                items = SHORT_TEXT if reads else {"enum": bench.seeds.offered}
                return _object(terms={"type": "array", "items": items, **TERMS})
            case "expansion":
                items = {"enum": list(menu.related)} if self._menus else SHORT_TEXT
                return _object(terms={"type": "array", "items": items, **TERMS})
            case "verdict":
                return _object(
                    verdict={"enum": ["DISTINCT", "TOO SIMILAR"]},
                    suggestion={"type": "string", "maxLength": 160},
                )
        return None

    def read(self, output: str, team: tuple[Expert, ...]) -> Turn:
        """Read one turn; see :class:`TurnProtocol`."""
        turn = read_json(output)
        if not isinstance(turn, dict):
            return _problem("Your answer is not the JSON object asked for.")
        if not isinstance(turn.get("expert"), str):
            return _problem("Your answer lacks the field `expert`.")
        if turn["expert"].strip().upper() == FINISH:
            return Turn(moves=(Finish(genre=_text(turn, "genre")),))
        expert = find_expert(turn["expert"], team)
        if expert is None:
            names = ", ".join(member.name for member in team)
            return _problem(f"There is no {turn['expert'][:60]!r}. Your experts: {names}.")
        instruction = _text(turn, "instruction")
        if not instruction:
            return _problem(f"The instruction for {expert.name} is empty.")
        persona, genre = _text(turn, "persona"), _text(turn, "genre")
        return Turn(moves=(ExpertCall(expert=expert, instruction=instruction, persona=persona, genre=genre),))

    def _call(self, name: str, menu: Menu) -> JsonSchema:
        instruction = {"enum": list(menu.briefs[name])} if self._menus else INSTRUCTION
        if name != DOMAIN_EXPERT:
            return _object(expert={"enum": [name]}, instruction=instruction)
        return _object(
            expert={"enum": [name]},
            persona={"enum": list(menu.personas)} if self._menus else SHORT_TEXT,
            genre={"enum": list(menu.genres)} if self._menus else SHORT_TEXT,
            instruction=instruction,
        )


def _problem(sentence: str) -> Turn:
    return Turn(moves=(), problems=(sentence,))


def _text(turn: dict[str, Any], field: str) -> str:
    value = turn.get(field)
    return value.strip() if isinstance(value, str) else ""


def _object(**properties: object) -> JsonSchema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
