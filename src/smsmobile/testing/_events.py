"""Events as the service posts them, complete, with made-up contents."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any
from uuid import uuid4

from ..webhooks import (
    CallIncoming,
    CallMissed,
    CallOutgoing,
    EmailReceived,
    EmailSent,
    SMSFailed,
    SMSReceived,
    SMSSent,
    SMSSentByHand,
    SMSSubmitted,
    WebhookEvent,
    WhatsAppFailed,
    WhatsAppReceived,
    WhatsAppSent,
    WhatsAppSubmitted,
    WhatsAppVoiceTranscribed,
)

_NOW = object()
"""Stands for the moment at which the event is made."""
_SOMEBODY = "+33639985678"
_PHONE = {"device": "phone-of-the-tests"}

_OUTGOING = {"to": _SOMEBODY, "message": "Hello", **_PHONE}
_CALL = {"number": _SOMEBODY, "name": "Taylor", "duration_seconds": 0, **_PHONE, "call_at": _NOW}
_WHATSAPP = {"data_id": "3EB0C767D097E9EA41AB", "sender": _SOMEBODY.lstrip("+"), "contact_name": "Taylor"}
_MAIL = {"sender": "taylor@example.com", "to": "office@example.com", "subject": "Hello"}

_DATA: dict[type[WebhookEvent], dict[str, Any]] = {
    SMSSubmitted: {**_OUTGOING, "submitted_at": _NOW},
    SMSSent: {**_OUTGOING, "sent_at": _NOW},
    SMSFailed: {**_OUTGOING, "error": "RESULT_ERROR_NO_SERVICE", "failed_at": _NOW},
    SMSReceived: {"sender": _SOMEBODY, "message": "Hello", "received_at": _NOW, "alias": None, **_PHONE},
    SMSSentByHand: {**_OUTGOING, "sent_at": _NOW},
    CallMissed: _CALL,
    CallIncoming: {**_CALL, "duration_seconds": 42},
    CallOutgoing: {**_CALL, "duration_seconds": 42},
    WhatsAppSubmitted: {**_OUTGOING, "submitted_at": _NOW},
    WhatsAppSent: {**_OUTGOING, "sent_at": _NOW},
    WhatsAppFailed: {**_OUTGOING, "error": "not on WhatsApp", "failed_at": _NOW},
    WhatsAppReceived: {**_WHATSAPP, "message": "Hello", "is_voice_message": False, "received_at": _NOW},
    WhatsAppVoiceTranscribed: {**_WHATSAPP, "transcript": "Hello", "duration_seconds": 6.8},
    EmailSent: {**_MAIL, "sent_at": _NOW},
    EmailReceived: {**_MAIL, "received_at": _NOW},
}
"""The data of each type under the names of the models, beside `guid`."""

_KEYS = {"sender": "from", "device": "device_id"}
"""How the service calls the fields that have another name."""


def envelope(kind: type[WebhookEvent], fields: dict[str, Any]) -> dict[str, Any]:
    """The JSON object of an event. `fields` are those of its data that matter, and `id`.

    Raises TypeError for a class that is no documented event, and for a field that it does not have.
    """
    if kind not in _DATA:
        names = ", ".join(sorted(known.__name__ for known in _DATA))
        raise TypeError(f"{getattr(kind, '__name__', kind)} is no documented event. There are: {names}.")
    event_id = fields.pop("id", None) or str(uuid4())
    data = {"guid": uuid4().hex, **_DATA[kind]}
    if unknown := sorted(fields.keys() - data.keys()):
        raise TypeError(f"{kind.__name__} has no field {unknown[0]!r}. It has: id, {', '.join(data)}.")
    now = datetime.now(timezone.utc)
    data = {name: now if value is _NOW else value for name, value in {**data, **fields}.items()}
    return {
        "id": event_id,
        "type": kind.model_fields["type"].default,
        "api_version": "2026-09-22",
        "created_at": _iso(now),
        "occurred_at": _iso(now),
        "data": {_KEYS.get(name, name): _spelled(name, value) for name, value in data.items()},
    }


def body_of(event: dict[str, Any]) -> bytes:
    """The bytes to post."""
    return json.dumps(event, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _spelled(name: str, value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    return f"{value.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S}" if name == "call_at" else _iso(value)


def _iso(moment: datetime) -> str:
    return f"{moment.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
