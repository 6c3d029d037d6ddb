"""What may be chosen in the sandbox, in Python as on the page: of which kind it is, and how far it goes.

The parameters of the service itself are read in parameters.py.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TypeGuard

DAY = 86_400
"""Seconds: the longest that a phone, the log or a call takes."""
TEN_YEARS = 3650 * DAY
"""Seconds: the longest that a token is valid."""
MOST_ROWS = 1_000_000_000
"""So many rows a page of the log has at most."""
FIRST_MOMENT = datetime(1980, 1, 1, tzinfo=timezone.utc)
END = datetime(2100, 1, 1, tzinfo=timezone.utc)
"""The clock can be moved to FIRST_MOMENT, and to every moment from then until before this one."""


def is_whole(value: object) -> TypeGuard[int]:
    """Whether it is a whole number; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether it is a number; NaN and the infinite ones are, so compare it."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_text(**values: object) -> None:
    """Raise ValueError where one of these is no text."""
    for name, value in values.items():
        if not isinstance(value, str):
            raise ValueError(f"{name} must be text, not {type(value).__name__}.")  # noqa: TRY004


def check_text_or_none(**values: object) -> None:
    """The same, for what may be left out."""
    check_text(**{name: value for name, value in values.items() if value is not None})


def check_whole(name: str, value: object, least: int, most: int) -> None:
    """Raise ValueError where it is no whole number, or not between these two."""
    if not (is_whole(value) and least <= value <= most):
        raise ValueError(f"{name} is {value!r}; expected a whole number from {least} to {most}.")


def check_seconds(name: str, value: object, most: int = DAY) -> None:
    """Raise ValueError where it is no number, negative, or above `most`."""
    if not (is_number(value) and 0 <= value <= most):  # NaN neither
        raise ValueError(f"{name} is {value!r}; expected a number of seconds from 0 to {most}.")


def check_moment(moment: object) -> None:
    """Raise ValueError where it is no aware datetime, or one to which the sandbox's clock cannot be moved."""
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise ValueError("`moment` must be an aware datetime: without a timezone it could be any moment.")
    if not FIRST_MOMENT <= moment < END:
        raise ValueError("The sandbox lives between the years 1980 and 2099: choose a moment in between.")
