"""The country codes of E.164, and what follows them: tells international numbers from national ones and short codes."""

from __future__ import annotations

import re

EXAMPLE = "+33 6 39 98 00 11"
"""For error texts; of a range that belongs to nobody."""
SHORT_CODE = re.compile(r"[1-9][0-9]{2,5}")
"""A number without a country code, within one network or country."""

_PLUS_AND_DIGITS = re.compile(r"\+[1-9][0-9]{6,14}")
_TWO_DIGITS = frozenset(
    map(
        str,
        [
            *(20, 27, *range(30, 35), 36, 39, 40, 41, *range(43, 50), *range(51, 59), *range(60, 67)),
            *(81, 82, 84, 86, *range(90, 96), 98),
        ],
    )
)
"""The country codes of two digits. 1 and 7 are the only ones of one digit."""
_ZONES = frozenset(map(str, [*range(21, 27), 29, 35, 37, 38, 42, 50, 59, 67, 68, 69, 80, 85, 87, 88, 96, 97, 99]))
"""The first two digits of all country codes of three digits."""
_PLANS = {
    "1": "[2-9][0-9]{9}",  # North America, whose trunk prefix is 1
    "7": "[3-9][0-9]{9}",  # Russia and Kazakhstan: 8
    "370": "[1-9][0-9]{7}",  # it is, or was, 8 in these as well
    "375": "[1-9][0-9]{8}",
    "993": "[1-9][0-9]{7}",
    "54": "[1-9][0-9]{6,10}",  # longer ones have a carrier code, or 15 in Argentina
    "55": "[1-9][0-9]{6,10}",
    "61": "[1-9][0-9]{6,10}",
    "298": "[2-9][0-9]+",  # carrier codes and trunk prefixes begin with 1
    "352": "[2-9][0-9]+",
    "423": "[2-9][0-9]+",
    "506": "[2-9][0-9]+",
    "692": "[2-9][0-9]+",
    "261": "[1-9][0-9]{8}",  # shorter ones lack the area code
    "378": "[0-9]{8,10}",
    "672": "[1-9][0-9]{5}",
    "39": "(?!00|03[0-9]{9}$)[0-9]+",  # Italy: 0 is a part of all numbers, except mobile ones, which are 3 and 9 digits
    "225": "[0-9]{10}",  # numbers can begin with 0 in these, too
    "226": "[0-9]{8}",
    "227": "[0-9]{8}",
    "229": "(01)?[0-9]{8}",
    "241": "0[0-9]{7}|[1-9][0-9]+",
    "242": "[0-9]{9}",
    "800": "[0-9]{8}",
    "881": "[0-9]{9,10}",
    "992": "[0-9]{9}",
}
"""By country code, what follows it in a number that is dialled from abroad, where that is not `_ANY_PLAN`.

After most country codes a 0 shows that a number is written as at home. The tests compare this with phonenumbers, which
takes too long to be asked about each number.
"""
_ANY_PLAN = "[1-9][0-9]+"


def is_international(number: str) -> bool:
    """Whether it is `+` and digits as they are dialled from abroad."""
    if not _PLUS_AND_DIGITS.fullmatch(number):
        return False
    code = country_code(number)
    return code != "" and re.fullmatch(_PLANS.get(code, _ANY_PLAN), number[1 + len(code) :]) is not None


def country_code(number: str) -> str:
    """The country code of `+` and digits; empty if there is none."""
    if number[1] in "17":
        return number[1]
    if number[1:3] in _TWO_DIGITS:
        return number[1:3]
    return number[1:4] if number[1:3] in _ZONES else ""


def with_plus(digits: str) -> str:
    """The digits of a number as messages are sent to it: with `+`, unless it is a short code."""
    return digits if SHORT_CODE.fullmatch(digits) else f"+{digits}"
