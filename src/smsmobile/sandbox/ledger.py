"""What the service remembers: rows by kind, one lock over all of them, and who hears of a change.

The rows themselves are described in rows.py, and written to a file by storage.py. No rules here.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count
from threading import Condition
from types import TracebackType
from typing import Generic, Protocol, TypeVar

from . import rows
from .clock import Clock


class Lock(Condition):
    """A lock that calls `before_release` before it is let go: what was done in one go is written down in one go."""

    def __init__(self) -> None:
        super().__init__()
        self.before_release: Callable[[], None] = lambda: None
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
                self.before_release()
        finally:
            super().__exit__(kind, error, trace)

    def wait(self, timeout: float | None = None) -> bool:
        """Let it go until somebody notifies, or for `timeout` seconds; False where nobody did."""
        depth, self._depth = self._depth, 0
        try:
            self.before_release()
            return super().wait(timeout)
        finally:
            self._depth = depth


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


RowT = TypeVar("RowT", bound=_Keyed)
Watcher = Callable[["Rows[rows.Row]", "rows.Row | None", "rows.Row | None"], None]
"""Called with the rows that changed, the row as it was (None: it is new) and as it is (None: it is gone)."""

MOST_REMEMBERED = 10_000
"""So many requests, deliveries and notifications are remembered; of more, the oldest are forgotten.

A delivery is not forgotten before it has ended: webhooks.py sees to that.
"""


class Rows(Generic[RowT]):
    """All rows of one kind by their key, oldest first. Changing them takes the ledger's lock."""

    def __init__(self, ledger: Ledger, name: str, kind: type[RowT], most: int | None = None) -> None:
        self.name = name
        self.kind = kind
        self.version = 0
        """The ledger's version at the last change here."""
        self._ledger = ledger
        self._most = most
        self._rows: dict[str, RowT] = {}

    def put(self, row: RowT) -> RowT:
        """Add a row, or replace the one with its key; returns it."""
        with self._ledger.lock:
            before = self._rows.get(row.key)
            self._rows[row.key] = row
            self._ledger.changed(self, before, row)
            if self._most is not None and len(self._rows) > self._most:
                self.remove(next(iter(self._rows)))
        return row

    def remove(self, key: str) -> RowT | None:
        """Forget a row; returns it, or None where there was none."""
        with self._ledger.lock:
            row = self._rows.pop(key, None)
            if row is not None:
                self._ledger.changed(self, row, None)
        return row

    def clear(self) -> None:
        """Forget all."""
        with self._ledger.lock:
            for key in list(self._rows):
                self.remove(key)

    def get(self, key: str) -> RowT | None:
        """The row with this key."""
        return self._rows.get(key)

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    def __iter__(self) -> Iterator[RowT]:
        return iter(self._rows.values())

    def __reversed__(self) -> Iterator[RowT]:
        return reversed(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)


class Ledger:
    """The memory. Whoever reads or changes more than one thing holds `lock`."""

    def __init__(self, clock: Clock) -> None:
        self.lock = Lock()
        """Guards everything here, and is notified of every change. The same thread may take it again."""
        self.clock = clock
        self.version = 0
        """Grows with every change."""
        self.watchers: list[Watcher] = []
        """Called with the lock held, in this order; they must be quick."""
        self.accounts = Rows(self, "accounts", rows.Account)
        self.phones = Rows(self, "phones", rows.PhoneState)
        self.messages = Rows(self, "messages", rows.Message)
        self.outbox = Rows(self, "outbox", rows.OutboxSMS)
        self.received = Rows(self, "received", rows.Received)
        self.by_hand = Rows(self, "by_hand", rows.SentByHand)
        self.calls = Rows(self, "calls", rows.Call)
        self.notifications = Rows(self, "notifications", rows.Notification, MOST_REMEMBERED)
        self.mails = Rows(self, "mails", rows.Mail)
        self.tokens = Rows(self, "tokens", rows.Token)
        self.requests = Rows(self, "requests", rows.RecordedRequest, MOST_REMEMBERED)
        self.destinations = Rows(self, "destinations", rows.Destination)
        self.deliveries = Rows(self, "deliveries", rows.Delivery)
        self.faults = Rows(self, "faults", rows.Fault)
        self._ids = count(1)

    @property
    def tables(self) -> list[Rows[rows.Row]]:
        """All kinds of rows."""
        return [value for value in vars(self).values() if isinstance(value, Rows)]

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

    def touch(self, table: Rows[rows.Row]) -> None:
        """Let whoever shows this table look at it again, though no row of it has changed."""
        with self.lock:
            self.version += 1
            table.version = self.version
            self.lock.notify_all()

    def changed(self, table: Rows[rows.Row], before: rows.Row | None, after: rows.Row | None) -> None:
        """Tell everybody. The caller holds the lock."""
        self.version += 1
        table.version = self.version
        for watcher in self.watchers:
            watcher(table, before, after)
        self.lock.notify_all()
