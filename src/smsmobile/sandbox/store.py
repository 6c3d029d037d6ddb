"""What the service remembers: rows by kind, one lock over all of them, and who hears of a change.

The rows themselves are described in rows.py, and kept in a table of database.py. No rules here.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from itertools import count
from os import PathLike
from threading import Condition, RLock
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from ..errors import StorageError
from . import rows
from .clock import Clock
from .database import Database


class Lock(Condition):
    """A lock that ends the database's transaction before it is let go: what was done in one go is kept in one go."""

    def __init__(self, mutex: RLock, commit: Callable[[], None]) -> None:
        super().__init__(mutex)
        self._commit = commit
        self._depth = 0

    def __enter__(self) -> bool:
        entered = super().__enter__()
        self._depth += 1
        return entered

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        try:
            if self._depth == 0:
                self._commit()
        finally:
            super().__exit__(kind, error, trace)

    def wait(self, timeout: float | None = None) -> bool:
        """Let it go until somebody notifies, or for `timeout` seconds; False where nobody did."""
        depth, self._depth = self._depth, 0
        try:
            self._commit()
            return super().wait(timeout)
        finally:
            self._depth = depth


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


RowT = TypeVar("RowT", bound=_Keyed)
Watcher = Callable[["Table[rows.Row]", "rows.Row", bool], None]
"""Called with the table that changed, the row, and whether it is gone."""

MOST_REMEMBERED = 10_000
"""So many requests, deliveries and notifications are remembered; of more, the oldest are forgotten.

A delivery is not forgotten before it has ended: webhooks.py sees to that.
"""

READ_AT_ONCE = 100
"""So many rows are read at once by those who may need only the newest."""
_FOUND_BY = (
    *("id", "phone", "peer", "destination", "is_pending", "due"),
    *("is_international", "path", "words", "contact", "outcome"),
)
"""What rows are found by, beside their keys: attributes of those that have them, and columns."""
_COLUMNS = ("row", *_FOUND_BY)
_UPDATE = f"UPDATE rows SET {', '.join(f'{name} = ?' for name in _COLUMNS)} WHERE kind = ? AND key = ?"  # noqa: S608
_INSERT = f"INSERT OR IGNORE INTO rows ({', '.join(_COLUMNS)}, kind, key) VALUES ({'?, ' * len(_COLUMNS)}?, ?)"  # noqa: S608


class Table(Generic[RowT]):
    """All rows of one kind by their key, oldest first. Reading and changing them takes the store's lock."""

    def __init__(self, store: Store, kind: type[RowT], most: int | None = None, *, is_small: bool = False) -> None:
        """Of more than `most` rows the oldest are forgotten. Those of a small table are kept at hand as well."""
        self.name = ""
        """What it is called in the database: the name of the store's attribute."""
        self.version = 0
        """The store's version at the last change here."""
        self._store = store
        self._kind: Any = kind
        self._most = most
        self._is_small = is_small
        self._at_hand: list[RowT] | None = None
        self._length: int | None = None

    def put(self, row: RowT) -> RowT:
        """Add a row, or replace the one with its key; returns it."""
        store = self._store
        values = (self._write(row), *_found_by(row), self.name, row.key)
        with store.lock:
            is_new = store.database.execute(_INSERT, values).rowcount
            if not is_new:
                store.database.execute(_UPDATE, values)  # it keeps its place
            self._changed(row, is_new)
            if self._most is not None and len(self) > self._most:
                self.remove(next(self.where("TRUE", last="ORDER BY id LIMIT 1")).key)
        return row

    def remove(self, key: str) -> RowT | None:
        """Forget a row; returns it, or None where there was none."""
        with self._store.lock:
            row = self.get(key)
            if row is not None:
                self._store.database.execute("DELETE FROM rows WHERE kind = ? AND key = ?", (self.name, key))
                self._changed(row, -1)
        return row

    def clear(self, condition: str = "TRUE", *values: object) -> None:
        """Forget the rows that meet a condition in SQL, without one all.

        Of each row of a small table those that watch are told; of the others only that they changed.
        """
        with self._store.lock:
            for row in list(self.where(condition, *values)) if self._is_small else ():
                self.remove(row.key)
            statement = f"DELETE FROM rows WHERE kind = ? AND ({condition})"  # noqa: S608
            self._store.database.execute(statement, (self.name, *values))
            self._length = None
            self._store.touch(self)

    def get(self, key: str) -> RowT | None:
        """The row with this key."""
        if self._is_small:
            return next((row for row in self if row.key == key), None)
        return next(self.where("key = ?", key), None)

    def where(self, condition: str, *values: object, last: str = "") -> Iterator[RowT]:
        """The rows that meet a condition in SQL, oldest first, unless `last` (an ORDER BY, a LIMIT) says otherwise."""
        statement = f"SELECT row FROM rows WHERE kind = ? AND ({condition}) {last or 'ORDER BY place'}"  # noqa: S608
        with self._store.lock:
            found = self._store.database.execute(statement, (self.name, *values)).fetchall()
        return (self.read(text) for (text,) in found)

    def count(self, condition: str, *values: object) -> int:
        """How many rows meet a condition in SQL."""
        statement = f"SELECT count(*) FROM rows WHERE kind = ? AND ({condition})"  # noqa: S608
        with self._store.lock:
            (found,) = self._store.database.execute(statement, (self.name, *values)).fetchone()
        return int(found)

    def values(self, column: str) -> list[Any]:
        """What stands in a column, each value once, in order."""
        statement = f"SELECT DISTINCT {column} FROM rows WHERE kind = ? AND {column} IS NOT NULL ORDER BY 1"  # noqa: S608
        with self._store.lock:
            return [value for (value,) in self._store.database.execute(statement, (self.name,))]

    def page(self, before: int | None, limit: int, condition: str = "TRUE", *values: object) -> tuple[list[RowT], bool]:
        """Rows with ids below `before` that meet a condition, the newest first, and whether there are older ones."""
        below = 2**62 if before is None else before
        found = list(
            self.where(f"({condition}) AND id < ?", *values, below, last=f"ORDER BY id DESC LIMIT {limit + 1}")
        )
        return found[:limit], len(found) > limit

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def __iter__(self) -> Iterator[RowT]:
        if not self._is_small:
            return self.where("TRUE")
        with self._store.lock:
            if self._at_hand is None:
                self._at_hand = list(self.where("TRUE"))
            return iter(self._at_hand)

    def __reversed__(self) -> Iterator[RowT]:
        return self.backwards("TRUE")

    def backwards(self, condition: str, *values: object) -> Iterator[RowT]:
        """The rows that meet a condition, the newest first, read as they are asked for: the caller holds the lock."""
        statement = (
            f"SELECT place, row FROM rows WHERE kind = ? AND ({condition}) AND place < ? "  # noqa: S608
            f"ORDER BY place DESC LIMIT {READ_AT_ONCE}"
        )
        place = 2**62
        while found := self._store.database.execute(statement, (self.name, *values, place)).fetchall():
            for place, text in found:  # noqa: B007
                yield self.read(text)

    def __len__(self) -> int:
        with self._store.lock:
            if self._length is None:
                self._length = self.count("TRUE")
            return self._length

    def refresh(self) -> None:
        """Ask the database anew for what is at hand: a transaction was undone."""
        self._at_hand = self._length = None

    def _changed(self, row: RowT, more: int) -> None:
        self._at_hand = None
        if self._length is not None:
            self._length += more
        self._store.changed(self, row, is_gone=more < 0)

    def _write(self, row: RowT) -> str:
        try:
            return _adapter(self._kind).serializer.to_json(row, warnings="error").decode()
        except PydanticSerializationError:
            return _encodable(json.dumps(vars(row), ensure_ascii=False, default=_plain))

    def read(self, text: str) -> RowT:
        """A row as it stands in the database. Raises StorageError for one that cannot be understood."""
        try:
            row: RowT = _adapter(self._kind).validator.validate_json(text)
        except ValidationError as error:
            raise self._store.database.damaged(f"{self.name}: {error.errors()[0]['type']}") from None
        return row


class Store:
    """The memory. Whoever reads or changes more than one thing holds `lock`."""

    def __init__(self, clock: Clock, path: str | PathLike[str] | None = None) -> None:
        mutex = RLock()
        self.database = Database(path, mutex, self._refresh)
        self.lock = Lock(mutex, self._commit)
        """Guards everything here, and is notified of every change. The same thread may take it again."""
        self.clock = clock
        """Where an account is kept, it goes on as it was moved."""
        self._ahead = clock.ahead
        """How far the clock was ahead at the last commit."""
        self.version = 0
        """Grows with every change."""
        self.watchers: list[Watcher] = []
        """Called with the lock held, in this order; they must be quick."""
        self.accounts = Table(self, rows.Account, is_small=True)
        self.phones = Table(self, rows.PhoneState, is_small=True)
        self.messages = Table(self, rows.Message)
        self.outbox = Table(self, rows.OutboxSMS)
        self.received = Table(self, rows.Received)
        self.by_hand = Table(self, rows.SentByHand)
        self.calls = Table(self, rows.Call)
        self.notifications = Table(self, rows.Notification, MOST_REMEMBERED)
        self.mails = Table(self, rows.Mail)
        self.tokens = Table(self, rows.Token)
        self.requests = Table(self, rows.RecordedRequest, MOST_REMEMBERED)
        self.destinations = Table(self, rows.Destination, is_small=True)
        self.deliveries = Table(self, rows.Delivery)
        self.faults = Table(self, rows.Fault, is_small=True)
        self.seen = Table(self, rows.Seen)
        for name, value in vars(self).items():
            if isinstance(value, Table):
                value.name = name
        try:
            (highest,) = self.database.execute("SELECT max(id) FROM rows").fetchone()
            self._ids = count((highest or 0) + 1)
            for table in self.tables:
                for _ in table:  # a row that cannot be understood is an error now, and not when it is needed
                    pass
            for account in self.accounts:
                clock.ahead = timedelta(seconds=account.clock_ahead)
            self._commit()
        except BaseException:
            with suppress(StorageError):
                self.database.close()  # nobody else would let go of the file
            raise

    @property
    def tables(self) -> list[Table[rows.Row]]:
        """All kinds of rows."""
        return [value for value in vars(self).values() if isinstance(value, Table)]

    @property
    def account(self) -> rows.Account:
        """The one account."""
        return next(iter(self.accounts))

    def now(self) -> datetime:
        """The sandbox's time: aware, UTC."""
        return self.clock.now()

    def new_guid(self) -> str:
        """The handle of a message: 40 hexadecimal characters."""
        return secrets.token_hex(20)

    def new_id(self) -> int:
        """A number that grows with every row of any kind: of two, the older one has the lower."""
        return next(self._ids)

    def start_ids_after(self, highest: int) -> None:
        """Go on counting where an earlier run of the sandbox has stopped."""
        self._ids = count(highest + 1)

    def _commit(self) -> None:
        self.database.commit()
        self._ahead = self.clock.ahead

    def _refresh(self) -> None:
        """A transaction was undone, and a move of the clock with it."""
        for table in self.tables:
            table.refresh()
        self.clock.ahead = self._ahead

    def changed(self, table: Table[rows.Row], row: rows.Row, *, is_gone: bool = False) -> None:
        """Tell everybody. The caller holds the lock."""
        self.touch(table)
        for watcher in self.watchers:
            watcher(table, row, is_gone)

    def touch(self, table: Table[rows.Row]) -> None:
        """Let those who wait look again. The caller holds the lock."""
        self.version += 1
        table.version = self.version
        self.lock.notify_all()


_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def _found_by(row: object) -> Iterator[object]:
    for name in _FOUND_BY:
        value = getattr(row, name, None)
        if isinstance(value, datetime):
            yield value.timestamp()
        else:
            yield _encodable(value) if isinstance(value, str) else value


def _encodable(text: str) -> str:
    """Half an emoji (a lone surrogate), which nothing can store or send, becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else vars(value)
