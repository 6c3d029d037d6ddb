"""The vendor's spellings as annotated pydantic types, and the frozen model that all answers are made of.

What an envelope is lives in envelopes.py; which fields a message has, in channels/.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone, tzinfo
from threading import Lock
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

UTC = timezone.utc

# No SMS is older or newer than this. It also tells a compact date (20250120101450) from a count of seconds.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)

_YES = frozenset({"1", "yes", "true", "on"})
_NO = frozenset({"", "0", "no", "false", "off"})
_ANY_DATETIME: TypeAdapter[datetime] = TypeAdapter(datetime)


def is_empty(value: object) -> bool:
    """Whether the wire says "no value": null or an empty string. (A missing key is the third way.)"""
    return value is None or value == ""


def read_flag(value: object) -> bool | None:
    """0/1, "0"/"1", yes/no, true/false, "" and null as a boolean; None for anything else."""
    if isinstance(value, dict):  # "encrypted": {"status": "0"}
        value = value.get("status")
    word = "" if value is None else str(value).strip().lower()
    if word in _YES:
        return True
    return False if word in _NO else None


def read_count(value: object) -> int | None:
    """A whole number, also as text; None where there is none."""
    try:
        return int(str(value))
    except ValueError:
        return None


def read_instant(value: object, zone: tzinfo = UTC) -> datetime | None:
    """Every spelling of a moment as an aware UTC datetime; None for what is none (`0`, `0000-00-00 00:00:00`).

    Understood: Unix seconds, milliseconds and microseconds, `YYYYMMDDHHMMSS` with or without milliseconds,
    ISO 8601, `YYYY-MM-DD HH:MM:SS`; numbers also as text. Where no offset is given, `zone` says what it is.
    """
    text = str(value).strip()
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


class _InstantSchema:
    """pydantic reads what can only mean one thing, in Rust; the rest is left to `read_instant`."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        plain = core_schema.datetime_schema(tz_constraint=0, ge=EARLIEST, lt=LATEST)
        return core_schema.union_schema(
            [plain, core_schema.no_info_plain_validator_function(read_instant)],
            mode="left_to_right",
            serialization=core_schema.plain_serializer_function_ser_schema(_isoformat, when_used="json-unless-none"),
        )


def _isoformat(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


class _TextSchema:
    """Text, or a number sent in its place; anything stranger becomes its JSON-like spelling, never an error."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.union_schema(
            [
                core_schema.str_schema(coerce_numbers_to_str=True),
                core_schema.no_info_plain_validator_function(_as_text),
            ],
            mode="left_to_right",
        )


def _as_text(value: object) -> str | None:
    return None if value is None else str(value)


class _Read:
    """A field whose value is whatever `function` makes of the wire's."""

    def __init__(self, function: Any) -> None:
        self._function = function

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._function)


Instant = Annotated[datetime | None, _InstantSchema()]
Text = Annotated[str | None, _TextSchema()]
Body = Annotated[str, _TextSchema()]
Flag = Annotated[bool | None, _Read(read_flag)]
Count = Annotated[int | None, _Read(read_count)]


class FrozenModel(BaseModel):
    """Immutable, and keeps what it does not know in `model_extra`."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True, defer_build=True)


class WireModel(FrozenModel):
    """A row or an answer of the service: several spellings a field, and empty means missing."""

    _known_spellings: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Note every spelling the class knows."""
        super().__pydantic_init_subclass__(**kwargs)
        known = set(cls.model_fields)
        for field in cls.model_fields.values():
            alias = field.validation_alias
            known.update(str(choice) for choice in alias.choices if isinstance(choice, str)) if isinstance(
                alias, AliasChoices
            ) else known.add(str(alias))
        cls._known_spellings = frozenset(known)

    @model_validator(mode="before")
    @classmethod
    def _read(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = cls._known_spellings
        # An empty value under one spelling must not hide the next spelling's. Unknown keys stay as they came.
        row = {k: v for k, v in data.items() if (v is not None and v != "") or k not in known}
        cls._derive(row)
        return row

    @classmethod
    def _derive(cls, row: dict[str, Any]) -> None:
        """Fill in fields that the wire only implies. `row` may be changed."""


def join_date_and_hour(row: dict[str, Any], field: str, *spellings: str) -> None:
    """Older rows give the moment in two keys, `date` and `hour`; use them where no better spelling is there."""
    if not any(spelling in row for spelling in (field, *spellings)) and not is_empty(row.get("date")):
        row[field] = f"{row['date']} {row.get('hour') or ''}".strip()


Model = TypeVar("Model", bound=BaseModel)


def read_rows(model: type[Model], rows: list[Any]) -> list[Model]:
    """Rows to models. Raises ValueError, without their content, where one is not an object."""
    with _collector_paused():
        try:
            return [model.model_validate(row) for row in rows]
        except ValidationError as error:
            where = [".".join(map(str, e["loc"])) + ": " + e["type"] for e in error.errors(include_input=False)]
    raise ValueError(f"a row is not a {model.__name__} ({'; '.join(where)})")


_pause_lock = Lock()
_pauses = 0


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the cyclic garbage collector from re-reading a growing page of models again and again.

    Decoding makes many objects and no cycles; for a page of 100,000 rows the collector is a third of the time.
    Several threads may decode at once: the first one pauses, the last one resumes.
    """
    global _pauses  # noqa: PLW0603 - the collector itself is process-wide
    with _pause_lock:
        paused_here = _pauses > 0 or gc.isenabled()
        if paused_here:
            _pauses += 1
            gc.disable()
    try:
        yield
    finally:
        if paused_here:
            with _pause_lock:
                _pauses -= 1
                if _pauses == 0:
                    gc.enable()
