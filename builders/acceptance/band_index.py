"""Where band hashes and shingles are kept: three tables of an SQLite database.

Memory does not grow with the documents: SQLite holds a page cache of fixed size. Neither does
the time of a look-up, however alike the documents are to each other: of a band that more than
`BUCKET` documents share (a phrase that all of them open with) the earliest are read, and the
`CANDIDATES` with the most bands in common are handed out.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from builders.acceptance.side_database import SideDatabase
from builders.errors import UserError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

BUCKET = 32
CANDIDATES = 64
_TABLES = """
CREATE TABLE IF NOT EXISTS near_duplicate_settings (settings TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS near_duplicate_documents (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL, shingles BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS near_duplicate_bands (
    hash INTEGER, document INTEGER, PRIMARY KEY (hash, document)) WITHOUT ROWID;
"""


class BandIndex:
    """Documents by the hashes of their bands.

    Args:
        where: a file or an open connection, see
            :class:`builders.acceptance.side_database.SideDatabase`.
        settings: what the hashes depend on; kept beside them.
        fresh: forget what the tables hold.

    Raises:
        UserError: the tables hold documents under other settings, are damaged, or cannot be
            written.
    """

    def __init__(self, where: sqlite3.Connection | Path | str, *, settings: str, fresh: bool = False) -> None:
        self._settings = settings
        self._database = SideDatabase(where, what="the index of near-duplicates", tables=_TABLES)
        try:
            self._prepare(fresh=fresh)
        except BaseException:
            self._database.close()
            raise

    def __len__(self) -> int:
        with self._database.statements() as db:
            row = db.execute("SELECT MAX(number) FROM near_duplicate_documents").fetchone()
        return row[0] or 0

    def candidates(self, bands: Sequence[int]) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Key and shingles of earlier documents with a band in common, oldest first."""
        if not bands:
            return
        bucket = (
            "SELECT document FROM (SELECT document FROM near_duplicate_bands WHERE hash = ? "  # noqa: S608
            f"ORDER BY document LIMIT {BUCKET})"
        )
        query = (
            "SELECT key, shingles FROM near_duplicate_documents JOIN (SELECT document FROM ("  # noqa: S608
            + " UNION ALL ".join([bucket] * len(bands))
            + f") GROUP BY document ORDER BY COUNT(*) DESC, document LIMIT {CANDIDATES})"
            " ON number = document ORDER BY number"
        )
        with self._database.statements() as db:
            for key, shingles in db.execute(query, bands):
                yield key, struct.unpack(f"<{len(shingles) // 8}Q", shingles)

    def add(self, key: str, bands: Sequence[int], shingles: Collection[int]) -> None:
        """Add a document, whole or not at all."""
        packed = struct.pack(f"<{len(shingles)}Q", *shingles)
        with self._database.transaction() as db:
            number = db.execute(
                "INSERT INTO near_duplicate_documents (key, shingles) VALUES (?, ?)", (key, packed)
            ).lastrowid
            if bands:
                values = ", ".join(["(?, ?)"] * len(bands))
                rows = [value for band in bands for value in (band, number)]
                db.execute(f"INSERT INTO near_duplicate_bands VALUES {values}", rows)  # noqa: S608

    def clear(self) -> None:
        """Forget every document, and take the settings of this index."""
        with self._database.transaction() as db:
            for table in ("settings", "documents", "bands"):
                db.execute(f"DELETE FROM near_duplicate_{table}")  # noqa: S608
            db.execute("INSERT INTO near_duplicate_settings VALUES (?)", (self._settings,))

    def commit(self) -> None:
        """Keep what was added to a file, whatever happens to the process."""
        self._database.commit()

    def close(self) -> None:
        """Commit and close a file; a caller's connection stays open."""
        self._database.close()

    def _prepare(self, *, fresh: bool) -> None:
        if fresh:
            self.clear()
        with self._database.statements() as db:
            made = db.execute("SELECT settings FROM near_duplicate_settings").fetchone()
        if made is None:
            self.clear()
        elif made[0] != self._settings:
            raise UserError(
                f"the index of near-duplicates in {self._database.name} was made with {made[0]}, not with "
                f"{self._settings}; delete it and run again: it is derived anew"
            )
