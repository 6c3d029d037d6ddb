"""One run of a bulk sender, in the caller's thread: it looks up what an earlier run left, then reads and hands out.

The workers, which send, live in _workers.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from threading import Event

from ..channels.sms import SMSChannel
from ..errors import ConfigurationError, InvalidRequestError, SMSMobileError, StorageError
from ._messages import OutgoingSMS
from ._outcomes import Job, SendOutcome, job_of
from ._rate_limit import RateLimiter
from ._rules import Rules
from ._sender import UNKNOWN_RETRY_PERIOD, Sender
from ._workers import Workers, stop_error
from .journals import Journal, SendStatus

_MOST_ABANDONED = 10_000
"""Messages of senders that are gone, which are looked up when a run begins. More are looked up in their turn."""


class Campaign:
    """Made for one call of `outcomes`. `read` makes a message of what the source has, or raises InvalidRequestError."""

    def __init__(
        self,
        channel: SMSChannel,
        *,
        read: Callable[[object], OutgoingSMS],
        journal: Journal,
        rate_limiter: RateLimiter,
        workers: int,
        patience: float,
        rules: Rules,
        total: int | None,
    ) -> None:
        self._channel = channel
        self._read_message = read
        self._journal = journal
        self._rate_limiter = rate_limiter
        self._workers = workers
        self._total = total
        # The workers share one retry loop.
        self._sender = Sender(channel._without_retries, journal, patience=patience, rules=rules)
        self._unfinished = 0
        """How many were submitted to the workers and have no outcome yet."""
        self._done = 0

    def outcomes(self, source: Iterator[object]) -> Generator[SendOutcome, None, None]:
        """One for each message; see `BulkSender.send`."""
        self._look_up_unfinished()
        workers = Workers(self._sender, rate_limiter=self._rate_limiter, count=self._workers)
        try:
            for outcome in self._outcomes(source, workers):
                self._done += 1
                yield outcome
                if workers.is_forked:
                    raise ConfigurationError(
                        "This bulk run was begun before the process was forked: continue it in the parent process."
                    )
        finally:
            workers.stop()
        if workers.failure is not None:
            raise stop_error(workers.failure, self._done, self._total)

    def _look_up_unfinished(self) -> None:
        """Look up messages whose sender is gone, and once more those that are unknown."""
        entries = self._journal.abandoned(_MOST_ABANDONED)
        entries += self._journal.unknown(since=time.time() - UNKNOWN_RETRY_PERIOD)
        if not entries:
            return
        try:
            self._sender.look_up_abandoned(entries, Event())
        except StorageError:
            raise
        except SMSMobileError as failure:
            raise stop_error(failure, 0, self._total) from failure

    def _outcomes(self, source: Iterator[object], workers: Workers) -> Iterator[SendOutcome]:
        """Read messages, submit them and hand out outcomes, until none is left or the workers have failed."""
        for given in source:
            job = self._read(given)
            if isinstance(job, SendOutcome):
                yield job
                continue
            if workers.failure is not None:
                break
            self._unfinished += 1
            workers.submit(job)
            if self._unfinished >= workers.wanted:
                while self._unfinished > workers.refill_at and not workers.are_stopping:
                    if outcome := workers.next_outcome(wait=True):
                        yield self._finished(outcome)
            while outcome := workers.next_outcome(wait=False):
                yield self._finished(outcome)
        while self._unfinished and not workers.are_stopping:
            if outcome := workers.next_outcome(wait=True):
                yield self._finished(outcome)
        workers.stop()
        for outcome in workers.remaining_outcomes():
            yield self._finished(outcome)

    def _finished(self, outcome: SendOutcome) -> SendOutcome:
        self._unfinished -= 1
        return outcome

    def _read(self, given: object) -> Job | SendOutcome:
        """The job for what was given. If it cannot be sent, its outcome; the journal does not record that."""
        message: OutgoingSMS | None = None
        try:
            message = self._read_message(given)
            return job_of(self._channel, message)
        except InvalidRequestError as error:
            return SendOutcome(message, None, SendStatus.REFUSED, reason=str(error))
