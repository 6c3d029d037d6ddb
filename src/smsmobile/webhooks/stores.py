"""Stores of event ids, to tell a new event from a duplicate: the service delivers each event at least once.

events.py defines an event's id.
"""

from __future__ import annotations

import math
import os
import time
from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import Protocol, runtime_checkable

from .._storage import SQLiteFile
from ..errors import ConfigurationError

__all__ = ["EventStore", "MemoryEventStore", "SQLiteEventStore"]


def __dir__() -> list[str]:
    return __all__


ONE_WEEK = 7 * 24 * 3600
"""Seconds. The service does not document for how long it repeats a delivery (A)."""

APPLICATION_ID = 0x736D7365
"""In the file's header: `smse`."""
VERSION = 1

_PRUNED_AT_ONCE = 100
_SCHEMA = (
    "CREATE TABLE events (id TEXT PRIMARY KEY, expires_at REAL NOT NULL) WITHOUT ROWID",
    "CREATE INDEX events_by_expiry ON events (expires_at)",
)


@runtime_checkable
class EventStore(Protocol):
    """Any object that can tell a new event from a duplicate.

    The stores in this module can also `discard` an id, for a handler that failed:

        if not store.add(event.id):
            return 200                      # a duplicate: another delivery was handled, or is being handled
        try:
            handle(event)
        except Exception:
            store.discard(event.id)         # so that the next delivery counts as new
            raise                           # the answer is a 5xx, and the service delivers it again
        return 202

    The id is stored before the event is handled, so two deliveries at the same moment are not both handled. If the
    process is killed in between, the next delivery counts as a duplicate. If you must not lose an event in that way,
    store its id in the transaction that also stores the event.
    """

    def add(self, event_id: str) -> bool:
        """Store an event's id. True the first time, then False; atomic, also between threads."""
        ...


class MemoryEventStore:
    """Keeps ids in memory, for `ttl` seconds and at most `max_events` of them (then it drops the oldest).

    For one process with threads. Several workers (gunicorn, uWSGI) would each keep their own ids: use
    SQLiteEventStore there.
    """

    def __init__(self, max_events: int = 10_000, ttl: float = ONE_WEEK) -> None:
        """Raises ConfigurationError if `max_events` or `ttl` (seconds) is not a number above 0."""
        if type(max_events) is not int or max_events < 1:
            raise ConfigurationError(f"max_events has to be a whole number above 0, not {max_events!r}.")
        self._max_events = max_events
        self._ttl = _checked_ttl(ttl)
        self._expiry: OrderedDict[str, float] = OrderedDict()
        self._lock = Lock()

    def add(self, event_id: str) -> bool:
        """Store an event's id. True if it is new. Raises TypeError if `event_id` is not an id."""
        _check_id(event_id)
        with self._lock:
            now = time.time()
            # The oldest ids come first, and all have the same lifetime.
            while self._expiry and next(iter(self._expiry.values())) <= now:
                self._expiry.popitem(last=False)
            if event_id in self._expiry:
                return False
            self._expiry[event_id] = now + self._ttl
            if len(self._expiry) > self._max_events:
                self._expiry.popitem(last=False)
            return True

    def discard(self, event_id: str) -> None:
        """Delete an id, so that the next delivery counts as new. Unknown ids are ignored."""
        with self._lock:
            self._expiry.pop(event_id, None)

    def __len__(self) -> int:
        return len(self._expiry)

    def __repr__(self) -> str:
        return f"<MemoryEventStore: {len(self)} of at most {self._max_events} events, ttl={self._ttl:g} s>"


class SQLiteEventStore:
    """Keeps ids in a file, for `ttl` seconds. Threads and processes of one machine share it; it survives a restart.

    A server can create a store before it forks its workers.
    """

    def __init__(self, path: str | os.PathLike[str], ttl: float = ONE_WEEK) -> None:
        """Open or create the file.

        path: a file of its own, created with mode 0600 if it is missing; its folder has to exist.
        ttl: seconds.

        Raises ConfigurationError if `ttl` is not a number above 0, StorageError if the file cannot be used.
        """
        self._ttl = _checked_ttl(ttl)
        self._file = SQLiteFile(
            path, application_id=APPLICATION_ID, version=VERSION, schema=_SCHEMA, what="an event store", shared=True
        )

    def add(self, event_id: str) -> bool:
        """Store an event's id. True if it is new, for exactly one of all threads and processes.

        Raises TypeError if `event_id` is not an id, StorageError if the file cannot be used.
        """
        _check_id(event_id)
        with self._file.transaction() as connection:
            now = time.time()
            connection.execute("DELETE FROM events WHERE id = ? AND expires_at <= ?", (event_id, now))
            # A few at a time, so that after a long pause no delivery waits for the removal of all expired rows.
            connection.execute(
                "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE expires_at <= ? LIMIT ?)",
                (now, _PRUNED_AT_ONCE),
            )
            row = (event_id, now + self._ttl)
            return connection.execute("INSERT OR IGNORE INTO events VALUES (?, ?)", row).rowcount == 1

    def discard(self, event_id: str) -> None:
        """Delete an id, so that the next delivery counts as new. Unknown ids are ignored.

        Raises StorageError if the file cannot be used.
        """
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM events WHERE id = ?", (event_id,))

    def __reduce__(self) -> tuple[type[SQLiteEventStore], tuple[Path, float]]:
        return type(self), (self._file.path, self._ttl)

    def __repr__(self) -> str:
        return f"<SQLiteEventStore: {self._file.path}, ttl={self._ttl:g} s>"


def _checked_ttl(ttl: object) -> float:
    number = isinstance(ttl, int | float) and not isinstance(ttl, bool)
    if number and 0 < float(ttl) < math.inf:  # type: ignore[arg-type]
        return float(ttl)  # type: ignore[arg-type]
    raise ConfigurationError(f"ttl has to be a number of seconds above 0, not {ttl!r}.")


def _check_id(event_id: object) -> None:
    if not isinstance(event_id, str) or not event_id:
        raise TypeError(f"An event's id is text: pass event.id, not {type(event_id).__name__}.")
