"""Checks arguments (texts, GUIDs, times, days, seconds) and converts them to what the service expects.

Every function raises InvalidRequestError for a wrong argument, unless it is given another error. Phone numbers are in
phone_numbers.py.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from .._redaction import mask_numbers
from .._wire.values import UTC
from ..errors import InvalidRequestError, SMSMobileError
from .texts import exact

LONGEST_TEXT = 1_000_000
"""Characters of a message or of the body of an e-mail. It only bounds the work: an SMS has at most 255 segments."""
LONGEST_LINE = 1000
"""Characters of a GUID, a keyword, a subject and any other text of one line."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LARGEST = 2**31 - 1
_LARGEST_SHOWN = 99_999  # a larger number may be a phone number that was passed as the wrong argument
FOR_EVER = 1e9
"""Seconds: 31 years."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN = 20
_LOOKED_AT = 100
"""Characters of a wrong word that are searched for a number before the first 20 are shown."""


def describe(value: object) -> str:
    """Describe a wrong value for an error text. Shows small numbers only, never a text."""
    if not isinstance(value, (int, float)):
        return f"is of type {type(value).__name__}"
    can_be_shown = abs(value) <= _LARGEST_SHOWN or (isinstance(value, float) and not math.isfinite(value))
    return f"is {value}" if can_be_shown else "is out of range"


def shown(word: str) -> str:
    """The beginning of a wrong word, without a number that may be in it."""
    return mask_numbers(word[:_LOOKED_AT])[:_SHOWN]


def check_text(name: str, text: object, *, most: int = LONGEST_TEXT) -> str:
    """Check for a text that is not empty. Every text of a caller is read here, or by `clean_recipient`."""
    if not isinstance(text, str):
        raise InvalidRequestError(f"The {name} is of type {type(text).__name__}; expected text (str).")
    text = exact(text)
    if len(text) > most:
        raise InvalidRequestError(f"The {name} has {len(text)} characters; expected at most {most}.")
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


def check_line(name: str, text: object, *, most: int = LONGEST_LINE) -> str:
    """Check for one line of text that is not empty. Returns it without the spaces around it."""
    text = check_text(name, text, most=most)
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
    # Not check_line: the service may have written one with a line break in it.
    return check_text("GUID", guid, most=LONGEST_LINE).strip()


def check_moment(name: str, time: object) -> datetime:
    """Convert an aware datetime of any class to a plain one in UTC. Numbers are refused: their unit is not known."""
    if not isinstance(time, datetime):
        raise InvalidRequestError(f"{name} is of type {type(time).__name__}; expected an aware datetime.")
    try:
        offset = time.utcoffset()
        if offset is not None:
            # By its fields: pendulum subtracts in its own way, and pandas.NaT is a datetime with which nothing works.
            fields = (time.year, time.month, time.day, time.hour, time.minute, time.second, time.microsecond)
            return datetime(*fields, tzinfo=UTC) - offset
    except (ArithmeticError, AttributeError, TypeError, ValueError):
        raise InvalidRequestError(
            f"{name} is of type {type(time).__name__}, but is no moment in UTC; expected an aware datetime."
        ) from None
    raise InvalidRequestError(
        f"{name} is a naive datetime, which has no timezone; expected an aware one, such as "
        "datetime.now(timezone.utc) or one with tzinfo=ZoneInfo('Europe/Paris')."
    )


def unix_time(name: str, time: object) -> int:
    """Convert an aware datetime or a Unix time to whole Unix seconds, rounded down."""
    if isinstance(time, datetime):
        return (check_moment(name, time) - EPOCH) // timedelta(seconds=1)
    if isinstance(time, (int, float)) and not isinstance(time, bool) and 0 <= time < 1e11:
        return int(time)
    raise InvalidRequestError(f"{name} {describe(time)}; expected an aware datetime, or a Unix time in seconds.")


def unix_milliseconds(name: str, time: object) -> int:
    """Convert an aware datetime or a Unix time in seconds to whole milliseconds, rounded down."""
    if isinstance(time, datetime):
        return (check_moment(name, time) - EPOCH) // timedelta(milliseconds=1)
    seconds = unix_time(name, time)
    return int(time * 1000) if isinstance(time, float) else seconds * 1000


def schedule_time(name: str, time: object) -> int:
    """Convert an aware datetime to whole Unix seconds, rounded down. Numbers are refused, as in `check_moment`."""
    return unix_time(name, check_moment(name, time))


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
    day = exact(day)[:_LOOKED_AT].strip()
    try:
        if _DAY.fullmatch(day):  # fromisoformat also reads other formats, which depend on Python's version
            return date.fromisoformat(day).isoformat()
    except ValueError:
        pass
    raise InvalidRequestError(
        f"{name} is {day if _DAY.fullmatch(day) else shown(day)!r}, which is not a day; expected a date, or text such "
        "as '2026-03-20'."
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
        return int(number)  # a member of `class N(int, Enum)` would be sent as `N.ONE`
    raise InvalidRequestError(f"{name} {describe(number)}; expected a whole number from {least} to {most}.")


def check_seconds(
    name: str, seconds: object, *, above_zero: bool = False, error: type[SMSMobileError] = InvalidRequestError
) -> float:
    """Check for a number of seconds that a float can hold. More than clocks can count is `FOR_EVER`."""
    if (
        isinstance(seconds, (int, float))
        and not isinstance(seconds, bool)
        and 0 <= seconds <= sys.float_info.max
        and (seconds or not above_zero)
    ):
        return float(min(seconds, FOR_EVER))
    least = "above 0" if above_zero else "0 or more"
    raise error(f"{name} {describe(seconds)}; expected a number of seconds, {least}.")


def check_sim(name: str, sim: object) -> int:
    """Check for the slot of a SIM."""
    if sim in (1, 2) and not isinstance(sim, bool):
        return 1 if sim == 1 else 2
    raise InvalidRequestError(f"{name} {describe(sim)}; expected slot 1 or 2, or None to let the phone choose.")


def check_choice(name: str, word: object, words: Sequence[str]) -> str:
    """Check for one of these words."""
    if not isinstance(word, str):
        raise InvalidRequestError(f"{name} is of type {type(word).__name__}; expected {' or '.join(map(repr, words))}.")
    if (word := exact(word)) not in words:
        raise InvalidRequestError(f"{name} is {shown(word)!r}; expected {' or '.join(map(repr, words))}.")
    return word
