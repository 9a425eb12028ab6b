"""What an answer is constrained to: a JSON schema or a regular expression.

llama.cpp is built with llguidance here, and where llguidance cannot compile a grammar,
llama.cpp logs that and generates *without* one. So every grammar is compiled first by the
same library, and one that fails is refused with the compiler's reason.
"""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from builders.serve.refusals import Invalid

ANY_OBJECT: dict[str, Any] = {"type": "object"}
# One space after a comma and a colon and no other whitespace: a small model can otherwise
# spend its tokens on blank lines, which JSON allows.
SEPARATORS = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
SUBSCHEMAS = ("items", "additionalProperties", "contains")
SUBSCHEMA_LISTS = ("anyOf", "oneOf", "prefixItems")
SUBSCHEMA_MAPS = ("properties", "$defs", "definitions", "patternProperties")


def compile_grammar(wanted: dict[str, Any] | None) -> str | None:
    """Turn a ``grammar`` or ``response_format`` field into a llama.cpp grammar.

    Args:
        wanted: TGI's forms, ``{"type": "json" | "json_object" | "regex", "value": ...}`` and
            ``{"type": "json_schema", "value": {"schema": ...}}``; OpenAI's,
            ``{"type": "json_schema", "json_schema": {"schema": ...}}``,
            ``{"type": "json_object"}`` and ``{"type": "text"}``; or None.

    Returns:
        The grammar, or None where any text will do.

    Raises:
        Invalid: the field has another form, or cannot be compiled.
    """
    if wanted is None:
        return None
    kind, value = wanted.get("type"), wanted.get("value")
    if kind == "text":
        return None
    if kind == "regex" and isinstance(value, str):
        return from_regex(value)
    if kind == "json_object" and value is None:
        return from_schema(ANY_OBJECT)
    if kind in ("json", "json_object") and value is not None:
        return from_schema(value)
    if kind == "json_schema":
        named = value if value is not None else wanted.get("json_schema")
        if isinstance(named, dict) and named.get("schema") is not None:
            return from_schema(named["schema"])
    raise _invalid(
        "expected `type` json, json_object, json_schema or regex with its `value` (or OpenAI's `json_schema`)"
    )


def from_schema(schema: Any) -> str:
    """The grammar of the JSON documents that fit a schema (a string holds one as JSON text).

    As in TGI, an object that lists ``properties`` has these and no others, unless the
    schema says otherwise, and they come in the order listed.
    """
    if isinstance(schema, str):
        try:
            schema = json.loads(schema)
        except ValueError as error:
            raise _invalid(str(error)) from None
    if not isinstance(schema, dict):
        raise _invalid("the schema is not an object")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise _invalid(error.message) from None
    return _checked(f"start: %json {json.dumps(_closed(schema) | {'x-guidance': SEPARATORS})}")


def from_regex(pattern: str) -> str:
    """The grammar of the texts that a regular expression matches from end to end.

    The syntax is that of Rust's regex crate: no look-around, no back-references.
    """
    from llguidance import regex_to_lark

    return _checked(f"start: /{regex_to_lark(pattern)}/")


def _closed(schema: Any) -> Any:
    """A copy in which objects that list properties allow no others, where they do not say."""
    if not isinstance(schema, dict):
        return schema
    closed = dict(schema)
    for key in SUBSCHEMAS:
        if key in closed:
            closed[key] = _closed(closed[key])
    for key in SUBSCHEMA_LISTS:
        if key in closed:
            closed[key] = [_closed(item) for item in closed[key]]
    for key in SUBSCHEMA_MAPS:
        if key in closed:
            closed[key] = {name: _closed(item) for name, item in closed[key].items()}
    if "properties" in closed and not closed.keys() & {"allOf", "patternProperties", "$ref"}:
        closed.setdefault("additionalProperties", False)
    return closed


def _checked(rule: str) -> str:
    from llguidance import LLMatcher

    grammar = f"%llguidance {{}}\n{rule}"
    fault = LLMatcher.validate_grammar(grammar)
    if fault:
        raise _invalid(fault.split("\n   1 |")[0].split("): ", 1)[-1])
    return grammar


def _invalid(reason: str) -> Invalid:
    return Invalid(f"grammar is not valid: {reason}")
