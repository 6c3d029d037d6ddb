"""Checks and spells what a caller passes: texts, GUIDs, moments, days. Phone numbers live in phone_numbers.py.

Every refusal is an InvalidRequestError, raised before anything is sent.
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
_LARGEST_SHOWN = 99_999  # a longer one may be a phone number that went into the wrong argument
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def describe(value: object) -> str:
    """What an error says of a value that is none of those it should be: no more than anybody may read."""
    if not isinstance(value, (int, float)):
        return f"is of type {type(value).__name__}"
    is_harmless = abs(value) <= _LARGEST_SHOWN or (isinstance(value, float) and not math.isfinite(value))
    return f"is {value}" if is_harmless else "is out of range"


def check_text(name: str, text: object) -> str:
    """Any text that is not empty; else InvalidRequestError."""
    if not isinstance(text, str):
        raise InvalidRequestError(f"The {name} is of type {type(text).__name__}; expected text (str).")
    if not text.strip():
        raise InvalidRequestError(f"The {name} is empty; expected some text.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequestError(
            f"The {name} has half of a surrogate pair at position {error.start}, which cannot be sent; the text was "
            "probably cut inside an emoji or decoded wrongly."
        ) from None
    return text


def check_line(name: str, text: object) -> str:
    """One line of text, without the spaces around it."""
    text = check_text(name, text)
    if any(char in text for char in "\r\n\x00"):
        raise InvalidRequestError(f"The {name} holds a line break; expected one line.")
    return text.strip()


def check_bool(name: str, value: object) -> bool:
    """True or False. Not what Python takes for them: "no", which the service would understand, is true to it."""
    if isinstance(value, bool):
        return value
    raise InvalidRequestError(f"{name} is of type {type(value).__name__}; expected True or False.")


def check_guid(guid: object) -> str:
    """A GUID that was given; None has an error of its own."""
    if guid is None:
        raise InvalidRequestError(
            "The GUID is None: the service accepted the message without giving one. Find the message in the log."
        )
    return check_line("GUID", guid)


def unix_time(name: str, moment: object) -> int:
    """Whole seconds since 1970, of an aware datetime or of a number of seconds."""
    if isinstance(moment, datetime):
        if moment.utcoffset() is None:
            raise InvalidRequestError(
                f"{name} is a naive datetime: nobody can tell which timezone it is in. Give an aware one, such as "
                "datetime.now(timezone.utc) or one with tzinfo=ZoneInfo('Europe/Paris')."
            )
        return (moment - _EPOCH) // timedelta(seconds=1)
    if isinstance(moment, (int, float)) and not isinstance(moment, bool) and 0 <= moment < 1e11:
        return int(moment)
    raise InvalidRequestError(f"{name} {describe(moment)}; expected an aware datetime, or a Unix time in seconds.")


def unix_milliseconds(name: str, moment: object) -> int:
    """The same in milliseconds."""
    seconds = unix_time(name, moment)
    if isinstance(moment, datetime):
        return (moment - _EPOCH) // timedelta(milliseconds=1)
    return int(moment * 1000) if isinstance(moment, float) else seconds * 1000


def schedule_time(name: str, moment: object) -> int:
    """Whole seconds since 1970 of an aware datetime, and of nothing else: a number may well be in another unit."""
    if not isinstance(moment, datetime):
        raise InvalidRequestError(f"{name} is of type {type(moment).__name__}; expected an aware datetime.")
    return unix_time(name, moment)


def check_day(name: str, day: object) -> str:
    """A day as the service spells it, `2026-03-20`, of a date or of such a text."""
    if isinstance(day, datetime):
        raise InvalidRequestError(
            f"{name} is a datetime, and which day that is depends on the timezone; give a date, such as moment.date()."
        )
    if isinstance(day, date):
        return day.isoformat()
    if not isinstance(day, str):
        raise InvalidRequestError(f"{name} is of type {type(day).__name__}; expected a date, or text as '2026-03-20'.")
    try:
        if _DAY.fullmatch(day.strip()):  # fromisoformat reads other spellings, too, and not the same ones everywhere
            return date.fromisoformat(day.strip()).isoformat()
    except ValueError:
        pass
    shown = day.strip() if _DAY.fullmatch(day.strip()) else mask_numbers(day)[:20]
    raise InvalidRequestError(f"{name} is {shown!r}, which is no day; expected a date, or text as '2026-03-20'.")


def check_days(first_day: object, last_day: object) -> tuple[str | None, str | None]:
    """Two days with everything between them; None for an open end."""
    first = None if first_day is None else check_day("first_day", first_day)
    last = None if last_day is None else check_day("last_day", last_day)
    if first and last and last < first:
        raise InvalidRequestError(f"first_day is {first} and last_day is {last}: the last one is before the first.")
    return first, last


def check_whole(name: str, number: object, least: int = 0, most: int = _LARGEST) -> int:
    """A whole number within its bounds."""
    if isinstance(number, int) and not isinstance(number, bool) and least <= number <= most:
        return number
    raise InvalidRequestError(f"{name} {describe(number)}; expected a whole number from {least} to {most}.")


def check_choice(name: str, word: object, words: Sequence[str]) -> str:
    """One of these words."""
    if isinstance(word, str) and word in words:
        return word
    shown = f"is {mask_numbers(word)[:20]!r}" if isinstance(word, str) else f"is of type {type(word).__name__}"
    raise InvalidRequestError(f"{name} {shown}; expected {' or '.join(map(repr, words))}.")
