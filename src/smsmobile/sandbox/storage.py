"""Keeps the ledger in an SQLite file: reads it when the sandbox is made, and writes down every change to it.

Which rows there are stands in rows.py. Nothing here is imported unless a file is asked for.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterable
from datetime import datetime, timedelta
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from .ledger import Ledger, Rows
from .page import is_page
from .rows import Row

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

APPLICATION_ID = 0x736D7362
"""In the file's header, so that no other program's file is taken for a sandbox's: `smsb`."""
VERSION = 1
"""In the header too. A row may get new fields that have defaults without a new version; all else needs one."""
PATIENCE = 1.0
"""Seconds to wait for a sandbox that is just closing the file."""

_CLOCK = "clock"
_CREATE = "CREATE TABLE rows (kind TEXT NOT NULL, key TEXT NOT NULL, row TEXT NOT NULL, PRIMARY KEY (kind, key))"
# A replaced row keeps its place among the others, as in the ledger; a new one comes last.
_REPLACE = "INSERT INTO rows VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET row = excluded.row"
_ADD = "INSERT OR REPLACE INTO rows VALUES (?, ?, ?)"
_REMOVE = "DELETE FROM rows WHERE kind = ? AND key = ?"

_Change = tuple[str, tuple[str, ...]]
"""A statement and its values."""

_log = logging.getLogger(__name__)


class Storage:
    """The file of one ledger, from the moment it is made until `close()`.

    What is changed while the ledger's lock is held is written in one transaction before the lock is let go: no
    request is answered before what it did is in the file, and a message is never in the outbox and still queued.

    Raises OSError where the file is another program's, damaged, from a newer version, in use, or cannot be opened;
    it is then left as it was.
    """

    def __init__(self, path: str | PathLike[str], ledger: Ledger) -> None:
        self.path = Path(path).absolute()
        self.trouble = ""
        """Why the last changes could not be written, as a sentence; empty while all is well."""
        self._ledger = ledger
        self._ahead = ledger.clock.ahead
        self._unwritten: dict[tuple[str, str], tuple[str, Row | None]] = {}
        self._connection: sqlite3.Connection | None = None
        connection = self._open()
        try:
            self._load(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        ledger.watchers.append(self._note)
        ledger.lock.before_release = self._write

    def guarded(self, app: WSGIApplication) -> WSGIApplication:
        """The application, which answers with an error for as long as what it does cannot be written."""

        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            if not self._tries_again():
                return self._refuse(environ, start_response)
            began: list[Any] = []

            def begin(*args: Any) -> Any:
                began[:] = args

            body = app(environ, begin)
            if not self.trouble:
                start_response(*began)
                return body
            if hasattr(body, "close"):
                body.close()
            return self._refuse(environ, start_response)

        return answer

    def close(self) -> None:
        """Write what is left, and leave one file that has everything; repeatable.

        Raises OSError where something could not be written.
        """
        with self._ledger.lock:
            connection, self._connection = self._connection, None
            if connection is None:
                return
            self._ledger.watchers.remove(self._note)
            self._ledger.lock.before_release = lambda: None
            try:
                self._write_to(connection)
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:
                self._fail(error)
            finally:
                connection.close()
        if self.trouble:
            raise OSError(self.trouble)

    def _open(self) -> sqlite3.Connection:
        try:
            is_new = self._is_new()
            if is_new and not self.path.exists():
                self.path.touch(mode=0o600)  # it holds credentials and messages
            connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
            try:
                # Nobody else may open it until it is closed, or until the process ends, however it ends.
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")
                connection.execute("BEGIN EXCLUSIVE")  # fails here, not later, where it may not be written
                if is_new:
                    self._create(connection)
                connection.execute("COMMIT")
                # In this mode a commit is a write without waiting for the disk. It outlives the process, killed or
                # not. A power failure may take the last moments with it, but leaves the file whole.
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
            except BaseException:
                connection.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise OSError(self._why_not(error)) from error
        return connection

    def _is_new(self) -> bool:
        """Whether there is nothing yet. Looks at the header alone, so that another program's file stays as it is."""
        if not self.path.exists() or (self.path.is_file() and self.path.stat().st_size == 0):
            return True
        looking = sqlite3.connect(f"{self.path.as_uri()}?immutable=1", uri=True)
        try:
            (application,) = looking.execute("PRAGMA application_id").fetchone()
            (version,) = looking.execute("PRAGMA user_version").fetchone()
        finally:
            looking.close()
        if application != APPLICATION_ID:
            raise OSError(f"{self.path} is not a file of the sandbox. It was left as it is: choose another name.")
        if version > VERSION:
            raise OSError(
                f"{self.path} was written by a newer version of smsmobile: update it, or choose another file."
            )
        return False

    @staticmethod
    def _create(connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute(_CREATE)

    def _why_not(self, error: Exception) -> str:
        if type(error) is OSError:
            return str(error)
        if "locked" in str(error):
            return f"{self.path} is in use by another sandbox: stop that one, or choose another file."
        if self.path.is_dir():
            return f"{self.path} is a folder: expected a file in it."
        if isinstance(error, sqlite3.OperationalError | OSError):
            reason = getattr(error, "strerror", None) or error
            return f"{self.path} cannot be opened ({reason}): expected a file in a folder where you may write."
        if "not a database" in str(error):
            return f"{self.path} is not a file of the sandbox. It was left as it is: choose another name."
        return self._damaged(error)

    def _damaged(self, error: Exception) -> str:
        return f"{self.path} is damaged ({error}). It was left as it is: move it away, or choose another name."

    def _load(self, connection: sqlite3.Connection) -> None:
        tables = {table.name: table for table in self._ledger.tables}
        adapters = {table.name: TypeAdapter[Row](table.kind) for table in self._ledger.tables}
        highest = 0
        kind = ""
        try:
            for kind, text in connection.execute("SELECT kind, row FROM rows ORDER BY rowid"):
                if kind == _CLOCK:
                    self._ahead = self._ledger.clock.ahead = timedelta(seconds=json.loads(text))
                elif kind in tables:
                    row = tables[kind].put(adapters[kind].validate_json(text))
                    highest = max(highest, getattr(row, "id", 0))
        except sqlite3.Error as error:
            raise OSError(self._damaged(error)) from error
        except (ValidationError, ValueError, TypeError) as error:
            raise OSError(self._damaged(ValueError(f"{kind}: {type(error).__name__}"))) from error
        self._ledger.start_ids_after(highest)

    def _note(self, table: Rows[Row], before: Row | None, after: Row | None) -> None:
        """A watcher of the ledger: the change is written when the lock is let go."""
        row = before if after is None else after
        place = (table.name, row.key)  # type: ignore[union-attr]
        if after is None:
            self._unwritten.pop(place, None)
            self._unwritten[place] = (_REMOVE, None)
        elif before is None:
            self._unwritten.pop(place, None)
            self._unwritten[place] = (_ADD, after)
        else:
            statement, _ = self._unwritten.get(place, (_REPLACE, None))
            self._unwritten[place] = (statement, after)

    def _write(self) -> None:
        if self._connection is not None:
            self._write_to(self._connection)

    def _write_to(self, connection: sqlite3.Connection) -> None:
        ahead = self._ledger.clock.ahead
        if not self._unwritten and ahead == self._ahead:
            return
        changes = self._spelled()
        if ahead != self._ahead:
            changes.append((_REPLACE, (_CLOCK, _CLOCK, json.dumps(ahead.total_seconds()))))
        try:
            _commit(connection, changes)
        except sqlite3.Error as error:
            self._fail(error)
            return
        self._unwritten.clear()
        self._ahead = ahead
        if self.trouble:
            _log.warning("%s can be written again, and has everything.", self.path)
            self.trouble = ""

    def _spelled(self) -> list[_Change]:
        """What is unwritten, as SQL."""
        changes: list[_Change] = []
        for place, (statement, row) in list(self._unwritten.items()):
            try:
                changes.append((statement, place if row is None else (*place, _json(row))))
            except Exception:
                del self._unwritten[place]  # whoever made this row hears of it, and no later change is held up by it
                raise
        return changes

    def _fail(self, error: sqlite3.Error) -> None:
        """What could not be written is tried again with the next change; until then nothing is accepted."""
        trouble = (
            f"The sandbox cannot write {self.path} ({error}): make room for it. Until then it refuses every request, "
            "and what happens is lost when it stops."
        )
        if trouble != self.trouble:
            _log.error("%s", trouble)
        self.trouble = trouble

    def _tries_again(self) -> bool:
        """Whether all is well, perhaps since now."""
        if self.trouble:
            with self._ledger.lock:
                pass  # letting it go writes what is unwritten
        return not self.trouble

    def _refuse(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        for_page = is_page(environ.get("PATH_INFO", ""))
        answer = {
            "success": False,
            "error": self.trouble if for_page else "server_error",
            "detail": f"sandbox: {self.trouble}",
        }
        body = json.dumps(answer).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response("500 Internal Server Error", headers)
        return [body]


def _commit(connection: sqlite3.Connection, changes: Iterable[_Change]) -> None:
    """All of them, or none."""
    try:
        connection.execute("BEGIN")
        for statement, values in changes:
            connection.execute(statement, values)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _json(row: Row) -> str:
    # Half an emoji, which no file can hold, becomes a question mark.
    return json.dumps(vars(row), ensure_ascii=False, default=_plain).encode("utf-8", "replace").decode()


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else vars(value)
