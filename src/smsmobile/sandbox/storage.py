"""The SQLite file of a sandbox: the ledger is read from it at the start, and every change is written to it.

rows.py defines the rows. This module is imported only if the sandbox has a file.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from os import PathLike
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from .._storage import SQLiteFile
from ..errors import StorageError
from .ledger import Ledger, Rows
from .page_addresses import is_page
from .rows import Row

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

APPLICATION_ID = 0x736D7362
"""In the file's header: `smsb`."""
VERSION = 1
"""In the header too. A row may get new fields that have defaults; every other change needs a new version."""

_CLOCK = "clock"
_CREATE = "CREATE TABLE rows (kind TEXT NOT NULL, key TEXT NOT NULL, row TEXT NOT NULL, PRIMARY KEY (kind, key))"
# A replaced row keeps its position, as in the ledger; a new row comes last.
_REPLACE = "INSERT INTO rows VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET row = excluded.row"
_ADD = "INSERT OR REPLACE INTO rows VALUES (?, ?, ?)"
_REMOVE = "DELETE FROM rows WHERE kind = ? AND key = ?"

_Change = tuple[str, tuple[str, ...]]
"""A statement and its values."""

_log = logging.getLogger(__name__)


class Storage:
    """The file of one ledger, open until `close()`.

    All changes made while the ledger's lock is held are written in one transaction before the lock is released. So a
    request is answered after its changes were stored, and the file never shows a message both sent and queued.

    A commit does not wait for the disk: a power failure may undo the last ones.

    Raises StorageError if the file cannot be used; see `SQLiteFile`.
    """

    def __init__(self, path: str | PathLike[str], ledger: Ledger) -> None:
        self.trouble = ""
        """Why the last changes could not be written, in sentences; empty if they were."""
        self._ledger = ledger
        self._ahead = ledger.clock.ahead
        self._unwritten: dict[tuple[str, str], tuple[str, Row | None]] = {}
        self._file = SQLiteFile(
            path, application_id=APPLICATION_ID, version=VERSION, schema=[_CREATE], what="a file of the sandbox"
        )
        try:
            self._load()
        except BaseException:
            self._file.close()
            raise
        self._is_open = True
        ledger.watchers.append(self._note)
        ledger.lock.before_release = self._write

    def guarded(self, app: WSGIApplication) -> WSGIApplication:
        """The same application, but it answers with an error while changes cannot be written."""

        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            if not self._is_writable():
                return self._refuse(environ, start_response)
            began: list[Any] = []

            def begin(*args: Any) -> Any:
                began[:] = args

            body = app(environ, begin)
            if not self.trouble:
                start_response(*began)
                return body
            if close := getattr(body, "close", None):
                close()
            return self._refuse(environ, start_response)

        return answer

    def close(self) -> None:
        """Write what is left and merge the log into the file; can be called again.

        Raises StorageError if something could not be written.
        """
        with self._ledger.lock:
            if not self._is_open:
                return
            self._is_open = False
            self._ledger.watchers.remove(self._note)
            self._ledger.lock.before_release = lambda: None
            try:
                self._write()
                self._file.note("PRAGMA wal_checkpoint(TRUNCATE)")
            except StorageError as error:
                self._fail(error)
            finally:
                self._file.close()
        if self.trouble:
            raise StorageError(self.trouble)

    def _load(self) -> None:
        tables = {table.name: table for table in self._ledger.tables}
        adapters = {table.name: TypeAdapter[Row](table.kind) for table in self._ledger.tables}
        highest = 0
        kind = ""
        try:
            for kind, text in self._file.note("SELECT kind, row FROM rows ORDER BY rowid"):
                if kind == _CLOCK:
                    self._ahead = self._ledger.clock.ahead = timedelta(seconds=json.loads(text))
                elif kind in tables:
                    row = tables[kind].put(adapters[kind].validate_json(text))
                    highest = max(highest, getattr(row, "id", 0))
        except (ValidationError, ValueError, TypeError) as error:
            raise self._file.damaged(f"{kind}: {type(error).__name__}") from error
        self._ledger.start_ids_after(highest)

    def _note(self, table: Rows[Row], before: Row | None, after: Row | None) -> None:
        """A watcher of the ledger: remember the change, which is written when the lock is released."""
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
        ahead = self._ledger.clock.ahead
        if not self._unwritten and ahead == self._ahead:
            return
        changes = self._changes()
        if ahead != self._ahead:
            changes.append((_REPLACE, (_CLOCK, _CLOCK, json.dumps(ahead.total_seconds()))))
        try:
            with self._file.transaction(flush=False) as connection:
                for statement, values in changes:
                    connection.execute(statement, values)
        except StorageError as error:
            self._fail(error)
            return
        self._unwritten.clear()
        self._ahead = ahead
        if self.trouble:
            _log.warning("%s can be written again. Nothing is missing in it.", self._file.path)
            self.trouble = ""

    def _changes(self) -> list[_Change]:
        """The unwritten rows as SQL."""
        changes: list[_Change] = []
        for place, (statement, row) in list(self._unwritten.items()):
            try:
                changes.append((statement, place if row is None else (*place, _json(row))))
            except Exception:
                del self._unwritten[place]  # the caller that made this row gets the error; later changes are written
                raise
        return changes

    def _fail(self, error: StorageError) -> None:
        """Refuse requests; the next one tries to write the changes again."""
        trouble = (
            f"The sandbox cannot write to its file: {error} Until this is solved, it refuses every request, and "
            "unwritten changes are lost when it stops."
        )
        if trouble != self.trouble:
            _log.error("%s", trouble)
        self.trouble = trouble

    def _is_writable(self) -> bool:
        """Whether all changes are written; tries again if some are not."""
        if self.trouble:
            with self._ledger.lock:
                pass  # releasing it writes the changes
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


def _json(row: Row) -> str:
    # Half an emoji (a lone surrogate) cannot be encoded; it becomes a question mark.
    return json.dumps(vars(row), ensure_ascii=False, default=_plain).encode("utf-8", "replace").decode()


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else vars(value)
