"""`record_opt_out`: one call for each received SMS. It records who asks for no more messages, or for messages again."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from .._input.arguments import check_text
from .._input.country_codes import SHORT_CODE
from .._input.phone_numbers import clean_recipient
from ..channels.sms import ReceivedSMS
from ..errors import ConfigurationError, InvalidRequestError
from ..webhooks.events import SMSReceived
from ._arguments import channel_of, check_journal
from ._inbox_rows import content_key
from .once import send_once
from .opt_out import is_opt_in, is_opt_out
from .suppression import check_suppression, digits_on_list

if TYPE_CHECKING:
    from ..client import SMSMobileClient
    from .journals import Journal
    from .suppression import Suppression

__all__ = ["record_opt_out"]


def __dir__() -> list[str]:
    return __all__


log = logging.getLogger("smsmobile")


class _Received(NamedTuple):
    """What counts of a received SMS."""

    sender: str
    text: str
    identity: str
    """The same each time that the message is handled."""


def record_opt_out(
    message: SMSReceived | ReceivedSMS,
    suppression: Suppression,
    *,
    languages: Iterable[str] | None = None,
    reply: str | None = None,
    client: SMSMobileClient | None = None,
    journal: str | os.PathLike[str] | Journal | None = None,
) -> bool:
    """Put the sender of a STOP on the list, and take the sender of a START off it. Call it with each received SMS.

        if record_opt_out(event, suppression):
            return                                  # it was an opt-out or an opt-in, and is recorded

    message: the `SMSReceived` of a webhook or an `Inbox`, or a `ReceivedSMS` of `client.sms.received`.
    suppression: the list that your senders ask.
    languages: codes of the languages whose words count, as for `is_opt_out`; all of them without it.
    reply: a text that answers an opt-out, such as "You get no more messages from us.". It needs `client` and `journal`.
        A person who is on the list already gets none, and neither does a short code. It is sent whatever the list says,
        and outside of a window too, since the person has just written.
    client: sends the answer. Its `default_region` says of which country senders in national format are; without it,
        these cannot be recorded.
    journal: remembers the answer, as for `send_once`, so that a message that is handled twice is answered once.

    Returns True if the message asks for either and is recorded. False for any other text, and, with a warning in the
    log, if the sender is no phone number, such as `MPESA`, or one whose country is not known: `0639980011` without a
    `default_region`. Digits without `+` are a number of that region if they can be one, else one with its country code.
    What was handled last counts, in whatever order the messages were written.

    Raises StorageError if the list or the journal cannot be used, and what `send_once` raises if the answer cannot be
    sent now. Let it pass, so that the webhook is delivered again, or the inbox hands the message over again: the next
    call does what is missing, and nothing twice. Raises InvalidRequestError and ConfigurationError for arguments that
    cannot be used, whatever the message says.
    """
    received = _received(message)
    check_suppression(suppression)
    region = None if client is None else channel_of(client)._default_region
    answer = None if reply is None else _answer(reply, client, journal)
    languages = list(languages) if isinstance(languages, Iterator) else languages  # it is read twice
    is_out, is_in = is_opt_out(received.text, languages), is_opt_in(received.text, languages)
    if not (is_out or is_in):
        return False
    number = _number_of(received.sender, region)
    if number is None:
        log.warning(
            "An opt-%s was not recorded: its sender is no phone number, or one without its country code. Numbers in "
            "national format need a client with a default_region.",
            "out" if is_out else "in",
        )
        return False
    if not is_out:
        suppression.remove(number)
    elif suppression.add(number, source=received.identity) and answer is not None:
        answer(number, received.identity)
    return True


def _answer(
    reply: str, client: SMSMobileClient | None, journal: str | os.PathLike[str] | Journal | None
) -> Callable[[str, str], None]:
    """Answers a number (digits only) for a message with this identity. Raises if that cannot work."""
    check_text("reply", reply)
    if client is None or journal is None:
        raise ConfigurationError(
            "A reply needs client, which sends it, and journal, which remembers it: without one, a message that is "
            "handled twice would be answered twice."
        )
    check_journal(journal)

    def send(number: str, identity: str) -> None:
        if not SHORT_CODE.fullmatch(number):
            # A key has to be one short line, and shows no number.
            key = hashlib.sha256(f"{number}\0{identity}".encode("utf-8", "replace")).hexdigest()[:32]
            send_once(client, journal, key=f"opt-out-{key}", to=f"+{number}", text=reply)

    return send


def _received(message: object) -> _Received:
    if isinstance(message, SMSReceived):
        return _Received(message.data.sender, message.data.message, message.data.guid or message.id)
    if isinstance(message, ReceivedSMS):
        return _Received(message.sender or "", message.message, message.guid or content_key(message))
    raise InvalidRequestError(
        f"message is of type {type(message).__name__}; expected an SMSReceived event or a ReceivedSMS."
    )


def _number_of(sender: str, region: str | None) -> str | None:
    """The digits of a sender; None if it is no number, or that of an unknown country."""
    with suppress(InvalidRequestError):
        return clean_recipient(sender, region).removeprefix("+")
    with suppress(InvalidRequestError):
        return digits_on_list(sender)
    return None
