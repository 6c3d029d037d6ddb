"""One run of a bulk sender, in the caller's thread: it looks up what an earlier run left, then reads and hands out.

The workers, which send, live in _workers.py.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Generator, Iterator
from threading import Event

from .._sent_log.search import comparable, fingerprint, precision_of
from ..channels.sms import SMSChannel
from ..errors import APIError, ConfigurationError, InvalidRequestError
from ._lookup import Lookup, outcome_of
from ._messages import OutgoingSMS, key_of, number_of, params_of, read_message
from ._rate_limit import RateLimiter
from ._workers import INTERRUPTED, STOPS_CAMPAIGN, BulkOutcome, Job, Workers, stop_error
from .journals import BulkStatus, Journal, JournalEntry

PATIENCE = 30.0
"""Seconds that a row may take to appear in the sent log. The contract says no more than "a while" (O)."""
UNKNOWN_RETRY_PERIOD = 24 * 3600.0
"""Seconds after the attempt in which each new run looks an unknown message up once more."""

_LATEST = 253402214400.0
"""Unix seconds: the last day but one that a datetime can hold."""


class Campaign:
    """Made for one call of `outcomes`."""

    def __init__(
        self,
        channel: SMSChannel,
        *,
        journal: Journal,
        rate_limiter: RateLimiter,
        workers: int,
        patience: float,
        total: int | None,
    ) -> None:
        self._channel = channel
        self._journal = journal
        self._rate_limiter = rate_limiter
        self._workers = workers
        self._patience = patience
        self._total = total
        self._lookup = Lookup(channel, journal)
        self._in_flight: dict[str, Job] = {}
        """Submitted to the workers, without an outcome yet, by key."""
        self._by_number: defaultdict[str, list[Job]] = defaultdict(list)
        """The same, by recipient."""
        self._done = 0

    def outcomes(self, source: Iterator[object]) -> Generator[BulkOutcome, None, None]:
        """One for each message; see `BulkSender.send`."""
        self._journal.open()
        is_forked = False
        try:
            self._look_up_unfinished()
            workers = Workers(
                self._channel._without_retries,  # the workers share one retry loop
                journal=self._journal,
                lookup=self._lookup,
                rate_limiter=self._rate_limiter,
                count=self._workers,
                patience=self._patience,
            )
            try:
                for outcome in self._outcomes(source, workers):
                    self._done += 1
                    yield outcome
                    if workers.is_forked:
                        raise ConfigurationError(
                            "This run began before the process was forked: continue it in the parent process."
                        )
            finally:
                is_forked = workers.is_forked
                workers.stop()
            if workers.failure is not None:
                raise stop_error(workers.failure, self._done, self._total)
        finally:
            if not is_forked:  # in a forked process, the journal belongs to the parent
                self._journal.close()

    def _look_up_unfinished(self) -> None:
        """Look up messages that were in flight when an earlier run ended, and once more those that are unknown."""
        now = time.time()
        entries = [
            entry
            for entry in self._journal.undecided()
            if entry.outcome is None or now - entry.attempted_at < UNKNOWN_RETRY_PERIOD
        ]
        age = min((now - entry.attempted_at for entry in entries if entry.outcome is None), default=self._patience)
        try:
            found, was_read = self._lookup.wait_for(entries, self._patience - max(age, 0.0), Event())
        except (APIError, *STOPS_CAMPAIGN) as failure:
            raise stop_error(failure, 0, self._total) from failure
        for entry in entries:
            if row := found.get(entry.key):
                status, reason = outcome_of(row)
                self._journal.settle(entry.key, status, guid=row.guid, reason=reason)
            elif entry.outcome is None and was_read:
                self._journal.settle(entry.key, BulkStatus.UNKNOWN, reason=INTERRUPTED)

    def _outcomes(self, source: Iterator[object], workers: Workers) -> Iterator[BulkOutcome]:
        """Read messages, submit them and hand out outcomes, until none is left or the workers have failed."""
        for given in source:
            job = self._read(given)
            if isinstance(job, BulkOutcome):
                yield job
                continue
            while self._has_conflict(job) and (outcome := workers.next_outcome(wait=True)):
                yield self._finished(outcome)
            if workers.failure is not None:
                break
            self._in_flight[job.entry.key] = job
            self._by_number[job.entry.number].append(job)
            workers.submit(job)
            if len(self._in_flight) >= workers.wanted:
                while len(self._in_flight) > workers.refill_at and (outcome := workers.next_outcome(wait=True)):
                    yield self._finished(outcome)
            while outcome := workers.next_outcome(wait=False):
                yield self._finished(outcome)
        while self._in_flight and (outcome := workers.next_outcome(wait=True)):
            yield self._finished(outcome)
        workers.stop()
        for outcome in workers.remaining_outcomes():
            yield self._finished(outcome)

    def _finished(self, outcome: BulkOutcome) -> BulkOutcome:
        job = self._in_flight.pop(outcome.key or "")
        same_number = self._by_number[job.entry.number]
        same_number.remove(job)
        if not same_number:
            del self._by_number[job.entry.number]
        return outcome

    def _has_conflict(self, job: Job) -> bool:
        """Whether a message in flight has the same key, or could be mistaken for this one in the sent log."""
        if job.entry.key in self._in_flight:
            return True
        return any(_look_alike(job.message, other.message) for other in self._by_number.get(job.entry.number, ()))

    def _read(self, given: object) -> Job | BulkOutcome:
        """The job for what was given. If it cannot be sent, its outcome; the journal does not record that."""
        message: OutgoingSMS | None = None
        try:
            message = read_message(given)
            params = params_of(self._channel, message)
            number = number_of(params)
            key = key_of(message, number)
        except InvalidRequestError as error:
            return BulkOutcome(message, None, BulkStatus.REFUSED, reason=str(error))
        precision = precision_of(shorten_urls=message.shorten_urls, encrypt=message.encrypt)
        scheduled = 0.0 if message.schedule_at is None else min(message.schedule_at.timestamp(), _LATEST)
        hashed = fingerprint(number, message.text, precision)
        return Job(message, params, JournalEntry(key, number, hashed, precision, time.time(), scheduled))


def _look_alike(one: OutgoingSMS, other: OutgoingSMS) -> bool:
    """Whether two messages to one number may have the same row in the sent log."""
    if one.encrypt or other.encrypt:
        return True
    return comparable(one.text, without_links=True) == comparable(other.text, without_links=True)
