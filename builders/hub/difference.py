"""What a commit would change in a repository, by content: an unchanged file is never sent."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Content = Path | bytes
What = Literal["add", "change", "keep", "delete"]


@dataclass(frozen=True, slots=True)
class Remote:
    """A file of the repository: git's hash of it, or the SHA-256 of a large one."""

    oid: str
    sha256: str | None
    size: int


@dataclass(frozen=True, slots=True)
class FileChange:
    """What becomes of a file; `size` in bytes, 0 of one that goes."""

    path: str
    what: What
    size: int


def difference(
    files: Mapping[str, Content], remote: Mapping[str, Remote], *, owned: Iterable[str] = ()
) -> list[FileChange]:
    """Compare files with those of a repository, in the order of their paths.

    Args:
        files: what shall be there, by path.
        remote: what is there.
        owned: patterns of paths; what fits one and is not in `files` goes.
    """
    changes = []
    for path, content in files.items():
        there = remote.get(path)
        what: What = "add" if there is None else "keep" if _same(content, there) else "change"
        changes.append(FileChange(path, what, size_of(content)))
    patterns = tuple(owned)
    for path in remote.keys() - files.keys():
        if any(fnmatchcase(path, pattern) for pattern in patterns):
            changes.append(FileChange(path, "delete", 0))
    return sorted(changes, key=lambda change: change.path)


def size_of(content: Content) -> int:
    """In bytes."""
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def sha256_of(content: Content) -> str:
    """SHA-256 in hexadecimal digits."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _same(content: Content, there: Remote) -> bool:
    if size_of(content) != there.size:
        return False
    if there.sha256 is not None:
        return sha256_of(content) == there.sha256
    whole = content if isinstance(content, bytes) else content.read_bytes()
    header = b"blob %d\0" % len(whole)
    return hashlib.sha1(header + whole, usedforsecurity=False).hexdigest() == there.oid
