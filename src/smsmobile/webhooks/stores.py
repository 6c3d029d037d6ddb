"""Remembering which events were handled, since the service delivers each at least once.

What an event's id is lives in events.py.
"""

from __future__ import annotations

import math
import os
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from typing import Protocol, runtime_checkable

from ..errors import ConfigurationError

ONE_WEEK = 7 * 24 * 3600
"""Seconds. The service does not say for how long it repeats a delivery (A)."""

_PRUNED_AT_ONCE = 100
_BUSY_SECONDS = 30


@runtime_checkable
class EventStore(Protocol):
    """Anything that can tell a new event from one that was delivered before.

    The stores of this file can also `discard`, for the handler that failed:

        if not store.add(event.id):
            return 200                      # a duplicate: it was handled, or is being handled
        try:
            handle(event)
        except Exception:
            store.discard(event.id)         # let the service's next delivery through
            raise                           # a 5xx makes it come
        return 202

    The id is noted before the event is handled, so that two deliveries at the same moment are not handled
    twice. The other side of it: where the process is killed in between, the next delivery is taken for a
    duplicate. If no event may ever be lost that way, `add` it in the transaction that also stores the event.
    """

    def add(self, event_id: str) -> bool:
        """Note an event's id. True the first time, False ever after; atomic, also between threads."""
        ...


class MemoryEventStore:
    """Remembers in this process, for `ttl` seconds and at most `max_events` (then it forgets the oldest).

    For one process with threads. With several workers (gunicorn, uWSGI) each would remember its own events
    only: use SQLiteEventStore there.
    """

    def __init__(self, max_events: int = 10_000, ttl: float = ONE_WEEK) -> None:
        """Raises ConfigurationError where `max_events` or `ttl` (seconds) is not a number above 0."""
        if type(max_events) is not int or max_events < 1:
            raise ConfigurationError(f"max_events is a whole number above 0, not {max_events!r}.")
        self._max_events = max_events
        self._ttl = _checked_ttl(ttl)
        self._expiry: OrderedDict[str, float] = OrderedDict()
        self._lock = Lock()

    def add(self, event_id: str) -> bool:
        """Note an event's id. True when it is new. Raises TypeError for what is not an id."""
        _check_id(event_id)
        with self._lock:
            now = time.time()
            # The oldest stand in front, and all live equally long.
            while self._expiry and next(iter(self._expiry.values())) <= now:
                self._expiry.popitem(last=False)
            if event_id in self._expiry:
                return False
            self._expiry[event_id] = now + self._ttl
            if len(self._expiry) > self._max_events:
                self._expiry.popitem(last=False)
            return True

    def discard(self, event_id: str) -> None:
        """Forget an id, so that the next delivery counts as new. Nothing happens where it is not known."""
        with self._lock:
            self._expiry.pop(event_id, None)

    def __len__(self) -> int:
        return len(self._expiry)

    def __repr__(self) -> str:
        return f"<MemoryEventStore: {len(self)} of at most {self._max_events} events, ttl={self._ttl:g} s>"


class SQLiteEventStore:
    """Remembers in a file, for `ttl` seconds: shared by threads and processes, and still there after a restart.

    Each call opens the file anew, so a store can be made before a server forks its workers.
    """

    def __init__(self, path: str | os.PathLike[str], ttl: float = ONE_WEEK) -> None:
        """`path`: a file of its own, made where there is none; its folder has to exist. `ttl`: seconds.

        Raises ConfigurationError where the file cannot be used.
        """
        self._path = Path(path)
        self._ttl = _checked_ttl(ttl)
        if str(path) in {"", ":memory:"}:
            raise ConfigurationError("SQLiteEventStore needs a file. For a memory of this process: MemoryEventStore.")
        if not self._path.parent.is_dir():
            raise ConfigurationError(f"The folder of the event store {self._path} does not exist: make it first.")
        with self._transaction():
            pass

    def add(self, event_id: str) -> bool:
        """Note an event's id. True when it is new, for exactly one of all threads and processes that ask.

        Raises TypeError for what is not an id, ConfigurationError where the file cannot be used (any longer).
        """
        _check_id(event_id)
        with self._transaction() as connection:
            now = time.time()
            connection.execute("DELETE FROM events WHERE id = ? AND expires_at <= ?", (event_id, now))
            # A few at a time: after a long pause no delivery has to wait for the removal of all the old ones.
            connection.execute(
                "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE expires_at <= ? LIMIT ?)",
                (now, _PRUNED_AT_ONCE),
            )
            row = (event_id, now + self._ttl)
            return connection.execute("INSERT OR IGNORE INTO events VALUES (?, ?)", row).rowcount == 1

    def discard(self, event_id: str) -> None:
        """Forget an id, so that the next delivery counts as new. Nothing happens where it is not known.

        Raises ConfigurationError where the file cannot be used (any longer).
        """
        with self._transaction() as connection:
            connection.execute("DELETE FROM events WHERE id = ?", (event_id,))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
                # IMMEDIATE waits its turn at the start; a lock taken later could find another one in its way.
                connection.execute("BEGIN IMMEDIATE")
                # Every time, since the file may have been removed while the program ran.
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, expires_at REAL NOT NULL) WITHOUT ROWID"
                )
                connection.execute("CREATE INDEX IF NOT EXISTS events_by_expiry ON events (expires_at)")
                yield connection
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise ConfigurationError(f"The event store {self._path} cannot be used: {error}.") from error

    def __repr__(self) -> str:
        return f"<SQLiteEventStore: {self._path}, ttl={self._ttl:g} s>"


def _checked_ttl(ttl: object) -> float:
    number = isinstance(ttl, int | float) and not isinstance(ttl, bool)
    if number and 0 < float(ttl) < math.inf:  # type: ignore[arg-type]
        return float(ttl)  # type: ignore[arg-type]
    raise ConfigurationError(f"ttl is a number of seconds above 0, not {ttl!r}.")


def _check_id(event_id: object) -> None:
    if not isinstance(event_id, str) or not event_id:
        raise TypeError(f"An event's id is text: pass event.id, not {type(event_id).__name__}.")
