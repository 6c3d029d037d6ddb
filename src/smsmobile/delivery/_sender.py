"""Sends messages that a journal has claimed, and looks up those in doubt: each step of one message, in its order.

`send_once` and the workers of a bulk sender share it. They decide what to do after a failure, and when to give up.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from threading import Event
from uuid import uuid4

from .._http.guard import NetworkBlocked
from ..channels.sms import LoggedSMS, SMSChannel
from ..errors import SendOutcomeUnknown, SMSMobileError, StorageError
from ._failures import refuses_one
from ._lookup import Lookup, outcome_of
from ._messages import send
from ._outcomes import INTERRUPTED, Job, SendOutcome
from ._rules import NO_RULES, Go, KeepBack, Rules, Wait
from .journals import Journal, JournalEntry, MessageClaim, SendStatus

PATIENCE = 30.0
"""Seconds that a row may take to appear in the sent log. The contract says no more than "a while" (O)."""
UNKNOWN_RETRY_PERIOD = 24 * 3600.0
"""Seconds after the attempt in which an unknown message is looked up once more when somebody asks for it."""


class NotSent(Exception):
    """Nothing was sent, and the claim is withdrawn. Its `failure` can be a StorageError that is not the journal's."""

    def __init__(self, failure: SMSMobileError) -> None:
        super().__init__()
        self.failure = failure


class Sender:
    """Sends through one channel with one journal. Threads can share it."""

    def __init__(self, channel: SMSChannel, journal: Journal, *, patience: float, rules: Rules = NO_RULES) -> None:
        self._lookup = Lookup(channel, journal)
        self._channel = channel
        self._journal = journal
        self._patience = patience
        self._rules = rules
        self._name = uuid4().hex
        self._claims = count()
        """Numbers them; threads can share it."""

    def claim(self, jobs: Sequence[Job]) -> list[tuple[Job, MessageClaim]]:
        """Claim messages in the journal, each with a new token."""
        now = time.time()
        jobs = [self._rules.prepare(job, now) for job in jobs]
        jobs = [job._replace(entry=job.entry._replace(token=f"{self._name}-{next(self._claims)}")) for job in jobs]
        return list(zip(jobs, self._journal.claim([job.entry for job in jobs]), strict=True))

    def withdraw(self, jobs: Sequence[Job]) -> None:
        """Give claims back: nothing was sent."""
        self._journal.withdraw([job.entry for job in jobs])

    def admit(self, job: Job, *, again: bool = False) -> Job | Wait | SendOutcome:
        """Ask the rules about a claimed message. `again`: it was admitted under this claim, and has not left yet.

        Returns the job to send. If the message has to wait, or is kept back, its claim is over.
        """
        try:
            verdict = self._rules.judge(job, time.time(), again=again)
            if isinstance(verdict, Go):
                return verdict.job
            if isinstance(verdict, KeepBack):
                if self._journal.keep_back(job.entry, verdict.status, verdict.reason):
                    return job.outcome(verdict.status, reason=verdict.reason)
                return Wait(0.0, "Its claim has ended.")  # somebody else has it by now, and may have sent it
        except BaseException:
            self._give_back(job)
            raise
        self._journal.withdraw([job.entry])
        return verdict

    def note_failure(self, job: Job, failure: SMSMobileError) -> bool:
        """Tell the rules why a message was not sent. Returns whether they deal with it: then claim it again."""
        return self._rules.note_failure(job, failure)

    def stop_waiting(self, jobs: Sequence[Job]) -> None:
        """Free what the rules keep for messages that have to wait."""
        self._rules.stop_waiting(jobs)

    def give_up(self, job: Job) -> None:
        """Give the claim of an admitted message back: it does not leave."""
        self.withdraw([job])
        self._rules.not_sent(job)

    def renew(self, job: Job) -> None:
        """Keep the claim of a message that has to wait."""
        self._journal.renew([job.entry])

    def start(self, job: Job) -> Job | None:
        """Record that a claimed message leaves now. None if its claim has ended: it must not leave."""
        at = time.time()
        try:
            if not self._journal.start(job.entry, at):
                return None
        except BaseException:
            self._release([job.entry])
            raise
        return job._replace(entry=job.entry._replace(attempted_at=at, until=max(job.entry.until, at)))

    def send(self, job: Job) -> SendOutcome:
        """Send a started message, and record its outcome.

        Raises NotSent if nothing was sent. Raises SendOutcomeUnknown in case of doubt: the message is still in flight
        in the journal, and `look_up` decides.
        """
        try:
            sent = send(self._channel, job.params)
        except SendOutcomeUnknown as doubt:
            self._rules.left(job, time.time())
            self._lookup.note_clock()
            if interruption_of(doubt):
                self._release([job.entry])
            raise
        except SMSMobileError as failure:
            if refuses_one(failure):
                outcome = self._settle(job, SendStatus.REFUSED, reason=str(failure))
                self._rules.not_sent(job)
                return outcome
            self._journal.withdraw([job.entry])
            raise NotSent(failure) from failure
        except NetworkBlocked:  # in a test that forgot its sandbox; the journal may be the one of the developer
            self._journal.withdraw([job.entry])
            raise
        except BaseException:
            self._release([job.entry])
            raise
        left_at = time.time()
        outcome = self._settle(job, SendStatus.SENT, guid=sent.guid)
        self._rules.left(job, left_at)
        return outcome

    def look_up(self, job: Job, doubt: SendOutcomeUnknown, stopping: Event) -> SendOutcome | None:
        """Wait for a message in doubt to appear in the sent log, and record the outcome.

        None if `stopping` was set before that: it stays in flight, and the next who claims it looks it up.
        """
        found, was_read = self._wait_for([job.entry], self._patience, stopping)
        if row := found.get(job.entry.key):
            status, reason = outcome_of(row)
            return self._settle(job, status, guid=row.guid, reason=reason)
        if stopping.is_set() and not was_read:
            self._release([job.entry])
            return None
        the_log = "does not show the message" if was_read else "could not be read"
        reason = f"{doubt.reason} The sent log {the_log}; the message may have been accepted all the same."
        return self._settle(job, SendStatus.UNKNOWN, reason=reason)

    def look_up_abandoned(self, entries: Sequence[JournalEntry], stopping: Event) -> bool:
        """Look up messages whose sender is gone, and once more those that are unknown; record what is found.

        Returns whether the log could be read. If it could not, nothing is decided. Raises failures that do not pass.
        """
        now = time.time()
        age = min((now - entry.attempted_at for entry in entries if entry.outcome is None), default=self._patience)
        found, was_read = self._wait_for(entries, self._patience - max(age, 0.0), stopping)
        for entry in entries:
            if row := found.get(entry.key):
                status, reason = outcome_of(row)
                self._journal.settle(entry, status, guid=row.guid, reason=reason)
            elif was_read and entry.outcome is None:
                self._journal.settle(entry, SendStatus.UNKNOWN, reason=INTERRUPTED)
        if not was_read:
            self._release([entry for entry in entries if entry.key not in found])
        return was_read

    def _settle(
        self, job: Job, status: SendStatus, *, guid: str | None = None, reason: str | None = None
    ) -> SendOutcome:
        try:
            self._journal.settle(job.entry, status, guid=guid, reason=reason)
        except BaseException:
            self._release([job.entry])
            raise
        return job.outcome(status, guid, reason)

    def _wait_for(
        self, entries: Sequence[JournalEntry], seconds: float, stopping: Event
    ) -> tuple[dict[str, LoggedSMS], bool]:
        try:
            return self._lookup.wait_for(entries, seconds, stopping)
        except BaseException:
            self._release(entries)
            raise

    def _give_back(self, job: Job) -> None:
        with suppress(StorageError):  # then its lease ends
            self._journal.withdraw([job.entry])

    def _release(self, entries: Sequence[JournalEntry]) -> None:
        """The messages stay in flight, and the next who asks looks them up."""
        with suppress(StorageError):  # then their leases decide
            self._journal.release(entries)


def interruption_of(doubt: SendOutcomeUnknown) -> BaseException | None:
    """The foreign exception that interrupted the send, such as a time limit of a task queue; None if there was none."""
    cause = doubt.__cause__
    return None if isinstance(cause, SMSMobileError) else cause
