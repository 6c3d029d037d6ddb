"""How the rows look as JSON. Where they come from lives in views.py, destinations.py and faults.py."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from ..fault_kinds import KINDS
from ..numbers import peer_of
from ..recorder import LONGEST
from ..rows import (
    INBOX,
    Call,
    Delivery,
    Destination,
    Fault,
    Mail,
    Message,
    Notification,
    PhoneState,
    Received,
    RecordedRequest,
    SentByHand,
)
from ..store import Store
from .conversations import Conversation, Entry, Said
from .search import Wanted

Json = dict[str, Any]


def moment(at: datetime) -> str:
    """`2026-03-20T21:07:44.100Z`."""
    return at.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def maybe(at: datetime | None) -> str | None:
    """The same, or null."""
    return None if at is None else moment(at)


def phone(state: PhoneState, store: Store) -> Json:
    """A phone."""
    return {
        "sid": state.sid,
        "label": state.label,
        "is_on": state.is_on,
        "battery": state.battery,
        "delay": state.delay,
        "queued": store.messages.count("is_pending AND phone = ?", state.sid),
        "unread": store.received.count("is_pending AND phone = ?", state.sid),
    }


def conversation(one: Conversation, shown: Entry, wanted: Wanted | None, now: datetime) -> Json:
    """A conversation, with its newest entry, and with what a search has found there: the message, taken apart."""
    excerpt = None if wanted is None else wanted.excerpt(shown.said[:LONGEST])
    return {
        "peer": one.peer,
        "name": one.name,
        "contact": one.contact,
        "phone": one.phone or None,
        "count": one.count,
        "unseen": one.unseen,
        "last": entry(one.last, now),
        "found": None if excerpt is None else entry(shown, now) | {"excerpt": excerpt},
    }


def entry(row: Entry, now: datetime) -> Json:
    """What stands in a conversation."""
    return _said(row, now) if not isinstance(row, Notification | Mail) else _written(row)


def _written(row: Notification | Mail) -> Json:
    """What the application wrote to the phone's screen, or what is in the mailbox."""
    at = row.at if isinstance(row, Mail) else row.sent_at
    text = row.body if isinstance(row, Mail) else row.message
    shown: Json = {"id": row.id, "guid": None, "at": moment(at), "time": moment(at), "text": _cut(text)}
    if isinstance(row, Notification):
        state = "queued" if row.is_pending else "sent"
        return shown | {"kind": "notification", "state": state, "title": row.title}
    return shown | {
        "kind": "mail",
        "state": "received" if row.box == INBOX else "sent",
        "title": row.subject,
        "correspondent": row.correspondent,
        "attachments": list(row.attachments),
    }


def _cut(text: str) -> str:
    """A text, unless it is endless."""
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _said(row: Said, now: datetime) -> Json:
    at, time = _moments(row)
    shown: Json = {
        "id": row.id,
        "guid": row.guid,
        "kind": "out",
        "channel": "sms",
        "text": "",
        "at": moment(at),
        "time": moment(time),
        "state": "sent",
        "reason": "",
        "due_at": None,
        "sent_at": None,
        "sim": None,
        "media_url": None,
        "name": None,
        "seconds": None,
    }
    if isinstance(row, Call):
        return shown | {
            "kind": "call",
            "state": row.kind,
            "name": row.name,
            "seconds": row.seconds,
        }
    shown["text"] = _cut(row.text)
    if isinstance(row, SentByHand):
        return shown | {"kind": "by_hand"}
    shown["channel"] = row.channel
    if isinstance(row, Received):
        return shown | {
            "kind": "in",
            "state": "received",
            "name": row.name,
            "seconds": row.voice_seconds,
        }
    return shown | {
        "state": _state(row, now),
        "reason": row.api_error or row.phone_error,
        "due_at": moment(row.ready_at) if row.is_pending else None,
        "sent_at": maybe(row.sent_at),
        "sim": row.sim,
        "media_url": row.media_url,
    }


def scheduled(row: Message, name: str, now: datetime) -> Json:
    """A message that is not yet due, in the conversation of this name."""
    return entry(row, now) | {"phone": row.phone, "peer": peer_of(row.number), "number": name}


def request(row: RecordedRequest) -> Json:
    """What an application asked, and what it was told."""
    return {
        "id": row.id,
        "at": moment(row.at),
        "method": row.method,
        "path": row.path,
        "parameters": row.parameters,
        "auth": row.auth,
        "status": row.status,
        "outcome": row.outcome,
        "error": row.error,
        "answer": row.answer,
        "milliseconds": row.milliseconds,
        "faults": list(row.faults),
        "messages": list(row.messages),
    }


def destination(row: Destination, paused_until: datetime | None) -> Json:
    """Where webhooks are posted; its secrets stay here."""
    return {
        "id": row.id,
        "url": row.url,
        "version": row.version,
        "types": None if row.types is None else list(row.types),
        "signed": row.secret is not None,
        "rotating": row.next_secret is not None,
        "failures": row.failures,
        "paused_until": maybe(paused_until),
    }


def delivery(row: Delivery) -> Json:
    """A webhook on its way, with every attempt."""
    return {
        "id": row.id,
        "url": row.url,
        "event_id": row.event_id,
        "event_type": row.event_type,
        "body": row.body,
        "created_at": moment(row.created_at),
        "state": row.state,
        "due_at": maybe(row.due_at),
        "tries": [
            {
                "at": moment(one.at),
                "status": one.status,
                "error": one.error,
                "milliseconds": one.milliseconds,
                "headers": one.headers,
                "answer": one.answer,
            }
            for one in row.tries
        ],
        "faults": list(row.faults),
        "message": told_by(row),
    }


def told_by(row: Delivery) -> str | None:
    """The GUID of the message or call that a webhook tells of; None for an e-mail, which is in no conversation."""
    if row.event_type.startswith("email."):
        return None
    body: Json = json.loads(row.body)
    guid: str | None = body.get("data", body).get("guid")
    return guid


def fault(row: Fault) -> Json:
    """Something that is to go wrong."""
    return {
        "id": row.id,
        "kind": row.kind,
        "title": KINDS[row.kind].titled(row.status),
        "times": row.times,
        "probability": row.probability,
        "seed": row.seed,
        "path": row.path,
        "seconds": row.seconds,
        "status": row.status,
        "matched": row.matched,
        "injected": row.injected,
    }


def _moments(row: Said) -> tuple[datetime, datetime]:
    """When it came about, and the time to show: when a message to be sent is due, and afterwards when it was sent."""
    if isinstance(row, Message):
        return row.submitted_at, row.submitted_at if row.api_error else row.sent_at or row.ready_at
    at = row.called_at if isinstance(row, Call) else row.received_at if isinstance(row, Received) else row.sent_at
    return at, at


def _state(row: Message, now: datetime) -> str:
    if row.api_error:
        return "refused"
    if row.phone_error:
        return "failed"
    if row.sent_at is not None:
        return "sent"
    return "scheduled" if row.ready_at > now else "queued"
