"""`Inbox` polls for received SMS and hands each over once, for programs that cannot receive webhooks.

What it remembers is in _inbox_state.py. The events are those of webhooks.
"""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import threading
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

from .._http.backoff import backoff_intervals, check_seconds, is_temporary, respecting_retry_after
from .._input.arguments import check_bool, check_line, unix_time
from .._wire.values import EARLIEST, UTC, read_int
from ..errors import InvalidRequestError, SMSMobileError, StorageError
from ..webhooks.events import SMSReceived
from ..webhooks.v1 import event_of
from ._inbox_state import InboxProgress, InboxState, SQLiteInboxState

if TYPE_CHECKING:
    from types import FrameType

    from ..channels.sms import ReceivedSMS
    from ..client import SMSMobileClient

__all__ = ["Inbox"]


def __dir__() -> list[str]:
    return __all__


FIRST_INTERVAL = 5.0
"""Seconds from a failed look to the next, unless the interval is shorter."""
LONGEST_INTERVAL = 60.0
"""Seconds between two looks while the service cannot be reached, unless the interval is longer."""
CLOCKS_APART = timedelta(days=1)
"""How far this machine's clock may be ahead of the service's clock when an inbox begins."""
NO_SENDER = "unknown"
"""The sender of an event whose row has none."""

_ONE_SECOND = timedelta(seconds=1)
_LONGEST_OVERLAP = timedelta(days=366)

log = logging.getLogger("smsmobile")


class Inbox:
    """The SMS that the account's phones receive: each is handed over once, in order, across restarts.

        inbox = Inbox(client, state="inbox.sqlite")
        for event in inbox.poll(interval=5):
            handle(event)                           # the `SMSReceived` of webhooks, with `signed=False`

    client: an SMSMobileClient. Reading marks messages as read on the service.
    state: a file (SQLite, see `SQLiteInboxState`) for this inbox alone, or an `InboxState` of your own.
    device: SID of a phone; all phones without it.
    since: for a new state, an aware datetime: messages received before it are not handed over. The default is the time
        at which this inbox was created, as far as the clocks of phones and machine agree; messages without a time that
        are there at the first look are not handed over either. A state that exists continues where it was, whatever
        `since` is.
    overlap: each look reads this much time before the newest handled message again, for messages that arrive late. A
        message that is dated further back is lost if newer ones were handled before it arrived: its phone was away for
        longer, has a slow clock, or uploads its newest messages first. Each look fetches all messages of that time, so
        make it shorter for a busy account.

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
        self._since = None if since is None else _check_since(since)
        self._overlap = overlap
        # Whole seconds, as the service counts: a message of this second is a new one.
        self._made_at = _now().replace(microsecond=0)
        self._is_stopping = False
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._polling = threading.Lock()

    def poll(self, interval: float = 5.0, *, signals: bool = False) -> Generator[SMSReceived, None, None]:
        """Yield each received SMS as it comes in, until `stop()`. The messages of one look come oldest first.

        interval: seconds from the last message of a look to the next look.
        signals: SIGINT (Ctrl-C) and SIGTERM end it as `stop()` does; a second signal then does what it did before. Only
            in the main thread.

        A message counts as handled when the next one is asked for. If the body of the loop raises or breaks, or the
        process is killed, the next `poll` begins with the same message. So every message is handed over at least once,
        and exactly once if the loop went on. A message whose handling always fails blocks all newer ones: catch the
        exception, and put the message aside.

        `event.id` is the message's GUID; for a row without one, a hash of sender, text and time. `data.message` is the
        text, `data.sender` what the network gave (`unknown` if it gave nothing), `data.received_at` an aware UTC
        datetime, or None if the row does not say.

        Failures that may pass (the network, a 429, a 5xx, a phone that is off) are logged as warnings, without personal
        data, and the next look is made up to a minute later. A look makes no retries. With a wrong key the service may
        answer with no messages and no error (O); so after the first empty answer `client.sms.log`, which does report a
        wrong key, is called too.

        Raises StorageError if the state cannot be used, or is in use by another process or another `poll`, before any
        message is handed over that could not be recorded; AuthenticationError, SubscriptionExpired and other errors of
        `client.sms.received` that do not pass; InvalidRequestError.
        """
        return self._poll(check_seconds("interval", interval), signals=check_bool("signals", signals))

    def stop(self) -> None:
        """End the running `poll`, or the next one if none runs: after the current message, or at once while it waits.

        It may be called in the body of the loop, in other threads and in signal handlers. A look that has begun is
        finished.
        """
        self._is_stopping = True
        self._wake.put(None)  # not an Event: a signal handler may interrupt code that holds the lock of the Event

    def __repr__(self) -> str:
        state = self._state if isinstance(self._state, InboxState) else os.fspath(self._state)
        return f"<Inbox {state}{f', device {self._device}' if self._device else ''}>"

    def _poll(self, interval: float, *, signals: bool) -> Generator[SMSReceived, None, None]:
        if not self._polling.acquire(blocking=False):
            raise StorageError(
                "The state of this inbox is in use: another poll() of it has not ended. After a `break`, close() its "
                "generator."
            )
        try:
            with self._stopped_by_signals() if signals else nullcontext(), self._opened() as state:
                yield from self._read(_Reading(state, self._first_progress(), self._overlap), interval)
        finally:
            self._is_stopping = False
            with suppress(Empty):
                while True:
                    self._wake.get_nowait()
            self._polling.release()

    def _read(self, reading: _Reading, interval: float) -> Iterator[SMSReceived]:
        first, longest = min(interval, FIRST_INTERVAL), max(interval, LONGEST_INTERVAL)
        intervals, was_empty = backoff_intervals(first, longest), False
        sms = self._client.sms._without_retries  # this is the retry loop
        while not self._is_stopping:
            pause = interval
            try:
                rows = sms.received(after=reading.start(), device=self._device)
                if not rows and not was_empty:
                    sms.log()  # with a wrong key, which may look like no messages (O), this raises
            except SMSMobileError as error:
                if not is_temporary(error):
                    raise
                pause = respecting_retry_after(next(intervals), error)
                name = type(error).__name__
                log.warning("The inbox cannot be read for now: %s: %s Next look in %.3g s", name, error, pause)
            else:
                intervals, was_empty = backoff_intervals(first, longest), not rows
                for message in reading.new(rows, undated_are_old=self._since is None):
                    yield message.event()
                    reading.done(message)
                    if self._is_stopping:
                        return
            self._wait(pause)

    def _first_progress(self) -> InboxProgress:
        since = self._made_at if self._since is None else min(max(self._since, EARLIEST), self._made_at)
        return InboxProgress(since.astimezone(UTC))

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


class _Message(NamedTuple):
    """A message to hand over."""

    key: str
    row: ReceivedSMS

    def event(self) -> SMSReceived:
        """The event that a version 1 webhook would have given."""
        row = self.row
        fields = {
            "guid": row.guid,
            "number": row.sender if row.sender and row.sender.strip() else NO_SENDER,
            "message": row.message,
            "timestamp_unix": row.received_at,
            "alias": row.alias,
            "sIdentifiantPhone": row.device,
        }
        # First and last, so that its keys come first and its values win over those of the row.
        return event_of(fields | (row.model_extra or {}) | fields, self.key, _now())


class _Reading:
    """How far one inbox has read, and which messages of an answer are new.

    A key is remembered for as long as the service may show its row again: until looks start later than the time at
    which it was last seen. That holds whether the service selects by when a message was received or by when it arrived
    there. The start follows the times of messages, not this machine's clock, which may be wrong for a while; only
    before the first message there is nothing else to use.
    """

    def __init__(self, state: InboxState, first: InboxProgress, overlap: timedelta) -> None:
        self._state = state
        self._overlap = overlap
        loaded = state.load()
        self._progress = first if loaded is None else loaded
        if loaded is None:
            state.save(first, {})  # otherwise a crash before the first look would move the start
        self._start = self._forgotten = EARLIEST

    def start(self) -> datetime:
        """Begin a look, and return the time from which it reads."""
        self._start = self._until - self._overlap - _ONE_SECOND
        return self._start

    def new(self, rows: list[ReceivedSMS], *, undated_are_old: bool) -> list[_Message]:
        """The messages of the answer to hand over, in order."""
        messages = _keyed(rows)
        known = self._state.handled(messages)
        # A row that is shown although it is older than the start is remembered for as long as it is shown.
        handled = {key: self._until for key, moment in known.items() if moment < self._start}
        is_first, since = not self._progress.has_begun, self._progress.since
        if is_first:
            self._progress = InboxProgress(since, has_begun=True)
            for key, row in messages.items():
                if undated_are_old if row.received_at is None else row.received_at < since:
                    handled[key] = self._until
        new = [_Message(key, row) for key, row in messages.items() if key not in known and key not in handled]
        if new or handled or is_first:
            # Even if there is nothing to record yet: if the state cannot be written, fail before a message is handed
            # over.
            self._state.save(self._progress, handled)
        if rows and self._start > self._forgotten:  # an empty answer may hide an error (O)
            self._state.forget(self._start)
            self._forgotten = self._start
        return new

    def done(self, message: _Message) -> None:
        """Record that the message was handled."""
        if message.row.received_at is not None:
            received_at = min(message.row.received_at, _now())  # a phone's clock can be years ahead
            self._progress = self._progress._replace(read_until=max(self._until, received_at))
        self._state.save(self._progress, {message.key: self._until})

    @property
    def _until(self) -> datetime:
        by_our_clock = min(self._progress.since, _now()) - max(CLOCKS_APART - self._overlap, timedelta(0))
        return self._progress.read_until or by_our_clock


def _keyed(rows: list[ReceivedSMS]) -> dict[str, ReceivedSMS]:
    """The rows by key, oldest first: the GUID, or a hash of sender, text and second."""
    keyed: dict[str, ReceivedSMS] = {}
    copies: Counter[str] = Counter()
    for row in _oldest_first(rows):
        key = row.guid
        if key is None:
            # Whole seconds: some of the service's formats are no more precise.
            second = row.received_at and row.received_at.replace(microsecond=0)
            identity = f"{row.sender}\0{row.message}\0{second}".encode("utf-8", "replace")
            key = "sha256:" + hashlib.sha256(identity).hexdigest()
            copies[key] += 1
            if copies[key] > 1:  # the same text from the same sender twice in one second
                key = f"{key}:{copies[key]}"
        keyed.setdefault(key, row)
    return keyed


def _oldest_first(rows: list[ReceivedSMS]) -> list[ReceivedSMS]:
    """Sort by time, then by the service's row id, then in reverse order, since it sends the newest first (A).

    Rows without a time come first: they must be handled before the start of the next look moves on.
    """
    moments = [row.received_at for row in rows if row.received_at is not None]
    is_oldest_first = bool(moments) and moments[0] < moments[-1]
    return sorted(
        rows if is_oldest_first else reversed(rows),
        key=lambda row: (row.received_at or EARLIEST, read_int((row.model_extra or {}).get("id")) or 0),
    )


def _check_since(since: object) -> datetime:
    if not isinstance(since, datetime):
        raise InvalidRequestError(f"since is of type {type(since).__name__}; expected an aware datetime.")
    unix_time("since", since)
    return since


def _check_overlap(overlap: object) -> None:
    if not (isinstance(overlap, timedelta) and timedelta(0) <= overlap <= _LONGEST_OVERLAP):
        raise InvalidRequestError(f"overlap is {overlap!r}; expected a timedelta from 0 to 366 days.")


def _now() -> datetime:
    return datetime.now(UTC)
