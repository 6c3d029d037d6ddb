"""Checks arguments (texts, GUIDs, times, days) and converts them to what the service expects.

Every function raises InvalidRequestError for a wrong argument. Phone numbers are in phone_numbers.py.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from .._wire.values import UTC
from ..errors import InvalidRequestError
from .phone_numbers import mask_numbers

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LARGEST = 2**31 - 1
_LARGEST_SHOWN = 99_999  # a larger number may be a phone number that was passed as the wrong argument
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def describe(value: object) -> str:
    """Describe a wrong value for an error text. Shows small numbers only, never a text."""
    if not isinstance(value, (int, float)):
        return f"is of type {type(value).__name__}"
    can_be_shown = abs(value) <= _LARGEST_SHOWN or (isinstance(value, float) and not math.isfinite(value))
    return f"is {value}" if can_be_shown else "is out of range"


def check_text(name: str, text: object) -> str:
    """Check for a text that is not empty."""
    if not isinstance(text, str):
        raise InvalidRequestError(f"The {name} is of type {type(text).__name__}; expected text (str).")
    if not text.strip():
        raise InvalidRequestError(f"The {name} is empty; expected some text.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequestError(
            f"The {name} has half of a surrogate pair at position {error.start}, which cannot be sent; it was probably "
            "cut inside an emoji or decoded wrongly."
        ) from None
    return text


def check_line(name: str, text: object) -> str:
    """Check for one line of text that is not empty. Returns it without the spaces around it."""
    text = check_text(name, text)
    if any(char in text for char in "\r\n\x00"):
        raise InvalidRequestError(f"The {name} contains a line break; expected one line.")
    return text.strip()


def check_bool(name: str, value: object) -> bool:
    """Check for True or False. Other values are refused, since Python takes the text "no" for true."""
    if isinstance(value, bool):
        return value
    raise InvalidRequestError(f"{name} is of type {type(value).__name__}; expected True or False.")


def check_guid(guid: object) -> str:
    """Check for a GUID. The error for None says how to find the message."""
    if guid is None:
        raise InvalidRequestError(
            "The GUID is None: the service accepted the message without returning one. Find the message in the log."
        )
    return check_line("GUID", guid)


def unix_time(name: str, time: object) -> int:
    """Convert an aware datetime or a Unix time to whole Unix seconds, rounded down."""
    if isinstance(time, datetime):
        if time.utcoffset() is None:
            raise InvalidRequestError(
                f"{name} is a naive datetime, which has no timezone; expected an aware one, such as "
                "datetime.now(timezone.utc) or one with tzinfo=ZoneInfo('Europe/Paris')."
            )
        return (time - _EPOCH) // timedelta(seconds=1)
    if isinstance(time, (int, float)) and not isinstance(time, bool) and 0 <= time < 1e11:
        return int(time)
    raise InvalidRequestError(f"{name} {describe(time)}; expected an aware datetime, or a Unix time in seconds.")


def unix_milliseconds(name: str, time: object) -> int:
    """Convert an aware datetime or a Unix time in seconds to whole milliseconds, rounded down."""
    seconds = unix_time(name, time)
    if isinstance(time, datetime):
        return (time - _EPOCH) // timedelta(milliseconds=1)
    return int(time * 1000) if isinstance(time, float) else seconds * 1000


def schedule_time(name: str, time: object) -> int:
    """Convert an aware datetime to whole Unix seconds. Numbers are refused: their unit is not known."""
    if not isinstance(time, datetime):
        raise InvalidRequestError(f"{name} is of type {type(time).__name__}; expected an aware datetime.")
    return unix_time(name, time)


def check_day(name: str, day: object) -> str:
    """Convert a date, or a text such as `2026-03-20`, to the service's format `2026-03-20`."""
    if isinstance(day, datetime):
        raise InvalidRequestError(
            f"{name} is a datetime, whose day depends on the timezone; expected a date, such as {name}.date()."
        )
    if isinstance(day, date):
        return day.isoformat()
    if not isinstance(day, str):
        raise InvalidRequestError(
            f"{name} is of type {type(day).__name__}; expected a date, or text such as '2026-03-20'."
        )
    try:
        if _DAY.fullmatch(day.strip()):  # fromisoformat also reads other formats, which depend on Python's version
            return date.fromisoformat(day.strip()).isoformat()
    except ValueError:
        pass
    shown = day.strip() if _DAY.fullmatch(day.strip()) else mask_numbers(day)[:20]
    raise InvalidRequestError(
        f"{name} is {shown!r}, which is not a day; expected a date, or text such as '2026-03-20'."
    )


def check_days(first_day: object, last_day: object) -> tuple[str | None, str | None]:
    """Check a range of days. None leaves an end open."""
    first = None if first_day is None else check_day("first_day", first_day)
    last = None if last_day is None else check_day("last_day", last_day)
    if first and last and last < first:
        raise InvalidRequestError(f"last_day {last} is before first_day {first}; expected the same day or a later one.")
    return first, last


def check_whole(name: str, number: object, least: int = 0, most: int = _LARGEST) -> int:
    """Check for a whole number from `least` to `most`."""
    if isinstance(number, int) and not isinstance(number, bool) and least <= number <= most:
        return number
    raise InvalidRequestError(f"{name} {describe(number)}; expected a whole number from {least} to {most}.")


def check_choice(name: str, word: object, words: Sequence[str]) -> str:
    """Check for one of these words."""
    if isinstance(word, str) and word in words:
        return word
    shown = f"is {mask_numbers(word)[:20]!r}" if isinstance(word, str) else f"is of type {type(word).__name__}"
    raise InvalidRequestError(f"{name} {shown}; expected {' or '.join(map(repr, words))}.")
