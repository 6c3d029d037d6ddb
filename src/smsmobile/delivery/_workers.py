"""Those who send: each takes a message, notes in the journal that it leaves, sends it, and notes the outcome.

Which messages there are, and in which order outcomes are handed out, is said in _campaign.py.
"""

from __future__ import annotations

import atexit
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Condition, Event, Lock, Thread, current_thread
from typing import TYPE_CHECKING

from .._http.backoff import LONGEST_BELIEVED, growing
from ..errors import (
    APIError,
    AuthenticationError,
    BulkPaused,
    ConfigurationError,
    ConnectionFailed,
    DeviceOffline,
    InvalidRequestError,
    NotFound,
    RateLimited,
    ResponseTimeout,
    SendOutcomeUnknown,
    ServerError,
    StorageError,
    SubscriptionExpired,
    UnexpectedResponse,
)
from ._messages import OutgoingSMS
from ._rate_limit import Pace
from ._sent_log import SentLog, verdict
from .journals import BulkStatus, Journal, JournalEntry

if TYPE_CHECKING:
    from ..channels.sms import SentSMS

AHEAD = 256
"""Messages that are read before their turn. Of all messages no more than these are in memory."""
LARGEST_PLAN = 128
"""Messages that are noted in one go at most."""
QUICK = 0.1
"""Seconds. What lasts less is followed by a plan of twice the size: the disk is waited for some 10 times a second."""
TRIES = 20
"""How often in a row nothing leaves, with pauses that grow, until the run stops."""
UNKNOWN_IN_A_ROW = 10
"""Where so many messages are unknown one after the other, the run stops: each of the next ones would be, too."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0

LEFT_OPEN = "It was on its way when an earlier run ended, and the sent log does not show it."
"""The reason of an unknown message that is older than the run."""
NOT_LOOKED_UP = "It was on its way when an earlier run ended, and the sent log could not be read since then."
"""The same, as long as it is not decided."""
ANOTHER_MESSAGE = "The journal has another message under this key: its number or its text is not the same."
NOTHING_LEFT = (ConnectionFailed, RateLimited, ResponseTimeout, ServerError)
"""Provably not sent, and worth another try. The last two come from a request for a token: a send has doubts instead."""
CONCERNS_ALL = (
    *(AuthenticationError, SubscriptionExpired, DeviceOffline, NotFound, UnexpectedResponse, ConfigurationError),
    *NOTHING_LEFT,
)
"""Provably not sent, for a reason that every other message would meet as well."""


@dataclass(frozen=True)
class BulkOutcome:
    """What became of one message of a bulk run."""

    message: OutgoingSMS | None
    """The message; None where what was given is none (the `reason` says why)."""
    key: str | None
    """Its name in the journal: the caller's, or one made of number and text; None for what cannot be sent at all."""
    status: BulkStatus
    """Sent, refused, unknown or duplicate."""
    guid: str | None = None
    """The message's GUID, also for a duplicate; None where the service gave none or nothing was sent."""
    reason: str | None = None
    """Why it was refused or is unknown."""
    recorded: BulkStatus | None = None
    """For a duplicate: what the journal says of the message with this key, sent or refused; else None."""


@dataclass(frozen=True)
class Job:
    """A message that is to be sent, and its entry in the journal."""

    message: OutgoingSMS
    entry: JournalEntry

    def outcome(self, status: BulkStatus, guid: str | None = None, reason: str | None = None) -> BulkOutcome:
        """What is handed out for it."""
        return BulkOutcome(self.message, self.entry.key, status, guid, reason)


class _Setbacks:
    """How long all workers wait, time after time, while the service lets nothing through."""

    def __init__(self) -> None:
        self.news = 0
        """Grows with all that is learned. What several workers meet at a time is one setback: the first one's."""
        self._one_by_one = Lock()
        self._in_a_row = 0
        self._pauses = growing(FIRST_PAUSE, LONGEST_PAUSE)
        self._pause = 0.0

    def over(self) -> None:
        """A request has come through."""
        if self._in_a_row:
            with self._one_by_one:
                self.news += 1
                self._in_a_row = 0
                self._pauses = growing(FIRST_PAUSE, LONGEST_PAUSE)

    def pause(self, failure: Exception, news: int) -> float | None:
        """Seconds to wait; None where that would not help, or it has been enough.

        `news`: what they were when the request left. The first setback takes as long as the service asks for.
        """
        asked = getattr(failure, "retry_after", None)
        if not isinstance(failure, NOTHING_LEFT) or (asked or 0.0) > LONGEST_BELIEVED:
            return None
        with self._one_by_one:
            if news == self.news:
                self.news += 1
                self._in_a_row += 1
                self._pause = next(self._pauses)
            if self._in_a_row >= TRIES:
                return None
            return asked if asked is not None and self._in_a_row <= 1 else max(self._pause, asked or 0.0)


class _Interrupted(Exception):
    """The crew is to stop, and the message was not sent or stays in flight. Never leaves this module."""


class Crew:
    """So many workers, from the moment it is made until `stop()`.

    The thread that made it puts jobs in and takes outcomes out. The first failure that concerns all messages stops the
    crew, and is in `failure`. Several workers are threads. A single one is the caller's own, while it waits for an
    outcome: handing each message to another thread and back would cost more than all the rest.
    """

    def __init__(
        self,
        send: Callable[[OutgoingSMS], SentSMS],
        *,
        journal: Journal,
        log: SentLog,
        pace: Pace,
        workers: int,
        patience: float,
    ) -> None:
        self.failure: BaseException | None = None
        self._send = send
        self._journal = journal
        self._log = log
        self._pace = pace
        self._patience = patience
        self._stopping = Event()
        self._change = Condition()
        self._waiting: deque[Job] = deque()
        self._planned: deque[Job] = deque()
        self._finished: SimpleQueue[BulkOutcome | None] = SimpleQueue()
        self._setbacks = _Setbacks()
        self._unknown = 0
        """How many in a row."""
        self._plan_size = 1
        self._last_plan = 0.0
        self._waiting_since = 0.0
        self._process = os.getpid()
        # Daemons, and told at the end: an abandoned run must not keep a program from ending.
        atexit.register(self.stop)
        names = [f"smsmobile-bulk-{number}" for number in range(workers)] if workers > 1 else []
        self._threads = [Thread(target=self._work, name=name, daemon=True) for name in names]
        try:
            for thread in self._threads:
                thread.start()
        except BaseException:
            self.stop()
            raise

    @property
    def is_ours(self) -> bool:
        """Whether this is the process that made it; in a forked one there are no threads."""
        return os.getpid() == self._process

    @property
    def ahead(self) -> int:
        """How many messages it should have. Without threads, no more than are planned at a time: all wait meanwhile.

        And then none for long, where the next ones are slow to come.
        """
        if self._threads:
            return AHEAD
        is_slow = self._waiting and time.monotonic() - self._waiting_since > QUICK
        return 1 if is_slow else self._plan_size

    def put(self, job: Job) -> None:
        """Let a message be sent."""
        with self._change:
            if not self._waiting:
                self._waiting_since = time.monotonic()
            self._waiting.append(job)
            self._change.notify()

    def take(self, *, wait: bool) -> BulkOutcome | None:
        """One outcome; None where there is none (yet), or will be none since the crew has stopped."""
        if wait and not self._threads:
            if not self._stopping.is_set():
                self._work_once()
            wait = False
        if not wait and self._finished.empty():
            return None
        with suppress(Empty):
            return self._finished.get(block=wait and not self._stopping.is_set())
        return None

    def rest(self) -> Iterator[BulkOutcome]:
        """After `stop()`, the outcomes that are left."""
        while not self._finished.empty():
            if outcome := self._finished.get():
                yield outcome

    def stop(self) -> None:
        """Let the requests that are on their way come to their outcomes, and end the threads; repeatable."""
        if not self.is_ours:
            return
        self._stopping.set()
        with self._change:
            self._change.notify_all()
        if current_thread() in self._threads:  # the garbage collector has found the run there: it waits for nobody
            return
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        atexit.unregister(self.stop)
        if self._planned:
            with suppress(StorageError):  # then they are looked up by the next run
                self._journal.withdraw([job.entry.key for job in self._planned])
            self._planned.clear()

    def _work(self) -> None:
        try:
            while job := self._next():
                self._finished.put(self._deal_with(job))
        except _Interrupted:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that made the crew
            self._fail(error)
        self._finished.put(None)

    def _work_once(self) -> None:
        try:
            if self._planned or self._plan_some():
                self._finished.put(self._deal_with(self._planned.popleft()))
        except Exception as error:  # noqa: BLE001 - raised again by who looks at it
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        with self._change:
            self.failure = self.failure or error
            self._stopping.set()
            self._change.notify_all()

    def _next(self) -> Job | None:
        """A message that is planned in the journal; None where the crew stops."""
        while True:
            with self._change:
                while not self._planned and not self._waiting and not self._stopping.is_set():
                    self._change.wait()
                if self._stopping.is_set():
                    return None
                if self._planned:
                    return self._planned.popleft()
            self._plan_some()

    def _plan_some(self) -> bool:
        """Note in the journal what is to be sent next; whether there is any. What has an entry already is finished."""
        with self._change:
            now = time.monotonic()
            is_quick = now - self._last_plan < QUICK
            self._plan_size = min(self._plan_size * 2, LARGEST_PLAN) if is_quick else max(self._plan_size // 2, 1)
            self._last_plan = now
            jobs = [self._waiting.popleft() for _ in range(min(self._plan_size, len(self._waiting)))]
        if not jobs:  # another worker was quicker
            return False
        known = {entry.key: entry for entry in self._journal.plan([job.entry for job in jobs])}
        for job in jobs:
            if entry := known.get(job.entry.key):
                self._finished.put(_of_old(job, entry))
        with self._change:
            self._planned.extend(job for job in jobs if job.entry.key not in known)
            self._change.notify(len(jobs))
            return bool(self._planned)

    def _deal_with(self, job: Job) -> BulkOutcome:
        key = job.entry.key
        while True:
            if not self._pace.wait(self._stopping):
                self._journal.withdraw([key])
                raise _Interrupted
            news = self._setbacks.news
            at = time.time()
            self._journal.start(key, at)
            try:
                sent = self._send(job.message)
            except CONCERNS_ALL as failure:
                self._journal.withdraw([key])
                pause = self._setbacks.pause(failure, news)
                if pause is None:
                    raise
                self._pace.hold(pause)
                self._journal.plan([job.entry])
                continue
            except SendOutcomeUnknown as doubt:
                self._setbacks.over()
                return self._look_up(job, at, doubt)
            except InvalidRequestError as error:
                self._journal.withdraw([key])
                return job.outcome(BulkStatus.REFUSED, reason=str(error))
            except APIError as refusal:
                self._setbacks.over()
                self._journal.settle(key, BulkStatus.REFUSED, reason=str(refusal))
                return job.outcome(BulkStatus.REFUSED, reason=str(refusal))
            self._setbacks.over()
            self._unknown = 0
            self._journal.settle(key, BulkStatus.SENT, guid=sent.guid)
            return job.outcome(BulkStatus.SENT, sent.guid)

    def _look_up(self, job: Job, at: float, doubt: SendOutcomeUnknown) -> BulkOutcome:
        entry = job.entry._replace(attempted_at=at, until=max(job.entry.until, at))
        found, was_looked_for = self._log.wait_for([entry], self._patience, self._stopping)
        if row := found.get(entry.key):
            self._unknown = 0
            status, reason = verdict(row)
            self._journal.settle(entry.key, status, guid=row.guid, reason=reason)
            return job.outcome(status, row.guid, reason)
        if self._stopping.is_set() and not was_looked_for:
            raise _Interrupted  # in flight, for the next run to look up
        the_log = "does not show the message" if was_looked_for else "could not be read"
        reason = f"{doubt.reason} The sent log {the_log}; the message may have been accepted all the same."
        self._journal.settle(entry.key, BulkStatus.UNKNOWN, reason=reason)
        self._unknown += 1
        if self._unknown >= UNKNOWN_IN_A_ROW:
            self._fail(doubt)
        return job.outcome(BulkStatus.UNKNOWN, reason=reason)


def _of_old(job: Job, entry: JournalEntry) -> BulkOutcome:
    """What is handed out for a message that has an entry in the journal."""
    reason = entry.reason
    if entry.number != job.entry.number or (
        entry.reads == job.entry.reads and entry.fingerprint != job.entry.fingerprint
    ):
        reason = ANOTHER_MESSAGE
    if entry.outcome in {BulkStatus.SENT, BulkStatus.REFUSED}:
        return BulkOutcome(job.message, entry.key, BulkStatus.DUPLICATE, entry.guid, reason, entry.outcome)
    return job.outcome(BulkStatus.UNKNOWN, entry.guid, reason or NOT_LOOKED_UP)


def paused(failure: BaseException, done: int, total: int | None) -> BaseException:
    """The failure as the caller of a run gets it."""
    if not isinstance(failure, (APIError, SendOutcomeUnknown, *CONCERNS_ALL)):
        return failure
    left = None if total is None else max(total - done, 0)
    how_many = "The rest is" if left is None else f"{left} are"
    why = f"The last {UNKNOWN_IN_A_ROW} messages are unknown." if isinstance(failure, SendOutcomeUnknown) else failure
    error = BulkPaused(
        f"{why} The run has stopped after {done} messages. {how_many} left: once that is solved, run it again with "
        "the same messages and the same journal.",
        done=done,
        left=left,
    )
    error.__cause__ = failure
    return error
