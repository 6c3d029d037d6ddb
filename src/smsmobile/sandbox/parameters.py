"""Reads the parameters of a request: what is required, what is malformed, and what they mean.

Which ones an operation has, and what it does with them, lives in service/.
An empty parameter counts as missing, as in PHP.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from .errors import invalid_param, missing_param

Parameters = Mapping[str, str]

_DIGITS = re.compile(r"[0-9]{1,10}")
_MILLISECONDS = re.compile(r"[0-9]{1,13}")
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER = re.compile(r"\+?[0-9]{3,15}")
# A schedule or a filter beyond this is milliseconds passed for seconds.
_LAST_TIMESTAMP = int(datetime(2100, 1, 1, tzinfo=timezone.utc).timestamp())


@dataclass(frozen=True)
class Span:
    """A stretch of time: aware UTC, both ends belong to it, None where it is open."""

    first: datetime | None = None
    last: datetime | None = None

    def __contains__(self, moment: datetime) -> bool:
        return (self.first is None or self.first <= moment) and (self.last is None or moment <= self.last)


def required(given: Parameters, name: str) -> str:
    """The value of a parameter that must be there, or the contract's 400."""
    value = optional(given, name)
    if value is None:
        raise missing_param(name)
    return value


def timestamp(text: str) -> datetime | None:
    """Unix seconds as an aware UTC datetime; None where the text is something else."""
    if not _DIGITS.fullmatch(text) or int(text) >= _LAST_TIMESTAMP:
        return None
    return datetime.fromtimestamp(int(text), timezone.utc)


def optional(given: Parameters, name: str) -> str | None:
    """The value of a parameter, or None."""
    value = given.get(name, "")
    return value if value.strip() else None


def flag(given: Parameters, name: str, no: str = "0", yes: str = "1", *, default: bool = False) -> bool:
    """Whether a parameter that is one of two words says yes."""
    value = optional(given, name)
    if value not in (None, no, yes):
        raise invalid_param(name)
    return default if value is None else value == yes


def instant(given: Parameters, name: str) -> datetime | None:
    """A parameter in Unix seconds as an aware UTC datetime."""
    value = optional(given, name)
    if value is None:
        return None
    moment = timestamp(value)
    if moment is None:
        raise invalid_param(name)
    return moment


def number(given: Parameters, name: str) -> str:
    """A phone number that must be there, as the caller spelled it."""
    value = required(given, name)
    # An unencoded "+" in a query string arrives as a space: the number alone is then still a number.
    if not _NUMBER.fullmatch(re.sub(r"[\s().\-/]", "", value)):
        raise invalid_param(name)
    return value.strip()


def text(given: Parameters, name: str) -> str:
    """What to search for: in lower case, and empty where nothing is searched for."""
    return (optional(given, name) or "").strip().casefold()


def choice(given: Parameters, name: str, words: tuple[str, ...], default: str) -> str:
    """A parameter that is one of these words, in any case."""
    value = optional(given, name)
    if value is None:
        return default
    if value.lower() not in words:
        raise invalid_param(name)
    return value.lower()


def integer(given: Parameters, name: str, default: int, *, least: int | None = 0, most: int | None = None) -> int:
    """A whole number. One above `most` counts as `most`, as the service caps its limits."""
    value = optional(given, name)
    if value is None:
        return default
    if not _INTEGER.fullmatch(value) or (least is not None and int(value) < least):
        raise invalid_param(name)
    return int(value) if most is None else min(int(value), most)


def days(given: Parameters, first: str, last: str) -> Span:
    """Two parameters that name a first and a last day, YYYY-MM-DD in UTC; both days belong to it."""
    begin, end = day(given, first), day(given, last)
    return Span(
        None if begin is None else datetime.combine(begin, time.min, timezone.utc),
        None if end is None else datetime.combine(end, time.max, timezone.utc),
    )


def millisecond_span(given: Parameters, first: str, last: str) -> Span:
    """Two parameters that name a first and a last moment in Unix milliseconds; both belong to it."""
    begin, end = _millisecond(given, first), _millisecond(given, last)
    return Span(begin, None if end is None else end + timedelta(microseconds=999))


def day(given: Parameters, name: str) -> date | None:
    """A day, YYYY-MM-DD."""
    value = optional(given, name)
    if value is None:
        return None
    try:
        if _DAY.fullmatch(value):  # fromisoformat reads other spellings, too, and not the same ones everywhere
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise invalid_param(name)


def _millisecond(given: Parameters, name: str) -> datetime | None:
    value = optional(given, name)
    if value is None:
        return None
    if not _MILLISECONDS.fullmatch(value) or int(value) >= _LAST_TIMESTAMP * 1000:
        raise invalid_param(name)
    return datetime.fromtimestamp(int(value) // 1000, timezone.utc) + timedelta(milliseconds=int(value) % 1000)
