"""Reads the parameters of a request: what is required, what is malformed, and what they mean.

What is then done with them lives in service.py. An empty parameter counts as missing, as in PHP.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from .refusals import invalid_param, missing_param

Parameters = Mapping[str, str]

_NUMBER = re.compile(r"\+?[0-9]{3,15}")
_DIGITS = re.compile(r"[0-9]{1,10}")
# A schedule or a filter beyond this is milliseconds passed for seconds.
_LAST_TIMESTAMP = int(datetime(2100, 1, 1, tzinfo=timezone.utc).timestamp())


@dataclass(frozen=True)
class SendParameters:
    """What `/sendsms/` was asked to do."""

    number: str
    message: str
    sim: int | None
    device: str | None
    scheduled_at: datetime | None
    encrypted: bool
    by_sms: bool
    by_whatsapp: bool


@dataclass(frozen=True)
class LogParameters:
    """Which rows of the sent log are wanted."""

    guid: str | None
    before: str | None
    keyword: str | None
    api_errors: bool
    phone_errors: bool


@dataclass(frozen=True)
class InboxParameters:
    """Which received SMS are wanted."""

    after: datetime | None
    unread_only: bool
    device: str | None


def read_send(given: Parameters) -> SendParameters:
    """The parameters of `/sendsms/`. `from` and `shorturl` are accepted, and change nothing here."""
    number = required(given, "recipients")
    message = required(given, "message")
    # An unencoded "+" in a query string arrives as a space: the number alone is then still a number.
    if not _NUMBER.fullmatch(re.sub(r"[\s().\-/]", "", number)):
        raise invalid_param("recipients")
    port = _optional(given, "port")
    if port not in (None, "1", "2"):
        raise invalid_param("port")
    _flag(given, "shorturl")
    only_whatsapp = _flag(given, "waonly", "no", "yes")
    return SendParameters(
        number=number.strip(),
        message=message,
        sim=None if port is None else int(port),
        device=_optional(given, "sIdentifiant"),
        scheduled_at=_instant(given, "schedule_timestamp"),
        encrypted=_flag(given, "encrypt_message", "no", "yes"),
        by_sms=_flag(given, "sendsms", default=True) and not only_whatsapp,
        by_whatsapp=_flag(given, "sendwa") or only_whatsapp,
    )


def read_log(given: Parameters) -> LogParameters:
    """The parameters of `/log/sent/sms/`."""
    return LogParameters(
        guid=_optional(given, "guid_message"),
        before=_optional(given, "before"),
        keyword=_optional(given, "keyword"),
        api_errors=_flag(given, "error_api"),
        phone_errors=_flag(given, "error_mobile"),
    )


def read_inbox(given: Parameters) -> InboxParameters:
    """The parameters of `/getsms/`."""
    return InboxParameters(
        after=_instant(given, "after_timestamp_unix"),
        unread_only=_flag(given, "onlyunread", "no", "yes"),
        device=_optional(given, "sIdentifiantPhone"),
    )


def required(given: Parameters, name: str) -> str:
    """The value of a parameter that must be there, or the contract's 400."""
    value = _optional(given, name)
    if value is None:
        raise missing_param(name)
    return value


def timestamp(text: str) -> datetime | None:
    """Unix seconds as an aware UTC datetime; None where the text is something else."""
    if not _DIGITS.fullmatch(text) or int(text) >= _LAST_TIMESTAMP:
        return None
    return datetime.fromtimestamp(int(text), timezone.utc)


def _optional(given: Parameters, name: str) -> str | None:
    value = given.get(name, "")
    return value if value.strip() else None


def _flag(given: Parameters, name: str, no: str = "0", yes: str = "1", *, default: bool = False) -> bool:
    value = _optional(given, name)
    if value not in (None, no, yes):
        raise invalid_param(name)
    return default if value is None else value == yes


def _instant(given: Parameters, name: str) -> datetime | None:
    value = _optional(given, name)
    if value is None:
        return None
    moment = timestamp(value)
    if moment is None:
        raise invalid_param(name)
    return moment
