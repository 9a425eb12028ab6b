"""Simulated questions and responses: made of the sentences of the document that the request holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builders.testing.prose import vocabulary

if TYPE_CHECKING:
    from builders.testing.prose import Prose

ANSWER_SENTENCES = 4
_SOURCE = re.compile(
    r"^(?:Document|Material): (.+?)(?=^(?:Question|Questions|Response|Suggestions|Task): |\Z)", re.M | re.S
)
_QUESTION = re.compile(r"^Question: (.+)$", re.MULTILINE)
_SENTENCE = re.compile(r"(?<=[.;?!])\s+")


def material(asked: str, prose: Prose) -> str:
    """Some sentences of the document, in their order."""
    return " ".join(sorted(prose.some(_sentences(asked), 2 * ANSWER_SENTENCES), key=asked.find))


def question(asked: str, prose: Prose) -> str:
    """A question about one of the sentences."""
    sentence = prose.pick(_sentences(asked))
    return f"Why is it that {_lowered(sentence).rstrip('.;?!')}?"


def harder(asked: str, prose: Prose) -> str:
    """The question with a second part."""
    words = vocabulary()
    agent, noun, tail = (prose.pick(words[kind]) for kind in ("agents", "nouns", "tails"))
    return f"{_question(asked).rstrip('?')}, and what would {agent} make of the {noun} {tail}?"


def edited(asked: str, prose: Prose) -> str:
    """The question with another opening."""
    return f"{prose.pick(vocabulary()['openers'])}, {_lowered(_question(asked))}"


def response(asked: str, prose: Prose) -> str:
    """Some sentences of the document, the last one first, so that no run of them is copied."""
    chosen = prose.some(_sentences(asked), ANSWER_SENTENCES)
    return " ".join(sorted(chosen, key=asked.find, reverse=True)).replace(";", ".")


def _sentences(asked: str) -> list[str]:
    found = _SOURCE.search(asked)
    return [sentence for sentence in _SENTENCE.split(found[1].strip() if found else asked) if sentence]


def _question(asked: str) -> str:
    found = _QUESTION.search(asked)
    return found[1] if found else "What follows?"


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
