"""Where band hashes and shingles are kept: three tables of an SQLite database.

Memory does not grow with the documents: SQLite holds a page cache of fixed size. Neither does
the time of a look-up, however alike the documents are to each other: of a band that more than
`BUCKET` documents share (a phrase that all of them open with) the earliest are read, and the
`CANDIDATES` with the most bands in common are handed out.
"""

from __future__ import annotations

import sqlite3
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

BUCKET = 32
CANDIDATES = 64
_CACHE_KIB = 8192
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
        where: a file, made where there is none, or an open connection. A connection's transactions
            stay the caller's: outside of one, each `add` commits by itself. In a file, what was
            added since the last `commit` goes when the process is killed; a killed process
            damages nothing.
        settings: what the hashes depend on; kept beside them.
        fresh: forget what the tables hold.

    Raises:
        UserError: the tables hold documents under other settings, are damaged, or cannot be
            written.
    """

    def __init__(self, where: sqlite3.Connection | Path | str, *, settings: str, fresh: bool = False) -> None:
        self._own = not isinstance(where, sqlite3.Connection)
        self._where = str(where) if self._own else "the database"
        self._settings = settings
        with self._explained():
            self._db = where if isinstance(where, sqlite3.Connection) else _opened(where)
        try:
            self._prepare(fresh=fresh)
        except BaseException:
            if self._own:
                self._db.close()
            raise

    def __len__(self) -> int:
        with self._explained():
            row = self._db.execute("SELECT MAX(number) FROM near_duplicate_documents").fetchone()
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
        with self._explained():
            for key, shingles in self._db.execute(query, bands):
                yield key, struct.unpack(f"<{len(shingles) // 8}Q", shingles)

    def add(self, key: str, bands: Sequence[int], shingles: Collection[int]) -> None:
        """Add a document, whole or not at all."""
        packed = struct.pack(f"<{len(shingles)}Q", *shingles)
        with self._explained(), self._whole():
            number = self._db.execute(
                "INSERT INTO near_duplicate_documents (key, shingles) VALUES (?, ?)", (key, packed)
            ).lastrowid
            if bands:
                values = ", ".join(["(?, ?)"] * len(bands))
                rows = [value for band in bands for value in (band, number)]
                self._db.execute(f"INSERT INTO near_duplicate_bands VALUES {values}", rows)  # noqa: S608

    def clear(self) -> None:
        """Forget every document, and take the settings of this index."""
        with self._explained(), self._whole():
            for table in ("settings", "documents", "bands"):
                self._db.execute(f"DELETE FROM near_duplicate_{table}")  # noqa: S608
            self._db.execute("INSERT INTO near_duplicate_settings VALUES (?)", (self._settings,))

    def commit(self) -> None:
        """Keep what was added to a file, whatever happens to the process."""
        if self._own:
            with self._explained():
                self._db.execute("COMMIT")
                self._db.execute("BEGIN")

    def close(self) -> None:
        """Commit and close a file; a caller's connection stays open."""
        if self._own:
            with self._explained():
                if self._db.in_transaction:
                    self._db.execute("COMMIT")
            self._db.close()

    def _prepare(self, *, fresh: bool) -> None:
        with self._explained():
            for statement in filter(str.strip, _TABLES.split(";")):
                self._db.execute(statement)  # executescript would commit the caller's transaction
            if fresh:
                self.clear()
            made = self._db.execute("SELECT settings FROM near_duplicate_settings").fetchone()
            if made is None:
                self.clear()
        if made and made[0] != self._settings:
            raise UserError(
                f"the index of near-duplicates in {self._where} was made with {made[0]}, not with "
                f"{self._settings}; delete it and run again: it is derived anew"
            )

    @contextmanager
    def _whole(self) -> Iterator[None]:
        self._db.execute("SAVEPOINT near_duplicate")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:  # SQLite rolls back by itself when the disk is full
                self._db.execute("ROLLBACK TO near_duplicate")
                self._db.execute("RELEASE near_duplicate")
            raise
        self._db.execute("RELEASE near_duplicate")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise  # a mistake in a program, such as using what was closed
        except sqlite3.DatabaseError as error:
            raise UserError(
                f"cannot use the index of near-duplicates in {self._where} ({error}); free disk space, or "
                "delete it where it is damaged, and run again: it is derived anew"
            ) from None


def _opened(path: Path | str) -> sqlite3.Connection:
    """One long transaction: pages that do not fit the cache go to the file without a journal."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous=OFF")
    db.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    db.execute("BEGIN")
    return db
