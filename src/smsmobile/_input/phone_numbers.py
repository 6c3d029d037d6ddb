"""Cleans, checks, compares and masks phone numbers. Cleaning never turns one number into another."""

from __future__ import annotations

import re
import unicodedata

from .._redaction import mask_number
from ..errors import InvalidRequestError

_EXAMPLE = "+33 6 39 98 00 11"  # of a range that belongs to nobody
_SEPARATORS = frozenset(" .-/()")
_TRUNK_PREFIX = re.compile(r"\(?(\+|00)\(?[0-9]{1,3}\)?\(0\)")
_INTERNATIONAL = re.compile(r"\+[1-9][0-9]{4,14}")
_LIKE_A_NUMBER = re.compile(r"\+?\d(?:\W{0,2}\d){5,}")
_WITHOUT_PLUS = re.compile(r"[1-9][0-9]{2,14}")


def clean_recipient(to: object, default_region: str | None = None) -> str:
    """Return the number as the service expects it: `+` and 5 to 15 digits, or 3 to 15 digits, without a leading 0.

    Spaces, dots, dashes, parentheses and slashes are removed, and a leading `00` becomes `+`. With a `default_region`
    (`"FR"`) the phonenumbers library (extra `[phone-numbers]`) reads numbers without `+`.

    Raises InvalidRequestError, which shows at most a masked number.
    """
    if isinstance(to, str) and _INTERNATIONAL.fullmatch(to):
        return to
    if to is None:
        raise InvalidRequestError(f"The recipient is None; expected a phone number as text, such as {_EXAMPLE!r}.")
    if isinstance(to, (list, tuple, set, frozenset)):
        raise InvalidRequestError(
            "The recipient is a collection, but a message has one recipient; call send() once for each."
        )
    if not isinstance(to, str):
        raise InvalidRequestError(
            f"The recipient is of type {type(to).__name__}; expected a phone number as text, such as {_EXAMPLE!r}. An "
            "int cannot hold the '+' or leading zeros."
        )
    if not to.strip():
        raise InvalidRequestError(f"The recipient is empty; expected a phone number, such as {_EXAMPLE!r}.")

    number = _without_separators(to)
    if default_region and not number.startswith("+"):
        number = _read_by_region(number, default_region)  # knows the region's international prefix
    if number.startswith("00"):
        number = "+" + number[2:]
    if number.startswith("0"):
        raise InvalidRequestError(
            f"The recipient {mask_number(number)} is a national number, since it starts with 0; add the country code, "
            f"as in {_EXAMPLE!r}, or set default_region, as in default_region='FR'."
        )
    if number.startswith("+0"):
        raise InvalidRequestError(
            f"The recipient {mask_number(number)} has a 0 after '+' or '00', but no country code starts with 0; write "
            f"the country code there, and the number without its first 0, as in {_EXAMPLE!r}."
        )
    if not (_INTERNATIONAL.fullmatch(number) or _WITHOUT_PLUS.fullmatch(number)):
        raise InvalidRequestError(
            f"The recipient {mask_number(number)} has {sum(map(str.isdigit, number))} digits; expected '+' and "
            "5 to 15 digits, or 3 to 15 digits without '+'."
        )
    return number


def same_number(one: str | None, other: str | None) -> bool:
    """Whether two texts are the same number, as `+336…`, `00336…` and `336…` are."""
    return digits_of(one) == digits_of(other) != ""


def digits_of(number: str | None) -> str:
    """The digits of a number, without a leading `00`. They are the same however the number is written."""
    return "".join(filter(str.isdigit, number or "")).removeprefix("00")


def mask_numbers(text: str) -> str:
    """Mask everything in a text that looks like a phone number, including a date without dashes."""
    return _LIKE_A_NUMBER.sub(lambda number: mask_number(number[0]), text)


def _without_separators(to: str) -> str:
    kept = []
    to = unicodedata.normalize("NFKC", to.strip())
    for char in to:
        category = unicodedata.category(char)
        if char.isdecimal():
            kept.append(str(unicodedata.decimal(char)))  # Arabic-Indic digits too
        elif char == "+" and not kept:
            kept.append(char)
        elif char == "+":
            raise InvalidRequestError("The recipient has a '+' inside; expected it at the beginning only.")
        elif char in ",;":
            raise InvalidRequestError(
                f"The recipient has a {char!r}, but a message has one recipient; call send() once for each."
            )
        elif category.startswith("L"):
            raise InvalidRequestError(
                f"The recipient has letters in it; expected a phone number, such as {_EXAMPLE!r}."
            )
        # Zs, Pd, Cf: no-break spaces, typographic dashes, and the invisible direction marks of address books.
        elif char not in _SEPARATORS and category not in ("Zs", "Pd", "Cf"):
            raise InvalidRequestError(
                f"The recipient has the character {char!r}; expected digits, a leading '+', and at most spaces, "
                "dots, dashes, parentheses or slashes."
            )
    if _TRUNK_PREFIX.match("".join(char for char in to if char.isdecimal() or char in "+()")):
        raise InvalidRequestError(
            "The recipient has '(0)' after the country code, which is not dialled from abroad; leave it out, as in "
            f"{_EXAMPLE!r}."
        )
    return "".join(kept)


def _read_by_region(number: str, region: str) -> str:
    """Convert a national number of this region to `+` and digits. Returns other numbers unchanged."""
    try:
        import phonenumbers
    except ImportError:
        if number.startswith("00"):
            return number
        raise InvalidRequestError(
            "default_region needs the phonenumbers library; run pip install 'smsmobile[phone-numbers]', or write "
            "the number with its country code."
        ) from None
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidRequestError(
            f"default_region is {mask_numbers(region)!r}, which is not a country; expected a code such as 'GB'."
        )
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return number
    if phonenumbers.is_valid_number(parsed):
        return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if number.startswith("0") and not number.startswith("00"):
        raise InvalidRequestError(
            f"The recipient {mask_number(number)} is not a valid number in {region}; check it, or write it with its "
            "country code."
        )
    return number  # a short code, or an international number without its '+'
