"""The database behind the store: SQLite, in memory or in a file. What stands in its one table is decided in store.py.

Whatever is read or written while the store's lock is held is one transaction. So a request is answered after its
changes were stored, and a file never shows a message both sent and queued.
"""

from __future__ import annotations

import logging
import sqlite3
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from os import PathLike
from typing import TYPE_CHECKING

from .._storage import SQLiteFile
from ..errors import StorageError

if TYPE_CHECKING:
    from threading import RLock

APPLICATION_ID = 0x736D7362
"""In the file's header: `smsb`."""
VERSION = 3
"""In the header too. A row may get new fields that have defaults; every other change needs a new version."""
_SCHEMA = (
    """CREATE TABLE rows (
        place INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, row TEXT NOT NULL,
        id INTEGER, phone TEXT, peer TEXT, destination INTEGER, is_pending INTEGER, due REAL,
        is_international INTEGER, path TEXT, words TEXT, contact TEXT, outcome TEXT
    )""",
    "CREATE UNIQUE INDEX by_key ON rows (kind, key)",
    "CREATE INDEX by_place ON rows (kind, place)",
    "CREATE INDEX by_id ON rows (kind, id)",
    "CREATE INDEX by_peer ON rows (phone, peer, id, is_international) WHERE peer IS NOT NULL",
    "CREATE INDEX by_contact ON rows (phone, peer, id) WHERE contact > ''",
    "CREATE INDEX paths ON rows (kind, path) WHERE path IS NOT NULL",
    "CREATE INDEX failed ON rows (kind, id) WHERE outcome IN ('refused', 'broken')",
    "CREATE INDEX pending ON rows (kind, phone, due) WHERE is_pending",
    "CREATE INDEX deliveries ON rows (destination, due, id) WHERE is_pending AND destination IS NOT NULL",
)

_log = logging.getLogger(__name__)


class Database:
    """One transaction at a time: from the first statement to `commit()`. The caller holds a lock meanwhile.

    A commit does not wait for the disk: a power failure may undo the last ones.

    Raises StorageError, here and in each method, if the file cannot be used; see `SQLiteFile`. What was written in the
    transaction is undone then.
    """

    def __init__(self, path: str | PathLike[str] | None, mutex: RLock, undone: Callable[[], None]) -> None:
        """`mutex` is the caller's lock; `undone` is called when a transaction was undone."""
        self._memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        """Used where there is no file, or none any more."""
        for statement in _SCHEMA:
            self._memory.execute(statement)
        # A sandbox need not be closed, and sqlite3 warns of a connection that was not.
        weakref.finalize(self, _close, self._memory, mutex)
        self._file: SQLiteFile | None = None
        if path is not None:
            self._file = SQLiteFile(
                path, application_id=APPLICATION_ID, version=VERSION, schema=_SCHEMA, what="a file of the sandbox"
            )
        self._undone = undone
        self._connection: sqlite3.Connection | None = None
        self._transaction = ExitStack()
        self._has_written = False
        self._failure = ""
        """What has failed last, until something could be stored again."""

    def execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Execute a statement; its rows have to be fetched before the commit."""
        try:
            if self._connection is None:
                self._connection = self._transaction.enter_context(self._begin())
            try:
                cursor = self._connection.execute(statement, values)
            except sqlite3.Error as error:
                self._connection = None
                self._transaction.__exit__(type(error), error, error.__traceback__)
                raise
        except StorageError as error:
            self._report(error)
            raise
        self._has_written |= cursor.rowcount > 0
        return cursor

    def commit(self) -> None:
        """Keep what was written since the last time."""
        if self._connection is None:
            return
        self._connection = None
        try:
            self._transaction.close()
        except StorageError as error:
            self._report(error)
            raise
        if self._failure and self._has_written:
            _log.warning("The sandbox can use its file again.")
            self._failure = ""
        self._has_written = False

    def damaged(self, reason: str) -> StorageError:
        """The error for a row that cannot be understood."""
        return self._file.damaged(reason) if self._file else StorageError(reason)

    def close(self) -> None:
        """Close the file. What it held can still be read and changed, in memory; repeatable."""
        if self._file:
            file, self._file = self._file, None
            try:
                with file.transaction(flush=False) as connection:
                    stored = connection.execute("SELECT * FROM rows")
                    marks = ", ".join("?" for _ in stored.description)
                    self._memory.executemany(f"INSERT INTO rows VALUES ({marks})", stored)  # noqa: S608
                file.merge()
            finally:
                file.close()

    def _begin(self) -> AbstractContextManager[sqlite3.Connection]:
        return self._file.transaction(flush=False) if self._file else _transaction(self._memory)

    def _report(self, error: StorageError) -> None:
        self._undone()
        self._has_written = False
        if str(error) != self._failure:
            self._failure = str(error)
            _log.error("The sandbox cannot use its file: %s Until then it refuses every request.", error)


def _close(connection: sqlite3.Connection, mutex: RLock) -> None:
    """Close it. Where the program ends, threads may still run: none of them gets the lock any more."""
    mutex.acquire(timeout=1.0)
    connection.close()


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    connection.execute("BEGIN")
    try:
        yield connection
    finally:
        connection.execute("COMMIT")
