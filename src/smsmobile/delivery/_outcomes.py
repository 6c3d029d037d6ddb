"""A message on its way through a sender, and what became of it."""

from __future__ import annotations

import time
from typing import NamedTuple

from .._sent_log.comparison import fingerprint_and_look, precision_of
from ..channels.sms import SMSChannel
from ._messages import OutgoingSMS, Params, key_of, number_of, params_of
from .journals import JournalEntry, SendStatus

INTERRUPTED = "It was in flight when its sender was interrupted, and the sent log does not show it."
"""The reason of an unknown message whose sender is gone."""
NOT_LOOKED_UP = "It was in flight when its sender was interrupted, and the sent log could not be read since then."
"""The same, until the log can be read."""
KEY_REUSED = "The journal has another message under this key: its number or its text is different."
_LATEST = 253402214400.0
"""Unix seconds: the last day but one that a datetime can hold."""


class SendOutcome(NamedTuple):
    """What became of one message."""

    message: OutgoingSMS | None
    """The message; None if what was given is not a message (the `reason` says why)."""
    key: str | None
    """Its key in the journal: yours, or one made of number and text; None for a message that cannot be sent."""
    status: SendStatus
    """Sent, refused, unknown or duplicate."""
    guid: str | None = None
    """The message's GUID, also for a duplicate; None if the service gave none or nothing was sent."""
    reason: str | None = None
    """Why it was refused or is unknown."""
    recorded: SendStatus | None = None
    """What the journal had under this key already: sent or refused for a duplicate, unknown for a message that was not
    sent again; None if this call sent the message."""


class Job(NamedTuple):
    """A message to send, the parameters of its request, and its entry in the journal."""

    message: OutgoingSMS
    params: Params
    entry: JournalEntry
    has_slot: bool = False
    """Whether a SIM of a pool is to send it now."""

    def outcome(self, status: SendStatus, guid: str | None = None, reason: str | None = None) -> SendOutcome:
        """The outcome to hand out for it."""
        return SendOutcome(self.message, self.entry.key, status, guid, reason)


def recorded_outcome(job: Job, entry: JournalEntry) -> SendOutcome:
    """The outcome of a message whose key has an entry in the journal."""
    reason = entry.reason
    if entry.number != job.entry.number or (
        entry.precision == job.entry.precision and entry.fingerprint != job.entry.fingerprint
    ):
        reason = KEY_REUSED
    if entry.outcome in {SendStatus.SENT, SendStatus.REFUSED}:
        return SendOutcome(job.message, entry.key, SendStatus.DUPLICATE, entry.guid, reason, entry.outcome)
    return SendOutcome(
        job.message, entry.key, SendStatus.UNKNOWN, entry.guid, reason or NOT_LOOKED_UP, SendStatus.UNKNOWN
    )


def job_of(channel: SMSChannel, message: OutgoingSMS) -> Job:
    """The job of a message. Raises InvalidRequestError if it cannot be sent."""
    params = params_of(channel, message)
    number = number_of(params)
    precision = precision_of(shorten_urls=message.shorten_urls, encrypt=message.encrypt)
    fingerprint, look = fingerprint_and_look(number, message.text, precision)
    entry = JournalEntry(
        key=key_of(message, number),
        number=number,
        fingerprint=fingerprint,
        precision=precision,
        look=look,
        attempted_at=time.time(),
        until=min(float(params.get("schedule_timestamp", 0)), _LATEST),
    )
    return Job(message, params, entry)
