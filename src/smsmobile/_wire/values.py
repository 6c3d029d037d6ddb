"""The service's spellings of single values as Python values, and the annotated pydantic types that read them.

The models with these types are in model.py and in channels/.
"""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from datetime import datetime, timezone, tzinfo
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema, core_schema, from_json

UTC = timezone.utc

# No SMS is older or newer than this. It also tells a compact date (20250120101450) from a count of seconds.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)

GUID_KEYS = ("guid", "guid_message", "id")
"""Under which names a message's handle stands (O)."""
DEVICE_KEYS = ("sIdentifiant", "sIdentifiantPhone", "sid", "device_id")
"""Under which names a phone's SID stands (D, O)."""

_YES = frozenset({"1", "1.0", "yes", "true", "on"})
_NO = frozenset({"", "0", "0.0", "no", "false", "off"})
_GREENWICH = re.compile(r"\s*(?:UTC|GMT)$", re.IGNORECASE)
_ANY_DATETIME: TypeAdapter[datetime] = TypeAdapter(datetime)


def is_empty(value: object) -> bool:
    """Whether the wire says "no value": null or an empty string. (A missing key is the third way.)"""
    return value is None or value == ""


def read_bool(value: object) -> bool | None:
    """0/1, "0"/"1", yes/no, true/false, "" and null as a boolean; None for anything else."""
    word = "" if value is None else str(value).strip().lower()
    if word in _YES:
        return True
    return False if word in _NO else None


def read_optional_bool(value: object) -> bool | None:
    """A flag whose absence is no answer: None also for "" and null."""
    return None if is_empty(value) else read_bool(value)


def read_json(body: bytes) -> Any:
    """JSON to Python. Half of a surrogate pair, as in an SMS that was cut inside an emoji, becomes a `?`.

    Raises ValueError for what is not JSON.
    """
    try:
        return from_json(body, cache_strings="keys")
    except ValueError as error:
        problem = error
    if b"\\ud" in body.lower():
        with suppress(ValueError, RecursionError):
            tolerated = json.dumps(json.loads(body), ensure_ascii=False)
            return from_json(tolerated.encode("utf-8", "replace"), cache_strings="keys")
    raise problem  # the first one: its text tells what was cut short


def read_int(value: object) -> int | None:
    """A number, also as text, rounded down to a whole one: of 12.7 seconds 12 are over. None where there is none."""
    text = str(value)
    for read in (int, float):  # int first: a float would lose the end of a long one
        with suppress(ValueError, OverflowError):
            return math.floor(read(text))
    return None


def read_guid(value: object) -> str | None:
    """A GUID or an id as text; None for `0` and `0000-00-00`, as PHP and MySQL spell that there is none."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    text = str(value)
    return None if text in ("", "0") or text.startswith("0000-00-00") else text


def read_timestamp(value: object, zone: tzinfo = UTC) -> datetime | None:
    """Every spelling of a moment as an aware UTC datetime; None for what is none (`0`, `0000-00-00 00:00:00`).

    Understood: Unix seconds, milliseconds and microseconds, `YYYYMMDDHHMMSS` with or without milliseconds,
    ISO 8601, `YYYY-MM-DD HH:MM:SS` also with ` UTC` or ` GMT` behind it; numbers also as text. Where no offset is
    given, `zone` says what it is.
    """
    text, in_utc = _GREENWICH.subn("", str(value).strip())
    zone = UTC if in_utc else zone
    moment: datetime
    try:
        if text.isascii() and text.isdigit() and len(text) in (14, 17):
            # Only strptime reads digits without separators, and it takes the milliseconds for microseconds.
            moment = datetime.strptime(f"{text:0<17}000", "%Y%m%d%H%M%S%f")  # noqa: DTZ007 - the zone follows
        elif text.isascii() and text.isdigit() and len(text) == 16:
            moment = _ANY_DATETIME.validate_python(int(text) / 1e6)
        else:
            moment = _ANY_DATETIME.validate_python(text)
        moment = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if EARLIEST <= moment < LATEST else None


class _TimestampSchema:
    """pydantic reads what can only mean one thing, in Rust; the rest is left to `read_timestamp`."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        in_utc = core_schema.datetime_schema(tz_constraint=0, ge=EARLIEST, lt=LATEST)
        naive = core_schema.datetime_schema(
            tz_constraint="naive", ge=EARLIEST.replace(tzinfo=None), lt=LATEST.replace(tzinfo=None)
        )
        return core_schema.union_schema(
            [
                in_utc,
                core_schema.no_info_after_validator_function(_assume_utc, naive),
                core_schema.no_info_plain_validator_function(read_timestamp),
            ],
            mode="left_to_right",
            serialization=core_schema.plain_serializer_function_ser_schema(_isoformat, when_used="json-unless-none"),
        )


def _assume_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


def _isoformat(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


class _TextSchema:
    """Text, or a number in its place; what is stranger becomes its Python spelling, never an error.

    `false`, `[]` and `{}` are what PHP makes of "none".
    """

    def __init__(self, empty: str | None) -> None:
        self._empty = empty

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.union_schema(
            [
                core_schema.str_schema(coerce_numbers_to_str=True, min_length=1),
                core_schema.no_info_plain_validator_function(self._read),
            ],
            mode="left_to_right",
        )

    def _read(self, value: object) -> str | None:
        return str(value) if value else self._empty


class _GuidSchema:
    """pydantic reads what does not begin with a zero, in Rust; the rest is left to `read_guid`."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.union_schema(
            [
                core_schema.str_schema(coerce_numbers_to_str=True, pattern="^[^0]"),
                core_schema.no_info_plain_validator_function(read_guid),
            ],
            mode="left_to_right",
        )


def read_wrapped_bool(value: object) -> bool | None:
    """A flag that may be wrapped: `{"status": "0"}`."""
    return read_bool(value.get("status") if isinstance(value, dict) else value)


class _Read:
    """A field whose value is whatever `function` makes of the wire's."""

    def __init__(self, function: Any) -> None:
        self._function = function

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._function)


Timestamp = Annotated[datetime | None, _TimestampSchema()]
OptionalText = Annotated[str | None, _TextSchema(empty=None)]
Guid = Annotated[str | None, _GuidSchema()]
MessageText = Annotated[str, _TextSchema(empty="")]
Bool = Annotated[bool | None, _Read(read_bool)]
OptionalBool = Annotated[bool | None, _Read(read_optional_bool)]
WrappedBool = Annotated[bool | None, _Read(read_wrapped_bool)]
OptionalInt = Annotated[int | None, _Read(read_int)]
