"""A journal in a file, for the threads and processes of one machine."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .._confidential import safe_repr
from .._input.arguments import check_seconds
from .._leases import LEASE, seconds_left
from .._locks import ForkSafeLock
from .._storage import SQLiteFile, checked_path
from ..errors import ConfigurationError
from ._claiming import Claiming, Record
from ._processes import boot_of, has_ended, this_process
from .journals import JournalEntry, MessageClaim, SendStatus

if TYPE_CHECKING:
    import sqlite3

APPLICATION_ID = 0x736D736A
"""In the file's header: `smsj`."""
VERSION = 3

_WHAT = "a journal of messages"

_PAGES_OF_LOG = 16_000
"""Size of the log (-wal) at which it is merged into the file: 16 MB, since most notes rewrite the same pages."""
_AT_ONCE = 500
"""How many values one statement compares with; older versions of SQLite allow 999."""
_SCHEMA = (
    """
    CREATE TABLE messages (
        key TEXT NOT NULL PRIMARY KEY,
        number TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        precision TEXT NOT NULL,
        look TEXT NOT NULL,
        attempted_at REAL NOT NULL,
        until REAL NOT NULL,
        token TEXT NOT NULL,
        outcome TEXT,              -- a value of SendStatus; NULL while it is in flight
        guid TEXT,
        reason TEXT,
        started INTEGER NOT NULL,  -- 0 while it is planned
        listed INTEGER,            -- 1 while the index below has it: until the first claim after its final outcome
        leased_at REAL,            -- NULL once it has an outcome, like the next two
        lease_end REAL,
        owner TEXT                 -- the process. It leaves room for a GUID: a row that grows moves others
    )
    """,
    "CREATE INDEX by_number ON messages (number)",
    # All that are in flight or unknown, and some more: those decided since the last claim. A start and an outcome come
    # one by one, and write nothing but their row; the claim of a batch removes many from the index at once.
    "CREATE INDEX listed ON messages (number) WHERE listed = 1",
)
_ENTRY = "key, number, fingerprint, precision, look, attempted_at, until, token, outcome, guid, reason"
_RECORD = f"{_ENTRY}, started, leased_at, lease_end, owner"
_INSERT = f"INSERT INTO messages ({_RECORD}, listed) VALUES ({', '.join('?' * 15)}, 1)"  # noqa: S608
_IN_FLIGHT = "listed = 1 AND outcome IS NULL"
_CLAIMED = "key = ? AND token = ? AND (outcome IS NULL OR outcome = 'unknown')"
_SETTLE = (
    "UPDATE messages SET outcome = ?, guid = ?, reason = ?, leased_at = NULL, lease_end = NULL, owner = NULL "  # noqa: S608
    f"WHERE {_CLAIMED} AND started = 1 AND outcome IS NOT ?"
)
_SET_LEASE = (
    "UPDATE messages SET leased_at = ?, lease_end = ?, owner = ? WHERE key = ? AND token = ? AND outcome IS NULL"
)


class _Lease(NamedTuple):
    begin: float
    """Unix seconds of this machine's clock."""
    end: float
    owner: str
    """The process, as _processes.py describes it."""

    def left(self, now: float) -> float:
        """Seconds until it is over; 0 if it is, since its owner has ended, or since the clock was set back."""
        left = seconds_left(self.begin, self.end, now)
        return 0.0 if left and has_ended(self.owner) else left


class SQLiteJournal:
    """A journal in a file. The threads and processes of one machine share it, each with an object of its own or not.

    A claim is on the disk before its message leaves. The start and the outcome that follow are written without waiting
    for the disk: they survive a kill of the process, and only a power failure can lose the last of them. The system's
    boot id tells whether the machine was restarted since; if it was, every claimed message may have left. Where there
    is no boot id (only Linux has one), each start waits for the disk as well.

    If the process that claimed a message has ended, its lease is over at once. Where that cannot be told (only on
    Linux it can, and not across containers), its lease has to pass.

    path: created with mode 0600 when it is first used, if it is missing; its folder has to exist. Use a local disk.
    lease: seconds until a claim that is not renewed is over.

    Raises ConfigurationError if `lease` is not a number above 0, StorageError if `path` is empty or `":memory:"`. Its
    methods raise StorageError if the file is not a journal, is damaged, was removed, or cannot be read or written.
    """

    def __init__(self, path: str | os.PathLike[str], lease: float = LEASE) -> None:
        self._path = checked_path(path, _WHAT)
        self._lease = check_seconds("lease", lease, above_zero=True, error=ConfigurationError)
        self._file: SQLiteFile | None = None
        self._opening = ForkSafeLock()

    def claim(self, entries: Sequence[JournalEntry]) -> list[MessageClaim]:
        """Claim messages; see `Journal.claim`."""
        with self._opened.transaction() as connection:
            connection.execute("UPDATE messages SET listed = NULL WHERE listed = 1 AND outcome <> 'unknown'")
            lease = self._new_lease()
            claiming = Claiming(_concerned(connection, entries, lease.begin), lease=self._lease)
            answers = claiming.claim(entries)
            connection.executemany("DELETE FROM messages WHERE key = ? AND token = ?", map(_claim_of, claiming.removed))
            connection.executemany(_SET_LEASE, [(*lease, *_claim_of(entry)) for entry in claiming.renewed])
            connection.executemany(_INSERT, [(*map(_stored, entry), 0, *lease) for entry in claiming.added])
        return answers

    def start(self, entry: JournalEntry, at: float) -> bool:
        """The request leaves now; see `Journal.start`."""
        lease = self._new_lease()
        return self._change(
            "UPDATE messages SET started = 1, attempted_at = ?, until = max(until, ?), leased_at = ?, lease_end = ?, "
            "owner = ? WHERE key = ? AND token = ? AND outcome IS NULL AND started = 0",
            (at, at, *lease, *_claim_of(entry)),
            flush=not boot_of(lease.owner),
        )

    def settle(
        self, entry: JournalEntry, outcome: SendStatus, *, guid: str | None = None, reason: str | None = None
    ) -> bool:
        """Record an outcome; see `Journal.settle`."""
        status = outcome.value
        return self._change(_SETTLE, (status, _stored(guid), _stored(reason), *_claim_of(entry), status))

    def keep_back(self, entry: JournalEntry, outcome: SendStatus, reason: str) -> bool:
        """Record that a planned message is not sent; see `Journal.keep_back`."""
        return self._change(
            "UPDATE messages SET outcome = ?, reason = ?, leased_at = NULL, lease_end = NULL, owner = NULL "
            "WHERE key = ? AND token = ? AND outcome IS NULL AND started = 0",
            (outcome.value, _stored(reason), *_claim_of(entry)),
        )

    def withdraw(self, entries: Iterable[JournalEntry]) -> None:
        """Remove claims of messages that were not sent."""
        self._change_all(f"DELETE FROM messages WHERE {_CLAIMED}", map(_claim_of, entries))  # noqa: S608

    def renew(self, entries: Iterable[JournalEntry]) -> None:
        """Begin leases anew."""
        lease = self._new_lease()
        self._change_all(_SET_LEASE, [(*lease, *_claim_of(entry)) for entry in entries])

    def release(self, entries: Iterable[JournalEntry]) -> None:
        """End leases now."""
        # The owner stays: its boot tells whether a power failure came in between.
        self._change_all(
            "UPDATE messages SET lease_end = 0 WHERE key = ? AND token = ? AND outcome IS NULL", map(_claim_of, entries)
        )

    def abandoned(self, limit: int) -> list[JournalEntry]:
        """Started messages whose lease is over; see `Journal.abandoned`."""
        with self._opened.transaction(flush=False) as connection:
            lease = self._new_lease()
            rows = connection.execute(f"SELECT {_RECORD} FROM messages WHERE {_IN_FLIGHT} AND started = 1")  # noqa: S608
            over = (_entry(row[:11]) for row in rows if not _Lease(*row[12:]).left(lease.begin))
            entries = list(islice(over, limit))
            connection.executemany(_SET_LEASE, [(*lease, *_claim_of(entry)) for entry in entries])
        return entries

    def unknown(self, since: float = 0.0) -> list[JournalEntry]:
        """Messages with the outcome unknown, attempted since then."""
        return self._select("listed = 1 AND outcome = 'unknown' AND attempted_at >= ? ORDER BY attempted_at", since)

    def get(self, key: str) -> JournalEntry | None:
        """The message with this key; None if there is none."""
        return next(iter(self._select("key = ?", _stored(key))), None)

    def entries(self) -> Iterator[JournalEntry]:
        """All messages, in the order of their keys; see `Journal.entries`."""
        # Not by rowid: a message that was kept back has another one when it is claimed again.
        page = self._select("TRUE ORDER BY key LIMIT ?", _AT_ONCE)
        while page:
            yield from page
            page = self._select("key > ? ORDER BY key LIMIT ?", _stored(page[-1].key), _AT_ONCE)

    def forget(self, key: str) -> bool:
        """Remove a message; see `Journal.forget`."""
        return self._change("DELETE FROM messages WHERE key = ? AND outcome IS NOT NULL", (_stored(key),), flush=True)

    def has(self, number: str, guid: str) -> bool:
        """Whether a message to this number has this GUID."""
        return bool(self._select("number = ? AND guid = ? LIMIT 1", _stored(number), _stored(guid)))

    def without_guid(self, number: str, since: float) -> list[JournalEntry]:
        """Messages to this number that may have a row but no known GUID; see `Journal.without_guid`."""
        return self._select(
            "number = ? AND guid IS NULL AND started = 1 AND (coalesce(outcome, 'unknown') = 'unknown' OR until >= ?)",
            _stored(number),
            since,
        )

    def close(self) -> None:
        """Close the file, if it is open. The next use opens it again."""
        with self._opening:
            file, self._file = self._file, None
        if file is not None:
            file.close()

    def __reduce__(self) -> tuple[type[SQLiteJournal], tuple[Path, float]]:
        return type(self), (self._path, self._lease)

    @safe_repr
    def __repr__(self) -> str:
        return f"<SQLiteJournal {self._path}, lease={self._lease:g} s>"

    @property
    def _opened(self) -> SQLiteFile:
        if self._file is None:
            with self._opening:
                if self._file is None:
                    self._file = SQLiteFile(
                        self._path,
                        application_id=APPLICATION_ID,
                        version=VERSION,
                        schema=_SCHEMA,
                        what=_WHAT,
                        shared=True,
                        irreplaceable=True,
                        on_open=_prepare,
                    )
        return self._file

    def _new_lease(self) -> _Lease:
        now = time.time()
        return _Lease(now, now + self._lease, this_process())

    def _change(self, statement: str, parameters: Sequence[object], *, flush: bool = False) -> bool:
        return self._opened.change(statement, parameters, flush=flush) > 0

    def _change_all(self, statement: str, parameters: Iterable[Sequence[Any]]) -> None:
        with self._opened.transaction(flush=False) as connection:
            connection.executemany(statement, parameters)

    def _select(self, condition: str, *parameters: object) -> list[JournalEntry]:
        rows = self._opened.note(f"SELECT {_ENTRY} FROM messages WHERE {condition}", parameters)  # noqa: S608
        return list(map(_entry, rows))


def _concerned(connection: sqlite3.Connection, entries: Sequence[JournalEntry], now: float) -> Iterator[Record]:
    """What has the keys of these, and what is in flight to their numbers."""
    for condition, values in (
        ("key IN ({})", list({_stored(entry.key) for entry in entries})),
        (f"number IN ({{}}) AND {_IN_FLIGHT}", list({_stored(entry.number) for entry in entries})),
    ):
        for start in range(0, len(values), _AT_ONCE):
            some = values[start : start + _AT_ONCE]
            where = condition.format(", ".join("?" * len(some)))
            for row in connection.execute(f"SELECT {_RECORD} FROM messages WHERE {where}", some):  # noqa: S608
                yield Record(_entry(row[:11]), bool(row[11]), partial(_Lease(*row[12:]).left, now))


def _prepare(connection: sqlite3.Connection) -> None:
    """After a power failure, whatever was planned before may have been started: that note may be lost."""
    connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_OF_LOG}")
    boot = boot_of(this_process())
    planned = connection.execute(f"SELECT DISTINCT owner FROM messages WHERE {_IN_FLIGHT} AND started = 0").fetchall()  # noqa: S608
    for (owner,) in planned:
        if boot_of(owner) not in {"", boot}:
            connection.execute(
                "UPDATE messages SET started = 1, until = max(until, ?) "  # noqa: S608
                f"WHERE {_IN_FLIGHT} AND started = 0 AND owner = ?",
                (time.time(), owner),
            )


# What stands in a row. A text with half of a surrogate pair is no UTF-8, and is stored as bytes.


def _stored(text: object) -> object:
    if not isinstance(text, str) or text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="surrogatepass")
    return text


def _claim_of(entry: JournalEntry) -> tuple[object, object]:
    return _stored(entry.key), _stored(entry.token)


def _entry(row: Sequence[Any]) -> JournalEntry:
    fields = [field.decode(errors="surrogatepass") if type(field) is bytes else field for field in row]
    if fields[8] is not None:
        fields[8] = SendStatus(fields[8])
    return JournalEntry(*fields)  # type: ignore[arg-type]  # as the schema has them
