"""The vendor's spellings as annotated pydantic types, and the frozen model that all answers are made of.

What an envelope is lives in envelope.py; which fields a message has, in channels/.
"""

from __future__ import annotations

import gc
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timezone, tzinfo
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    TypeAdapter,
)
from pydantic_core import CoreSchema, core_schema, from_json

if TYPE_CHECKING:
    from typing_extensions import Self

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


class FrozenModel(BaseModel):
    """Immutable, and keeps what it does not know in `model_extra`."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True, defer_build=True)


class WireModel(FrozenModel):
    """A row or an answer of the service: several spellings a field, and empty means missing."""

    _date_and_hour: ClassVar[str | None] = None
    """The field that older rows give in two keys, `date` and `hour`."""
    _spellings: ClassVar[dict[str, list[str]]] = {}
    """The fields that come under several keys, with these."""
    _emptiness: ClassVar[dict[str, Any]] = {}
    """Of these, the fields that are something else than None where there is nothing to read, with what they are."""
    _shared: ClassVar[frozenset[str]] = frozenset()
    """The keys that more than one field reads."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Note the spellings once, not for each row."""
        super().__pydantic_init_subclass__(**kwargs)
        cls._spellings = {
            name: [str(choice) for choice in field.validation_alias.choices]
            for name, field in cls.model_fields.items()
            if isinstance(field.validation_alias, AliasChoices)
        }
        cls._emptiness = {
            name: field.default
            for name, field in cls.model_fields.items()
            if name in cls._spellings and field.default is not None
        }
        readers = Counter(
            key
            for name, field in cls.model_fields.items()
            for key in {name, *cls._spellings.get(name, [str(field.validation_alias)])}
        )
        cls._shared = frozenset(key for key, fields in readers.items() if fields > 1)

    @classmethod
    def from_wire(cls, row: object) -> Self:
        """Read what the service sent. Raises ValueError, without the content, for what is not an object."""
        return cls.all_from_wire([row])[0]

    @classmethod
    def all_from_wire(cls, rows: Sequence[Any]) -> list[Self]:
        """The same for many rows."""
        if strange := set(map(type, rows)) - {dict}:
            raise ValueError(f"one is of type {strange.pop().__name__}, not an object")
        with collector_paused(len(rows)):
            validate = cls.__pydantic_validator__.validate_python  # model_validate takes twice as long
            models = [validate(row) for row in rows]
            spellings, emptiness = tuple(cls._spellings), cls._emptiness
            for place, model in enumerate(models):
                # pydantic takes the first spelling that is there, even where only the next one can be read.
                if None in map(model.__dict__.get, spellings) or (emptiness and cls._unread(model)):
                    models[place] = cls._reread(model, rows[place])
        return models

    @classmethod
    def _unread(cls, model: WireModel) -> list[str]:
        """The fields with several spellings in which nothing was found."""
        return [name for name in cls._spellings if model.__dict__[name] == cls._emptiness.get(name)]

    @classmethod
    def _reread(cls, model: Self, row: dict[str, Any]) -> Self:
        """The model with what other spellings say where the first one says nothing that can be read."""
        validate = cls.__pydantic_validator__.validate_python
        row = dict(row)
        while hiding := {key for name in cls._unread(model) if (key := cls._hiding(name, row))}:
            row = {key: value for key, value in row.items() if key not in hiding}
            model = validate(row)
        field = cls._date_and_hour
        if field and model.__dict__[field] is None and not is_empty(row.get("date")):
            row = {key: value for key, value in row.items() if key not in {field, *cls._spellings[field]} - cls._shared}
            # "date" may well have the time in it, and the "hour" beside it as well.
            for moment in (f"{row['date']} {row.get('hour') or ''}".strip(), row["date"]):
                dated: Self = validate({**row, field: moment})
                if dated.__dict__[field] is not None:
                    return dated
        return model

    @classmethod
    def _hiding(cls, field: str, row: dict[str, Any]) -> str | None:
        """The first spelling of a field in a row, where another one is there too."""
        there = [key for key in dict.fromkeys((*cls._spellings[field], field)) if key in row]
        return there[0] if len(there) > 1 and there[0] not in cls._shared else None


Model = TypeVar("Model", bound=WireModel)

_MANY = 10_000
_pause_lock = Lock()
_pauses = 0


@contextmanager
def collector_paused(objects: int) -> Iterator[None]:
    """Keep the cyclic garbage collector from re-reading a growing page of models again and again.

    Decoding makes many objects and no cycles; for a page of 100,000 rows the collector is a third of the time.
    Several threads may decode at once: the first one pauses, the last one resumes.
    """
    global _pauses  # noqa: PLW0603 - the collector itself is process-wide
    paused_here = False
    if objects >= _MANY:
        with _pause_lock:
            paused_here = _pauses > 0 or gc.isenabled()
            _pauses += paused_here
            if paused_here:
                gc.disable()
    try:
        yield
    finally:
        if paused_here:
            with _pause_lock:
                _pauses -= 1
                if _pauses == 0:
                    if not gc.get_freeze_count():  # else the application keeps objects frozen on purpose
                        # Hands what is new to the oldest generation; else the next allocation reads all of it.
                        gc.freeze()
                        gc.unfreeze()
                    gc.enable()
