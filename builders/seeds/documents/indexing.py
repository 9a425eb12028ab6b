"""Building the index of seed documents: block by block, so that an interruption loses no more than one."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import zstandard

from builders.errors import UserError
from builders.seeds.documents.index import (
    FACTS,
    PLANES,
    SKETCHES,
    SUBFIELDS,
    TEXTS,
    VECTORS,
    IndexFacts,
    SeedIndex,
    sketches_of,
)
from builders.seeds.documents.screen import opening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from builders.seeds.documents.screen import Screen
    from builders.seeds.documents.source import SeedSource, SourceText
    from builders.seeds.keywords import SeedHierarchy

    Fit = tuple[bytes, SourceText]

BLOCK = 512
"""Texts that are embedded and kept together."""

READ_AT_ONCE = 4_096
"""Texts read, at most, between two times that the count of them is kept."""

_TABLES = """
CREATE TABLE IF NOT EXISTS documents (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, sha256 BLOB UNIQUE NOT NULL, text BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
"""


class Embedder(Protocol):
    """Maps texts to vectors, shape (n, dimensions), of any length. `name` tells embeddings apart."""

    @property
    def name(self) -> str:
        """Changes when the vectors do."""
        ...

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of some texts."""
        ...


async def build_index(
    folder: Path,
    source: SeedSource,
    *,
    screen: Screen,
    embed: Embedder,
    most: int,
    progress: Callable[[int, int], None] = lambda read, kept: None,
) -> SeedIndex:
    """Build the index in a folder, or go on with it where it was interrupted.

    Gives way to the event loop after each block, so that it can be cancelled.

    Args:
        folder: of this index alone: whoever calls sees to it that source and settings are the same.
        source: where texts come from.
        screen: which of them may be seeds.
        embed: what makes the vectors, of a text's opening.
        most: documents to keep.
        progress: told how many texts are read, and how many of them kept, after each block.

    Raises:
        UserError: the source breaks off, or the folder cannot be written. What was kept stays.
    """
    with _written(folder):
        writer = _Writer(folder, embed)
    try:
        left = source.texts(writer.counts["read"])
        while writer.counts["kept"] < most:
            fit, ended = writer.take(left, screen, room=most - writer.counts["kept"])
            with _written(folder):
                writer.keep(fit)
            progress(writer.counts["read"], writer.counts["kept"])
            await asyncio.sleep(0)
            if ended:
                break
        with _written(folder):
            writer.finish(source, screen)
    finally:
        writer.close()
    return SeedIndex(folder)


class _Writer:
    """The files of an index in the making; its counts are those of the last block that was kept."""

    def __init__(self, folder: Path, embed: Embedder) -> None:
        self._folder = folder
        self._embed = embed
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / TEXTS, isolation_level=None)
        self._db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_TABLES}")
        names = ("read", "kept", "short", "off_domain", "other_language", "repeated", "dimensions")
        self.counts = dict.fromkeys(names, 0) | dict(self._db.execute("SELECT name, count FROM counts"))
        self._vectors = (folder / VECTORS).open("ab")
        self._vectors.truncate(self.counts["kept"] * self.counts["dimensions"] * 2)

    def take(self, texts: Iterator[SourceText], screen: Screen, *, room: int) -> tuple[list[Fit], bool]:
        """Read until a block is full; the fit texts among those read, and whether no more are left."""
        fit: dict[bytes, SourceText] = {}
        for read, found in enumerate(texts, 1):
            self.counts["read"] += 1
            digest = hashlib.sha256(found.text.encode()).digest()
            if reason := screen.unfit(found.text):
                self.counts[reason] += 1
            elif digest in fit or self._holds(digest):
                self.counts["repeated"] += 1
            else:
                fit[digest] = found
            if len(fit) == min(BLOCK, room) or read == READ_AT_ONCE:
                return list(fit.items()), False
        return list(fit.items()), True

    def keep(self, fit: list[Fit]) -> None:
        """Add documents, and note how far the source is read: all of it or nothing."""
        if fit:
            vectors = _unit(self._embed([opening(found.text) for _, found in fit]))
            self.counts["dimensions"] = vectors.shape[1]
            self._vectors.write(vectors.tobytes())
            self._vectors.flush()
        first = self.counts["kept"]
        self.counts["kept"] += len(fit)
        pack = zstandard.ZstdCompressor(level=3).compress
        self._db.execute("BEGIN")
        self._db.executemany(
            "INSERT INTO documents VALUES (?, ?, ?, ?)",
            (
                (first + place, found.id, digest, pack(found.text.encode()))
                for place, (digest, found) in enumerate(fit)
            ),
        )
        self._db.executemany("INSERT OR REPLACE INTO counts VALUES (?, ?)", self.counts.items())
        self._db.execute("COMMIT")

    def finish(self, source: SeedSource, screen: Screen) -> None:
        """Write what is derived, and the facts last."""
        import numpy as np

        self._vectors.close()
        count, dimensions = self.counts["kept"], self.counts["dimensions"]
        fields = subfield_texts(screen.hierarchy)
        if count:
            vectors = np.memmap(self._folder / VECTORS, "<f2", "r", shape=(count, dimensions))
            shape = (PLANES, count)
            sketches = np.memmap(self._folder / SKETCHES, "<u8", "w+", shape=shape)
            for start in range(0, count, BLOCK * PLANES):
                rows = vectors[start : start + BLOCK * PLANES]
                sketches[:, start : start + len(rows)] = sketches_of(rows.astype(np.float32)).T
            sketches.flush()
            (self._folder / SUBFIELDS).write_bytes(_unit(self._embed(fields)).tobytes())
        facts = IndexFacts(
            source=source.name, revision=source.revision, embedder=self._embed.name, **self.counts
        )
        part = self._folder / f"{FACTS}.part"
        part.write_text(facts.model_dump_json(indent=2) + "\n", encoding="utf-8")
        part.replace(self._folder / FACTS)

    def close(self) -> None:
        """Close the files."""
        self._vectors.close()
        self._db.close()

    def _holds(self, digest: bytes) -> bool:
        row = self._db.execute("SELECT 1 FROM documents WHERE sha256 = ?", (digest,)).fetchone()
        return row is not None


def subfield_texts(hierarchy: SeedHierarchy) -> list[str]:
    """What stands for each subfield in the index: its area, its name and its terms."""
    return [f"{field.area}. {field.name}: {', '.join(field.terms)}" for field in hierarchy.subfields]


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float16]:
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float16] = (vectors / np.maximum(lengths, 1e-9)).astype("<f2")
    return unit


@contextmanager
def _written(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise UserError(
            f"cannot write the index of seeds into {folder} ({error}): free some space, or set "
            "XDG_CACHE_HOME; what is indexed stays"
        ) from None
