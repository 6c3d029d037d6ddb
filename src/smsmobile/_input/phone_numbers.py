"""Reads and compares phone numbers. What can be read as two numbers, or as none, is refused."""

from __future__ import annotations

import re
import unicodedata

from .._redaction import mask_number
from ..errors import InvalidRequestError
from .country_codes import EXAMPLE, SHORT_CODE, country_code, is_international
from .regions import check_not_only_national, read_by_region
from .texts import exact

__all__ = ["normalize_number"]

LONGEST_NUMBER = 64
"""Characters of a number as it is written, separators and invisible marks included."""

_FROM_ABROAD = (
    "write it as it is dialled from abroad, where most countries leave a 0 after the country code out and a few, such "
    "as Italy, keep it"
)
_SEPARATORS = frozenset(" .-/()")
_INVISIBLE = frozenset(("Zs", "Pd", "Cf"))
"""Categories of no-break spaces, typographic dashes, and the direction marks of address books."""
_REVERSES = "\u202e"
"""Shows the digits after it in reverse: nobody knows which order was meant."""
_FULL_WIDTH = str.maketrans("＋（）．／，；", "+()./,;")  # noqa: RUF001 - the keys of Asian keyboards

_TRUNK_ZERO = re.compile(r"[0-9]\)?\(0\)")
_DECIMAL = re.compile(r"[^.]*\.(?:0+|[0-9]{1,2})")
_GROUP_AT_END = re.compile(r"[0-9]\([0-9]{1,4}\)\Z")


def normalize_number(text: str, region: str | None = None) -> str:
    """Return a phone number in the one form that E.164 gives it: `+` and digits. For programs that match numbers.

    text: the number, written as for `client.sms.send`.
    region: country of numbers without a country code: two letters, such as `"FR"`. Needs the extra `[phone-numbers]`
        for such a number; numbers that are international already are read without it.

    The number may not exist. Senders with letters, such as `MPESA`, and short codes have no such form, and are refused:
    compare those as they are. Without `+`, digits can be of any country, and are refused unless `region` says which
    one; WhatsApp writes country codes without it, so pass `"+" + message.sender` for these.

    Raises InvalidRequestError for everything that is not one phone number, without showing it; ConfigurationError if
    the extra is needed and not installed.
    """
    number = clean_recipient(text, region)
    if not number.startswith("+"):
        raise InvalidRequestError(
            "The number is a short code, which has no international form; compare it as it is. Write a phone number "
            f"with its country code, as in {EXAMPLE!r}."
        )
    return number


def clean_recipient(to: object, default_region: str | None = None) -> str:
    """Return the number of an SMS as the service expects it: `+` and 7 to 15 digits, or a short code of 3 to 6 digits.

    Spaces, dots, dashes, parentheses and slashes are removed, and a leading `00` becomes `+`. With a `default_region`
    (`"FR"`) the phonenumbers library (extra `[phone-numbers]`) reads numbers without `+`.

    Raises InvalidRequestError, which shows at most a masked number.
    """
    if isinstance(to, str) and is_international(to := exact(to)):
        return to
    groups = _groups_of(to)
    number = "".join(groups)
    if default_region and number[0] != "+":
        number = read_by_region(number, groups, default_region)
    return number if SHORT_CODE.fullmatch(number) else _international(number)


def clean_whatsapp_number(to: object, default_region: str | None = None) -> str:
    """Return the number as WhatsApp expects it: 7 to 15 digits, without `+` or `00`.

    As `clean_recipient`, but digits that begin with neither `+` nor 0 have their country code, whatever the region:
    WhatsApp writes them so. Those that can only be a number of the region are refused, and so are those that are
    grouped as at home, or have an area code in parentheses at the beginning.
    """
    groups = _groups_of(to)
    number = "".join(groups)
    if number[0] not in "+0":
        if _characters_of(to).startswith("("):
            raise InvalidRequestError(
                f"The recipient {mask_number(number)} begins with '(', as an area code does; write the country code "
                f"before it, as in {EXAMPLE!r}."
            )
        if default_region:
            check_not_only_national(number, groups, default_region)
        number = f"+{number}"
    elif default_region and number[0] != "+":
        number = read_by_region(number, groups, default_region)
    return _international(number).removeprefix("+")


def digits_of(number: str | None) -> str:
    """The digits of a number, without a leading `00`. They are the same however the number is written."""
    return "".join(filter(str.isdigit, number or "")).removeprefix("00")


# --- from what was written to digits ----------------------------------------------------------------------


def _groups_of(to: object) -> list[str]:
    """The digits between the separators, with a leading `+`: `+33 6 39.98` is `+33`, `6`, `39`, `98`."""
    kept = _characters_of(to)
    groups = re.split(r"[^0-9+]+", kept)
    number = "".join(groups)
    if "+" in number[1:]:
        raise InvalidRequestError("The recipient has a '+' inside; expected it at the beginning only.")
    if number in ("", "+"):
        raise InvalidRequestError(f"The recipient has no digits; expected a phone number, such as {EXAMPLE!r}.")
    shown, kept = f"The recipient {mask_number(number)}", kept.replace(" ", "")
    if _DECIMAL.fullmatch(kept.strip("()/")):
        raise InvalidRequestError(
            f"{shown} ends like a decimal number, as a spreadsheet writes it; let its column be text, and write the "
            f"number as in {EXAMPLE!r}."
        )
    if _TRUNK_ZERO.search(kept):
        raise InvalidRequestError(f"{shown} has a '(0)' inside; {_FROM_ABROAD}.")
    area, slash, rest = kept.rpartition("/")
    if _GROUP_AT_END.search(kept) or (slash and (_count_digits(area) > 7 or _count_digits(rest) < 5)):
        raise InvalidRequestError(
            f"{shown} has a '/' or '(' where an extension or another number may begin; expected one number, with these "
            "signs only around its area code."
        )
    return [group for group in groups if group]


def _characters_of(to: object) -> str:
    """The digits in ASCII, the signs, and a space for what separates."""
    return "".join(map(_read_char, _check_type(to))).strip()


def _check_type(to: object) -> str:
    """The text that was passed, without the spaces around it."""
    if to is None:
        raise InvalidRequestError(f"The recipient is None; expected a phone number as text, such as {EXAMPLE!r}.")
    if isinstance(to, (list, tuple, set, frozenset)):
        raise InvalidRequestError(
            "The recipient is a collection, but a message has one recipient; call send() once for each."
        )
    if not isinstance(to, str):
        raise InvalidRequestError(
            f"The recipient is of type {type(to).__name__}; expected a phone number as text, such as {EXAMPLE!r}. An "
            "int cannot hold the '+' or leading zeros."
        )
    to = exact(to)
    if len(to) > LONGEST_NUMBER:
        raise InvalidRequestError(
            f"The recipient has {len(to)} characters; expected a phone number of at most {LONGEST_NUMBER}."
        )
    if not (to := to.strip()):
        raise InvalidRequestError(f"The recipient is empty; expected a phone number, such as {EXAMPLE!r}.")
    return to.translate(_FULL_WIDTH)


def _read_char(char: str) -> str:
    """A digit of any script as ASCII, a sign as it is, a space for what separates."""
    if char.isdecimal():  # superscripts are not, although they are digits
        return str(unicodedata.decimal(char))
    if char in "+(./)":
        return char
    category = unicodedata.category(char)
    if char in _SEPARATORS or (category in _INVISIBLE and char != _REVERSES):
        return "" if category == "Cf" else " "
    if char in ",;":
        raise InvalidRequestError(
            f"The recipient has a {char!r}, but a message has one recipient; call send() once for each."
        )
    if category.startswith("L"):
        raise InvalidRequestError(f"The recipient has letters in it; expected a phone number, such as {EXAMPLE!r}.")
    raise InvalidRequestError(
        f"The recipient has the character {char!r}; expected digits, a leading '+', and at most spaces, dots, dashes, "
        "parentheses or slashes."
    )


def _count_digits(text: str) -> int:
    return sum(map(str.isdigit, text))


# --- from digits to a number ------------------------------------------------------------------------------


def _international(number: str) -> str:
    """`+` and digits. Raises InvalidRequestError for everything that is not dialled so from abroad."""
    if number.startswith("00"):
        number = f"+{number[2:]}"
    if is_international(number):
        return number
    count = _count_digits(number)
    shown = f"The recipient {mask_number(number)}"
    if number.startswith("0"):
        raise InvalidRequestError(
            f"{shown} is a national number, since it starts with 0; add the country code, as in {EXAMPLE!r}, or set "
            "default_region, as in default_region='FR'."
        )
    if number.startswith("+0"):
        raise InvalidRequestError(
            f"{shown} has a 0 after '+' or '00', but no country code starts with 0; write the country code there, and "
            f"then the number as it is dialled from abroad, as in {EXAMPLE!r}."
        )
    if not number.startswith("+") and 7 <= count <= 15:
        raise InvalidRequestError(
            f"{shown} has no '+', so its country is not known; write it with '+' and its country code, as in "
            f"{EXAMPLE!r}, or set default_region. A short code has at most 6 digits."
        )
    if not 7 <= count <= 15:
        raise InvalidRequestError(
            f"{shown} has {count} digits; expected '+' and 7 to 15 digits. A short code has 3 to 6 digits and no '+', "
            "and is for SMS only."
        )
    code = country_code(number)
    if code and number[1 + len(code)] == "0":
        raise InvalidRequestError(
            f"{shown} has a 0 after its country code, which is not dialled from abroad; leave that 0 out, as in "
            f"{EXAMPLE!r}."
        )
    raise InvalidRequestError(
        f"{shown} is no number of the country whose code it begins with, or there is no such code; check its digits, "
        f"and write it as in {EXAMPLE!r}."
    )
