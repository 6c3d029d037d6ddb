"""The journal of a bulk sender: each message is recorded before it is sent, and its outcome after it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from enum import Enum
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from .._sent_log.search import Precision
from .._storage import SQLiteFile
from ..errors import StorageError

if TYPE_CHECKING:
    import sqlite3

__all__ = ["BulkStatus", "Journal", "JournalEntry", "SQLiteJournal"]


def __dir__() -> list[str]:
    return __all__


APPLICATION_ID = 0x736D736A
"""In the file's header: `smsj`."""
VERSION = 1

_PAGES_OF_LOG = 16_000
"""Size of the log (-wal) at which it is merged into the file: 16 MB, since most notes rewrite the same pages."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PLANNED, _STARTED = "planned", "started"
_ROOM = " " * 40
"""As long as a GUID."""
_SCHEMA = (
    "CREATE TABLE run (boot TEXT NOT NULL)",
    "INSERT INTO run VALUES ('')",
    """
    CREATE TABLE messages (
        key TEXT NOT NULL PRIMARY KEY,
        state TEXT NOT NULL,       -- planned, started; or an outcome: sent, refused, unknown
        number TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        precision TEXT NOT NULL,
        attempted_at REAL NOT NULL,
        until REAL NOT NULL,
        guid TEXT,
        reason TEXT,
        room TEXT                  -- for the GUID, until it is known: a row that grows moves others
    )
    """,
    "CREATE INDEX by_number ON messages (number)",
)


class BulkStatus(str, Enum):
    """What became of a message."""

    SENT = "sent"
    """The service has accepted it; the phone sends it later."""
    REFUSED = "refused"
    """It was not accepted, for a reason that concerns this message alone; nothing was sent."""
    UNKNOWN = "unknown"
    """It may have been accepted, but the sent log does not show it. It is not sent again."""
    DUPLICATE = "duplicate"
    """Its key has an outcome already, from an earlier run or from earlier in this one. Nothing was done."""


class JournalEntry(NamedTuple):
    """What a journal keeps of one message. It does not keep the text."""

    key: str
    """Identifies the message; a journal has one entry for a key."""
    number: str
    """The recipient's number, digits only."""
    fingerprint: str
    """A hash that is compared with those of the rows in the sent log."""
    precision: Precision
    """What the fingerprint covers: `"text"`, `"text_without_links"`, or `"number"` alone."""
    attempted_at: float
    """When the request left, or was planned: Unix seconds of this machine's clock."""
    until: float
    """When it was scheduled for, if that is later than the attempt; else like `attempted_at`. Unix seconds."""
    outcome: BulkStatus | None = None
    """Sent, refused or unknown; None while it is in flight."""
    guid: str | None = None
    """The message's GUID; None if there is none, or none yet."""
    reason: str | None = None
    """Why it was refused, or is unknown."""


@runtime_checkable
class Journal(Protocol):
    """A store for the messages of a campaign, to be implemented for another database; see `SQLiteJournal`.

    It is opened for one run at a time, and used by several threads. Any exception stops the run: raise StorageError if
    a message cannot be recorded, and it is not sent.
    """

    def open(self) -> None:
        """Begin a run. Raises StorageError if another run uses the journal."""
        ...

    def close(self) -> None:
        """End the run; called once for each `open`."""
        ...

    def plan(self, entries: Sequence[JournalEntry]) -> list[JournalEntry]:
        """Record messages that are about to be sent. On return they survive a power failure.

        A message whose key has an entry is not recorded; these entries are returned.
        """
        ...

    def start(self, key: str, at: float) -> None:
        """The request of a planned message leaves now. On return, this survives a kill of the process."""
        ...

    def settle(self, key: str, outcome: BulkStatus, *, guid: str | None = None, reason: str | None = None) -> None:
        """Record the outcome of a message."""
        ...

    def withdraw(self, keys: Iterable[str]) -> int:
        """Remove entries of messages that were not sent. Returns how many were there; missing ones are no error."""
        ...

    def undecided(self) -> list[JournalEntry]:
        """The messages that may have been sent: in flight when an earlier run ended, or unknown."""
        ...

    def has(self, number: str, guid: str) -> bool:
        """Whether a message to this number has this GUID."""
        ...

    def without_guid(self, number: str, since: float) -> list[JournalEntry]:
        """The messages to this number, attempted or scheduled since then, that were started and have no GUID."""
        ...


class SQLiteJournal:
    """A journal in a file, for one run at a time.

    A plan is on the disk before any of its messages leaves. The starts and outcomes that follow are written without
    waiting for the disk: they survive a kill of the process, and only a power failure can lose the last of them. The
    system's boot id tells whether the machine was restarted since; if it was, every planned message may have left.
    Where there is no boot id (only Linux has one), each start waits for the disk as well.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """`path`: created if it is missing; its folder has to exist. It is opened when a run begins, not here."""
        self._path = path
        self._file: SQLiteFile | None = None
        self._opening = Lock()
        self._boot = ""

    def open(self) -> None:
        """Begin a run. Raises StorageError if the file is in use, damaged, or cannot be written."""
        with self._opening:
            if self._file is not None:
                raise StorageError(
                    f"{self._path} is in use by another run of this process: wait until that run ends, or close() its "
                    "outcomes."
                )
            file = SQLiteFile(
                self._path,
                application_id=APPLICATION_ID,
                version=VERSION,
                schema=_SCHEMA,
                what="the journal of a bulk sender",
            )
            try:
                with file.transaction() as connection:
                    connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_OF_LOG}")
                    self._boot = _boot_id()
                    _recover(connection, self._boot)
            except BaseException:
                file.close()
                raise
            self._file = file

    def close(self) -> None:
        """End the run."""
        with self._opening:
            file, self._file = self._file, None
            if file is not None:
                file.close()

    def plan(self, entries: Sequence[JournalEntry]) -> list[JournalEntry]:
        """Record messages that are about to be sent, and return the entries of those that have one already."""
        some = ", ".join("?" * len(entries))
        with self._opened.transaction() as connection:
            rows = connection.execute(
                f"SELECT * FROM messages WHERE key IN ({some})",  # noqa: S608
                [entry.key for entry in entries],
            )
            known = {row[0]: _entry(row) for row in rows}
            connection.executemany(
                "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?)",
                [(entry.key, _PLANNED, *entry[1:6], _ROOM) for entry in entries if entry.key not in known],
            )
        return list(known.values())

    def start(self, key: str, at: float) -> None:
        """The request leaves now."""
        self._opened.note(
            "UPDATE messages SET state = ?, attempted_at = ?, until = max(until, ?) WHERE key = ?",
            (_STARTED, at, at, key),
            flush=not self._boot,
        )

    def settle(self, key: str, outcome: BulkStatus, *, guid: str | None = None, reason: str | None = None) -> None:
        """Record the outcome of a message."""
        self._opened.note(
            "UPDATE messages SET state = ?, guid = ?, reason = ?, room = NULL WHERE key = ?",
            (outcome.value, guid, reason, key),
        )

    def withdraw(self, keys: Iterable[str]) -> int:
        """Remove entries, and return how many were there."""
        with self._opened.transaction(flush=False) as connection:
            return sum(connection.execute("DELETE FROM messages WHERE key = ?", (key,)).rowcount for key in keys)

    def undecided(self) -> list[JournalEntry]:
        """The messages that may have been sent."""
        return self._select("state IN (?, ?)", _STARTED, BulkStatus.UNKNOWN.value)

    def has(self, number: str, guid: str) -> bool:
        """Whether a message to this number has this GUID."""
        return bool(self._select("number = ? AND guid = ? LIMIT 1", number, guid))

    def without_guid(self, number: str, since: float) -> list[JournalEntry]:
        """The messages to this number, attempted or scheduled since then, that were started and have no GUID."""
        return self._select("number = ? AND until >= ? AND guid IS NULL AND state != ?", number, since, _PLANNED)

    def _select(self, condition: str, *parameters: object) -> list[JournalEntry]:
        rows = self._opened.note(f"SELECT * FROM messages WHERE {condition}", parameters)  # noqa: S608
        return list(map(_entry, rows))

    def __repr__(self) -> str:
        return f"<SQLiteJournal {self._path}>"

    @property
    def _opened(self) -> SQLiteFile:
        if self._file is None:
            raise StorageError(f"{self._path} is not open: open() the journal before using it.")
        return self._file


def _recover(connection: sqlite3.Connection, boot: str) -> None:
    """Decide what earlier runs planned without a start: not sent, unless a power failure may have lost the start."""
    (before,) = connection.execute("SELECT boot FROM run").fetchone()
    if before in {"", boot}:
        connection.execute("DELETE FROM messages WHERE state = ?", (_PLANNED,))
    else:
        connection.execute(
            "UPDATE messages SET state = ?, until = max(until, ?) WHERE state = ?", (_STARTED, time.time(), _PLANNED)
        )
    connection.execute("UPDATE run SET boot = ?", (boot,))


def _boot_id() -> str:
    """An id that changes when the system starts; empty if there is none."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _entry(row: tuple[str, ...]) -> JournalEntry:
    key, state, number, fingerprint, precision, attempted_at, until, guid, reason, _ = row
    outcome = None if state in {_PLANNED, _STARTED} else BulkStatus(state)
    return JournalEntry(key, number, fingerprint, precision, attempted_at, until, outcome, guid, reason)  # type: ignore[arg-type]  # as the schema has them
