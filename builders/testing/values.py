"""A JSON value that fits a schema, drawn from the vocabulary."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from builders.metasynth.workbench import FINISH
from builders.serve.refusals import Invalid
from builders.testing.prose import vocabulary

if TYPE_CHECKING:
    from builders.testing.prose import Prose

MOST_ITEMS = 4
_LISTED = {"persona": "personas", "genre": "genres"}


def json_text(schema: dict[str, Any], prose: Prose) -> str:
    """JSON that fits a schema; see :func:`value`."""
    return json.dumps(value(schema, prose), ensure_ascii=False)


def value(schema: dict[str, Any], prose: Prose, *, name: str = "") -> Any:
    """A value that fits a schema of the kinds that a build asks for.

    Of several kinds of object it is the one that finishes, else the first; of an enumeration of
    verdicts the first (it is the good one), of any other enumeration any. `name` is the property.

    Raises:
        Invalid: the schema uses a keyword that is not known here (422, as TGI tells it).
    """
    if kinds := schema.get("anyOf") or schema.get("oneOf"):
        return value(next((kind for kind in kinds if _finishes(kind)), kinds[0]), prose, name=name)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0] if name == "verdict" else prose.pick(schema["enum"])
    match schema.get("type"):
        case "object":
            return {name: value(kind, prose, name=name) for name, kind in schema["properties"].items()}
        case "array":
            return _items(schema, prose)
        case "string":
            return _text(schema, prose, name=name)
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
    raise Invalid("the grammar is not valid: the simulated endpoint knows no " + json.dumps(schema)[:200])


def _finishes(schema: dict[str, Any]) -> bool:
    return bool(schema.get("properties", {}).get("expert", {}).get("enum") == [FINISH])


def _items(schema: dict[str, Any], prose: Prose) -> list[Any]:
    """Between `minItems` and four items; those of an enumeration differ as far as it goes."""
    least, items = schema.get("minItems", 0), schema["items"]
    most = max(least, min(schema.get("maxItems", MOST_ITEMS), MOST_ITEMS))
    count = least + int(prose.uniform() * (most - least + 1))
    if "enum" in items:
        different = prose.some(items["enum"], count)
        return different + [different[-1]] * (least - len(different))
    return [value(items, prose) for _ in range(count)]


def _text(schema: dict[str, Any], prose: Prose, *, name: str) -> str:
    """A string between `minLength` and `maxLength` characters; long ones are sentences."""
    least, most = schema.get("minLength", 0), schema.get("maxLength", 1_000_000)
    if name in _LISTED:
        text = prose.pick(vocabulary()[_LISTED[name]])
    else:
        text = prose.write("instructions" if most > 100 else "phrases")
    while len(text) < least:
        text += " " + prose.write("phrases")
    return text[:most]
