"""What a document could be: professions, kinds of text and instructions to choose from.

Drawn anew for every attempt, so that the suggestions themselves are diverse. The meta-LM reads
them as suggestions; a model too small to write instructions picks from them (`Decoding.menus`).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builders.metasynth.experts import Expert
    from builders.seeds import SeedHierarchy

PERSONAS = 4
GENRES = 4
BRIEFS = 4
RELATED_TERMS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """Suggestions for one attempt at a document, or at an instruction.

    Attributes:
        related: terms of the seeds' subfield.
        openings: first words of a question or task, and the mark that ends it.
        additions: first words of what makes a question harder.
    """

    personas: tuple[str, ...]
    genres: tuple[str, ...]
    briefs: dict[str, tuple[str, ...]]
    related: tuple[str, ...]
    openings: tuple[str, ...] = ()
    additions: tuple[str, ...] = ()


def draw_menu(
    hierarchy: SeedHierarchy,
    team: tuple[Expert, ...],
    *,
    subfield: str,
    seed: int,
    avoid: frozenset[str] = frozenset(),
) -> Menu:
    """Draw suggestions; a pure function of its arguments.

    Args:
        hierarchy: where they are drawn from.
        team: experts with their briefs.
        subfield: whose terms are related.
        seed: of the draw.
        avoid: professions and kinds of text, in lower case, that are left out as long as others are left.
    """
    draw = random.Random(seed)
    terms = next(field.terms for field in hierarchy.subfields if field.name == subfield)

    def wanted(items: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(item for item in items if item.casefold() not in avoid) or items

    def some(items: tuple[str, ...], count: int) -> tuple[str, ...]:
        return tuple(draw.sample(items, min(count, len(items))))

    return Menu(
        personas=some(wanted(hierarchy.personas), PERSONAS),
        genres=some(wanted(hierarchy.genres), GENRES),
        briefs={expert.name: some(expert.briefs, BRIEFS) for expert in team},
        related=some(terms, RELATED_TERMS),
    )
