"""Tells whether two spellings are the same phone number. Whether it is a good one is decided in parameters.py."""

from __future__ import annotations

import re

_LETTER = re.compile(r"[^\W\d_]")
_NO_DIGIT = re.compile(r"[^0-9]")
_INTERNATIONAL = re.compile(r"[\s(]*(?:\+|00)")


def digits_of(number: str) -> str:
    """The digits that count: `+33 6 39 98 00 11`, `0033639980011` and `33639980011` have the same ones.

    Empty for a name such as `MPESA`.
    """
    return "" if _LETTER.search(number) else _NO_DIGIT.sub("", number).removeprefix("00")


def is_international(number: str) -> bool:
    """Whether it begins with `+` or `00`, so that its digits begin with the code of a country."""
    return bool(digits_of(number)) and _INTERNATIONAL.match(number) is not None


def peer_of(number: str) -> str:
    """What a conversation goes by: the digits of a number, or else the sender's name as it is."""
    return digits_of(number) or number.strip()
