"""SQLite tables beside the journal, for what can be derived anew from it.

So they trade durability for speed: a file of one's own is written in one long transaction, whose
pages go to it without a journal of their own once they do not fit the cache of `CACHE_KIB`.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CACHE_KIB = 8192


class SideDatabase:
    """Tables in a file of their own, or in a database that the caller has open.

    Args:
        where: a file, made where there is none (`""`: a temporary one that SQLite deletes), or a
            connection. In a file, what was written since the last `commit` goes when the process
            is killed; a killed process damages nothing. A connection's transactions stay the
            caller's: outside of one, each transaction here commits by itself.
        what: what the tables hold, in the words of an error.
        tables: `CREATE TABLE IF NOT EXISTS` statements, each ended by a semicolon.

    Raises:
        UserError: the tables are damaged or cannot be written (from every method).
    """

    def __init__(self, where: sqlite3.Connection | Path | str, *, what: str, tables: str) -> None:
        self._own = not isinstance(where, sqlite3.Connection)
        self._what = what
        self.name = (str(where) or "a temporary file") if self._own else "the database"
        with self._explained():
            self._db = where if isinstance(where, sqlite3.Connection) else _opened(where)
        try:
            with self.statements() as db:
                for statement in tables.split(";"):
                    db.execute(statement)  # executescript would commit the caller's transaction
        except BaseException:
            self.close()
            raise

    @contextmanager
    def statements(self) -> Iterator[sqlite3.Connection]:
        """The connection; what it says against a statement becomes one clear line."""
        with self._explained():
            yield self._db

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The connection, for statements that hold together or not at all."""
        with self._explained():
            self._db.execute("SAVEPOINT side_database")
            try:
                yield self._db
            except BaseException:
                if self._db.in_transaction:  # SQLite rolls back by itself when the disk is full
                    self._db.execute("ROLLBACK TO side_database")
                    self._db.execute("RELEASE side_database")
                raise
            self._db.execute("RELEASE side_database")

    def commit(self) -> None:
        """Keep what was written to a file; for a connection that is the caller's to do."""
        if self._own:
            with self._explained():
                self._db.execute("COMMIT")
                self._db.execute("BEGIN")

    def close(self) -> None:
        """Commit and close a file; a caller's connection stays open."""
        if self._own:
            try:
                with self._explained():
                    if self._db.in_transaction:
                        self._db.execute("COMMIT")
            finally:
                self._db.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise  # a mistake in a program, such as using what was closed
        except sqlite3.DatabaseError as error:
            raise UserError(
                f"cannot use {self._what} in {self.name} ({error}); free disk space, or delete it where it "
                "is damaged, and run again: it is derived anew, and nothing that was answered is lost"
            ) from None


def _opened(path: Path | str) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.execute("PRAGMA synchronous=OFF")
        db.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        db.execute("BEGIN")
    except BaseException:
        db.close()
        raise
    return db
