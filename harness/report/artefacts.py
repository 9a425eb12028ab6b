"""A file that another command left, and figures that name the file and the field they come from.

A source is `PATH#POINTER`: the path relative to the page, as in a link, and a JSON Pointer (RFC 6901) into
what the file holds; YAML counts as JSON, and JSON lines as a list of lines. Without a pointer it is the
SHA-256 of the file. A figure of several values names several sources, parted by spaces.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import yaml

from builders.errors import UserError
from builders.hub.failures import holds_secret
from harness.report.formats import written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SAFE = "/~._-+,:@()"


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure on the page.

    Attributes:
        text: as it is read.
        source: where its values lie.
        format: see :mod:`harness.report.formats`.
    """

    text: str
    source: str
    format: str

    def __str__(self) -> str:
        return self.text

    def __html__(self) -> str:
        from markupsafe import escape

        return (
            f'<span class="n" data-source="{escape(self.source)}" data-format="{escape(self.format)}">'
            f"{escape(self.text)}</span>"
        )


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file with what it holds.

    Attributes:
        path: of the file.
        place: relative to the page's folder, quoted as in a link.
        data: of JSON, YAML or JSON lines; None of other files.
        sha256: of its bytes.
    """

    path: Path
    place: str
    data: Any
    sha256: str

    def show(self, *pointers: str, as_: str = "plain") -> Shown:
        """The figure of one field, or of several.

        Raises:
            KeyError: there is no such field, or format.
        """
        values = [value_at(self.data, pointer) for pointer in pointers]
        source = " ".join(f"{self.place}#{quote(pointer, safe=SAFE)}" for pointer in pointers)
        return Shown(written(as_, values), source, as_)

    def hash(self) -> Shown:
        """The figure of the file itself."""
        return Shown(self.sha256, self.place, "plain")

    def leaves(self, pointer: str = "") -> Iterator[tuple[str, Shown]]:
        """Every field below one, with its name as `outer.inner`; lists and nothing count as a value."""
        for name, value in value_at(self.data, pointer).items():
            below = f"{pointer}/{token(name)}"
            if isinstance(value, dict) and value:
                yield from ((f"{name}.{inner}", shown) for inner, shown in self.leaves(below))
            else:
                yield str(name), self.show(below)


def token(name: object) -> str:
    """A name as a part of a JSON Pointer."""
    return str(name).replace("~", "~0").replace("/", "~1")


def value_at(data: Any, pointer: str) -> Any:
    """What a JSON Pointer points at.

    Raises:
        KeyError: nothing.
    """
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        try:
            data = data[int(name)] if isinstance(data, list) else data[name]
        except (IndexError, ValueError, TypeError):
            raise KeyError(pointer) from None
    return data


def read_artefact(path: Path, *, page: Path) -> Artefact:
    """Read a file for a page.

    Args:
        path: of the file.
        page: the file of the page; sources are relative to its folder.

    Raises:
        UserError: it cannot be read, or holds what looks like a token.
    """
    place = quote(os.path.relpath(path, page.parent).replace(os.sep, "/"), safe=SAFE)
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        data = read_data(path)
    except (OSError, ValueError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())[:120]
        raise UserError(f"{path} cannot be read ({why}): make it again, or leave it out") from None
    if holds_secret(json.dumps(data, default=str)):
        raise UserError(f"{path} holds what looks like a token: take it out before a page is made of it")
    return Artefact(path, place, data, sha256)


def read_data(path: Path) -> Any:
    """What a file holds; None where it is neither JSON, JSON lines nor YAML.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged.
        yaml.YAMLError: likewise.
    """
    if path.suffix == ".json":
        return json.loads(path.read_text("utf-8"))
    if path.suffix == ".jsonl":
        return _lines(path.read_text("utf-8"))
    if path.suffix in (".yaml", ".yml"):
        return yaml.safe_load(path.read_text("utf-8"))
    return None


def _lines(text: str) -> list[Any]:
    """All whole lines; what a killed process wrote of its last one is left out."""
    found = []
    for line in text.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            break
    return found


def parted(source: str) -> tuple[str, str | None]:
    """Path and pointer of a source; the pointer is None where it is the file itself."""
    place, sign, pointer = source.partition("#")
    return unquote(place), unquote(pointer) if sign else None
