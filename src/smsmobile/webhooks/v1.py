"""The small parser for version 1 webhooks: received SMS only, never signed, in several spellings.

They become the same `SMSReceived` that version 2 gives, so that a handler is written once. So do the rows of an inbox
that is asked, which say the same with the same keys (delivery/inbox.py).
"""

from __future__ import annotations

import hashlib
import unicodedata
from datetime import datetime, tzinfo
from typing import Any

from .._wire.values import UTC, is_empty, read_timestamp
from ..errors import MalformedPayload
from .events import SMSReceived, read_object

# Best first. The documented keys (D), those of the machine-translated French page, those that integrations
# report (O), and version 2's. Written as `_plain` spells them, so accents and case make no difference.
_SPELLINGS = {
    "message": ("message",),
    "sender": ("number", "from", "numero", "nombre", "sender"),
    "guid": ("guid", "guide"),
    "device": ("sidentifiantphone", "device_id", "device"),
    "alias": ("alias",),
    "unix": ("timestamp_unix",),
    "received": ("time_received", "heure_recue", "received_at"),
    "date": ("date",),
    "hour": ("hour", "heure"),
}
_KNOWN = frozenset(spelling for spellings in _SPELLINGS.values() for spelling in spellings)


def parse_v1(body: bytes | str, tz: tzinfo = UTC) -> SMSReceived:
    """The event in a version 1 body. Nothing proves where it came from: `signed` is False.

    `body`: the JSON of the request, at most 1 MiB. `tz`: what zone the times without an offset are in; the
    service does not say (UTC is assumed, A).

    Version 1 has no event id, no version and sometimes no times. So:

    - `id` is the message's GUID, else `sha256:` and the hash of the body: the same again for a repeated
      delivery, which is what an `EventStore` needs. `api_version` is None.
    - `data.received_at` is `timestamp_unix`, else `time_received`, else `date` with `hour`; None where none
      of them can be read.
    - `created_at` is `date` with `hour` (when the server added it), else `data.received_at`;
      `occurred_at` is `data.received_at`. Where there is no time at all both are the moment of parsing.

    Raises MalformedPayload for a body that is no JSON object or lacks the message or the sender; its text
    never holds the content. Raises TypeError for a body or a tz of another kind.
    """
    if not isinstance(tz, tzinfo):
        raise TypeError(f"tz is a tzinfo such as zoneinfo.ZoneInfo('Europe/Paris'), not {type(tz).__name__}.")
    if isinstance(body, str):
        # "replace" makes lone surrogates question marks rather than an error that would hold the text.
        return read_v1(body.encode("utf-8", "replace"), tz)
    if isinstance(body, bytes | bytearray | memoryview):
        return read_v1(bytes(body), tz)
    raise TypeError(f"The body is the bytes or the text of the request, not {type(body).__name__}.")


def read_v1(body: bytes, zone: tzinfo = UTC) -> SMSReceived:
    """As `parse_v1`, for bytes."""
    payload = read_object(body.removeprefix(b"\xef\xbb\xbf"))
    return event_of(payload, "sha256:" + hashlib.sha256(body).hexdigest(), datetime.now(UTC), zone)


def event_of(payload: dict[str, Any], key: str, now: datetime, zone: tzinfo = UTC) -> SMSReceived:
    """The event that a version 1 payload is. `key` and `now` stand in for a GUID and for times that it does not have.

    Raises MalformedPayload as `parse_v1` does.
    """
    fields, extra = _sort_out(payload)

    message, sender = _text(fields.get("message")), _text(fields.get("sender"))
    if message is None and any(_plain(key) == "message" and is_empty(value) for key, value in payload.items()):
        message = ""  # null: an SMS without text is still one, and a refusal would be delivered again and again
    if message is None:
        raise MalformedPayload("The message is missing: expected as text under the key message.")
    if sender is None or not sender.strip():
        raise MalformedPayload(
            "The sender's number is missing: expected under the key number (or from, numéro, nombre)."
        )
    guid = _text(fields.get("guid")) or None
    added = None
    if "date" in fields:
        added = read_timestamp(f"{fields['date']} {fields.get('hour') or ''}".strip(), zone)
    received = read_timestamp(fields.get("unix"), zone) or read_timestamp(fields.get("received"), zone) or added
    occurred = received or now
    return SMSReceived.model_validate(
        {
            "id": guid or key,
            "api_version": None,
            "created_at": added or occurred,
            "occurred_at": occurred,
            "data": {
                **extra,
                "guid": guid,
                "sender": sender,
                "message": message,
                "received_at": received,
                "alias": _text(fields.get("alias")) or None,
                "device": _text(fields.get("device")) or None,
            },
        }
    )


def _sort_out(payload: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What we know, by field; and the rest, as it came."""
    known: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for key, value in payload.items():
        spelling = _plain(key)
        if spelling not in _KNOWN:
            extra[key] = value
        elif is_empty(known.get(spelling)):
            known[spelling] = value

    fields: dict[str, Any] = {}
    for field, spellings in _SPELLINGS.items():
        for spelling in spellings:
            # An empty value under one spelling must not hide the next one's, and "" is still better than null.
            if known.get(spelling) is not None and is_empty(fields.get(field)):
                fields[field] = known[spelling]
    return fields, extra


def _plain(key: str) -> str:
    """A key without accents (composed or not), capitals and spaces: `heure_reçue` → `heure_recue`."""
    letters = unicodedata.normalize("NFKD", key)
    return "".join(c for c in letters if not unicodedata.combining(c)).strip().lower().replace(" ", "_")


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
