"""What can be told by webhook: every event as version 2 data and, for a received SMS, as version 1.

Signing and delivering them lives in webhooks.py.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .numbers import digits_of
from .timestamps import clock, day, day_and_clock, iso

if TYPE_CHECKING:
    from .rows import Call, Mail, Message, Received, SentByHand

API_VERSION = "2026-09-22"
TYPES = (
    "sms.api.submitted",
    "sms.sent",
    "sms.failed",
    "sms.received",
    "sms.mobile.sent",
    "call.missed",
    "call.incoming",
    "call.outgoing",
    "whatsapp.submitted",
    "whatsapp.sent",
    "whatsapp.failed",
    "whatsapp.received",
    "whatsapp.voice.transcribed",
    "email.sent",
    "email.received",
)
"""All types that are documented."""


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
        if payload is None:
            return None
        # Half an emoji is no UTF-8. A receiver in PHP does not read the escape that JSON has for it, either.
        return json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")


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
        "time_received": day_and_clock(message.received_at),
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
        "call_at": day_and_clock(call.called_at),
    }
    return Event(f"call.{call.kind}", call.called_at, at, data)


def whatsapp_received(message: Received) -> Event:
    """Somebody sent the phone a WhatsApp message. What was said in a voice message follows later."""
    is_voice = message.voice_seconds is not None
    data = {
        **_whatsapp(message),
        "message": "" if is_voice else message.text,
        "is_voice_message": is_voice,
        "received_at": iso(message.received_at),
    }
    return Event("whatsapp.received", message.received_at, message.added_at, data)


def transcribed(message: Received) -> Event:
    """A voice message was turned into text."""
    data = {**_whatsapp(message), "transcript": message.text, "duration_seconds": message.voice_seconds}
    return Event("whatsapp.voice.transcribed", message.received_at, message.added_at, data)


def email_sent(mail: Mail, at: datetime) -> Event:
    """An e-mail was sent through the API."""
    return Event("email.sent", mail.at, at, {**_mail(mail), "sent_at": iso(mail.at)})


def email_received(mail: Mail, at: datetime) -> Event:
    """An e-mail came into the mailbox."""
    return Event("email.received", mail.at, at, {**_mail(mail), "received_at": iso(mail.at)})


def _whatsapp(message: Received) -> dict[str, Any]:
    return {
        "guid": message.guid,
        "data_id": message.data_id,
        "from": f"+{digits}" if (digits := digits_of(message.sender)) else message.sender,
        "contact_name": message.name,
    }


def _mail(mail: Mail) -> dict[str, Any]:
    return {"guid": mail.guid, "from": mail.sender, "to": mail.recipient, "subject": mail.subject}


def _outgoing(message: Message) -> dict[str, Any]:
    return {"guid": message.guid, "to": message.number, "message": message.text, "device_id": message.phone}
