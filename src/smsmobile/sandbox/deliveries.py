"""The deliveries of one destination: which is next, what a failure leads to, when to pause, on a thread of its own.

Which deliveries there are is decided in webhooks.py; the HTTP of one attempt lives in posting.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING

from ..errors import StorageError
from .rows import Delivery, DeliveryTry, Destination
from .store import Store
from .ticker import TRY_AGAIN

if TYPE_CHECKING:
    from .posting import Outcome, Poster

RETRY_INTERVALS = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Seconds between the tries of a delivery, after each failure the next; after the last try it is given up."""
FAILURES_IN_A_ROW = 10
"""So many attempts that all failed, of whichever deliveries, pause the destination."""
PAUSE = 60.0
"""Seconds that a pause lasts. The first failure that follows begins another one."""
HELD_FOR = 1.0
"""Seconds that a delivery which is to arrive out of order waits for one that follows it."""

_LONGEST_WAIT = 3600.0


class DeliveryWorker:
    """Hands the deliveries of one destination over, one at a time, so that none delays another destination.

    Which are due stands in the rows. Here is only what a restart may forget: which one is held back. All methods that
    lead to a row are called with the store's lock held, and none of them waits for the receiver.
    """

    def __init__(self, destination: Destination, store: Store, *, allow_remote: bool) -> None:
        self._key = destination.key
        self._store = store
        self._allow_remote = allow_remote
        self._held: Delivery | None = None
        # The end of the last attempt, had each been made when it was due. Where the clock was moved, the tries that
        # would have been made in between then follow each other without a pause.
        self._got_to = store.now()
        self._wake_up = Flag()
        self._thread: Thread | None = None
        self._ended = False
        self._abandoned = False

    @property
    def holds_one(self) -> bool:
        """Whether a delivery waits to arrive after the one that follows it."""
        return self._held is not None and self._is_waiting(self._held)

    def hold(self, delivery: Delivery) -> None:
        """Let the next one of this destination go first."""
        self._held = delivery

    def wake(self) -> None:
        """Look again what is due. The thread starts when there is something to do for the first time."""
        self._got_to = min(self._got_to, self._store.now())  # the clock may have been moved back
        if self._thread is None and not self._ended and any(self._pending(last="LIMIT 1")):
            self._thread = Thread(target=self._run, name="smsmobile-sandbox-webhook", daemon=True)
            self._thread.start()
        self._wake_up.set()

    def resume(self) -> None:
        """End the pause before its time. The failures still count: the next one begins another pause."""
        destination = self._store.destinations.get(self._key)
        if destination is not None and destination.paused_until is not None:
            self._got_to = self._store.now()
            self._store.destinations.put(replace(destination, paused_until=None))
            self.wake()

    def end(self) -> None:
        """Begin no other attempt. One that is being made is still noted."""
        self._ended = True
        self._wake_up.set()

    def join(self, timeout: float) -> bool:
        """Wait until the thread is gone; False where its receiver holds it for longer."""
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def abandon(self) -> None:
        """Do not even note how the attempt ends that is being made."""
        self._abandoned = True

    def _run(self) -> None:
        from .posting import Poster  # with requests, which a sandbox that posts nothing need not load

        with Poster(allow_remote=self._allow_remote) as poster:
            while not self._ended:
                try:
                    self._do_next(poster)
                except StorageError:  # it was undone, and the database has said why
                    self._wake_up.clear()  # set by what was undone
                    self._wake_up.wait(TRY_AGAIN)

    def _do_next(self, poster: Poster) -> None:
        job = self._next_job()
        if job is None:
            return
        destination, delivery, due = job
        at = self._store.now()
        is_forged = "webhook_forged" in delivery.faults and not delivery.tries  # the first try alone
        outcome = poster.post(destination, delivery, forge=is_forged)
        with self._store.lock:
            if not self._abandoned:
                self._note(delivery, outcome, at=at, due=due)

    def _next_job(self) -> tuple[Destination, Delivery, datetime] | None:
        """Wait for what is due next; None when it is over."""
        while True:
            with self._store.lock:
                self._wake_up.clear()
                destination = self._store.destinations.get(self._key)
                if self._ended or destination is None:
                    return None
                now = self._store.now()
                seconds = self._seconds_of_pause(destination, now)
                if seconds is None:
                    delivery = self._take(now)
                    if delivery is not None:
                        return destination, delivery, delivery.due_at or delivery.created_at
                    next_one = next(self._pending(last="ORDER BY due LIMIT 1"), None)
                    seconds = (next_one.due_at - now).total_seconds() if next_one and next_one.due_at else None
            self._wake_up.wait(None if seconds is None else min(seconds, _LONGEST_WAIT))

    def _seconds_of_pause(self, destination: Destination, now: datetime) -> float | None:
        until = destination.paused_until
        if until is None:
            return None
        if now < until:
            return (until - now).total_seconds()
        self._got_to = max(self._got_to, until)
        self._store.destinations.put(replace(destination, paused_until=None))
        return None

    def _take(self, now: datetime) -> Delivery | None:
        """The next one that is due."""
        due = self._pending("due <= ?", now.timestamp(), last="ORDER BY due, id LIMIT 1")
        return next(due, None) or next(self._pending("due IS NULL", last="ORDER BY id LIMIT 1"), None)

    def _pending(self, condition: str = "TRUE", *values: object, last: str) -> Iterator[Delivery]:
        condition = f"is_pending AND destination = ? AND ({condition})"
        return self._store.deliveries.where(condition, int(self._key), *values, last=last)

    def _note(self, delivery: Delivery, outcome: Outcome, *, at: datetime, due: datetime) -> None:
        store = self._store
        ended = min(max(due, self._got_to), at) + timedelta(seconds=outcome.seconds)
        self._got_to = ended
        self._judge(outcome, ended)
        row = store.deliveries.get(delivery.key)
        if row is None:  # the sandbox was reset meanwhile
            return
        attempt = DeliveryTry(
            at=at,
            status=outcome.status,
            error=outcome.error,
            milliseconds=outcome.seconds * 1000,
            id=store.new_id(),
            headers=outcome.headers,
            answer=outcome.answer,
        )
        row = replace(row, tries=(*row.tries, attempt))
        if outcome.was_taken:
            row = replace(row, state="delivered", due_at=None)
        elif row.state == "waiting" and len(row.tries) <= len(RETRY_INTERVALS):
            row = replace(row, due_at=ended + timedelta(seconds=RETRY_INTERVALS[len(row.tries) - 1]))
        else:
            row = replace(row, state="given_up", due_at=None)
        store.deliveries.put(row)
        if outcome.was_taken:
            self._let_go(before=row)

    def _judge(self, outcome: Outcome, ended: datetime) -> None:
        """Count the failures of the destination, and pause it after too many."""
        destination = self._store.destinations.get(self._key)
        if destination is None:
            return
        failures = 0 if outcome.was_taken else destination.failures + 1
        paused_until = ended + timedelta(seconds=PAUSE) if failures >= FAILURES_IN_A_ROW else None
        if (failures, paused_until) != (destination.failures, destination.paused_until):
            self._store.destinations.put(replace(destination, failures=failures, paused_until=paused_until))

    def _let_go(self, before: Delivery) -> None:
        """A delivery arrived: the one that was held back for it follows."""
        held = self._held
        if held is not None and held.id < before.id and self._is_waiting(held):
            self._store.deliveries.put(replace(held, due_at=self._store.now()))

    def _is_waiting(self, held: Delivery) -> bool:
        """Whether it was not even tried yet: else it is no longer held back."""
        return self._store.deliveries.get(held.key) == held
