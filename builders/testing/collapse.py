"""A simulated model that collapses: the longer a trajectory, the more of a document is stock.

Of a trajectory's n-th document each sentence is, with a probability of `collapse` times n - 1, the
sentence at its place in one of a few stock documents. So openings repeat first, then topics and
whole documents. The meta-LM hands its age on to the writer with the instruction, as a model's long
conversation would colour what it asks for, and names the beginnings that it was told to avoid; the
writer keeps to that with the probability `heed`, and is deaf to everything else. This imitates a
tendency, and proves nothing about how a real model heeds what it is told.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from builders.diversity.openings import opening
from builders.metasynth.experts import DOMAIN_EXPERT
from builders.testing.prose import LONGEST_WORDS, Prose, paragraphs

if TYPE_CHECKING:
    from builders.testing.simulation import Simulation

STOCK_DOCUMENTS = 12
MOST_STOCK = 0.95
INSTRUCTION_LENGTH = 360
_NUMBER = re.compile(r"^Start document (\d+)\.", re.MULTILINE)
_AGE = re.compile(r"\bAs for document (\d+)\.")
_BEGINNINGS = re.compile(r"^- beginnings: (.+)$", re.MULTILINE)
_QUOTED = re.compile(r'"([^"]+)"')
_AVOID = re.compile(r'(?:Do not begin with|Begin with other words than) ("[^"]+"(?:, "[^"]+")*)')


def coloured(turn: str, brief: str) -> str:
    """A turn of the meta-LM under the guided protocol; a writer's instruction tells age and beginnings."""
    move = json.loads(turn)
    number = _NUMBER.search(brief)
    if move.get("expert") != DOMAIN_EXPERT or number is None:
        return turn
    told = f" As for document {number[1]}."
    overused = _BEGINNINGS.search(brief)
    room = INSTRUCTION_LENGTH - len(move["instruction"]) - len(told) - len(" Do not begin with .")
    named: list[str] = []
    for quoted in _QUOTED.findall(overused[1]) if overused else ():
        room -= len(quoted) + len('"", ')
        if room < 0:
            break
        named.append(f'"{quoted}"')
    if named:
        told += f" Do not begin with {', '.join(named)}."
    return json.dumps({**move, "instruction": move["instruction"] + told}, ensure_ascii=False)


def collapsing(asked: str, prose: Prose, *, words: int, simulation: Simulation) -> str:
    """A document of so many words, as much of it stock as its age asks for."""
    age = _AGE.search(asked)
    share = min(MOST_STOCK, simulation.collapse * (int(age[1]) - 1)) if age else 0.0
    avoided = {words for named in _AVOID.findall(asked) for words in _QUOTED.findall(named)}
    stock = _stock(int(prose.uniform() * STOCK_DOCUMENTS))
    written = prose.sentences(words)
    for place in range(min(len(written), len(stock))):
        if prose.uniform() < share and not (
            place == 0 and opening(stock[0]) in avoided and prose.uniform() < simulation.heed
        ):
            written[place] = stock[place]
    return paragraphs(written)


def stock_openings() -> set[str]:
    """The first words of the stock documents."""
    return {opening(_stock(number)[0]) or "" for number in range(STOCK_DOCUMENTS)}


@lru_cache(maxsize=STOCK_DOCUMENTS)
def _stock(number: int) -> list[str]:
    return Prose(f"stock {number}").sentences(LONGEST_WORDS)
