"""The service's spellings of single values as Python values, and the annotated pydantic types that read them.

The models with these types are in channels/ and webhooks/, on the base in model.py.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timezone, tzinfo
from typing import TYPE_CHECKING, Annotated, Any

from pydantic_core import CoreSchema, SchemaValidator, core_schema, from_json

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler

UTC = timezone.utc

# No SMS is older or newer than this. It also tells a compact date (20250120101450) from a count of seconds.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)

# What is longer is no such value, and nothing else looks at it. Texts and names may have any length.
_LONGEST_NUMBER = 64
_LONGEST_TIME = 64
LONGEST_GUID = 255

GUID_KEYS = ("guid", "guid_message", "id")
"""The keys of a message's GUID, best first (O)."""
RECIPIENT_KEYS = ("number", "recipients", "phone")
"""The keys of a recipient's number, best first (O)."""
DEVICE_KEYS = ("sIdentifiant", "sIdentifiantPhone", "sid", "device_id")
"""The keys of a phone's SID, best first (D, O)."""

_YES = frozenset({"1", "1.0", "yes", "true", "on"})
_NO = frozenset({"", "0", "0.0", "no", "false", "off"})
_GREENWICH = re.compile(r"\s*(?:UTC|GMT)$", re.IGNORECASE)  # quadratic, so only for short texts
_ANY_DATETIME = SchemaValidator(core_schema.datetime_schema())


def is_empty(value: object) -> bool:
    """Whether a value means "no value": null or an empty string."""
    return value is None or value == ""


def read_json(body: bytes) -> Any:
    """Parse JSON. Half of a surrogate pair, as in an SMS that was cut inside an emoji, becomes a `?`.

    Raises ValueError for anything but JSON.
    """
    try:
        return from_json(body, cache_strings="keys")
    except ValueError as error:
        problem = error
    if b"\\ud" in body.lower():
        with suppress(ValueError, RecursionError):
            tolerated = json.dumps(json.loads(body), ensure_ascii=False)
            return from_json(tolerated.encode("utf-8", "replace"), cache_strings="keys")
    raise problem  # the first error: its text says whether the body was cut short


def read_bool(value: object) -> bool | None:
    """0/1, "0"/"1", yes/no, true/false as a boolean; False for "" and null, None for anything else."""
    word = "" if value is None else str(value).strip().lower()
    if word in _YES:
        return True
    return False if word in _NO else None


def read_optional_bool(value: object) -> bool | None:
    """As `read_bool`, but None also for "" and null."""
    return None if is_empty(value) else read_bool(value)


def read_wrapped_bool(value: object) -> bool | None:
    """As `read_bool`, also for a value that is wrapped: `{"status": "0"}`."""
    return read_bool(value.get("status") if isinstance(value, dict) else value)


def read_int(value: object) -> int | None:
    """A number, also as text, rounded down to a whole number; None for anything else."""
    text = str(value) if isinstance(value, (str, int, float)) else ""
    if not 0 < len(text) <= _LONGEST_NUMBER:
        return None
    for read in (int, float):  # int first: a float would lose the last digits of a long number
        with suppress(ValueError, OverflowError):
            return math.floor(read(text))
    return None


def read_text(value: object) -> str | None:
    """Text, or a number as text; None for anything else."""
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None


def read_guid(value: object) -> str | None:
    """A GUID or a numeric id as text, without the spaces around it; None for what is longer than a GUID.

    None also for `0` and `0000-00-00`, which PHP and MySQL write for "none".
    """
    text = (read_text(value) or "").strip()
    is_none = not text or text == "0" or text.startswith("0000-00-00") or len(text) > LONGEST_GUID
    return None if is_none else text


def read_timestamp(value: object, zone: tzinfo = UTC) -> datetime | None:
    """Any spelling of a time as an aware UTC datetime; None for anything else, such as `0` or `0000-00-00 00:00:00`.

    Understood: Unix seconds, milliseconds and microseconds, `YYYYMMDDHHMMSS` with or without milliseconds, ISO 8601,
    and `YYYY-MM-DD HH:MM:SS`, also followed by ` UTC` or ` GMT`; numbers also as text. A time without an offset is in
    `zone`.
    """
    moment = read_local_timestamp(value)
    if moment is None:
        return None
    if moment.tzinfo is None:
        # A zone of pytz is right only with its own method: without it, Paris is nine minutes from Greenwich.
        localize = getattr(zone, "localize", None)
        moment = localize(moment) if localize else moment.replace(tzinfo=zone)
    moment = moment.astimezone(UTC)
    return moment if EARLIEST <= moment < LATEST else None  # it may have become implausible in this zone


def read_local_timestamp(value: object) -> datetime | None:
    """As `read_timestamp`, but naive where no offset is given."""
    text = "" if isinstance(value, (dict, list)) else str(value)
    if len(text) > _LONGEST_TIME:
        return None
    text, in_utc = _GREENWICH.subn("", text.strip())
    moment: datetime
    try:
        if text.isascii() and text.isdigit() and len(text) in (14, 17):
            # Only strptime reads digits without separators, and it takes the milliseconds for microseconds.
            moment = datetime.strptime(f"{text:0<17}000", "%Y%m%d%H%M%S%f")  # noqa: DTZ007 - the zone is the caller's
        elif text.isascii() and text.isdigit() and len(text) == 16:
            moment = _ANY_DATETIME.validate_python(int(text) / 1e6)
        else:
            moment = _ANY_DATETIME.validate_python(text)
        if in_utc and moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        is_plausible = EARLIEST <= (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment) < LATEST
    except (ValueError, OverflowError):
        return None
    return moment if is_plausible else None


class ReadWith:
    """Makes a type whose values are read by a function, unless pydantic can read them in Rust by the `fast` schema."""

    def __init__(self, function: Callable[[Any], Any], fast: CoreSchema | None = None) -> None:
        self._function = function
        self._fast = fast

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        slow = core_schema.no_info_plain_validator_function(self._function)
        if self._fast is None:
            return slow
        return core_schema.union_schema([self._fast, slow], mode="left_to_right")


class _TimestampSchema:
    """pydantic reads the unambiguous spellings in Rust; `read_timestamp` reads the others."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        naive = core_schema.datetime_schema(
            tz_constraint="naive", ge=EARLIEST.replace(tzinfo=None), lt=LATEST.replace(tzinfo=None)
        )
        return core_schema.union_schema(
            [
                UTC_DATETIME,
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


# What PHP writes for "none" (`false`, `[]`, `{}`) is empty. Any other value becomes text as Python writes it.
def _any_text(value: object) -> str | None:
    return str(value) if value else None


def _any_message(value: object) -> str:
    return str(value) if value else ""


UTC_DATETIME = core_schema.datetime_schema(tz_constraint=0, ge=EARLIEST, lt=LATEST)
TEXT = core_schema.str_schema(coerce_numbers_to_str=True)
NON_EMPTY_TEXT = core_schema.str_schema(coerce_numbers_to_str=True, min_length=1)
# Printable ASCII without spaces, which is faster to check than other classes. If pydantic stripped the texts, it would
# keep thousands of them.
_NOT_FROM_ZERO = core_schema.str_schema(coerce_numbers_to_str=True, pattern="^[!-/1-~][!-~]*$", max_length=LONGEST_GUID)

Timestamp = Annotated[datetime | None, _TimestampSchema()]
LocalTimestamp = Annotated[datetime | None, ReadWith(read_local_timestamp)]
OptionalText = Annotated[str | None, ReadWith(_any_text, NON_EMPTY_TEXT)]
MessageText = Annotated[str, ReadWith(_any_message, TEXT)]
Guid = Annotated[str | None, ReadWith(read_guid, _NOT_FROM_ZERO)]
Bool = Annotated[bool | None, ReadWith(read_bool)]
OptionalBool = Annotated[bool | None, ReadWith(read_optional_bool)]
WrappedBool = Annotated[bool | None, ReadWith(read_wrapped_bool)]
OptionalInt = Annotated[int | None, ReadWith(read_int)]
