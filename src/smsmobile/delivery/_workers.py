"""The workers of a campaign: each records in the journal that a message leaves, sends it, and records the outcome.

_campaign.py decides which messages there are, and hands out the outcomes.
"""

from __future__ import annotations

import atexit
import math
import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from queue import SimpleQueue
from threading import Condition, Event, Lock, Thread, current_thread
from typing import NamedTuple

from .._http.backoff import LONGEST_RETRY_AFTER, backoff_intervals
from ..channels.sms import SMSChannel
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
from ._lookup import Lookup, outcome_of
from ._messages import OutgoingSMS, Params, send
from ._rate_limit import RateLimiter
from .journals import BulkStatus, Journal, JournalEntry

QUEUE_SIZE = 256
"""Messages that are read before their turn. No more than these are in memory, however many there are."""
LARGEST_BATCH = 256
"""Messages that are planned in the journal at a time, at most."""
BATCH_SECONDS = 0.5
"""Seconds that the messages of a batch should keep the workers busy: each batch waits for the disk once."""
READ_SECONDS = 0.1
"""Seconds that a single worker waits, at most, for more messages to be read."""
BATCH_GROWTH = 16
"""How much larger than the batch before it a batch may be."""
MAX_ATTEMPTS = 20
"""Attempts in a row that may fail without anything sent, with growing intervals, before the campaign stops."""
MAX_UNKNOWN = 10
"""If so many messages in a row are unknown, the campaign stops: the next ones would be unknown too."""
FIRST_INTERVAL = 1.0
LONGEST_INTERVAL = 60.0

INTERRUPTED = "It was in flight when an earlier run ended, and the sent log does not show it."
"""The reason of an unknown message of an earlier run."""
NOT_LOOKED_UP = "It was in flight when an earlier run ended, and the sent log could not be read since then."
"""The same, until the log can be read."""
KEY_REUSED = "The journal has another message under this key: its number or its text is different."
RETRYABLE = (ConnectionFailed, RateLimited, ResponseTimeout, ServerError)
"""Nothing was sent, and another attempt may succeed. A send raises the last two only if no token could be fetched."""
STOPS_CAMPAIGN = (
    *(AuthenticationError, SubscriptionExpired, DeviceOffline, NotFound, UnexpectedResponse, ConfigurationError),
    *RETRYABLE,
)
"""Nothing was sent, for a reason that every other message would meet as well."""


class BulkOutcome(NamedTuple):
    """What became of one message of a bulk run."""

    message: OutgoingSMS | None
    """The message; None if what was given is not a message (the `reason` says why)."""
    key: str | None
    """Its key in the journal: yours, or one made of number and text; None for a message that cannot be sent."""
    status: BulkStatus
    """Sent, refused, unknown or duplicate."""
    guid: str | None = None
    """The message's GUID, also for a duplicate; None if the service gave none or nothing was sent."""
    reason: str | None = None
    """Why it was refused or is unknown."""
    recorded: BulkStatus | None = None
    """For a duplicate: what the journal says of the message with this key, sent or refused; else None."""


class Job(NamedTuple):
    """A message to send, the parameters of its request, and its entry in the journal."""

    message: OutgoingSMS
    params: Params
    entry: JournalEntry

    def outcome(self, status: BulkStatus, guid: str | None = None, reason: str | None = None) -> BulkOutcome:
        """The outcome to hand out for it."""
        return BulkOutcome(self.message, self.entry.key, status, guid, reason)


class _Backoff:
    """How long all workers wait after an attempt with which nothing was sent."""

    def __init__(self) -> None:
        self.generation = 0
        """Grows with each failure that counts. Failures of one generation, of several workers, count once."""
        self._lock = Lock()
        self._failures = 0
        """How many in a row."""
        self._intervals = backoff_intervals(FIRST_INTERVAL, LONGEST_INTERVAL)
        self._interval = 0.0

    def succeeded(self) -> None:
        """The service has answered a request."""
        if self._failures:
            with self._lock:
                self.generation += 1
                self._failures = 0
                self._intervals = backoff_intervals(FIRST_INTERVAL, LONGEST_INTERVAL)

    def interval_after(self, failure: Exception, generation: int) -> float | None:
        """Seconds until the next attempt; None if there should be none.

        `generation` is what it was when the request left. After the first failure in a row, the service's
        `Retry-After` takes the place of our interval, even if it is shorter.
        """
        asked = getattr(failure, "retry_after", None)
        if not isinstance(failure, RETRYABLE) or (asked or 0.0) > LONGEST_RETRY_AFTER:
            return None
        with self._lock:
            if generation == self.generation:
                self.generation += 1
                self._failures += 1
                self._interval = next(self._intervals)
            if self._failures >= MAX_ATTEMPTS:
                return None
            return asked if asked is not None and self._failures <= 1 else max(self._interval, asked or 0.0)


class _Batches:
    """How many messages to plan at a time, so that a batch lasts about `BATCH_SECONDS`."""

    def __init__(self) -> None:
        self.size = 1
        """Of the last batch, if there were enough messages for it."""
        self._taken = 1
        self._began = -math.inf

    def take(self, queue: deque[Job]) -> list[Job]:
        """Begin a batch with the next messages of the queue."""
        now = time.monotonic()
        growth = BATCH_SECONDS / max(now - self._began, BATCH_SECONDS / BATCH_GROWTH)
        self.size = max(min(int(growth * self._taken), LARGEST_BATCH), 1)
        jobs = [queue.popleft() for _ in range(min(self.size, len(queue)))]
        self._taken, self._began = max(len(jobs), 1), now
        return jobs


class _Stopped(Exception):
    """The workers stop, and the message at hand was not sent or stays in flight. Never leaves this module."""


class Workers:
    """A number of workers, from the moment they are made until `stop()`.

    The thread that made them submits jobs and takes outcomes. The first failure that concerns all messages stops them,
    and is in `failure`. Several workers are threads. A single one works in the caller's thread, while it waits for an
    outcome: passing each message to another thread and back would cost more than everything else.
    """

    def __init__(
        self,
        channel: SMSChannel,
        *,
        journal: Journal,
        lookup: Lookup,
        rate_limiter: RateLimiter,
        count: int,
        patience: float,
    ) -> None:
        self.failure: BaseException | None = None
        self._channel = channel
        self._journal = journal
        self._lookup = lookup
        self._rate_limiter = rate_limiter
        self._patience = patience
        self._stopping = Event()
        self._changed = Condition()
        self._queue: deque[Job] = deque()
        """Submitted, and not in the journal yet."""
        self._queued_at = 0.0
        """When the oldest of them was submitted."""
        self._planned: deque[Job] = deque()
        self._outcomes: SimpleQueue[BulkOutcome | None] = SimpleQueue()
        self._batches = _Batches()
        self._backoff = _Backoff()
        self._unknown = 0
        """How many in a row."""
        self._process_id = os.getpid()
        # Daemon threads, stopped at exit: a campaign that was abandoned must not keep a program from ending.
        atexit.register(self.stop)
        self.refill_at = QUEUE_SIZE // 2 if count > 1 else 0
        """How few messages without an outcome are left before more are read: threads are kept busy meanwhile."""
        names = [f"smsmobile-bulk-{number}" for number in range(count)] if count > 1 else []
        self._threads = [Thread(target=self._run_thread, name=name, daemon=True) for name in names]
        try:
            for thread in self._threads:
                thread.start()
        except BaseException:
            self.stop()
            raise

    @property
    def is_forked(self) -> bool:
        """Whether this process was forked from the one that made the workers; it has none of their threads."""
        return os.getpid() != self._process_id

    @property
    def wanted(self) -> int:
        """How many messages should have been submitted and have no outcome yet.

        A single worker wants one batch, since nothing is sent while messages are read; if these come slowly, one.
        """
        if self._threads:
            return QUEUE_SIZE
        is_slow = self._queue and time.monotonic() - self._queued_at > READ_SECONDS
        return 1 if is_slow else self._batches.size

    def submit(self, job: Job) -> None:
        """Let a message be sent."""
        if not self._queue:
            self._queued_at = time.monotonic()
        self._queue.append(job)
        if self._threads:
            with self._changed:
                self._changed.notify()

    def next_outcome(self, *, wait: bool) -> BulkOutcome | None:
        """An outcome; None if there is none yet, or if the workers have stopped."""
        if wait and not self._stopping.is_set():
            if self._threads:
                return self._outcomes.get()
            self._run_once()
        # Only the campaign's thread takes outcomes: one that is there now cannot be gone the next moment.
        return None if self._outcomes.empty() else self._outcomes.get()

    def remaining_outcomes(self) -> Iterator[BulkOutcome]:
        """After `stop()`, the outcomes that were not taken."""
        while not self._outcomes.empty():
            if outcome := self._outcomes.get():
                yield outcome

    def stop(self) -> None:
        """Wait for the outcomes of the requests in flight, and end the threads; repeatable."""
        if self.is_forked:
            return
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        if current_thread() in self._threads:  # the garbage collector runs this there; a thread cannot join itself
            return
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        atexit.unregister(self.stop)
        if self._planned:
            with suppress(StorageError):  # then the next run looks them up
                self._journal.withdraw([job.entry.key for job in self._planned])
            self._planned.clear()

    def _run_thread(self) -> None:
        try:
            while job := self._next_job():
                self._outcomes.put(self._process(job))
        except _Stopped:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that made the workers
            self._fail(error)
        self._outcomes.put(None)

    def _run_once(self) -> None:
        try:
            if self._planned or self._plan_batch():
                self._outcomes.put(self._process(self._planned.popleft()))
        except Exception as error:  # noqa: BLE001 - raised again by the campaign
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self.failure = self.failure or error
            self._stopping.set()
            self._changed.notify_all()

    def _next_job(self) -> Job | None:
        """Wait for a message that is planned in the journal; None if the workers stop."""
        while True:
            with self._changed:
                while not self._planned and not self._queue and not self._stopping.is_set():
                    self._changed.wait()
                if self._stopping.is_set():
                    return None
                if self._planned:
                    return self._planned.popleft()
            self._plan_batch()

    def _plan_batch(self) -> bool:
        """Plan the next messages in the journal. Those whose key has an entry get their outcome at once.

        Returns whether there are planned messages.
        """
        with self._changed:
            jobs = self._batches.take(self._queue)
        if not jobs:  # another worker was quicker
            return False
        known = {entry.key: entry for entry in self._journal.plan([job.entry for job in jobs])}
        for job in jobs:
            if entry := known.get(job.entry.key):
                self._outcomes.put(_recorded_outcome(job, entry))
        with self._changed:
            self._planned.extend(job for job in jobs if job.entry.key not in known)
            self._changed.notify(len(jobs))
            return bool(self._planned)

    def _process(self, job: Job) -> BulkOutcome:
        """Send a planned message, with retries while nothing was sent, and record its outcome."""
        key = job.entry.key
        while True:
            if not self._rate_limiter.acquire(self._stopping):
                self._journal.withdraw([key])
                raise _Stopped
            generation = self._backoff.generation
            at = time.time()
            self._journal.start(key, at)
            try:
                sent = send(self._channel, job.message, job.params)
            except STOPS_CAMPAIGN as failure:
                self._journal.withdraw([key])
                interval = self._backoff.interval_after(failure, generation)
                if interval is None:
                    raise
                self._rate_limiter.pause(interval)
                self._journal.plan([job.entry])
                continue
            except SendOutcomeUnknown as doubt:
                self._backoff.succeeded()
                return self._look_up(job, at, doubt)
            except InvalidRequestError as error:
                self._journal.withdraw([key])
                return job.outcome(BulkStatus.REFUSED, reason=str(error))
            except APIError as refusal:
                self._backoff.succeeded()
                self._journal.settle(key, BulkStatus.REFUSED, reason=str(refusal))
                return job.outcome(BulkStatus.REFUSED, reason=str(refusal))
            self._backoff.succeeded()
            self._unknown = 0
            self._journal.settle(key, BulkStatus.SENT, guid=sent.guid)
            return job.outcome(BulkStatus.SENT, sent.guid)

    def _look_up(self, job: Job, at: float, doubt: SendOutcomeUnknown) -> BulkOutcome:
        """Wait for the message to appear in the sent log, and record the outcome."""
        entry = job.entry._replace(attempted_at=at, until=max(job.entry.until, at))
        found, was_read = self._lookup.wait_for([entry], self._patience, self._stopping)
        if row := found.get(entry.key):
            self._unknown = 0
            status, reason = outcome_of(row)
            self._journal.settle(entry.key, status, guid=row.guid, reason=reason)
            return job.outcome(status, row.guid, reason)
        if self._stopping.is_set() and not was_read:
            raise _Stopped  # it stays in flight, and the next run looks it up
        the_log = "does not show the message" if was_read else "could not be read"
        reason = f"{doubt.reason} The sent log {the_log}; the message may have been accepted all the same."
        self._journal.settle(entry.key, BulkStatus.UNKNOWN, reason=reason)
        self._unknown += 1
        if self._unknown >= MAX_UNKNOWN:
            self._fail(doubt)
        return job.outcome(BulkStatus.UNKNOWN, reason=reason)


def _recorded_outcome(job: Job, entry: JournalEntry) -> BulkOutcome:
    """The outcome of a message whose key has an entry in the journal."""
    reason = entry.reason
    if entry.number != job.entry.number or (
        entry.precision == job.entry.precision and entry.fingerprint != job.entry.fingerprint
    ):
        reason = KEY_REUSED
    if entry.outcome in {BulkStatus.SENT, BulkStatus.REFUSED}:
        return BulkOutcome(job.message, entry.key, BulkStatus.DUPLICATE, entry.guid, reason, entry.outcome)
    return job.outcome(BulkStatus.UNKNOWN, entry.guid, reason or NOT_LOOKED_UP)


def stop_error(failure: BaseException, done: int, total: int | None) -> BaseException:
    """What the caller of a campaign gets: the failure, or BulkPaused if it concerns all messages."""
    if not isinstance(failure, (APIError, SendOutcomeUnknown, *STOPS_CAMPAIGN)):
        return failure
    left = None if total is None else max(total - done, 0)
    why = f"The last {MAX_UNKNOWN} messages are unknown." if isinstance(failure, SendOutcomeUnknown) else failure
    rest = "The rest was not sent" if left is None else f"{left} message{' is' if left == 1 else 's are'} left"
    error = BulkPaused(
        f"{why} The run has stopped after {done} message{'' if done == 1 else 's'}. {rest}: once the cause is gone, "
        "run it again with the same messages and the same journal.",
        done=done,
        left=left,
    )
    error.__cause__ = failure
    return error
