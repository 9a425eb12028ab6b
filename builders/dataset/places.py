"""Records without the places of this machine: what may be published names no folder and no person's home."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def without_places(value: Any) -> Any:
    """Absolute paths become the last part of themselves, wherever they stand as a value, or in `KEY=PATH`."""
    if isinstance(value, dict):
        return {key: without_places(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_places(inner) for inner in value]
    if isinstance(value, str) and len(value) < 4096 and "\n" not in value:
        return ",".join(_bare(part) for part in value.split(",")) if "/" in value else value
    return value


def _bare(part: str) -> str:
    name, sign, path = part.partition("=")
    if not sign:
        name, path = "", part
    is_place = (
        path.startswith(("/", "~/")) and not path.startswith("//") and Path(path).name and " " not in path
    )
    return f"{name}{sign}{Path(path).name}" if is_place else part
