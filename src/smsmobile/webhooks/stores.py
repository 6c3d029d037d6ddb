"""Stores that know which events are handled and which are being handled: the service delivers each at least once.

endpoint.py uses them and decides what counts as one event; _claims.py has what all stores share.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from .._confidential import safe_repr
from .._input.arguments import check_seconds, describe
from .._leases import LEASE, seconds_left
from .._locks import ForkSafeLock
from .._storage import SQLiteFile
from ..errors import ConfigurationError
from ._claims import ONE_WEEK, OwnClaims, new_token, spelled

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Claim", "EventStore", "MemoryEventStore", "SQLiteEventStore"]


def __dir__() -> list[str]:
    return __all__


APPLICATION_ID = 0x736D7365
"""In the file's header: `smse`."""
VERSION = 2

_PRUNED_AT_ONCE = 100
_SCHEMA = (
    """
    CREATE TABLE events (
        id TEXT PRIMARY KEY,
        expires_at REAL NOT NULL,  -- Unix seconds: the end of the lease, or when a handled event is forgotten
        token TEXT,                -- names a claim; null: the event is handled
        claimed_at REAL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX events_by_expiry ON events (expires_at)",
)
_PUT = "INSERT OR REPLACE INTO events (id, expires_at, token, claimed_at) VALUES (?, ?, ?, ?)"


class Claim(str, Enum):
    """What an event store says of an event that was delivered."""

    NEW = "new"
    """It is yours to handle: then call `done`, or `release` if that failed."""
    BUSY = "busy"
    """Somebody else is handling it. Do not acknowledge this delivery: nobody knows yet how that ends."""
    DONE = "done"
    """It was handled. Acknowledge it."""

    __str__ = str.__str__


@runtime_checkable
class EventStore(Protocol):
    """Remembers which events are handled and which are being handled, for all who share the store.

    A claim has a lease: if it is neither done nor released when that is over, since the process was killed, the next
    delivery is NEW again. `WebhookEndpoint` calls all three methods.
    """

    def claim(self, event_id: str) -> Claim:
        """Claim an event. NEW is given to exactly one of all who ask at the same time."""
        ...

    def done(self, event_id: str) -> None:
        """The event is handled: later deliveries are DONE."""
        ...

    def release(self, event_id: str) -> None:
        """The event could not be handled: the next delivery is NEW. Nothing happens to one that is done.

        Where the caller (this thread, with this store object) has claimed the event itself, only that claim ends, and
        not that of somebody else who got the event after the caller's lease was over. A caller without a claim of its
        own, such as a task to which another process has handed the event, ends whichever claim there is.
        """
        ...


class _Claimed(NamedTuple):
    """A claim in memory."""

    token: str
    at: float
    until: float


class MemoryEventStore:
    """Keeps events in memory, at most `max_events` of them. It then forgets the oldest that is handled.

    For one process with threads. Several workers (gunicorn, uWSGI) would each keep their own events: use
    SQLiteEventStore there.
    """

    def __init__(
        self,
        max_events: int = 10_000,
        ttl: float = ONE_WEEK,
        lease: float = LEASE,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Make a store.

        max_events: events that are being handled always stay, even above this number.
        ttl: how many seconds a handled event is remembered.
        lease: seconds after which a claim that is neither done nor released is over.
        clock: says the time in seconds.

        Raises ConfigurationError if `max_events`, `ttl` or `lease` is not a number above 0.
        """
        if type(max_events) is not int or max_events < 1:
            raise ConfigurationError(f"max_events {describe(max_events)}; expected a whole number above 0.")
        self._max_events = max_events
        self._ttl = check_seconds("ttl", ttl, above_zero=True, error=ConfigurationError)
        self._lease = check_seconds("lease", lease, above_zero=True, error=ConfigurationError)
        self._clock = clock
        # Both oldest first, and all in one of them last equally long.
        self._done: dict[str, float] = {}
        self._claimed: dict[str, _Claimed] = {}
        self._own = OwnClaims()
        self._lock = ForkSafeLock()

    def claim(self, event_id: str) -> Claim:
        """Claim an event. NEW for exactly one of all threads. Raises TypeError if `event_id` is not an id."""
        key = spelled(event_id)
        with self._lock:
            now = self._clock()
            self._forget_what_is_over(now)
            if self._done.get(key, now) > now:
                return Claim.DONE
            claimed = self._claimed.get(key)
            if claimed is not None and seconds_left(claimed.at, claimed.until, now):
                return Claim.BUSY
            self._claimed.pop(key, None)
            token = new_token()
            self._claimed[key] = _Claimed(token, now, now + self._lease)
            self._own.keep(key, token)
            self._keep_to_the_bound()
            return Claim.NEW

    def done(self, event_id: str) -> None:
        """The event is handled. Raises TypeError if `event_id` is not an id."""
        key = spelled(event_id)
        with self._lock:
            self._own.drop(key)
            self._claimed.pop(key, None)
            self._done.pop(key, None)
            self._done[key] = self._clock() + self._ttl
            self._keep_to_the_bound()

    def release(self, event_id: str) -> None:
        """The event could not be handled; see `EventStore.release`. Nothing happens to one that is done.

        Raises TypeError if `event_id` is not an id.
        """
        key = spelled(event_id)
        with self._lock:
            token, claimed = self._own.token(key), self._claimed.get(key)
            if claimed is not None and token in {None, claimed.token}:
                del self._claimed[key]
            self._own.drop(key)

    def __len__(self) -> int:
        return len(self._done) + len(self._claimed)

    @safe_repr
    def __repr__(self) -> str:
        return (
            f"<MemoryEventStore: {len(self)} of at most {self._max_events} events, ttl={self._ttl:g} s, "
            f"lease={self._lease:g} s>"
        )

    # The caller holds the lock.

    def _forget_what_is_over(self, now: float) -> None:
        while self._done and next(iter(self._done.values())) <= now:
            del self._done[next(iter(self._done))]
        while self._claimed:
            key, oldest = next(iter(self._claimed.items()))
            if seconds_left(oldest.at, oldest.until, now):
                return
            del self._claimed[key]

    def _keep_to_the_bound(self) -> None:
        while self._done and len(self) > self._max_events:
            del self._done[next(iter(self._done))]


class SQLiteEventStore:
    """Keeps events in a file. Threads and processes of one machine share it; it survives a restart.

    A server can create a store before it forks its workers.
    """

    def __init__(self, path: str | os.PathLike[str], ttl: float = ONE_WEEK, lease: float = LEASE) -> None:
        """Open or create the file.

        path: a file of its own, created with mode 0600 if it is missing; its folder has to exist.
        ttl: how many seconds a handled event is remembered.
        lease: seconds after which a claim that is neither done nor released is over.

        Raises ConfigurationError if `ttl` or `lease` is not a number above 0, StorageError if the file cannot be used.
        """
        self._ttl = check_seconds("ttl", ttl, above_zero=True, error=ConfigurationError)
        self._lease = check_seconds("lease", lease, above_zero=True, error=ConfigurationError)
        self._own = OwnClaims()
        self._file = SQLiteFile(
            path, application_id=APPLICATION_ID, version=VERSION, schema=_SCHEMA, what="an event store", shared=True
        )

    def claim(self, event_id: str) -> Claim:
        """Claim an event. NEW for exactly one of all threads and processes.

        Raises TypeError if `event_id` is not an id, StorageError if the file cannot be used.
        """
        key = spelled(event_id)
        # Without a flush: if a power failure undoes a claim, nobody is left who handles the event.
        with self._file.transaction(flush=False) as connection:
            now = time.time()
            self._prune(connection, now)
            find = "SELECT token, claimed_at, expires_at FROM events WHERE id = ?"
            for token, claimed_at, expires_at in connection.execute(find, (key,)):
                if token is None and now < expires_at:
                    return Claim.DONE
                if token is not None and seconds_left(claimed_at, expires_at, now):
                    return Claim.BUSY
            token = new_token()
            connection.execute(_PUT, (key, now + self._lease, token, now))
        self._own.keep(key, token)
        return Claim.NEW

    def done(self, event_id: str) -> None:
        """The event is handled.

        Raises TypeError if `event_id` is not an id, StorageError if the file cannot be used.
        """
        key = spelled(event_id)
        with self._file.transaction() as connection:
            connection.execute(_PUT, (key, time.time() + self._ttl, None, None))
        self._own.drop(key)

    def release(self, event_id: str) -> None:
        """The event could not be handled; see `EventStore.release`. Nothing happens to one that is done.

        Raises TypeError if `event_id` is not an id, StorageError if the file cannot be used.
        """
        key = spelled(event_id)
        token = self._own.token(key)
        with self._file.transaction(flush=False) as connection:
            connection.execute("DELETE FROM events WHERE id = ? AND token = coalesce(?, token)", (key, token))
        self._own.drop(key)

    def __reduce__(self) -> tuple[type[SQLiteEventStore], tuple[Path, float, float]]:
        return type(self), (self._file.path, self._ttl, self._lease)

    @safe_repr
    def __repr__(self) -> str:
        return f"<SQLiteEventStore: {self._file.path}, ttl={self._ttl:g} s, lease={self._lease:g} s>"

    def _prune(self, connection: sqlite3.Connection, now: float) -> None:
        # A few at a time, so that after a long pause no delivery waits for the removal of all expired rows.
        connection.execute(
            "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE expires_at <= ? LIMIT ?)",
            (now, _PRUNED_AT_ONCE),
        )
