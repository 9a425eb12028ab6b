"""A test double of a language model: deterministic, offline, no model behind it.

Where a request holds a schema, the answer is the least JSON that fits it: of several kinds of object
the last, of an enumeration the first. So a meta-LM under the guided protocol goes the shortest way to
`FINISH`. Anything else is answered by about a hundred words of plain prose on the last words of the
request, which vary with its seed and pass the acceptance checks. The text protocol is beyond it.
"""

from __future__ import annotations

import json
import random
import re
from typing import Any

_OPENINGS = (
    "The committee met in {month} to look at {topic} again.",
    "Few people at the {place} had expected {topic} to matter this much.",
    "When {name} first wrote about {topic}, nobody outside the {place} paid attention.",
)
_SENTENCES = (
    "{name} kept careful notes, and by {month} the pattern was hard to miss.",
    "A second reading, taken at the {place}, differed by {number} percent from the first.",
    "Costs rose as well, although the {place} absorbed most of them before {month}.",
    "Colleagues of {name} repeated the exercise {number} times and saw no exception.",
    "What changed between {month} and the following spring was mostly a matter of staffing.",
    "Older guidance had assumed a margin of {number} units, which proved generous.",
    "Some of the people concerned asked for a plainer account, and {name} obliged.",
    "The {place} now publishes its figures early, so that others can object in time.",
    "None of this settles the question, yet it narrows what is worth trying next.",
    "Records from {number} earlier cases were opened and compared line by line.",
    "Critics replied that the {place} was hardly typical, and they had a point.",
    "By then {name} had moved on, leaving a short memorandum and two open questions.",
)
_NAMES = ("Ines Moreau", "Tom Adeyemi", "Ruth Lindqvist", "Paul Nakamura", "Dana Kovac", "Omar Haddad")
_PLACES = ("regional office", "teaching hospital", "county archive", "audit bureau", "field station")
_MONTHS = ("January", "March", "May", "July", "September", "November")


def respond(payload: dict[str, Any]) -> str:
    """Answer a chat request, in either dialect of structured output."""
    asked = payload.get("response_format")
    if asked is None:
        return passage(payload)
    schema = asked["value"] if asked["type"] == "json_object" else asked["json_schema"]["schema"]
    return json.dumps(least(schema))


def passage(payload: dict[str, Any]) -> str:
    """About a hundred words: a function of the request's last message and its seed."""
    draw = random.Random(payload["seed"])
    words = re.findall(r"[a-z]{4,}", payload["messages"][-1]["content"].lower())
    topic = draw.choice(words[-12:] or ["method"])
    chosen = [draw.choice(_OPENINGS), *draw.sample(_SENTENCES, 8)]
    return " ".join(
        sentence.format(
            topic=topic,
            name=draw.choice(_NAMES),
            place=draw.choice(_PLACES),
            month=draw.choice(_MONTHS),
            number=draw.randint(2, 97),
        )
        for sentence in chosen
    )


def least(schema: dict[str, Any]) -> Any:
    """The least value that fits a schema of the few kinds that the product asks for."""
    if "anyOf" in schema:
        return least(schema["anyOf"][-1])
    if "enum" in schema:
        return schema["enum"][0]
    match schema["type"]:
        case "object":
            return {name: least(value) for name, value in schema["properties"].items()}
        case "array":
            count, choices = schema.get("minItems", 0), schema["items"].get("enum")
            return choices[:count] if choices else [f"{least(schema['items'])} {n}" for n in range(count)]
        case "string":
            length = schema.get("minLength", 0)
            return ("word " * 100)[:length].strip().ljust(length, "s")
        case "boolean":
            return True
    raise ValueError(f"the double knows no {schema}")
