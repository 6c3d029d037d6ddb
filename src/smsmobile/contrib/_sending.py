"""What the functions of the frameworks that send have in common."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, TypedDict

from ..errors import InvalidRequestError

if TYPE_CHECKING:
    from typing_extensions import Unpack


class SendOptions(TypedDict, total=False):
    """The options of a message, which are those of `client.sms.send`."""

    sim: int | None
    device: str | None
    schedule_at: datetime | None
    shorten_urls: bool
    encrypt: bool
    whatsapp: bool


class SendOnceOptions(SendOptions, total=False):
    """The options of a message with a key, which are those of `send_once`."""

    expires_at: datetime | None
    urgent: bool


def options_without_key(**options: Unpack[SendOnceOptions]) -> SendOptions:
    """The options of a message that has no key. Raises InvalidRequestError for one that needs a key."""
    if options.pop("expires_at", None) is not None or options.pop("urgent", False):
        raise InvalidRequestError("expires_at and urgent are options of a message with a key; expected a key as well.")
    return options
