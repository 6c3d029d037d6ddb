"""The parser for version 1 webhooks: received SMS only, never signed, with keys in several languages.

They become the same `SMSReceived` as in version 2, so that one handler is enough. An inbox uses it too, since the
rows of received SMS have the same keys.
"""

from __future__ import annotations

import hashlib
import unicodedata
from datetime import datetime, tzinfo
from typing import Annotated, Any, ClassVar

from pydantic import AliasChoices, Field

from .._wire.model import DayAndHour, WireModel
from .._wire.values import UTC, Guid, LocalTimestamp, ReadWith, is_empty, read_text, read_timestamp
from ..errors import MalformedPayload
from .events import Name, SMSReceived, read_object

__all__ = ["parse_v1"]


def __dir__() -> list[str]:
    return __all__


class _Payload(WireModel):
    """A version 1 payload, whose keys are written as `_plain` writes them.

    For each field: the documented keys (D), those of the machine-translated French page, those that integrations
    report (O), and those of version 2.
    """

    _day_and_hour: ClassVar[DayAndHour] = {"added_at": ("date", "hour", "heure")}

    message: Annotated[str | None, ReadWith(lambda value: "" if value is None else read_text(value))] = None
    sender: Name = Field(None, validation_alias=AliasChoices("number", "from", "numero", "nombre", "sender"))
    guid: Guid = Field(None, validation_alias=AliasChoices("guid", "guide"))
    device: Name = Field(None, validation_alias=AliasChoices("sidentifiantphone", "device_id", "device"))
    alias: Name = None
    received_at: LocalTimestamp = Field(
        None, validation_alias=AliasChoices("timestamp_unix", "time_received", "heure_recue", "received_at")
    )
    added_at: LocalTimestamp = None


_KEYS = {"message", "alias", "date", "hour", "heure"}.union(*_Payload._spellings.values()) - {"added_at"}
_LONGEST_KEY = 64
"""Characters. A longer key is none of these: anybody can post one, and to take its accents off can take minutes."""


def parse_v1(body: bytes | str, tz: tzinfo = UTC) -> SMSReceived:
    """The event in a version 1 body. Nothing proves where it came from: `signed` is False.

    body: the JSON of the request, at most 1 MiB.
    tz: the zone of times without an offset, of zoneinfo, dateutil or pytz; the service does not document it, and UTC is
        assumed (A).

    Version 1 has no event id, no version and sometimes no times. So:

    - `id` is the message's GUID, else `sha256:` and the hash of the body. A repeated delivery has the same `id`,
      which an `EventStore` needs. `api_version` is None.
    - `data.received_at` is `timestamp_unix`, else `time_received`, else `date` with `hour`; None if none of them can
      be read.
    - `created_at` is `date` with `hour` (when the server added it), else `data.received_at`; `occurred_at` is
      `data.received_at`. Without any time, both are the time of parsing.

    Raises MalformedPayload for a body that is empty, is not a JSON object, or lacks the message or the sender; its text
    never holds the content. Raises TypeError for a body or a tz of another type.
    """
    if not isinstance(tz, tzinfo):
        raise TypeError(f"tz is a tzinfo such as zoneinfo.ZoneInfo('Europe/Paris'), not {type(tz).__name__}.")
    if isinstance(body, str):
        # "replace" makes lone surrogates question marks instead of raising an error that would hold the text.
        return read_v1(body.encode("utf-8", "replace"), tz)
    if isinstance(body, bytes | bytearray | memoryview):
        return read_v1(bytes(body), tz)
    raise TypeError(f"The body is the bytes or the text of the request, not {type(body).__name__}.")


def read_v1(body: bytes, zone: tzinfo = UTC) -> SMSReceived:
    """As `parse_v1`, for bytes."""
    return event_of(read_object(body), "sha256:" + hashlib.sha256(body).hexdigest(), datetime.now(UTC), zone)


def event_of(payload: dict[str, Any], key: str, now: datetime, zone: tzinfo = UTC) -> SMSReceived:
    """The event of a version 1 payload. `key` replaces a missing GUID, `now` a missing time.

    Raises MalformedPayload as `parse_v1` does.
    """
    known: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in payload.items():
        plain = _plain(name) if len(name) <= _LONGEST_KEY else ""
        if plain not in _KEYS:
            extra[name] = value
        elif is_empty(known.get(plain)):  # the first of several keys that differ in accents or case only
            known[plain] = value
    said = _Payload.from_wire(known)

    if said.message is None:
        raise MalformedPayload("The message is missing: expected as text under the key message.")
    if said.sender is None or not said.sender.strip():
        raise MalformedPayload(
            "The sender's number is missing: expected under the key number (or from, numéro, nombre)."
        )
    added = read_timestamp(said.added_at, zone)
    received = read_timestamp(said.received_at, zone) or added
    occurred = received or now
    data = {field: getattr(said, field) for field in ("guid", "sender", "message", "alias", "device")}
    return SMSReceived.model_validate(
        {
            "id": said.guid or key,
            "api_version": None,
            "created_at": added or occurred,
            "occurred_at": occurred,
            "data": {**extra, **data, "received_at": received},
        }
    )


def _plain(key: str) -> str:
    """A key without accents (composed or not), capitals and spaces: `heure_reçue` → `heure_recue`."""
    letters = unicodedata.normalize("NFKD", key)
    return "".join(c for c in letters if not unicodedata.combining(c)).strip().lower().replace(" ", "_")
