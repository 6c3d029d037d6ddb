"""`SentLogRow`, a row of the sent log as exceptions and searches see it. The model itself is in channels/sms.py."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Protocol


class SMSStatus(str, Enum):
    """The state of a message."""

    QUEUED = "queued"
    """Accepted; the phone has not sent it yet."""
    SENT = "sent"
    """The phone has sent it."""
    FAILED = "failed"
    """The phone or the service failed to send it; `error` says why."""

    __str__ = str.__str__  # else f"{status}" depends on the version of Python


class SentLogRow(Protocol):
    """A row of the log of sent SMS. `smsmobile.LoggedSMS` implements it. Datetimes are aware and in UTC."""

    @property
    def guid(self) -> str | None:
        """The message's GUID."""
        ...

    @property
    def recipient(self) -> str | None:
        """The recipient's number, as the service writes it."""
        ...

    @property
    def message(self) -> str:
        """The text."""
        ...

    @property
    def status(self) -> SMSStatus:
        """Queued, sent or failed."""
        ...

    @property
    def error(self) -> str | None:
        """Why it failed, as reported by the service or the phone; None if it did not fail."""
        ...

    @property
    def created_at(self) -> datetime | None:
        """When the service accepted it; None if the row does not say (A)."""
        ...

    @property
    def sent_at(self) -> datetime | None:
        """When the phone sent it; None if the row does not say (A)."""
        ...

    @property
    def device(self) -> str | None:
        """SID of the phone; None if the row does not say."""
        ...

    @property
    def advice(self) -> str | None:
        """For a failed message: what to check first, by its `error`; else None."""
        ...
