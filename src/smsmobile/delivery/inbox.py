"""`Inbox` polls for received SMS and hands each over once, for programs that cannot receive webhooks.

Which messages are new is decided in _inbox_reading.py. The events are those of webhooks.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from .._confidential import safe_repr
from .._http.backoff import backoff_intervals, is_temporary, respecting_retry_after
from .._input.arguments import check_bool, check_line, check_moment, check_seconds, describe
from .._wire.values import EARLIEST, UTC
from ..errors import InvalidRequestError, SMSMobileError, StorageError
from ..webhooks.events import SMSReceived
from ._inbox_reading import Reading, now
from ._inbox_rows import all_received
from ._inbox_state import InboxProgress, InboxState, SQLiteInboxState

if TYPE_CHECKING:
    from types import FrameType

    from ..channels.sms import ReceivedSMS
    from ..client import SMSMobileClient

__all__ = ["Inbox"]


def __dir__() -> list[str]:
    return __all__


SHORTEST_INTERVAL = 0.1
"""Seconds between two looks, at least."""
FIRST_INTERVAL = 5.0
"""Seconds from a failed look to the next, unless the interval is shorter."""
LONGEST_INTERVAL = 60.0
"""Seconds between two looks while the service cannot be reached, unless the interval is longer."""

_LONGEST_OVERLAP = timedelta(days=366)

log = logging.getLogger("smsmobile")


class Inbox:
    """The SMS that the account's phones receive: each is handed over once, in order, across restarts.

        inbox = Inbox(client, state="inbox.sqlite")
        for event in inbox.poll(interval=5):
            handle(event)                           # the `SMSReceived` of webhooks, with `signed=False`

    client: an SMSMobileClient.
    state: a file (SQLite, see `SQLiteInboxState`) for this inbox alone, or an `InboxState` of your own.
    device: SID of a phone; all phones without it.
    since: for a new state, an aware datetime, also a future one: messages dated before it are never handed over. The
        default is the time at which this inbox was created, as far as the clocks of phones and machine agree: messages
        that are there at the first look and are dated before it, or have no time, are not handed over; those that
        arrive later are, whatever their date. A state that exists continues where it was, whatever `since` is.
    overlap: each look reads this much time before the newest handled message again, for messages that arrive late. A
        message that is dated further back is lost if newer ones were handled before it arrived: its phone was away for
        longer, has a slow clock, or uploads its newest messages first. Each look fetches all messages of that time, so
        make it shorter for a busy account. For a state that exists, a longer overlap has an effect on new messages
        only: what was handled longer ago is no longer known, and is not asked for.

    Creating an inbox opens and sends nothing. Raises InvalidRequestError.
    """

    def __init__(
        self,
        client: SMSMobileClient,
        state: str | os.PathLike[str] | InboxState = "inbox.sqlite",
        *,
        device: str | None = None,
        since: datetime | None = None,
        overlap: timedelta = timedelta(days=1),
    ) -> None:
        if not hasattr(getattr(client, "sms", None), "received"):
            raise InvalidRequestError(f"client is of type {type(client).__name__}; expected an SMSMobileClient.")
        path = os.fspath(state) if isinstance(state, os.PathLike) else state
        if isinstance(path, type) or not isinstance(path, (str, InboxState)):
            raise InvalidRequestError(f"state is of type {type(state).__name__}; expected a file, or an InboxState.")
        _check_overlap(overlap)
        self._client = client
        self._state = state
        self._device = None if device is None else check_line("device", device)
        self._since = None if since is None else check_moment("since", since)
        self._overlap = overlap
        # Whole seconds, as the service counts: a message of this second is a new one.
        self._made_at = now().replace(microsecond=0)
        self._is_stopping = False
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._polling = threading.Lock()

    def poll(self, interval: float = 5.0, *, signals: bool = False) -> Generator[SMSReceived, None, None]:
        """Yield each received SMS as it comes in, until `stop()`. The messages of one look come oldest first.

        interval: seconds from the last message of a look to the next look. Less than 0.1 counts as 0.1. The default of
            5 seconds is a compromise: phones upload an SMS within seconds, and each look is a request that returns all
            messages of the overlap.
        signals: SIGINT (Ctrl-C) and SIGTERM end it as `stop()` does; a second signal then does what it did before. Only
            in the main thread.

        A message counts as handled when the next one is asked for. If the body of the loop raises or breaks, or the
        process is killed, the next `poll` begins with the same message. So every message is handed over at least once,
        and exactly once if the loop went on. A message whose handling always fails blocks all newer ones: catch the
        exception, and put the message aside.

        `event.id` is the message's GUID; for a row without one, a hash of sender, text and time. A GUID that comes with
        another text is another message, with the same `event.id`. A message that gets its GUID after it was handled is
        not handed over again. Rows with neither GUID nor time are told apart by sender, text and the service's own
        number (`id`), if they have one. `data.message` is the text, `data.sender` what the network gave (`unknown` if
        it gave nothing), `data.received_at` an aware UTC datetime, or None if the row does not say.

        Failures that may pass (the network, a 429, a 5xx, a phone that is off) are logged as warnings, without the
        service's words, and the next look is made up to a minute later. A look makes no retries. A warning also tells
        that the service seems to have answered with its newest messages only, so that some may be missing: nothing
        documents that it returns all. With a wrong key the service may answer with no messages and no error (O); so
        after the first empty answer `client.sms.log`, which does report a wrong key, is called too.

        Raises StorageError if the state cannot be used, or is in use by another process or another `poll`, before any
        message is handed over that could not be recorded; AuthenticationError, SubscriptionExpired and other errors of
        `client.sms.received` that do not pass; InvalidRequestError.
        """
        interval = max(check_seconds("interval", interval), SHORTEST_INTERVAL)
        return self._poll(interval, signals=check_bool("signals", signals))

    def poll_once(self) -> Generator[SMSReceived, None, None]:
        """Make one look, yield each received SMS that is new, oldest first, and end: for cron and Celery beat.

            for event in inbox.poll_once():
                handle(event)

        The rules are those of `poll`: a message counts as handled when the next one is asked for, or when the iteration
        ends. If the body of the loop raises or breaks, or the process is killed, the next `poll_once` begins with the
        same message. So do not make a list of it: that would count all messages as handled before you handle one. An
        inbox may be polled by `poll` and by `poll_once` in turn, not at the same time.

        Nothing is read before the first message is asked for. When the iteration ends or raises, the state is closed.
        `stop()` ends it after the current message.

        Failures that may pass (the network, a 429, a 5xx, a phone that is off) are raised and not retried: your
        schedule does that, and nothing is lost. After each empty answer `client.sms.log` is called too, because with a
        wrong key the service may answer with no messages and no error (O).

        Raises StorageError if the state cannot be used, or is in use by another process, `poll` or `poll_once`, which
        means that the previous run has not ended; every error of `client.sms.received`.
        """
        with self._reading() as reading:
            if not self._is_stopping:
                yield from self._handed_over(reading, self._rows(reading, checks_key=True))

    def stop(self) -> None:
        """End the running `poll`, or the next one if none runs: after the current message, or at once while it waits.

        It may be called in the body of the loop, in other threads and in signal handlers. A look that has begun is
        finished.
        """
        self._is_stopping = True
        self._wake.put(None)  # not an Event: a signal handler may interrupt code that holds the lock of the Event

    @safe_repr
    def __repr__(self) -> str:
        state = self._state if isinstance(self._state, InboxState) else os.fspath(self._state)
        return f"<Inbox {state}{f', device {self._device}' if self._device else ''}>"

    def _poll(self, interval: float, *, signals: bool) -> Generator[SMSReceived, None, None]:
        with self._reading(signals=signals) as reading:
            first, longest = min(interval, FIRST_INTERVAL), max(interval, LONGEST_INTERVAL)
            intervals, was_empty = backoff_intervals(first, longest), False
            while not self._is_stopping:
                pause = interval
                try:
                    rows = self._rows(reading, checks_key=not was_empty)
                except SMSMobileError as error:
                    if not is_temporary(error):
                        raise
                    pause = respecting_retry_after(next(intervals), error)
                    problem = f"{type(error).__name__}: {error}"
                    log.warning("The inbox cannot be read for now: %s Next look in %.3g s.", problem, pause)
                else:
                    intervals, was_empty = backoff_intervals(first, longest), not rows
                    yield from self._handed_over(reading, rows)
                self._wait(pause)

    @contextmanager
    def _reading(self, *, signals: bool = False) -> Iterator[Reading]:
        if not self._polling.acquire(blocking=False):
            raise StorageError(
                "The state of this inbox is in use: another poll() of it has not ended. After a `break`, close() its "
                "generator."
            )
        try:
            with self._stopped_by_signals() if signals else nullcontext(), self._opened() as state:
                # Programs test with clients of their own, which have no clock.
                offset = getattr(self._client.sms, "_clock_offset", lambda: None)
                yield Reading(state, self._first_progress(), self._overlap, offset)
        finally:
            self._is_stopping = False
            with suppress(Empty):
                while True:
                    self._wake.get_nowait()
            self._polling.release()

    def _rows(self, reading: Reading, *, checks_key: bool) -> list[ReceivedSMS]:
        sms = self._client.sms._without_retries  # poll is the retry loop, or whoever calls poll_once
        rows, is_cut = all_received(sms.received, reading.start(), self._device)
        if not rows and checks_key:
            sms.log()  # with a wrong key, which may look like no messages (O), this raises
        if is_cut and reading.has_gap(rows):
            log.warning(
                "The service has answered with its newest %d messages only, all newer than the last one "
                "that was handled: some may be missing. Keep the inbox running, or use webhooks.",
                len(rows),
            )
        return rows

    def _handed_over(self, reading: Reading, rows: list[ReceivedSMS]) -> Iterator[SMSReceived]:
        for message in reading.new(rows, undated_are_old=self._since is None):
            yield message.event()
            reading.done(message)
            if self._is_stopping:
                return

    def _first_progress(self) -> InboxProgress:
        if self._since is None:
            return InboxProgress(self._made_at.astimezone(UTC))
        return InboxProgress(max(self._since, EARLIEST).astimezone(UTC), since_was_given=True)

    def _wait(self, seconds: float) -> None:
        with suppress(Empty):
            self._wake.get(timeout=min(seconds, threading.TIMEOUT_MAX))

    @contextmanager
    def _opened(self) -> Iterator[InboxState]:
        if isinstance(self._state, InboxState):
            yield self._state
        else:
            with SQLiteInboxState(self._state) as state:
                yield state

    @contextmanager
    def _stopped_by_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            raise InvalidRequestError("signals=True works in the main thread only; in another thread, call stop().")
        before: dict[int, Any] = {}

        def restore() -> None:
            while before:
                number, handler = before.popitem()
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

        def stop(_number: int, _frame: FrameType | None) -> None:
            restore()
            self.stop()

        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, stop)
        try:
            yield
        finally:
            if threading.current_thread() is threading.main_thread():
                restore()


def _check_overlap(overlap: object) -> None:
    if not (isinstance(overlap, timedelta) and timedelta(0) <= overlap <= _LONGEST_OVERLAP):
        given = f"is {overlap}" if isinstance(overlap, timedelta) else describe(overlap)
        raise InvalidRequestError(f"overlap {given}; expected a timedelta from 0 to 366 days.")
