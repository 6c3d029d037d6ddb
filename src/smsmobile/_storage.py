"""SQLite files: one process has a file for itself, or several share it. Wrong and damaged files are refused.

The modules that open a file define its tables and what is stored in them. _sqlite_forks.py has what a fork needs.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._confidential import safe_repr
from ._sqlite_forks import ForkSafeFile, creating
from .errors import StorageError

if TYPE_CHECKING:
    from typing_extensions import Self

PATIENCE = 1.0
"""Seconds that an exclusive file waits for another process that is just closing it."""
SHARED_PATIENCE = 30.0
"""Seconds that a shared file waits for the transactions of other processes."""

_LITTLE_ROOM = 1024 * 1024
"""Bytes. If less is free on the disk, the log is merged before and after each transaction."""
_PAGE_SIZE = 1024
"""Bytes. The files hold short rows that are changed one by one, and each change writes a page."""

_ERROR_TEXTS = {
    "not a database": "{path} is not {what}, or it is damaged. The file was not changed: choose another name.",
    "malformed": "{path} is damaged ({reason}). The file was not changed: move it away, or choose another name.",
    "full": "{path} cannot be written ({reason}): make room on the disk and try again. Earlier data is kept, a part "
    "of it perhaps in {path}-wal: opening the file merges that and empties it, once there is room.",
    "I/O": "{path} cannot be used ({reason}): the disk is full or failing. Check it and try again.",
    "": "{path} cannot be used ({reason}): it has to be a file that you may write, in a folder that you may write.",
}
"""What to say, by a word in SQLite's message; the first one that is found counts."""


class SQLiteFile(ForkSafeFile):
    """One SQLite file, held by one process or shared by several.

        journal = SQLiteFile(
            "campaign.sqlite",
            application_id=0x736D736A,                  # stored in the header; a file with another id is refused
            version=1,                                  # of the schema; a file with another version is refused
            schema=["CREATE TABLE messages (…)"],       # one statement each, executed once when the file is new
            what="a journal of messages",               # with its article, for error texts
        )
        with journal.transaction() as connection:       # reading and writing
            connection.execute("INSERT INTO messages VALUES (?, ?)", (…))
        journal.close()                                 # or use it in a `with`

    A missing file is created with mode 0600; its folder has to exist. The first opening checks the whole file (`PRAGMA
    quick_check`), and so does the one after a failure. Use a local disk: locks on network file systems are unreliable.

    Exclusive (the default): nobody else can open the file until `close()`. A forked child cannot use it.

    Shared (`shared=True`): several processes and threads use the file at the same time. Each process has one
    connection. It is opened when it is first needed, so a server can fork its workers afterwards; `os.fork` closes
    it, and parent and child each open a new one. If the file is removed or replaced, the next transaction uses the
    new file, or is refused if the file is `irreplaceable`; an exclusive file always is.

    `on_open` is called with each new connection.

    In both modes a commit survives a kill of the process and a power failure (WAL, synchronous = FULL). Threads take
    turns: one transaction at a time.

    Raises StorageError, here and in `transaction` and `note`, if the file belongs to another program, is damaged, comes
    from another version, is in use, cannot be opened, or cannot be written (a full disk). The file is not changed then.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        application_id: int,
        version: int,
        schema: Sequence[str],
        what: str,
        shared: bool = False,
        irreplaceable: bool = False,
        on_open: Callable[[sqlite3.Connection], object] | None = None,
    ) -> None:
        super().__init__(shared=shared)
        self.path = checked_path(path, what)
        """The absolute path, so that the program may change its working directory."""
        self._application_id = application_id
        self._version = version
        self._schema = schema
        self._what = what
        self._irreplaceable = irreplaceable or not shared
        self._on_open = on_open
        self._identity: tuple[int, int] | None = None
        self._is_checked = False
        """Whether the pages of the file with this identity were checked, and nothing has failed since."""
        self._is_closed = False
        with self._lock:
            self._connect()
            if shared:
                self._disconnect()

    @contextmanager
    def transaction(self, *, flush: bool = True) -> Iterator[sqlite3.Connection]:
        """A write transaction. It is committed when the block ends, and rolled back when the block raises.

        With `flush` the commit waits for the disk. Without, it survives a kill of the process, but a power failure may
        undo it if no flushed transaction has followed.

        Raises StorageError if the file cannot be read or written.
        """
        with self._lock:
            connection = self._usable()
            try:
                if flush is not self._is_flushing:
                    self._flush_each_commit(connection, flush)
                if flush:
                    self._merge_if_room_is_short(connection)
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
                if flush:  # now, since a log of later changes to the same pages can then be merged without room
                    self._merge_if_room_is_short(connection)
            except sqlite3.Error as error:
                _roll_back(connection)
                raise self._failure(error) from error
            except BaseException:
                _roll_back(connection)
                raise

    def note(
        self, statement: str, parameters: Sequence[object] = (), *, flush: bool = False, must_exist: bool = False
    ) -> list[tuple[Any, ...]]:
        """Execute one statement and return its rows; `flush` as in `transaction`.

        Faster than a transaction, because it checks only with `must_exist` that the file is still there. Raises
        StorageError if the file cannot be read or written.
        """
        with self._lock:
            connection = self._usable() if must_exist else self._current()
            try:
                if flush is not self._is_flushing:
                    self._flush_each_commit(connection, flush)
                return self._execute(connection, statement, parameters).fetchall()
            except sqlite3.Error as error:
                raise self._failure(error) from error

    def change(self, statement: str, parameters: Sequence[object], *, flush: bool = False) -> int:
        """Like `note`, for a statement that changes rows. Returns how many."""
        with self._lock:
            connection = self._current()
            try:
                if flush is not self._is_flushing:
                    self._flush_each_commit(connection, flush)
                return self._execute(connection, statement, parameters).rowcount
            except sqlite3.Error as error:
                raise self._failure(error) from error

    def merge(self) -> None:
        """Move what the log (-wal) holds into the file, and empty the log. If that is not possible now, do nothing."""
        with self._lock:
            self._merge(self._current())

    def damaged(self, reason: str) -> StorageError:
        """The error for a file whose contents cannot be understood; `reason` says what was found."""
        return StorageError(self._say("malformed", reason))

    def close(self) -> None:
        """Close the file; can be called again. In a forked child it does nothing to the parent's connection."""
        if self._connection is not None and os.getpid() != self._process:
            return
        with self._lock:
            self._is_closed = True
            self._disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_connection", None) is not None:
            try:  # noqa: SIM105 - `suppress` may be gone as well
                self.close()
            except TypeError:  # the program ends, and the modules that `close` uses are gone. SQLite closes it then
                pass

    @safe_repr
    def __repr__(self) -> str:
        return f"<SQLiteFile {self.path}{', closed' if self._is_closed else ''}>"

    # Opening and closing; the caller holds the lock.

    def _connect(self) -> sqlite3.Connection:
        if self._irreplaceable and self._identity is not None and self._identify() != self._identity:
            raise self._removed()
        try:
            _create(self.path.resolve())
            self._check_before_opening()
            # Before opening: if the file is replaced in between, the next transaction sees another identity.
            identity = self._identify()
            self._is_checked = self._is_checked and identity == self._identity
            self._identity = identity
            self._connection = self._open()
        except StorageError:
            raise
        except (sqlite3.Error, OSError, ValueError) as error:
            raise StorageError(self._why_not(error)) from error
        self._process = os.getpid()
        self._is_flushing = True
        return self._connection

    def _check_before_opening(self) -> None:
        """Refuse another program's file by its header, without locking or changing it."""
        if self.path.is_file() and self.path.stat().st_size == 0:
            if self._irreplaceable and self._identity is not None:  # somebody has emptied it
                raise self._removed()
            return
        connection = sqlite3.connect(f"{self.path.as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            self._check_header(connection)
        except sqlite3.DatabaseError as error:
            # Creating the file may have been interrupted. Opening it undoes that, and checks the header again.
            if "malformed" not in str(error):
                raise
        finally:
            connection.close()

    def _check_header(self, connection: sqlite3.Connection) -> None:
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if application_id != self._application_id:
            raise StorageError(f"{self.path} is not {self._what}. The file was not changed: choose another name.")
        if version > self._version:
            raise StorageError(
                f"{self.path} was written by a newer version of smsmobile: update smsmobile, or choose another file."
            )
        if version < self._version:
            raise StorageError(
                f"{self.path} was written by an earlier version of smsmobile, and this one cannot read it. The file "
                "was not changed: choose another name."
            )

    def _check_pages(self, connection: sqlite3.Connection) -> None:
        found = [row[0] for row in connection.execute("PRAGMA quick_check(1)")]
        if found != ["ok"]:
            raise self.damaged(" ".join(found[0].split()))

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?mode=rw",  # it was created before, with the right mode
            uri=True,
            timeout=self._patience,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            if not self._shared:
                # Held until the file is closed or the process ends, however it ends.
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute(f"PRAGMA page_size = {_PAGE_SIZE}")  # has an effect on a new file alone
            connection.execute("PRAGMA synchronous = NORMAL")  # FULL would sync a new, empty rollback journal twice
            connection.execute("BEGIN EXCLUSIVE")
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
                connection.execute(f"PRAGMA application_id = {self._application_id:d}")
                connection.execute(f"PRAGMA user_version = {self._version:d}")
                for statement in self._schema:
                    connection.execute(statement)
            self._check_header(connection)
            connection.execute("COMMIT")
            if not self._is_checked:
                self._check_pages(connection)  # as a reader, since others need not wait for that
                self._is_checked = True
            _switch_to_wal(connection, self._patience)
            if not self._shared:  # the log of an earlier process that could not merge it
                self._merge(connection)
            connection.execute("PRAGMA synchronous = FULL")
            if self._on_open is not None:
                self._on_open(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    @property
    def _patience(self) -> float:
        return SHARED_PATIENCE if self._shared else PATIENCE

    # Each use; the caller holds the lock.

    def _current(self) -> sqlite3.Connection:
        if self._connection is None:
            if self._is_closed:
                raise StorageError(f"{self.path} is closed: open {self._what} again to use it.")
            return self._connect()
        if os.getpid() != self._process:
            raise StorageError(
                f"{self.path} was open when this process was forked: open it in the process that uses it."
            )
        return self._connection

    def _usable(self) -> sqlite3.Connection:
        connection = self._current()
        if self._identify() == self._identity:
            return connection
        if self._irreplaceable:
            raise self._removed()
        self._disconnect()
        return self._connect()

    def _removed(self) -> StorageError:
        return StorageError(
            f"{self.path} was removed or replaced while it was in use, and new data would be lost. Stop the program, "
            "and put the file back if you have it."
        )

    def _identify(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _execute(self, connection: sqlite3.Connection, statement: str, parameters: Sequence[object]) -> sqlite3.Cursor:
        try:
            return connection.execute(statement, parameters)
        except sqlite3.OperationalError as error:
            if "full" not in str(error):
                raise
        self._merge(connection)  # which may make room: most notes write the same pages again
        return connection.execute(statement, parameters)

    def _merge_if_room_is_short(self, connection: sqlite3.Connection) -> None:
        """Merge the log while there is room for that. On a full disk it could neither grow nor be merged."""
        with suppress(OSError):  # the file was removed just now, which the next transaction notices
            log = Path(f"{self.path}-wal").stat().st_size
            if shutil.disk_usage(self.path.parent).free < 2 * log + _LITTLE_ROOM:
                self._merge(connection)

    def _merge(self, connection: sqlite3.Connection) -> None:
        """Move the contents of the log into the file, and use it from its beginning. Without room for them they stay.

        An exclusive file's log is emptied. That of a shared one is not, since it would have to wait for the others.
        """
        with suppress(sqlite3.Error):
            connection.execute(f"PRAGMA wal_checkpoint({'PASSIVE' if self._shared else 'TRUNCATE'})").fetchall()

    def _flush_each_commit(self, connection: sqlite3.Connection, flush: bool) -> None:
        connection.execute(f"PRAGMA synchronous = {'FULL' if flush else 'NORMAL'}")
        self._is_flushing = flush

    def _failure(self, error: sqlite3.Error) -> StorageError:
        if self._shared and "full" not in str(error):  # a full disk may have no room to open it again
            self._disconnect()  # the next use opens the file again, and checks it
            self._is_checked = False
        return StorageError(self._why_not(error))

    def _why_not(self, error: Exception) -> str:
        reason = getattr(error, "strerror", None) or str(error)
        if self.path.is_dir():
            return f"{self.path} is a folder: expected the name of a file in it."
        if not self.path.parent.is_dir():
            return f"The folder of {self.path} does not exist: make it first."
        if "locked" in reason:
            return self._why_locked()
        return self._say(next(word for word in _ERROR_TEXTS if word in reason), reason)

    def _say(self, word: str, reason: str) -> str:
        return _ERROR_TEXTS[word].format(path=self.path, what=self._what, reason=reason)

    def _why_locked(self) -> str:
        if self._shared:
            return f"{self.path} has been locked by another program for {self._patience:g} seconds: stop that program."
        return (
            f"{self.path} is in use by another process, or open twice in this one: close the other, or choose another "
            "file."
        )


_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
"""The beginning of `redis://…`. A drive of Windows has one letter."""


def checked_path(path: str | os.PathLike[str], what: str) -> Path:
    """The absolute path of a file. Raises StorageError if SQLite would keep it in memory, and for an address."""
    if _ADDRESS.match(str(path)):  # it may hold a password, so no error may name it as a file
        raise StorageError(
            f"A file name is needed for {what}, and this looks like the address of a server: make a store of "
            "smsmobile.contrib.redis or smsmobile.contrib.sqlalchemy with it, and pass that."
        )
    if str(path) in {"", ":memory:"}:
        raise StorageError(f"A file name is needed for {what}: data in memory would not survive a restart.")
    return Path(path).absolute()


def _create(path: Path) -> None:
    """Create the file if it is missing, for its owner alone."""
    # Locked even if the file is there: closing the descriptor below drops all locks that this process has on the file
    # (POSIX), so no other thread may open it before.
    with creating:
        if not path.exists():
            with _folder_locked(path.parent), suppress(FileExistsError):
                # The files of a removed database. A process that still has it open goes on using them, so the new
                # database has to get its own.
                if not path.exists():
                    for suffix in ("-wal", "-shm", "-journal"):
                        Path(f"{path}{suffix}").unlink(missing_ok=True)
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


@contextmanager
def _folder_locked(folder: Path) -> Iterator[None]:
    """One process at a time creates files in a folder."""
    if sys.platform == "win32":  # nobody can remove a file there that is in use
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _switch_to_wal(connection: sqlite3.Connection, patience: float) -> None:
    """Use a write-ahead log. SQLite's own timeout does not cover this switch, which another process may be making."""
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
        else:
            return
        time.sleep(0.01)


def _roll_back(connection: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):  # a full disk can end the transaction by itself
        if connection.in_transaction:
            connection.execute("ROLLBACK")
