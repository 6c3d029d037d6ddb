"""The messages of a bulk sender: their forms, and the key of each. The channel checks whether one can be sent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from .._input.arguments import check_bool, check_line, check_sim, check_whole, schedule_time, shown
from .._input.texts import exact
from .._redaction import mask_number
from ..errors import InvalidRequestError

if TYPE_CHECKING:
    from ..channels.sms import SentSMS, SMSChannel

_LARGEST_KEY = 2**63 - 1
_MARKS = ("\ufeff", "ï»¿")
"""A byte order mark, and what it becomes if a file is read as Latin-1."""


@dataclass(frozen=True, repr=False)
class OutgoingSMS:
    """A message to send under a key. The options are those of `client.sms.send`, and two for the rules."""

    to: str
    """One phone number."""
    text: str
    """The message."""
    key: str | int | None = None
    """Your name for this message: a journal sends one message for a key, and no second one.

    Without a key, the number and the text together are the key.
    """
    _: KW_ONLY
    sim: int | None = None
    """The SIM slot, 1 or 2; None if the phone chooses."""
    device: str | None = None
    """The SID of the phone that sends; None for the client's `device`."""
    schedule_at: datetime | None = None
    """The earliest time to send, an aware datetime; None for now."""
    shorten_urls: bool = False
    """The service shortens links in the text."""
    encrypt: bool = False
    """The service stores the text encrypted."""
    whatsapp: bool = False
    """Also send it by WhatsApp."""
    expires_at: datetime | None = None
    """When it is of no use any more, an aware datetime: it is not sent from then on. None if it always is."""
    urgent: bool = False
    """It does not wait for the send window."""

    def __repr__(self) -> str:
        to = mask_number(str(self.to))
        return f"OutgoingSMS(to={to!r}, key={self.key!r})"


FIELDS = [field.name for field in fields(OutgoingSMS)]
OPTIONS: dict[str, Callable[[str, Any], Any]] = {
    "sim": check_sim,
    "device": check_line,
    "schedule_at": schedule_time,
    "shorten_urls": check_bool,
    "encrypt": check_bool,
    "whatsapp": check_bool,
    "expires_at": schedule_time,
    "urgent": check_bool,
}
"""The options of a message, and what checks each."""

Message: TypeAlias = OutgoingSMS | tuple[str, str] | Mapping[str, Any]
"""A message as `send` takes it: an OutgoingSMS, `(to, text)`, or a mapping with the fields of an OutgoingSMS."""
Params: TypeAlias = dict[str, str | int]
"""The parameters of a message's request."""


def read_message(message: object) -> OutgoingSMS:
    """Read any form of a message. Raises InvalidRequestError for anything else."""
    if isinstance(message, OutgoingSMS):
        return message
    is_row = isinstance(message, (tuple, list))
    if is_row and len(message) == 2:  # type: ignore[arg-type]
        return OutgoingSMS(*message)  # type: ignore[misc]
    if isinstance(message, Mapping):
        return _read_mapping(message)
    length = f" and length {len(message)}" if is_row else ""  # type: ignore[arg-type]
    raise InvalidRequestError(
        f"The message is of type {type(message).__name__}{length}; expected (to, text), a dict with 'to' and 'text', "
        "or an OutgoingSMS."
    )


def _read_mapping(message: Mapping[Any, Any]) -> OutgoingSMS:
    if marked := mark_in(message):
        raise InvalidRequestError(f"The message {marked}.")
    given = dict(message)
    if "message" in given:
        if "text" in given:
            raise InvalidRequestError(
                "The message has 'text' and 'message', which mean the same; expected one of them."
            )
        given["text"] = given.pop("message")
    if missing := [name for name in ("to", "text") if name not in given]:
        raise InvalidRequestError(
            f"The message has no {' and no '.join(map(repr, missing))}; expected 'to' and 'text'."
        )
    if unknown := [name for name in given if name not in FIELDS]:
        raise InvalidRequestError(
            f"The message has {shown(str(unknown[0]))!r}, which is no option of a message; expected some of "
            f"{', '.join(FIELDS)}. For fields of a template use send(…, template=…)."
        )
    return OutgoingSMS(**given)


def mark_in(row: Mapping[Any, Any]) -> str:
    """What is wrong with a row whose first name begins with a byte order mark; empty for any other row.

    Its first column would be ignored where it is the `key`, and the message would be sent again under its key.
    """
    if str(next(iter(row), "")).startswith(_MARKS):
        return "begins with a byte order mark; open its file with encoding='utf-8-sig'"
    return ""


def check_key(key: object) -> str:
    """The caller's key, as the journal stores it."""
    if isinstance(key, int) and not isinstance(key, bool):
        return str(check_whole("key", key, least=-_LARGEST_KEY, most=_LARGEST_KEY))  # the id of a row in a database
    return check_line("key", key)


def key_of(message: OutgoingSMS, number: str) -> str:
    """The caller's key, or a hash of number and text."""
    if message.key is not None:
        return check_key(message.key)
    return hashlib.sha256(f"{number}\n{exact(message.text)}".encode()).hexdigest()[:32]


def params_of(channel: SMSChannel, message: OutgoingSMS) -> Params:
    """The parameters of its request. Raises InvalidRequestError for a message that cannot be sent."""
    check_bool("urgent", message.urgent)
    expires_at = None if message.expires_at is None else schedule_time("expires_at", message.expires_at)
    params = channel._params(
        message.to,
        message.text,
        message.sim,
        message.device,
        message.schedule_at,
        message.shorten_urls,
        message.encrypt,
        message.whatsapp,
    )
    if expires_at is not None and int(params.get("schedule_timestamp", 0)) >= expires_at:
        raise InvalidRequestError("schedule_at is not before expires_at; expected an earlier time.")
    return params


def number_of(params: Params) -> str:
    """The recipient's number, digits only."""
    return str(params["recipients"]).removeprefix("+")


def send(channel: SMSChannel, params: Params) -> SentSMS:
    """Send a message with these parameters, as `client.sms.send` does."""
    return channel._send(params)
