"""One made-up event of each type, to try a receiver with.

It is told like any other, but nothing has happened: its GUID is in no log.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from . import events
from .rows import Call, Mail, Message, Received, SentByHand

NUMBER = "+33639981234"
NAME = "Jordan"
TEXT = "Hello, this is a test."
PHONE_ERROR = "RESULT_ERROR_NO_SERVICE"
SECONDS = 42


def sample(event_type: str, *, guid: str, phone: str, at: datetime) -> events.Event:
    """An event of this type, which is one of `events.TYPES`, as if it had just happened on the phone with this SID."""
    sms = Message(0, guid, phone, NUMBER, TEXT, submitted_at=at, ready_at=at)
    whatsapp = replace(sms, number=NUMBER.lstrip("+"), channel="whatsapp")
    incoming = Received(0, guid, phone, NUMBER, TEXT, received_at=at, added_at=at)
    chat = replace(incoming, sender=NUMBER.lstrip("+"), channel="whatsapp", name=NAME)
    missed = Call(0, guid, phone, "missed", NUMBER, NAME, seconds=0, called_at=at)
    mail = Mail(0, guid, "", NAME, "jordan@example.com", "you@example.com", TEXT, TEXT, at)
    samples = (
        *(tell(each, at) for each in (sms, whatsapp) for tell in (events.submitted, events.sent)),
        *(events.failed(replace(each, phone_error=PHONE_ERROR), at) for each in (sms, whatsapp)),
        events.received(incoming),
        events.sent_by_hand(SentByHand(0, guid, phone, NUMBER, TEXT, sent_at=at), at),
        events.called(missed, at),
        events.called(replace(missed, kind="incoming", seconds=SECONDS), at),
        events.called(replace(missed, kind="outgoing", seconds=SECONDS), at),
        events.whatsapp_received(chat),
        events.transcribed(replace(chat, voice_seconds=float(SECONDS))),
        events.email_sent(mail, at),
        events.email_received(mail, at),
    )
    return next(event for event in samples if event.type == event_type)
