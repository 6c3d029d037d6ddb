"""What can be told by webhook: the four SMS events, as version 2 data and, for a received SMS, as version 1.

Signing and delivering them lives in webhooks.py.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .moments import clock, day, iso

if TYPE_CHECKING:
    from .ledger import Message, Received

API_VERSION = "2026-09-22"


@dataclass(frozen=True)
class Event:
    """Something that happened. It is the same event for every destination and every attempt."""

    type: str
    occurred_at: datetime
    created_at: datetime
    data: dict[str, Any]
    version_1: dict[str, Any] | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def body(self, version: int) -> bytes | None:
        """The body to post; None where this version does not tell this event."""
        payload = self.version_1
        if version == 2:
            payload = {
                "id": self.id,
                "type": self.type,
                "api_version": API_VERSION,
                "created_at": iso(self.created_at),
                "occurred_at": iso(self.occurred_at),
                "data": self.data,
            }
        return None if payload is None else json.dumps(payload, ensure_ascii=False).encode()


def submitted(message: Message, sid: str, at: datetime) -> Event:
    """The API accepted a message, for the first time or again."""
    return Event("sms.api.submitted", at, at, {**_outgoing(message, sid), "submitted_at": iso(at)})


def sent(message: Message, sid: str, at: datetime) -> Event:
    """The phone sent a message."""
    return Event("sms.sent", at, at, {**_outgoing(message, sid), "sent_at": iso(at)})


def failed(message: Message, sid: str, at: datetime) -> Event:
    """The phone could not send a message."""
    data = {**_outgoing(message, sid), "error": message.phone_error, "failed_at": iso(at)}
    return Event("sms.failed", at, at, data)


def received(message: Received, sid: str) -> Event:
    """Somebody texted the phone."""
    data = {
        "guid": message.guid,
        "from": message.sender,
        "message": message.text,
        "received_at": iso(message.received_at),
        "alias": None,
        "device_id": sid,
    }
    version_1 = {
        "date": day(message.added_at),
        "hour": clock(message.added_at),
        "time_received": f"{day(message.received_at)} {clock(message.received_at)}",
        "message": message.text,
        "number": message.sender,
        "guid": message.guid,
    }
    return Event("sms.received", message.received_at, message.added_at, data, version_1)


def _outgoing(message: Message, sid: str) -> dict[str, Any]:
    return {"guid": message.guid, "to": message.number, "message": message.text, "device_id": sid}
