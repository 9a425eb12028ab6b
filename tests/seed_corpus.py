"""A small corpus of texts that are of the domain: each about terms of one subfield of the keyword lists."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

from builders.seeds import load_hierarchy

if TYPE_CHECKING:
    from pathlib import Path

FORMS = (
    "In {n} patients, {a} was measured before and after {b}, and {c} improved in {p}% of them.",
    "The authors compare {a} with {b} and find that {c} depends on both, at a dose of {p} mg.",
    "Guidelines recommend {a} when {b} is suspected, although {c} may delay the diagnosis by {n} days.",
    "A review of {n} records shows that {b} often precedes {a}, while {c} is seen in {p}% of cases.",
    "Clinicians should ask for {c} in everyone who presents with {a} or has a history of {b}.",
)


def seed_texts(count: int) -> list[str]:
    """Different texts of about 100 words."""
    hierarchy, draw = load_hierarchy("biomed"), random.Random(3)
    texts = []
    for number in range(count):
        terms = hierarchy.subfields[number % len(hierarchy.subfields)].terms
        sentences = []
        for form in draw.sample(FORMS, len(FORMS)):
            a, b, c = draw.sample(terms, 3)
            sentences.append(form.format(a=a, b=b, c=c, n=draw.randint(20, 900), p=draw.randint(5, 95)))
        texts.append(" ".join(sentences))
    return texts


def write_seeds(path: Path, texts: list[str], *, column: str = "text") -> Path:
    """A file of JSON lines with an id for each text."""
    rows = ({"id": f"pm-{number}", column: text} for number, text in enumerate(texts))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
