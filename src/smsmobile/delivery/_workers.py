"""The workers of a campaign: they claim messages in the journal, send them, and look up those in doubt.

_campaign.py decides which messages there are, and hands out the outcomes. How one message is sent is in _sender.py, how
fast the workers go in _pace.py.
"""

from __future__ import annotations

import atexit
import os
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Condition, Event, Thread, current_thread

from ..errors import (
    BulkPaused,
    ConnectionFailed,
    InvalidRequestError,
    SendOutcomeUnknown,
    SMSMobileError,
    StorageError,
)
from ._outcomes import Job, SendOutcome, recorded_outcome
from ._pace import Backoff, Batches, Parking
from ._rate_limit import RateLimiter
from ._rules import Wait
from ._sender import NotSent, Sender, interruption_of
from .journals import ClaimState, MessageClaim, SendStatus

QUEUE_SIZE = 256
"""Messages that are read before their turn, for threads. A single worker reads one batch. No more than these are in
memory, however many there are, besides those in `Parking`."""
ADMITTED_SECONDS = 1.0
"""Seconds for which the answer of the rules holds, while a message waits for the rate limit."""
READ_SECONDS = 0.1
"""Seconds that a single worker waits, at most, for more messages to be read."""
MAX_UNKNOWN = 10
"""If so many messages in a row are unknown, the campaign stops: the next ones would be unknown too. So many messages in
doubt are looked up beside the workers, which go on sending."""


class _Stopped(Exception):
    """The workers stop, and the message at hand was not sent or stays in flight. Never leaves this module."""


class Workers:
    """A number of workers, from the moment they are made until `stop()`.

    The thread that made them submits jobs and takes outcomes. The first failure that concerns all messages stops them,
    and is in `failure`. Several workers are threads. A single one works in the caller's thread, while it waits for an
    outcome: passing each message to another thread and back would cost more than everything else.
    """

    def __init__(self, sender: Sender, *, rate_limiter: RateLimiter, count: int) -> None:
        self.failure: BaseException | None = None
        self._sender = sender
        self._rate_limiter = rate_limiter
        self._stopping = Event()
        self._changed = Condition()
        self._queue: deque[Job] = deque()
        """Submitted, and not claimed yet."""
        self._queued_at = 0.0
        """When the oldest of them was submitted."""
        self._claimed: deque[Job] = deque()
        self._is_claiming = False
        """Whether a worker is claiming a batch. The others wait for it, or they would claim more than they can send."""
        self._active: set[str] = set()
        """The keys of those that are claimed here."""
        self._behind: defaultdict[str, list[Job]] = defaultdict(list)
        """Messages that wait for one of these, by its key: they have the same key, or look the same in the log."""
        self._parking = Parking()
        """Messages that wait for another sender, or for a rule."""
        self._outcomes: SimpleQueue[SendOutcome | None] = SimpleQueue()
        self._batches = Batches()
        self._backoff = Backoff()
        self._unknown = 0
        """How many in a row: since the last message that was certainly accepted."""
        self._accepted = 0
        """Messages that were certainly accepted. A message in doubt whose lookup ends later than that is in no row."""
        self._lookups: list[Thread] = []
        self._process_id = os.getpid()
        # Daemon threads, stopped at exit: a campaign that was abandoned must not keep a program from ending.
        atexit.register(self.stop)
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
    def are_stopping(self) -> bool:
        """Whether nothing more is sent."""
        return self._stopping.is_set()

    @property
    def wanted(self) -> int:
        """How many messages should have been submitted and have no outcome yet.

        A single worker wants one batch, since nothing is sent while messages are read; if these come slowly, one.
        """
        if self._threads:
            return QUEUE_SIZE + self._parking.allowed
        is_slow = self._queue and time.monotonic() - self._queued_at > READ_SECONDS
        return (1 if is_slow else self._batches.size) + self._parking.allowed

    @property
    def refill_at(self) -> int:
        """How few messages without an outcome are left before more are read: threads are kept busy meanwhile."""
        return (QUEUE_SIZE // 2 if self._threads else 0) + self._parking.allowed

    def submit(self, job: Job) -> None:
        """Let a message be sent."""
        if not self._queue:
            self._queued_at = time.monotonic()
        self._queue.append(job)
        if self._threads:
            with self._changed:
                self._changed.notify()

    def next_outcome(self, *, wait: bool) -> SendOutcome | None:
        """An outcome; None if there is none yet, if the workers stop, or if some messages cannot leave yet.

        In the last case others can be read meanwhile, see `wanted`.
        """
        if wait and self._threads and not self._stopping.is_set():
            return self._outcomes.get()
        while wait and self._outcomes.empty() and not self._stopping.is_set():
            self._run_once()
        # Only the campaign's thread takes outcomes: one that is there now cannot be gone the next moment.
        return None if self._outcomes.empty() else self._outcomes.get()

    def remaining_outcomes(self) -> Iterator[SendOutcome]:
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
        if current_thread() in self._threads + self._lookups:  # the garbage collector runs it; it cannot join itself
            return
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        for thread in self._lookups:  # no more are added
            thread.join()
        atexit.unregister(self.stop)
        self._withdraw_claimed()
        self._sender.stop_waiting(self._parking.take_delayed())

    def _withdraw_claimed(self) -> None:
        """Withdraw what was claimed and is not sent any more."""
        with self._changed:
            claimed, self._claimed = self._claimed, deque()
        if claimed:
            with suppress(StorageError):  # then their leases end
                self._sender.withdraw(claimed)

    def _run_thread(self) -> None:
        try:
            while job := self._next_job():
                if outcome := self._process(job):
                    self._finish(outcome)
        except _Stopped:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that made the workers
            self._fail(error)
        self._withdraw_claimed()
        self._outcomes.put(None)

    def _run_once(self) -> None:
        try:
            if self._claimed or self._claim_batch():
                if outcome := self._process(self._claimed.popleft()):
                    self._finish(outcome)
            elif self._outcomes.empty():
                self._stopping.wait(self._parking.seconds_left() or 0.0)
        except Exception as error:  # noqa: BLE001 - raised again by the campaign
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self.failure = self.failure or error
            self._stopping.set()
            self._changed.notify_all()

    def _next_job(self) -> Job | None:
        """Wait for a message that is claimed; None if the workers stop."""
        while True:
            with self._changed:
                while not (self._claimed or self._can_claim() or self._stopping.is_set()):
                    self._changed.wait(None if self._is_claiming else self._parking.seconds_left())
                if self._stopping.is_set():
                    return None
                if self._claimed:
                    return self._claimed.popleft()
            self._claim_batch()

    def _can_claim(self) -> bool:
        """Whether there are messages to claim, and nobody else does it. The caller holds the lock."""
        return not self._is_claiming and (bool(self._queue) or self._parking.is_due())

    def _claim_batch(self) -> bool:
        """Claim the next messages in the journal. Those whose key has an outcome hand it out at once.

        Returns whether there are claimed messages.
        """
        with self._changed:
            if not self._can_claim():  # another worker was quicker
                return False
            self._queue.extendleft(self._parking.take())
            jobs = self._batches.take(self._queue)
            self._is_claiming = True
        claims: defaultdict[ClaimState, list[tuple[Job, MessageClaim]]] = defaultdict(list)
        new: list[Job] = []
        kept: Sequence[Job] = ()
        try:
            for job, claim in self._sender.claim(jobs):
                claims[claim.state].append((job, claim))
            new = [job for job, _ in claims[ClaimState.NEW]]
            kept = self._batches.keep(new, len(jobs))
        finally:
            with self._changed:
                self._is_claiming = False
                self._claimed.extend(kept)
                self._active.update(job.entry.key for job in kept)
                self._changed.notify_all()
        for job, claim in claims[ClaimState.DONE]:
            self._outcomes.put(recorded_outcome(job, claim.entry))
        self._give_back(new[len(kept) :])
        self._set_aside(claims[ClaimState.BUSY], made_progress=len(claims[ClaimState.BUSY]) < len(jobs))
        self._look_up_abandoned(claims[ClaimState.ABANDONED])
        return bool(self._claimed)

    def _give_back(self, jobs: Sequence[Job]) -> None:
        """Let others send messages that were claimed, and claim those again later that are left then."""
        if jobs:
            self._sender.withdraw(jobs)
            with self._changed:
                self._queue.extendleft(reversed(jobs))
                self._changed.notify()

    def _set_aside(self, busy: Sequence[tuple[Job, MessageClaim]], *, made_progress: bool) -> None:
        """Keep messages that cannot be claimed yet, since they or others that look the same are in flight."""
        elsewhere: list[tuple[Job, float]] = []
        with self._changed:
            for job, claim in busy:
                if claim.entry.key in self._active:
                    self._behind[claim.entry.key].append(job)
                else:
                    elsewhere.append((job, claim.retry_after))
            self._parking.park(elsewhere, made_progress=made_progress)
            self._changed.notify()  # somebody has to wait for them
        if elsewhere:
            self._outcomes.put(None)

    def _look_up_abandoned(self, abandoned: Sequence[tuple[Job, MessageClaim]]) -> None:
        """Look up messages whose senders are gone, then let those that found them claim again."""
        if not abandoned:
            return
        entries = {claim.entry.key: claim.entry for _, claim in abandoned}
        was_read = self._sender.look_up_abandoned(list(entries.values()), self._stopping)
        if self._stopping.is_set() and not was_read:
            raise _Stopped
        for job, claim in abandoned:
            if was_read:
                self._submit_again(job)
            elif claim.entry.key == job.entry.key:
                self._outcomes.put(recorded_outcome(job, claim.entry))
            else:
                raise ConnectionFailed("The sent log could not be read, and a message in flight has to be looked up.")

    def _finish(self, outcome: SendOutcome) -> None:
        """Hand out the outcome of a claimed message."""
        self._outcomes.put(outcome)
        with self._changed:
            self._end_claim(outcome.key or "")

    def _end_claim(self, key: str) -> None:
        """Let those go on that waited for this message. The caller holds the lock."""
        self._active.discard(key)
        if waiting := self._behind.pop(key, None):
            self._queue.extendleft(reversed(waiting))
            self._changed.notify(len(waiting))

    def _process(self, job: Job) -> SendOutcome | None:
        """Send a claimed message, and record its outcome.

        Returns None if it has none yet: a thread of its own looks it up, its claim had ended, or a rule lets it leave
        only later.
        """
        admitted = self._admit(job)
        return self._send(admitted) if isinstance(admitted, Job) else admitted

    def _admit(self, job: Job) -> Job | SendOutcome | None:
        """Ask the rules about a claimed message, and wait for the rate limit. None if it has to wait for a rule."""
        admitted = self._sender.admit(job)
        if isinstance(admitted, Job) and self._wait_for_rate(admitted) > ADMITTED_SECONDS:
            admitted = self._sender.admit(admitted, again=True)
        if isinstance(admitted, Wait):
            self._delay(job, admitted.seconds)
            return None
        return admitted

    def _send(self, job: Job) -> SendOutcome | None:
        generation = self._backoff.generation
        started = self._sender.start(job)
        if started is None:
            self._submit_again(job)
            return None
        try:
            outcome = self._sender.send(started)
        except NotSent as error:
            is_dealt_with = self._sender.note_failure(job, error.failure)
            if isinstance(error.failure, InvalidRequestError):
                return job.outcome(SendStatus.REFUSED, reason=str(error.failure))
            if is_dealt_with:
                self._submit_again(job)
                return None
            interval = self._backoff.interval_after(error.failure, generation)
            if interval is None:
                raise
            self._rate_limiter.pause(interval)
            self._submit_again(job)
            return None
        except SendOutcomeUnknown as doubt:
            self._backoff.succeeded()
            if interruption := interruption_of(doubt):
                raise interruption from None  # the next run looks the message up
            return None if self._looks_up_aside(started, doubt) else self._look_up(started, doubt)
        self._backoff.succeeded()
        if outcome.status is SendStatus.SENT:
            self._note_accepted()
        return outcome

    def _delay(self, job: Job, seconds: float) -> None:
        """Let a message that is not claimed any more be claimed again later, and others be read meanwhile."""
        if seconds <= 0:
            self._submit_again(job)
            return
        with self._changed:
            self._parking.delay(job, seconds)
            self._end_claim(job.entry.key)
            self._changed.notify()  # somebody has to wait for it
        self._outcomes.put(None)

    def _wait_for_rate(self, job: Job) -> float:
        """Keep the claim of a message until it may leave. Returns how many seconds that took.

        Raises _Stopped if the workers stop before that.
        """
        may_leave = False
        began = time.monotonic()
        try:
            may_leave = self._rate_limiter.acquire(
                self._stopping, job.params, meanwhile=partial(self._sender.renew, job)
            )
        finally:
            if not may_leave:
                self._sender.give_up(job)
        if not may_leave:
            raise _Stopped
        return time.monotonic() - began

    def _submit_again(self, job: Job) -> None:
        """Let a message be claimed again, which is not claimed any more."""
        with self._changed:
            self._queue.appendleft(job)
            self._changed.notify()
            self._end_claim(job.entry.key)

    def _looks_up_aside(self, job: Job, doubt: SendOutcomeUnknown) -> bool:
        """Let a thread of its own wait for a message, if there are not too many. A single worker has no threads."""
        with self._changed:
            self._lookups = [thread for thread in self._lookups if thread.is_alive()]
            if not self._threads or len(self._lookups) + self._unknown >= MAX_UNKNOWN or self._stopping.is_set():
                return False
            thread = Thread(target=self._run_lookup, args=(job, doubt), name="smsmobile-bulk-lookup", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no more threads can be had
                return False
            self._lookups.append(thread)
            return True

    def _run_lookup(self, job: Job, doubt: SendOutcomeUnknown) -> None:
        try:
            self._finish(self._look_up(job, doubt))
        except _Stopped:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that made the workers
            self._fail(error)

    def _look_up(self, job: Job, doubt: SendOutcomeUnknown) -> SendOutcome:
        """Wait for the message to appear in the sent log, and stop the campaign if too many are unknown."""
        accepted = self._accepted
        outcome = self._sender.look_up(job, doubt, self._stopping)
        if outcome is None:
            raise _Stopped
        if outcome.status is not SendStatus.UNKNOWN:
            self._note_accepted()
            return outcome
        if accepted == self._accepted:
            self._unknown += 1
        if self._unknown >= MAX_UNKNOWN:
            self._fail(doubt)
        return outcome

    def _note_accepted(self) -> None:
        self._accepted += 1
        self._unknown = 0


def stop_error(failure: BaseException, done: int, total: int | None) -> BaseException:
    """What the caller of a campaign gets: the failure, or BulkPaused if it concerns all messages."""
    if isinstance(failure, NotSent):
        failure = failure.failure
    elif not isinstance(failure, SMSMobileError) or isinstance(failure, StorageError):
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
