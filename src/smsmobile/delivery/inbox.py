"""Received SMS for who cannot receive webhooks: asks for them now and then, and hands each over once.

What it remembers, and where, stands in _inbox_state.py; the events are those of webhooks.
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
from .._http.retries import tried_once
from .._input.arguments import check_bool, check_line, unix_time
from .._wire.values import EARLIEST, UTC, read_count
from ..errors import InvalidRequestError, SMSMobileError, StorageError
from ..webhooks.events import SMSReceived
from ..webhooks.v1 import event_of
from ._inbox_state import InboxProgress, InboxState, SQLiteInboxState

if TYPE_CHECKING:
    from types import FrameType

    from ..channels.sms import ReceivedSMS
    from ..client import SMSMobileClient

FIRST_PAUSE = 5.0
"""Seconds until the look after one that failed, unless the interval is shorter."""
LONGEST_PAUSE = 60.0
"""Seconds between two looks while the service cannot be reached, unless the interval is longer."""
CLOCKS_APART = timedelta(days=1)
"""How far this machine's clock may be ahead of the service's when an inbox begins."""
NOBODY = "unknown"
"""What stands for the sender in an event, where a row has none."""

_ONE_SECOND = timedelta(seconds=1)
_LONGEST_OVERLAP = timedelta(days=366)

log = logging.getLogger("smsmobile")


class Inbox:
    """The SMS that the account's phones receive, each handed over once, in order, across restarts.

        inbox = Inbox(client, state="inbox.sqlite")
        for event in inbox.poll(interval=5):
            handle(event)                           # the `SMSReceived` of webhooks, with `signed=False`

    client: an SMSMobileClient. Reading marks messages as read on the service.
    state: a file (SQLite, see `SQLiteInboxState`) for this inbox alone, or an `InboxState` of your own.
    device: SID of a phone; all phones without it.
    since: for a new state, from when on: an aware datetime, by which the message was received. Without it, from the
        moment this inbox was made: what was there before is not handed over, as far as the clocks of phones and machine
        agree, nor is what bears no time and was there at the first look. A state that has begun goes on where it was,
        whatever is said here.
    overlap: how far a message may be dated before the newest one that was handled, and still be seen: each look reads
        that time again. What is dated further back is never handed over, if others were handled meanwhile: from a phone
        that was away for longer, whose clock is behind, or that uploads its newest messages first. A look fetches all
        messages of that time: for a busy account make it shorter.

    Nothing is sent or opened by making one. Raises InvalidRequestError.
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
        # Whole seconds, as the service counts: a message of this very second is one from now on.
        self._made_at = _now().replace(microsecond=0)
        self._is_stopping = False
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._polling = threading.Lock()

    def poll(self, interval: float = 5.0, *, signals: bool = False) -> Generator[SMSReceived, None, None]:
        """Each received SMS, as it comes in, until `stop()`; oldest first among those that one look finds.

        interval: seconds from the last message of a look to the next look.
        signals: end as with `stop()` on SIGINT (Ctrl-C) and SIGTERM; a second signal then does what it did before. Only
            for the main thread.

        A message counts as handled when the next one is asked for. Where the body of the loop raises, is left with
        `break`, or the process is killed, the message at hand comes again with the next `poll`, before all newer ones:
        so every message is handed over at least once, and exactly once where the loop went on. A message whose handling
        always fails would be in the way for ever: catch what it raises, and put it aside.

        `event.id` is the message's GUID; for a row without one, a hash of sender, text and time. `data.message` is the
        text, `data.sender` what the network gave (`unknown` where it gave nothing), `data.received_at` an aware UTC
        datetime, or None where the row does not say.

        Failures that may pass (the network, a 429, a 5xx, a phone that is off) are logged as warnings, without personal
        data, and waited out, up to a minute between looks. Nothing is repeated within a look. With a wrong key the
        service may say that there is nothing, and no error (O): so the first empty answer is believed only after
        `client.sms.log`, which does complain, was asked too.

        Raises StorageError where the state cannot be used, in use by another process or by another `poll` that has not
        ended included, before a message is handed over that it would not remember; AuthenticationError,
        SubscriptionExpired and whatever else of `client.sms.received` does not pass; InvalidRequestError.
        """
        return self._poll(check_seconds("interval", interval), signals=check_bool("signals", signals))

    def stop(self) -> None:
        """End the `poll` that runs, or else the next one: once the message at hand is handled, or at once in a pause.

        For the body of the loop, other threads and signal handlers. A look that has begun is waited for.
        """
        self._is_stopping = True
        self._wake.put(None)  # an Event cannot be set in a signal handler: its lock may be held by whom it interrupts

    def __repr__(self) -> str:
        state = self._state if isinstance(self._state, InboxState) else os.fspath(self._state)
        return f"<Inbox {state}{f', device {self._device}' if self._device else ''}>"

    def _poll(self, interval: float, *, signals: bool) -> Generator[SMSReceived, None, None]:
        if not self._polling.acquire(blocking=False):
            raise StorageError(
                "The state of this inbox is in use: another poll() of it has not ended. One that was left with `break` "
                "ends with the close() of its generator."
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
        first, longest = min(interval, FIRST_PAUSE), max(interval, LONGEST_PAUSE)
        failures, was_empty = backoff_intervals(first, longest), False
        while not self._is_stopping:
            pause = interval
            try:
                with tried_once():
                    rows = self._client.sms.received(after=reading.start(), device=self._device)
                    if not rows and not was_empty:
                        self._client.sms.log()  # a wrong key, which may look like no messages (O), is an error here
            except SMSMobileError as error:
                if not is_temporary(error):
                    raise
                pause = respecting_retry_after(next(failures), error)
                name = type(error).__name__
                log.warning("The inbox cannot be read for now: %s: %s Next look in %.3g s", name, error, pause)
            else:
                failures, was_empty = backoff_intervals(first, longest), not rows
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
            raise InvalidRequestError("signals=True works in the main thread only; elsewhere call stop() yourself.")
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
    """A row of the inbox that is to be handed over."""

    key: str
    row: ReceivedSMS

    def event(self) -> SMSReceived:
        """What a version 1 webhook would have made of it."""
        row = self.row
        said = {
            "guid": row.guid,
            "number": row.sender if row.sender and row.sender.strip() else NOBODY,
            "message": row.message,
            "timestamp_unix": row.received_at,
            "alias": row.alias,
            "sIdentifiantPhone": row.device,
        }
        # In the first place, and with the last word, so that no other spelling of the row contradicts it.
        return event_of(said | (row.model_extra or {}) | said, self.key, _now())


class _Reading:
    """How far one inbox has come, and what of an answer is new.

    A key is remembered for as long as the service may show its row again: until the beginning of what is asked for has
    passed the moment at which it was last seen, whether the service goes by when a message was received or by when it
    arrived there. The beginning follows the times of messages, not our own clock, which may be wrong for a while; only
    before the first one there is nothing else to go by.
    """

    def __init__(self, state: InboxState, first: InboxProgress, overlap: timedelta) -> None:
        self._state = state
        self._overlap = overlap
        loaded = state.load()
        self._progress = first if loaded is None else loaded
        if loaded is None:
            state.save(first, {})  # else a crash before the first look would move the beginning
        self._start = self._forgotten = EARLIEST

    def start(self) -> datetime:
        """From when on to ask now."""
        self._start = self._until - self._overlap - _ONE_SECOND
        return self._start

    def new(self, rows: list[ReceivedSMS], *, undated_are_old: bool) -> list[_Message]:
        """What is to be handed over of the answer, in this order."""
        messages = _keyed(rows)
        known = self._state.handled(messages)
        # What is shown though it is older than what was asked for is remembered for as long as it is.
        handled = {key: self._until for key, moment in known.items() if moment < self._start}
        is_first, since = not self._progress.has_begun, self._progress.since
        if is_first:
            self._progress = InboxProgress(since, has_begun=True)
            for key, row in messages.items():
                if undated_are_old if row.received_at is None else row.received_at < since:
                    handled[key] = self._until
        new = [_Message(key, row) for key, row in messages.items() if key not in known and key not in handled]
        if new or handled or is_first:
            # Also where there is nothing to remember yet: that the state cannot be written is better known now than
            # after a message was handed over.
            self._state.save(self._progress, handled)
        if rows and self._start > self._forgotten:  # no rows: perhaps the service's way to say something else (O)
            self._state.forget(self._start)
            self._forgotten = self._start
        return new

    def done(self, message: _Message) -> None:
        """The message was handled."""
        if message.row.received_at is not None:
            received_at = min(message.row.received_at, _now())  # a phone's clock can be years ahead
            self._progress = self._progress._replace(read_until=max(self._until, received_at))
        self._state.save(self._progress, {message.key: self._until})

    @property
    def _until(self) -> datetime:
        by_our_clock = min(self._progress.since, _now()) - max(CLOCKS_APART - self._overlap, timedelta(0))
        return self._progress.read_until or by_our_clock


def _keyed(rows: list[ReceivedSMS]) -> dict[str, ReceivedSMS]:
    """The rows by what tells one from the other, oldest first."""
    keyed: dict[str, ReceivedSMS] = {}
    alike: Counter[str] = Counter()
    for row in _oldest_first(rows):
        key = row.guid
        if key is None:
            second = row.received_at and row.received_at.replace(microsecond=0)  # all that some spellings of it give
            said = f"{row.sender}\0{row.message}\0{second}".encode("utf-8", "replace")
            key = "sha256:" + hashlib.sha256(said).hexdigest()
            alike[key] += 1
            if alike[key] > 1:  # the same words from the same sender in the same second, twice
                key = f"{key}:{alike[key]}"
        keyed.setdefault(key, row)
    return keyed


def _oldest_first(rows: list[ReceivedSMS]) -> list[ReceivedSMS]:
    """By time; those of one moment by the service's own count, else as they stand, newest first being assumed (A).

    Those without a time come first: the beginning of what is asked for must not pass them before they are handled.
    """
    moments = [row.received_at for row in rows if row.received_at is not None]
    is_oldest_first = bool(moments) and moments[0] < moments[-1]
    return sorted(
        rows if is_oldest_first else reversed(rows),
        key=lambda row: (row.received_at or EARLIEST, read_count((row.model_extra or {}).get("id")) or 0),
    )


def _check_since(since: object) -> datetime:
    if not isinstance(since, datetime):
        raise InvalidRequestError(f"since is of type {type(since).__name__}; expected an aware datetime.")
    unix_time("since", since)
    return since


def _check_overlap(overlap: object) -> None:
    if not (isinstance(overlap, timedelta) and timedelta(0) <= overlap <= _LONGEST_OVERLAP):
        raise InvalidRequestError(f"overlap is {overlap!r}; expected a timedelta between none and 366 days.")


def _now() -> datetime:
    return datetime.now(UTC)
