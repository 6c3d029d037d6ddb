"""The service's answers in the contract's spelling: strings for numbers, its envelopes and its inconsistencies.

Errors live in refusals.py; which rows an answer holds is decided in service.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from .ledger import Message, Received
from .moments import clock, day, iso, iso_local, milliseconds

Answer = dict[str, Any]


def accepted(message: Message, at: datetime) -> Answer:
    """A message was taken: by `/sendsms/` or, once more, by `/resend/`."""
    blocked = bool(message.api_error)
    return {
        "result": {
            "error": 0,
            "sent": "0" if blocked and not message.by_whatsapp else "1",
            "id": message.guid,
            "note": "blocked by sendsms=0" if blocked else "sent by mobile",
            "datetime": iso(at),
            "datetimeLocal": iso_local(at),
            "port": _port(message),
            "iac_control": "1",
            "iac_authorized": "1",
            "send_with_whatsapp": "1" if message.by_whatsapp else "0",
            "encrypted": {"status": "1" if message.encrypted else "0"},
            "trial_account": {"status": "0", "sms_sent": 0},
        }
    }


def log(messages: Iterable[Message], sid: str) -> Answer:
    """A page of the sent log."""
    return {"result": {"error": 0, "sms": [_log_row(message, sid) for message in messages]}}


def no_message() -> Answer:
    """The log knows no such GUID. It may not know it yet: a caller must not take this for a failed call."""
    return {"result": {"error": "no_message", "sms": []}}


def inbox(messages: Iterable[Received], sid: str) -> Answer:
    """Received SMS."""
    return {"result": {"error": 0, "sms": [_inbox_row(message, sid) for message in messages]}}


def deleted(guid: str) -> Answer:
    """A row is gone. The contract shows no such answer: this is its `success` envelope."""
    return {"success": True, "message": "SMS deleted.", "guid": guid}


def token(access_token: str, expires_in: int | None) -> Answer:
    """An OAuth2 token (RFC 6749 section 5.1)."""
    answer: Answer = {"access_token": access_token, "token_type": "Bearer"}
    if expires_in is not None:
        answer["expires_in"] = expires_in
    return answer


def _port(message: Message) -> str | None:
    return None if message.sim is None else str(message.sim)


def _log_row(message: Message, sid: str) -> Answer:
    return {
        "guid": message.guid,
        "number": message.number,
        "message": message.text,
        "datetime": iso(message.submitted_at),
        "send_from_mobile": "0" if message.sent_at is None else "1",
        "send_from_mobile_datetime": None if message.sent_at is None else iso(message.sent_at),
        "send_from_mobile_erreur": message.phone_error,
        "error_api": message.api_error or "0",
        "sIdentifiant": sid,
        "port": _port(message),
    }


def _inbox_row(message: Received, sid: str) -> Answer:
    return {
        "id": message.id,
        "guid": message.guid,
        "number": message.sender,
        "message": message.text,
        "sIdentifiantPhone": sid,
        "alias": None,
        "timestamp_unix": milliseconds(message.received_at),
        "date": day(message.added_at),
        "hour": clock(message.added_at),
        "time_received": f"{day(message.received_at)} {clock(message.received_at)}",
    }
