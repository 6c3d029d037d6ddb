"""What can be told by webhook: every event as version 2 data and, for a received SMS, as version 1.

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
    from .rows import Call, Message, Received, SentByHand

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


def submitted(message: Message, at: datetime) -> Event:
    """The API accepted a message, for the first time or again."""
    kind = "whatsapp.submitted" if message.channel == "whatsapp" else "sms.api.submitted"
    return Event(kind, at, at, {**_outgoing(message), "submitted_at": iso(at)})


def sent(message: Message, at: datetime) -> Event:
    """The phone sent a message."""
    return Event(f"{message.channel}.sent", at, at, {**_outgoing(message), "sent_at": iso(at)})


def failed(message: Message, at: datetime) -> Event:
    """The phone could not send a message."""
    data = {**_outgoing(message), "error": message.phone_error, "failed_at": iso(at)}
    return Event(f"{message.channel}.failed", at, at, data)


def received(message: Received) -> Event:
    """Somebody texted the phone."""
    data = {
        "guid": message.guid,
        "from": message.sender,
        "message": message.text,
        "received_at": iso(message.received_at),
        "alias": None,
        "device_id": message.phone,
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


def sent_by_hand(message: SentByHand, at: datetime) -> Event:
    """The phone's owner wrote an SMS on the phone itself."""
    data = {
        "guid": message.guid,
        "to": message.number,
        "message": message.text,
        "device_id": message.phone,
        "sent_at": iso(message.sent_at),
    }
    return Event("sms.mobile.sent", message.sent_at, at, data)


def called(call: Call, at: datetime) -> Event:
    """The phone missed, took or made a call."""
    data = {
        "guid": call.guid,
        "number": call.number,
        "name": call.name,
        "duration_seconds": call.seconds,
        "device_id": call.phone,
        "call_at": f"{day(call.called_at)} {clock(call.called_at)}",
    }
    return Event(f"call.{call.kind}", call.called_at, at, data)


def _outgoing(message: Message) -> dict[str, Any]:
    return {"guid": message.guid, "to": message.number, "message": message.text, "device_id": message.phone}
