"""Lets time pass: one thread that wakes whoever has something due, by the sandbox's clock.

What is done then is theirs.
"""

from __future__ import annotations

from datetime import datetime
from threading import TIMEOUT_MAX, Thread
from typing import Protocol

from ..errors import StorageError
from .store import Store

TRY_AGAIN = 1.0
"""Seconds until what could not be stored is done again."""


class Sleeper(Protocol):
    """Somebody who sleeps until something of theirs is due."""

    def next_due(self) -> datetime | None:
        """When there is something to do; None for never. Called with the store's lock held."""

    def work(self, now: datetime) -> None:
        """Do all that is due. Called with the store's lock held, so it must be quick."""


class Ticker:
    """Wakes its sleepers when something of theirs is due. Its thread starts when somebody first has to wait."""

    def __init__(self, store: Store) -> None:
        self.sleepers: list[Sleeper] = []
        self._store = store
        self._thread: Thread | None = None
        self._is_running = False
        self._closed = False

    def tick(self) -> None:
        """Let everybody do what is due now, on this thread, and see to it that the rest is done in its time."""
        with self._store.lock:
            self._work()
            if not self._is_running and not self._closed and self._next_due() is not None:
                self._thread = Thread(target=self._run, name="smsmobile-sandbox-ticker", daemon=True)
                self._thread.start()
                self._is_running = True
            self._store.lock.notify_all()

    def close(self) -> None:
        """End the thread; what is not yet due never happens."""
        with self._store.lock:
            self._closed = True
            self._store.lock.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        with self._store.lock:
            try:
                while not self._closed:
                    try:
                        self._work()
                        self._store.lock.wait(self._seconds_to_wait())
                    except StorageError:  # it was undone, and the database has said why
                        self._store.lock.wait(TRY_AGAIN)
            finally:
                self._is_running = False  # after a mistake, the next tick() starts another one

    def _work(self) -> None:
        for sleeper in self.sleepers:
            sleeper.work(self._store.now())

    def _next_due(self) -> datetime | None:
        return min((due for sleeper in self.sleepers if (due := sleeper.next_due()) is not None), default=None)

    def _seconds_to_wait(self) -> float | None:
        due = self._next_due()
        return None if due is None else min(max((due - self._store.now()).total_seconds(), 0.0), TIMEOUT_MAX)
