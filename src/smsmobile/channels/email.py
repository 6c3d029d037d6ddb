"""E-mail: sends through a mailbox that is connected to the account, and reads its folders.

The mailbox has its own key, a secret like the account's API key.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Annotated, ClassVar

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr

from .._confidential import Hidden, without_frames
from .._http.transport import Transport
from .._input.arguments import check_bool, check_line, check_text, check_whole
from .._input.attachments import read_attachment
from .._wire.model import DayAndHour, WireModel
from .._wire.outcome import unknown_outcome_about
from .._wire.values import GUID_KEYS, Guid, MessageText, OptionalText, Timestamp, read_timestamp
from ..auth._credentials import check_credential
from ..errors import ConfigurationError, InvalidRequestError

__all__ = ["EmailChannel", "ReceivedEmail", "SentEmail"]


def __dir__() -> list[str]:
    return __all__


MOST_COPIES = 3
"""Maximum number of addresses in copy. The service has a parameter for each (D)."""
LONGEST_ADDRESS = 320
"""Characters of an e-mail address: 64, an @ and 255 (RFC 5321)."""
_CHARSET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,39}")
_LONGEST_DATE = 100
_ADDRESS = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+")
_NO_LOG = "Look into the mailbox's folder of sent mail: reconcile() searches only the log of SMS."


def _read_mail_date(value: object) -> object:
    """Read the date format of e-mail (RFC 5322): `Fri, 20 Mar 2026 22:07:44 +0100`."""
    if isinstance(value, str) and len(value) <= _LONGEST_DATE and read_timestamp(value) is None:
        try:
            return parsedate_to_datetime(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            return value
    return value


class SentEmail(WireModel):
    """The answer to a send: the service accepted the e-mail."""

    guid: Guid = Field(None, validation_alias=AliasChoices(*GUID_KEYS))
    """The e-mail's GUID; None if the service returned none."""
    accepted: bool = True
    """Always True. A send that is not accepted raises an exception."""
    note: OptionalText = Field(None, validation_alias=AliasChoices("note", "message", "messages"))
    """The service's note."""


class ReceivedEmail(WireModel):
    """An e-mail in a folder of the mailbox. The keys of its row are assumed (A); unknown keys are in `model_extra`."""

    _day_and_hour: ClassVar[DayAndHour] = {"received_at": ("date", "hour")}

    guid: Guid = Field(None, validation_alias=AliasChoices(*GUID_KEYS, "uid", "message_id"))
    """The e-mail's GUID."""
    sender: OptionalText = Field(None, validation_alias=AliasChoices("from_email", "sender_email", "from", "sender"))
    """The sender's e-mail address."""
    sender_name: OptionalText = Field(None, validation_alias=AliasChoices("from_name", "sender_name"))
    """The sender's display name."""
    recipient: OptionalText = Field(
        None, validation_alias=AliasChoices("to_email", "recipient_email", "to", "recipient")
    )
    """The recipient's e-mail address."""
    subject: OptionalText = Field(None, validation_alias=AliasChoices("subject", "mail_subject"))
    """The subject line."""
    body: MessageText = Field("", validation_alias=AliasChoices("body", "mail_body", "message", "text"))
    """The text, as the service returns it. It can be HTML."""
    received_at: Annotated[Timestamp, BeforeValidator(_read_mail_date)] = Field(
        None, validation_alias=AliasChoices("timestamp_unix", "received_at", "datetime", "timestamp", "udate")
    )
    """When it was received, as an aware UTC datetime. A time without timezone is read as UTC (A)."""


class EmailChannel:
    """`client.email`. Its `mailbox_key` is the client's."""

    def __init__(self, transport: Transport, *, mailbox_key: SecretStr | None = None) -> None:
        self._transport = transport
        self._mailbox_key = mailbox_key

    @without_frames
    def send(
        self,
        to: str,
        subject: str,
        body: str,
        *,
        sender_email: str,
        sender_name: str,
        attachment: bytes | str | os.PathLike[str] | None = None,
        attachment_name: str | None = None,
        cc: Sequence[str] = (),
        reply_email: str | None = None,
        reply_name: str | None = None,
        charset: str | None = None,
        unsubscribe: bool = False,
        allow_self_signed: bool = False,
        mailbox_key: str | SecretStr | None = None,
    ) -> SentEmail:
        """Send an e-mail through the mailbox (D).

        to: one e-mail address, the recipient's.
        subject: one line of text.
        body: any text.
        sender_email: one e-mail address, the sender's.
        sender_name: the sender's display name.
        attachment: a file's content as bytes, or its path; at most 25 MB (A).
        attachment_name: the attachment's file name, without a folder. Needed for bytes; by default the file's own name.
        cc: a list of up to three e-mail addresses that get a copy (D).
        reply_email: one e-mail address for replies (D); without it, they go to the sender.
        reply_name: the display name of `reply_email` (D).
        charset: name of the character set of the e-mail, such as `utf-8` (D); by default the service chooses. The text
            itself is always sent to the service as UTF-8.
        unsubscribe: add a way to unsubscribe.
        allow_self_signed: accept a mail server with a self-signed certificate.
        mailbox_key: the mailbox's key (`apikeybox`, D); by default the client's.

        Raises ConfigurationError, InvalidRequestError or ConnectionFailed if nothing was sent, SendOutcomeUnknown if
        the e-mail may have been accepted (its `advice` says where to look), and an APIError if the service refused it.
        With OAuth2 also ResponseTimeout, if no token arrived in time; nothing was sent then.
        """
        key = self._secret_key(mailbox_key)
        recipient, body = _check_address("recipient", to), check_text("body", body)
        params: dict[str, str | int] = {
            "sender_name": check_line("sender_name", sender_name),
            "sender_email": _check_address("sender_email", sender_email),
            "recipient_email": recipient,
            "mail_subject": check_line("subject", subject),
            "mail_body": body,
            "allow_self_signed": "yes" if check_bool("allow_self_signed", allow_self_signed) else "no",
            **_copies(cc),
            **_reply_to(reply_email, reply_name),
        }
        if charset is not None:
            params["charset"] = _check_charset(charset)
        if check_bool("unsubscribe", unsubscribe):
            params["unsubscribe"] = 1
        if attachment is not None:
            params["attachmentBase64"], params["attachmentBase64_name_1"] = read_attachment(attachment, attachment_name)
        elif attachment_name is not None:
            raise InvalidRequestError("attachment_name is set, but there is no attachment; pass the attachment too.")
        with unknown_outcome_about(None, to=recipient, message=body, advice=_NO_LOG):
            fields = self._transport.call("email.send", params, secret={"apikeybox": key}).fields
        return SentEmail.from_wire(fields)

    @without_frames
    def inbox(
        self, *, folder: str = "INBOX", start: int = 0, mailbox_key: str | SecretStr | None = None
    ) -> list[ReceivedEmail]:
        """Return one page of the e-mails in a folder of the mailbox (D).

        folder: the folder's name.
        start: number of e-mails to skip; 0 for the first page (that it counts e-mails is assumed, A).
        mailbox_key: as in `send`.

        Raises ConfigurationError, InvalidRequestError, ConnectionFailed, ResponseTimeout or an APIError.
        """
        key = self._secret_key(mailbox_key)
        params: dict[str, str | int] = {"mbox": check_line("folder", folder), "start": check_whole("start", start)}
        return self._transport.call("email.inbox", params, secret={"apikeybox": key}).rows(ReceivedEmail)

    def _secret_key(self, mailbox_key: object) -> Hidden:
        """Return the key to use: this one, or the client's."""
        key = self._mailbox_key if mailbox_key is None else mailbox_key
        if key is None:
            raise ConfigurationError(
                "The mailbox's key is missing; pass mailbox_key= here or to the client, or set "
                "SMSMOBILEAPI_MAILBOX_KEY and build the client with from_env()."
            )
        return check_credential("mailbox_key", key)


def _check_address(name: str, address: object) -> str:
    address = check_line(name, address, most=LONGEST_ADDRESS)
    if not _ADDRESS.fullmatch(address):
        raise InvalidRequestError(f"The {name} is not an e-mail address; expected one, such as 'name@example.org'.")
    return address


def _copies(cc: object) -> dict[str, str]:
    """The parameters for the addresses in copy."""
    if not isinstance(cc, (list, tuple)):
        raise InvalidRequestError(f"cc is of type {type(cc).__name__}; expected a list of e-mail addresses.")
    if len(cc) > MOST_COPIES:
        raise InvalidRequestError(f"cc has {len(cc)} addresses; the service takes at most {MOST_COPIES}.")
    return {f"email_cc{number}": _check_address("address in cc", each) for number, each in enumerate(cc, start=1)}


def _reply_to(email: object, name: object) -> dict[str, str]:
    """The parameters for where replies go."""
    if email is None:
        if name is not None:
            raise InvalidRequestError("reply_name is set, but there is no address; pass reply_email too.")
        return {}
    params = {"reply_email": _check_address("reply_email", email)}
    return params if name is None else {**params, "reply_name": check_line("reply_name", name)}


def _check_charset(charset: object) -> str:
    charset = check_line("charset", charset)
    if not _CHARSET.fullmatch(charset):
        raise InvalidRequestError("The charset is not the name of a character set; expected one such as 'utf-8'.")
    return charset
