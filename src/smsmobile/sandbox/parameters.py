"""Reads the parameters of a request: what is required, what is malformed, and what they mean.

Which ones an operation has, and what it does with them, lives in service/.
An empty parameter counts as missing, as in PHP.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone

from .refusals import invalid_param, missing_param

Parameters = Mapping[str, str]

_DIGITS = re.compile(r"[0-9]{1,10}")
# A schedule or a filter beyond this is milliseconds passed for seconds.
_LAST_TIMESTAMP = int(datetime(2100, 1, 1, tzinfo=timezone.utc).timestamp())


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
