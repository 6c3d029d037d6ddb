"""E-mail: sends through a mailbox that is connected to the account, and reads its folders.

The mailbox has its own key, a secret like the account's API key.
"""

from __future__ import annotations

import base64
import os
import re
from email.utils import parsedate_to_datetime
from pathlib import Path
from stat import S_ISREG
from typing import Annotated, ClassVar

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr

from .._http.transport import Transport
from .._input.arguments import check_bool, check_line, check_text, check_whole
from .._input.phone_numbers import mask_numbers
from .._wire.model import DayAndHour, WireModel
from .._wire.outcome import unknown_outcome_about
from .._wire.values import GUID_KEYS, Guid, MessageText, OptionalText, Timestamp, read_timestamp
from ..auth._credentials import check_credential
from ..errors import ConfigurationError, InvalidRequestError

__all__ = ["EmailChannel", "ReceivedEmail", "SentEmail"]


def __dir__() -> list[str]:
    return __all__


LARGEST_ATTACHMENT = 25 * 1000**2
"""Maximum size of an attachment in bytes. The service documents none; large mail providers accept no more (A)."""

_ADDRESS = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+")
_NO_LOG = "Look into the mailbox's folder of sent mail: reconcile() searches only the log of SMS."


def _read_mail_date(value: object) -> object:
    """Read the date format of e-mail (RFC 5322): `Fri, 20 Mar 2026 22:07:44 +0100`."""
    if isinstance(value, str) and read_timestamp(value) is None:
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
    """`client.email`."""

    def __init__(self, transport: Transport, *, mailbox_key: SecretStr | None = None) -> None:
        self._transport = transport
        self._mailbox_key = mailbox_key

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
        attachment: a file's content as bytes, or its path; at most LARGEST_ATTACHMENT bytes (A).
        attachment_name: the attachment's file name. Needed for bytes; by default the name of the file.
        unsubscribe: add a way to unsubscribe.
        allow_self_signed: accept a mail server with a self-signed certificate.
        mailbox_key: the mailbox's key (`apikeybox`, D); by default the client's.

        Raises ConfigurationError, InvalidRequestError or ConnectionFailed if nothing was sent, SendOutcomeUnknown if
        the e-mail may have been accepted (its `advice` says where to look), and an APIError if the service refused it.
        With OAuth2 also ResponseTimeout, if no token arrived in time; nothing was sent then.
        """
        mailbox_key = self._secret_key(mailbox_key)  # replaces the text: error reporters show the variables of a frame
        recipient = _check_address("recipient", to)
        params: dict[str, str | int] = {
            "sender_name": check_line("sender_name", sender_name),
            "sender_email": _check_address("sender_email", sender_email),
            "recipient_email": recipient,
            "mail_subject": check_line("subject", subject),
            "mail_body": check_text("body", body),
            "allow_self_signed": "yes" if check_bool("allow_self_signed", allow_self_signed) else "no",
        }
        if check_bool("unsubscribe", unsubscribe):
            params["unsubscribe"] = 1
        if attachment is not None:
            params["attachmentBase64"], params["attachmentBase64_name_1"] = _read_attachment(
                attachment, attachment_name
            )
        elif attachment_name is not None:
            raise InvalidRequestError("attachment_name is set, but there is no attachment; pass the attachment too.")
        with unknown_outcome_about(None, to=recipient, message=body, advice=_NO_LOG):
            fields = self._transport.call("email.send", params, secret={"apikeybox": mailbox_key}).fields
        return SentEmail.from_wire(fields)

    def inbox(
        self, *, folder: str = "INBOX", start: int = 0, mailbox_key: str | SecretStr | None = None
    ) -> list[ReceivedEmail]:
        """Return one page of the e-mails in a folder of the mailbox (D).

        folder: the folder's name.
        start: number of e-mails to skip; 0 for the first page (that it counts e-mails is assumed, A).
        mailbox_key: as in `send`.

        Raises ConfigurationError, InvalidRequestError, ConnectionFailed, ResponseTimeout or an APIError.
        """
        mailbox_key = self._secret_key(mailbox_key)
        params: dict[str, str | int] = {"mbox": check_line("folder", folder), "start": check_whole("start", start)}
        return self._transport.call("email.inbox", params, secret={"apikeybox": mailbox_key}).rows(ReceivedEmail)

    def _secret_key(self, mailbox_key: object) -> SecretStr:
        """Return the key to use: this one, or the client's."""
        if mailbox_key is None:
            if self._mailbox_key is None:
                raise ConfigurationError(
                    "The mailbox's key is missing; pass mailbox_key= here or to the client, or set "
                    "SMSMOBILEAPI_MAILBOX_KEY and build the client with from_env()."
                )
            return self._mailbox_key
        return check_credential("mailbox_key", mailbox_key)


def _check_address(name: str, address: object) -> str:
    address = check_line(name, address)
    if not _ADDRESS.fullmatch(address):
        raise InvalidRequestError(f"The {name} is not an e-mail address; expected one, such as 'name@example.org'.")
    return address


def _read_attachment(attachment: object, name: str | None) -> tuple[str, str]:
    """Return the attachment's content in Base64, and its file name."""
    if isinstance(attachment, (bytes, bytearray, memoryview)):
        if name is None:
            raise InvalidRequestError("The attachment is bytes and has no name; pass one with attachment_name=.")
        try:
            size = memoryview(attachment).nbytes
        except ValueError:
            raise InvalidRequestError("The attachment is a released memoryview; expected the file's content.") from None
        _check_size(size)
        content = bytes(attachment)
    elif isinstance(attachment, (str, os.PathLike)):
        path = _path_of(attachment)
        name = path.name if name is None else name
        content = _read_file(path)
    else:
        raise InvalidRequestError(
            f"The attachment is of type {type(attachment).__name__}; expected the file's content as bytes, or its path."
        )
    if not content:
        raise InvalidRequestError("The attachment is empty; expected a file with content.")
    return base64.b64encode(content).decode(), check_line("attachment_name", name)


def _path_of(attachment: str | os.PathLike[str]) -> Path:
    try:
        return Path(os.fsdecode(attachment))
    except TypeError:
        raise InvalidRequestError(f"The attachment is a {type(attachment).__name__} that returns no path.") from None


def _read_file(path: Path) -> bytes:
    shown = repr(mask_numbers(path.name)[:100])
    try:
        status = path.stat()
        is_file = S_ISREG(status.st_mode)  # opening a pipe can block, and a device can be endless
        content = b""
        if is_file and status.st_size <= LARGEST_ATTACHMENT:
            with path.open("rb") as file:
                content = file.read(LARGEST_ATTACHMENT + 1)  # the files of /proc have content, but a size of 0
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise InvalidRequestError(f"The attachment {shown} cannot be read: {reason}.") from None
    if not is_file:
        raise InvalidRequestError(f"The attachment {shown} is a directory, a pipe or a device; expected a file.")
    _check_size(max(status.st_size, len(content)))
    return content


def _check_size(size: int) -> None:
    if size > LARGEST_ATTACHMENT:
        raise InvalidRequestError(
            f"The attachment is larger than {LARGEST_ATTACHMENT // 1000**2} MB, which mail servers refuse; send a "
            "link instead."
        )
