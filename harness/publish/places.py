"""Records without the places of this machine: what is published names no folder and no person's home."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import yaml

from builders.dataset.places import without_places
from builders.errors import UserError
from builders.hub.failures import holds_secret

if TYPE_CHECKING:
    from pathlib import Path

    from builders.hub.difference import Content

TEXTS = (".json", ".jsonl", ".yaml", ".md", ".txt", ".svg", ".jinja")
RECORDS = (
    "results_*.json",
    "run.json",
    "ledger.json",
    "environment.json",
    "merge.json",
    "recipe.yaml",
    "config.json",
    "adapter_config.json",
    "tokenizer_config.json",
)
"""Files that may name places of this machine; a vocabulary's entries are none, whatever they look like."""


def published(path: Path) -> Content:
    """A file as it is published: unchanged, or a record of which folders of this machine are left out.

    Raises:
        UserError: it cannot be read, or holds what looks like a token of the Hub.
    """
    if path.suffix not in TEXTS:
        return path
    try:
        text = path.read_text("utf-8")
        read = _read(path, text) if any(fnmatchcase(path.name, name) for name in RECORDS) else None
    except (OSError, ValueError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())[:120]
        raise UserError(f"{path} cannot be read ({why}): is it whole?") from None
    if holds_secret(text):
        raise UserError(f"{path} holds what looks like a token: take it out before this is published")
    cleaned = without_places(read)
    if cleaned == read:
        return path
    if path.suffix == ".json":
        return (json.dumps(cleaned, indent=2, ensure_ascii=False) + "\n").encode()
    return yaml.safe_dump(cleaned, sort_keys=False).encode()


def _read(path: Path, text: str) -> Any:
    return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
