"""One run of a bulk sender: what an earlier one left open, reading ahead, and handing out outcomes.

The threads that send live in _workers.py; whoever loops over the outcomes is the thread in here.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterator
from functools import partial
from threading import Event

from ..channels.sms import SMSChannel, comparable
from ..errors import APIError, ConfigurationError, InvalidRequestError
from ._messages import OutgoingSMS, key_of, number_of, read_message, send
from ._rate_limit import Pace
from ._sent_log import SentLog, fingerprint, reads_of, verdict
from ._workers import CONCERNS_ALL, LEFT_OPEN, BulkOutcome, Crew, Job, paused
from .journals import BulkStatus, Journal, JournalEntry

PATIENCE = 30.0
"""Seconds that a row may take to appear in the sent log. The contract says no more than "a while" (O)."""
ASKED_AGAIN = 24 * 3600.0
"""Seconds since the attempt for which each new run looks once more for what is unknown."""

_LATEST = 253402214400.0
"""Unix seconds: the last day but one that a datetime can hold."""


class Run:
    """Made for one call of `outcomes`."""

    def __init__(
        self, channel: SMSChannel, *, journal: Journal, pace: Pace, workers: int, patience: float, total: int | None
    ) -> None:
        self._channel = channel
        self._journal = journal
        self._pace = pace
        self._workers = workers
        self._patience = patience
        self._total = total
        self._log = SentLog(channel, journal)
        self._busy: dict[str, Job] = {}
        """What was handed to the crew and has no outcome yet, by key."""
        self._numbers: Counter[str] = Counter()
        """How many of these go to a number."""
        self._is_full = False
        self._done = 0

    def outcomes(self, source: Iterator[object]) -> Generator[BulkOutcome, None, None]:
        """One for each message; see `BulkSender.send`."""
        self._journal.open()
        is_ours = True
        try:
            self._settle_the_past()
            crew = Crew(
                partial(send, self._channel._without_retries),  # the workers try again, while all of them wait
                journal=self._journal,
                log=self._log,
                pace=self._pace,
                workers=self._workers,
                patience=self._patience,
            )
            try:
                for outcome in self._all(source, crew):
                    self._done += 1
                    yield outcome
                    if not crew.is_ours:
                        raise ConfigurationError("This run was begun before the process was forked: go on there.")
            finally:
                is_ours = crew.is_ours
                crew.stop()
            if crew.failure is not None:
                raise paused(crew.failure, self._done, self._total)
        finally:
            if is_ours:  # in a forked process it is the parent's
                self._journal.close()

    def _settle_the_past(self) -> None:
        """Look for what was in flight when an earlier run ended, and once more for what is unknown."""
        now = time.time()
        entries = [
            entry
            for entry in self._journal.undecided()
            if entry.outcome is None or now - entry.attempted_at < ASKED_AGAIN
        ]
        since = min((now - entry.attempted_at for entry in entries if entry.outcome is None), default=self._patience)
        try:
            found, was_looked_for = self._log.wait_for(entries, self._patience - max(since, 0.0), Event())
        except (APIError, *CONCERNS_ALL) as failure:
            raise paused(failure, 0, self._total) from failure
        for entry in entries:
            if row := found.get(entry.key):
                status, reason = verdict(row)
                self._journal.settle(entry.key, status, guid=row.guid, reason=reason)
            elif entry.outcome is None and was_looked_for:
                self._journal.settle(entry.key, BulkStatus.UNKNOWN, reason=LEFT_OPEN)

    def _all(self, source: Iterator[object], crew: Crew) -> Iterator[BulkOutcome]:
        """Read, hand over, hand out, until there is nothing left or the crew has failed."""
        for given in source:
            job = self._read(given)
            if isinstance(job, BulkOutcome):
                yield job
                continue
            while self._must_wait(job) and (outcome := crew.take(wait=True)):
                yield self._freed(outcome)
            if crew.failure is not None:
                break
            self._busy[job.entry.key] = job
            self._numbers[job.entry.number] += 1
            crew.put(job)
            while outcome := crew.take(wait=self._has_enough(crew)):
                yield self._freed(outcome)
        while self._busy and (outcome := crew.take(wait=True)):
            yield self._freed(outcome)
        crew.stop()
        for outcome in crew.rest():
            yield self._freed(outcome)

    def _has_enough(self, crew: Crew) -> bool:
        """Whether no more is to be read for now. Many in one go, and then none for a while, is quicker than singly."""
        self._is_full = len(self._busy) >= (crew.ahead // 2 + 1 if self._is_full else crew.ahead)
        return self._is_full

    def _freed(self, outcome: BulkOutcome) -> BulkOutcome:
        number = self._busy.pop(outcome.key or "").entry.number
        self._numbers[number] -= 1
        if not self._numbers[number]:
            del self._numbers[number]
        return outcome

    def _must_wait(self, job: Job) -> bool:
        """Whether a message is on its way that has the same key, or could be taken for this one in the sent log."""
        if job.entry.key in self._busy:
            return True
        return job.entry.number in self._numbers and any(
            rival.entry.number == job.entry.number and _look_alike(job.message, rival.message)
            for rival in self._busy.values()
        )

    def _read(self, given: object) -> Job | BulkOutcome:
        """What is to be sent; or at once the outcome of what cannot be. The journal keeps nothing of that."""
        message: OutgoingSMS | None = None
        try:
            message = read_message(given)
            number = number_of(self._channel, message)
            key = key_of(message, number)
        except InvalidRequestError as error:
            return BulkOutcome(message, None, BulkStatus.REFUSED, reason=str(error))
        reads = reads_of(message)
        scheduled = 0.0 if message.schedule_at is None else min(message.schedule_at.timestamp(), _LATEST)
        return Job(
            message,
            JournalEntry(key, number, fingerprint(number, message.text, reads), reads, time.time(), scheduled),
        )


def _look_alike(one: OutgoingSMS, other: OutgoingSMS) -> bool:
    """Of two messages to one number, whether the row of one may pass for the other's."""
    return (
        one.encrypt or other.encrypt or comparable(one.text, shortened=True) == comparable(other.text, shortened=True)
    )
