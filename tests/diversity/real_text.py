"""Corpora of the tests of diversity: real text where it lies beside the checkout, and filled templates."""

from __future__ import annotations

import gzip
import itertools
import json
import random
from pathlib import Path

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "domain_text"
SOURCES = ("finance/reuters21578", "biomed/pubmedqa_abstracts", "general/c4")
DOCUMENTS = 400
TEMPLATES = "templates"
MISSING = "the shared domain text is not on this machine"

_LEADS = ("In the ever-changing landscape of {a}", "In today's world of {a}", "As {a} evolves")
_BODIES = (
    "experts stress the importance of {b} for {c}. {d} remains a challenge,  and careful {b} is key.",
    "{b} plays a vital role in {c}.\n\nIt is important to note that {d} can help with {b}.",
)
_WORDS = (
    "banking",
    "risk",
    "liquidity",
    "growth",
    "savings",
    "credit",
    "bonds",
    "audits",
    "caf\u00e9s",
    "\U0001f4c8",
)


def real_text(source: str, documents: int = DOCUMENTS) -> list[str] | None:
    """The first documents of a source; None where it is not there."""
    path = DATA / f"{source}.jsonl.gz"
    if not path.exists():
        return None
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in itertools.islice(lines, documents)]


def templates(documents: int = DOCUMENTS) -> list[str]:
    """Filled templates: a few sentences with a few words in their slots."""
    draw = random.Random(1)
    return [
        ", ".join(draw.choice(part) for part in (_LEADS, _BODIES)).format(
            **{slot: draw.choice(_WORDS) for slot in "abcd"}
        )
        for _ in range(documents)
    ]
