"""Reads numbers as people of one country write them, with the phonenumbers library. It is imported on first use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .._redaction import mask_number
from ..errors import ConfigurationError, InvalidRequestError
from .country_codes import EXAMPLE, SHORT_CODE

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber


def check_region(name: str, region: str) -> None:
    """Raise ConfigurationError if numbers of this region cannot be read."""
    try:
        _phonenumbers(region)
    except InvalidRequestError:
        raise ConfigurationError(
            f"{name} is {region!r}, which is not a country; expected a code such as 'GB'."
        ) from None


def _phonenumbers(region: object) -> Any:
    """The library, if it knows this region."""
    try:
        import phonenumbers
    except ImportError:
        raise ConfigurationError(
            "default_region needs the phonenumbers library; run pip install phonenumbers, or write numbers with their "
            "country code."
        ) from None
    if region not in phonenumbers.SUPPORTED_REGIONS:
        shown = repr(region[:2]) if isinstance(region, str) else f"of type {type(region).__name__}"
        raise InvalidRequestError(f"The region is {shown}, which is not a country; expected a code such as 'GB'.")
    return phonenumbers


def _parse(number: str, region: str | None) -> PhoneNumber | None:
    import phonenumbers

    try:
        return phonenumbers.parse(number, region, keep_raw_input=True)
    except phonenumbers.NumberParseException:
        return None


def read_by_region(number: str, groups: list[str], region: str) -> str:
    """Convert digits that people of this region write to `+` and digits. A short code stays as it is.

    The dialling prefixes of the region are known to the library: `011` is one in the United States.
    """
    try:
        phonenumbers = _phonenumbers(region)
    except ConfigurationError:
        if number.startswith("00"):  # it is dialled so from most countries
            return number
        raise
    parsed = _parse(number, region)
    is_dialled_abroad = (
        parsed is not None and parsed.country_code_source == phonenumbers.CountryCodeSource.FROM_NUMBER_WITH_IDD
    )
    is_valid = parsed is not None and phonenumbers.is_valid_number(parsed)
    if number.startswith("00") and not (is_dialled_abroad or is_valid):
        return number
    # After a 0 or a dialling prefix it is clear what was meant, and the library need not know the range: it calls new
    # ranges invalid, and those that belong to nobody. Bare digits must be a number that can exist: a spreadsheet has
    # cut them, or they are of another country.
    is_clear = is_dialled_abroad or number.startswith("0")
    if parsed is None or not (is_valid or (is_clear and phonenumbers.is_possible_number(parsed))):
        if SHORT_CODE.fullmatch(number):
            return number
        raise InvalidRequestError(
            f"The recipient {mask_number(number)} is not a valid number in {region}; check it, or write it with '+' "
            f"and its country code, as in {EXAMPLE!r}."
        )
    read = str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
    _check_unambiguous(number, groups, parsed, region)
    return read


def _check_unambiguous(number: str, groups: list[str], parsed: PhoneNumber, region: str) -> None:
    """Refuse digits that are one number in the region, and another one as a short code or after a `+`."""
    phonenumbers = _phonenumbers(region)
    own_code = f"+{phonenumbers.country_code_for_region(region)}"
    if SHORT_CODE.fullmatch(number):
        raise InvalidRequestError(
            f"The recipient {mask_number(number)} can be a short code, or in {region} a whole number; write the number "
            f"with {own_code!r} before it, and send to a short code with a client that has no default_region."
        )
    other = _parse(f"+{number.removeprefix('00')}", None)  # it reads a 0 after the country code as a trunk prefix
    if other is None or (phonenumbers.is_valid_number(parsed) and not phonenumbers.is_valid_number(other)):
        return
    forms = [phonenumbers.format_number(each, phonenumbers.PhoneNumberFormat.E164) for each in (parsed, other)]
    if forms[0] == forms[1] or _is_grouped_as_at_home(groups, parsed):
        return
    raise InvalidRequestError(
        f"The recipient {mask_number(number)} can be a number in {region} or dialled from there, or one of another "
        f"country whose '+' is missing; write {own_code!r} before it for the first, and '+' for the second."
    )


def _is_grouped_as_at_home(groups: list[str], parsed: PhoneNumber) -> bool:
    """Whether digits are separated as in (202) 555-0123."""
    import phonenumbers

    national = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    return len(groups) > 1 and groups == re.findall("[0-9]+", national)


def check_not_only_national(number: str, groups: list[str], region: str) -> None:
    """Refuse digits that are a number in the region, and none with `+` before them, or are grouped as at home."""
    phonenumbers = _phonenumbers(region)
    with_code, national = _parse(f"+{number}", None), _parse(number, region)
    if national is None or not phonenumbers.is_valid_number(national):
        return
    is_grouped = _is_grouped_as_at_home(groups, national)
    if is_grouped or with_code is None or not phonenumbers.is_valid_number(with_code):
        raise InvalidRequestError(
            f"The recipient {mask_number(number)} is a number in {region} without its country code, which WhatsApp "
            f"needs; write it as in {EXAMPLE!r}."
        )
