"""How a phone number is written: cleaned and checked before anything is sent. Who is called is not decided here."""

from __future__ import annotations

import re
import unicodedata

from .._redaction import mask_number
from ..errors import InvalidRequestError

_SEPARATORS = frozenset(" .-/()")
_TRUNK_PREFIX = re.compile(r"\(?(\+|00)\(?[0-9]{1,3}\)?\(0\)")
_INTERNATIONAL = re.compile(r"\+[1-9][0-9]{4,14}")
_LOOKS_LIKE_ONE = re.compile(r"\+?\d(?:\W{0,2}\d){5,}")
_BARE = re.compile(r"[1-9][0-9]{2,14}")


def clean_recipient(to: object, default_region: str | None = None) -> str:
    """The number as the service wants it: 5 to 15 digits after a `+`, or 3 to 15 without; none begins with 0.

    Spaces, dots, dashes, parentheses and slashes are dropped and a leading `00` becomes `+`. With a
    `default_region` (`"FR"`) a number without `+` is read by the phonenumbers library (extra `[phone-numbers]`).

    Raises InvalidRequestError, which shows at most a masked number.
    """
    if isinstance(to, str) and _INTERNATIONAL.fullmatch(to):
        return to
    if to is None:
        raise InvalidRequestError("The recipient is None; give a phone number as text, such as '+33 6 12 34 56 78'.")
    if isinstance(to, (list, tuple, set, frozenset)):
        raise InvalidRequestError(
            "The recipient is a collection, but one send goes to one number: call send() once for each."
        )
    if not isinstance(to, str):
        raise InvalidRequestError(
            f"The recipient is of type {type(to).__name__}; give the phone number as text, such as "
            "'+33 6 12 34 56 78', since a number type loses the '+' and leading zeros."
        )
    if not to.strip():
        raise InvalidRequestError("The recipient is empty; give a phone number such as '+33 6 12 34 56 78'.")

    number = _without_separators(to)
    if default_region and not number.startswith("+"):
        number = _read_by_region(number, default_region)  # which knows with what people there dial abroad: 0011 …
    if number.startswith("00"):
        number = "+" + number[2:]
    if number.startswith("0"):
        raise InvalidRequestError(
            f"The recipient {mask_number(number)} is a national number (it starts with 0): add the country code, "
            "such as '+33 6 12 34 56 78', or set default_region, such as default_region='FR'."
        )
    if number.startswith("+0"):
        raise InvalidRequestError(
            f"The recipient {mask_number(number)} has a 0 where its country code begins, which none does; write the "
            "country code after '+' or '00', and the number without its first 0: '+33 6 12 34 56 78'."
        )
    if not (_INTERNATIONAL.fullmatch(number) or _BARE.fullmatch(number)):
        raise InvalidRequestError(
            f"The recipient {mask_number(number)} has {sum(map(str.isdigit, number))} digits; expected '+' and "
            "5 to 15 digits, or 3 to 15 digits without '+'."
        )
    return number


def same_number(one: str | None, other: str | None) -> bool:
    """Whether two spellings are one number: `+336…`, `00336…` and `336…` are."""
    return digits_of(one) == digits_of(other) != ""


def digits_of(number: str | None) -> str:
    """What is the same in all spellings of a number."""
    return "".join(filter(str.isdigit, number or "")).removeprefix("00")


def mask_numbers(text: str) -> str:
    """A text for an error, without the phone numbers in it. A date without its dashes looks like one, too."""
    return _LOOKS_LIKE_ONE.sub(lambda number: mask_number(number[0]), text)


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
            raise InvalidRequestError("The recipient has a '+' inside; it can only stand at the beginning.")
        elif char in ",;":
            raise InvalidRequestError(
                f"The recipient has a {char!r}: one send goes to one number, so call send() once for each."
            )
        elif category.startswith("L"):
            raise InvalidRequestError(
                "The recipient has letters in it; a message can only be sent to a number, such as '+33 6 12 34 56 78'."
            )
        # Zs, Pd and Cf: no-break spaces, typographic dashes, and the direction marks that address books copy along.
        elif char not in _SEPARATORS and category not in ("Zs", "Pd", "Cf"):
            raise InvalidRequestError(
                f"The recipient has the character {char!r}; expected digits, a leading '+', and at most spaces, "
                "dots, dashes, parentheses or slashes."
            )
    if _TRUNK_PREFIX.match("".join(char for char in to if char.isdecimal() or char in "+()")):
        raise InvalidRequestError(
            "The recipient has '(0)' after the country code; leave it out, since it is not dialled from abroad: "
            "'+33 6 12 34 56 78', not '+33 (0)6 12 34 56 78'."
        )
    return "".join(kept)


def _read_by_region(number: str, region: str) -> str:
    """A number as people of `region` write it, in international form; as it came where it is no number there."""
    try:
        import phonenumbers
    except ImportError:
        if number.startswith("00"):
            return number
        raise InvalidRequestError(
            "default_region needs the phonenumbers library: pip install 'smsmobile[phone-numbers]', or give the "
            "number with its country code."
        ) from None
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidRequestError(
            f"default_region is {mask_numbers(region)!r}, which is no country; expected an ISO 3166 code such as 'GB'."
        )
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return number
    if phonenumbers.is_valid_number(parsed):
        return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if number.startswith("0") and not number.startswith("00"):
        raise InvalidRequestError(
            f"The recipient {mask_number(number)} is not a valid number in {region}; check it, or give it with its "
            "country code."
        )
    return number  # a short code, or a number of elsewhere without its '+'
