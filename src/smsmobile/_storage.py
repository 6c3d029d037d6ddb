"""A file (SQLite) that remembers something across restarts: the right one, undamaged, and used by nobody else.

Which tables it has, and what stands in them, is said by who opens it: delivery/ and sandbox/storage.py.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from .errors import StorageError

if TYPE_CHECKING:
    from typing_extensions import Self

PATIENCE = 1.0
"""Seconds to wait for a process that is just closing the file."""


class SQLiteFile:
    """One file, from the moment it is made until `close()`; nobody else can open it in between.

        journal = SQLiteFile(
            "campaign.sqlite",
            application_id=0x736D736A,                  # in the file's header, so that no other program's is taken
            version=1,                                  # of the schema; a newer file than this is refused
            schema=["CREATE TABLE messages (…)"],       # one statement each; executed once, when the file is new
            what="the journal of a bulk sender",        # with its article, for the texts of errors
        )
        with journal.transaction() as connection:       # reading and writing
            connection.execute("INSERT INTO messages VALUES (?, ?)", (…))
        journal.close()                                 # or use it in a `with`

    The file is made where there is none (readable by its owner alone), and its folder has to exist. Opening checks the
    whole of it (`PRAGMA quick_check`). It must lie on a disk of this machine: locks of network file systems are not to
    be trusted.

    It survives a kill of the process at any instant, and a power failure: a commit is on the disk (WAL, synchronous =
    FULL). Safe to share among threads: one transaction at a time, the others wait. Not to be used after a fork.

    Raises StorageError, here and in `transaction`, where the file is another program's, damaged, from a newer version,
    in use, cannot be opened, or cannot be written (a full disk). The file is then left as it was.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, application_id: int, version: int, schema: Sequence[str], what: str
    ) -> None:
        if str(path) in {"", ":memory:"}:
            raise StorageError(f"A name is needed for the file with {what}: what is in memory does not survive.")
        self.path = Path(path).absolute()
        """Where it is; a change of the working directory changes nothing."""
        self._what = what
        self._lock = RLock()
        self._process = os.getpid()
        self._connection: sqlite3.Connection | None = None
        try:
            self._look(application_id, version)
            connection = self._open(application_id, version, schema)
        except (sqlite3.Error, OSError) as error:
            if isinstance(error, StorageError):
                raise
            raise StorageError(self._why_not(error)) from error
        self._connection = connection
        _opened.add(self)
        self._is_flushing = True
        self._identity = self._identify()

    @contextmanager
    def transaction(self, *, flush: bool = True) -> Iterator[sqlite3.Connection]:
        """What is written in the block is on the disk when it ends. Where the block raises, nothing of it is kept.

        Without `flush` the disk is not waited for: what is written outlives the process all the same, killed or not,
        but a power failure may take it, as long as no flushed transaction has followed.

        Raises StorageError where the file cannot be read or written (any longer).
        """
        with self._lock:
            connection = self._usable()
            try:
                self._flush_each_commit(connection, flush)
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                _roll_back(connection)
                raise StorageError(self._why_not(error)) from error
            except BaseException:
                _roll_back(connection)
                raise

    def note(self, statement: str, parameters: Sequence[object] = (), *, flush: bool = False) -> list[tuple[Any, ...]]:
        """Execute one statement, the quick way, and return its rows; `flush` as in a transaction.

        Raises StorageError as `transaction` does, but it does not look each time whether the file is still there.
        """
        with self._lock:
            connection = self._ours()
            try:
                self._flush_each_commit(connection, flush)
                return connection.execute(statement, parameters).fetchall()
            except sqlite3.Error as error:
                raise StorageError(self._why_not(error)) from error

    def close(self) -> None:
        """Let go of the file; repeatable. What was committed is in it."""
        if os.getpid() != self._process:
            return  # it is the parent's
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<SQLiteFile {self.path}{'' if self._connection else ', closed'}>"

    def _look(self, application_id: int, version: int) -> None:
        """Refuse another program's file by its header alone, so that it stays as it is. Make one if there is none."""
        if not self.path.exists():
            # Never Path.touch, nor any other way to open a file that may be there: closing it again would drop the
            # locks that another connection of this process has on it.
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        if self.path.is_file() and self.path.stat().st_size == 0:
            return
        looking = sqlite3.connect(f"{self.path.as_uri()}?immutable=1", uri=True)
        try:
            self._check_header(looking, application_id, version)
        except sqlite3.DatabaseError as error:
            # Half of a file whose making was interrupted: opening it undoes that, and looks again.
            if "malformed" not in str(error):
                raise
        finally:
            looking.close()

    def _check_header(self, connection: sqlite3.Connection, application_id: int, version: int) -> None:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (written,) = connection.execute("PRAGMA user_version").fetchone()
        if application != application_id:
            raise StorageError(f"{self.path} is not {self._what}. It was left as it is: choose another name.")
        if written > version:
            raise StorageError(
                f"{self.path} was written by a newer version of smsmobile: update it, or choose another file."
            )

    def _open(self, application_id: int, version: int, schema: Sequence[str]) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            # Nobody else may open it until it is closed, or until the process ends, however it ends.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
                connection.execute(f"PRAGMA application_id = {application_id:d}")
                connection.execute(f"PRAGMA user_version = {version:d}")
                for statement in schema:
                    connection.execute(statement)
            self._check_header(connection, application_id, version)
            _check(connection)
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _flush_each_commit(self, connection: sqlite3.Connection, flush: bool) -> None:
        if flush is not self._is_flushing:
            connection.execute(f"PRAGMA synchronous = {'FULL' if flush else 'NORMAL'}")
            self._is_flushing = flush

    def _ours(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StorageError(f"{self.path} was closed: {self._what} is no longer at hand.")
        if os.getpid() != self._process:
            raise StorageError(f"{self.path} was opened before this process was forked: open it in one process alone.")
        return self._connection

    def _usable(self) -> sqlite3.Connection:
        connection = self._ours()
        if self._identify() != self._identity:
            raise StorageError(
                f"{self.path} was removed or replaced while it was in use: what is written now would be lost. Stop "
                "the program, and put the file back if you have it."
            )
        return connection

    def _identify(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _why_not(self, error: Exception) -> str:
        reason = getattr(error, "strerror", None) or str(error)
        path, what = self.path, self._what
        if path.is_dir():
            return f"{path} is a folder: expected a file in it."
        if not path.parent.is_dir():
            return f"The folder of {path} does not exist: make it first."
        for word, text in {
            "locked": f"{path} is in use by another process, or open twice in this one: close the other, or choose "
            "another file.",
            "not a database": f"{path} is not {what}, or is damaged. It was left as it is: choose another name.",
            "malformed": f"{path} is damaged ({reason}). It was left as it is: move it away, or choose another name.",
            "full": f"{path} cannot be written ({reason}): make room for it, and start again. What it has is kept.",
            "I/O": f"{path} cannot be used ({reason}): its disk is full, or fails. See to it, and start again.",
        }.items():
            if word in reason:
                return text
        return f"{path} cannot be used ({reason}): expected a file in a folder where you may write."


def _check(connection: sqlite3.Connection) -> None:
    found = [row[0] for row in connection.execute("PRAGMA quick_check(1)")]
    if found != ["ok"]:
        raise sqlite3.DatabaseError(f"malformed: {' '.join(found[0].split())}")


def _roll_back(connection: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):  # a full disk can end the transaction by itself
        if connection.in_transaction:
            connection.execute("ROLLBACK")


_opened: WeakSet[SQLiteFile] = WeakSet()


def _abandon_connections() -> None:
    """In a forked child: never let go of what the parent has open.

    SQLite takes itself for the last user of the file when the child's copy of a connection is closed, at the child's
    end if not before, and removes the log into which the parent goes on writing.
    """
    if files := [file for file in _opened if file._connection is not None]:
        import ctypes

        for file in files:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(file._connection))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_connections)
