"""E-mail through a mailbox that is connected to the account: sending, and reading a folder.

The mailbox has a key of its own, which is as secret as the account's.
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
from .._wire.model import WireModel
from .._wire.outcome import unknown_outcome_about
from .._wire.values import GUID_KEYS, Guid, MessageText, OptionalText, Timestamp, read_timestamp
from ..errors import ConfigurationError, InvalidRequestError

LARGEST_ATTACHMENT = 25 * 1000**2
"""So many bytes an attachment can have. The service names no limit; large mail providers take no more (A)."""

_ADDRESS = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+")
_NO_LOG = "Look into the mailbox's folder of sent mail: reconcile() searches the log of SMS only, in which mail is not."


def _read_mail_date(value: object) -> object:
    """Read a date as mail headers write it (RFC 5322): `Fri, 20 Mar 2026 22:07:44 +0100`."""
    if isinstance(value, str) and read_timestamp(value) is None:
        try:
            return parsedate_to_datetime(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            return value
    return value


class SentEmail(WireModel):
    """The service's answer to a send: the e-mail is accepted."""

    guid: Guid = Field(None, validation_alias=AliasChoices(*GUID_KEYS))
    """The e-mail's GUID; None if the service gave none."""
    accepted: bool = True
    """Always true: an e-mail that is not accepted raises an error."""
    note: OptionalText = Field(None, validation_alias=AliasChoices("note", "message", "messages"))
    """The service's remark."""


class ReceivedEmail(WireModel):
    """An e-mail in a folder of the mailbox. The keys of its row are assumed (A): the rest is in `model_extra`."""

    _day_and_hour: ClassVar = {"received_at": ("date", "hour")}

    guid: Guid = Field(None, validation_alias=AliasChoices(*GUID_KEYS, "uid", "message_id"))
    """The e-mail's GUID."""
    sender: OptionalText = Field(None, validation_alias=AliasChoices("from_email", "sender_email", "from", "sender"))
    """The address it came from."""
    sender_name: OptionalText = Field(None, validation_alias=AliasChoices("from_name", "sender_name"))
    """The name beside the address."""
    recipient: OptionalText = Field(
        None, validation_alias=AliasChoices("to_email", "recipient_email", "to", "recipient")
    )
    """The address it went to."""
    subject: OptionalText = Field(None, validation_alias=AliasChoices("subject", "mail_subject"))
    """The subject line."""
    body: MessageText = Field("", validation_alias=AliasChoices("body", "mail_body", "message", "text"))
    """The text, as the service gives it: it may be HTML."""
    received_at: Annotated[Timestamp, BeforeValidator(_read_mail_date)] = Field(
        None, validation_alias=AliasChoices("timestamp_unix", "received_at", "datetime", "timestamp", "udate")
    )
    """When it came, aware UTC; a spelling without timezone is read as UTC (A)."""


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

        to, sender_email: addresses, one each. sender_name: the name beside the sender's. subject: one line.
        body: any text.
        attachment: a file's content as bytes, or its path; at most LARGEST_ATTACHMENT bytes (A). attachment_name: what
        it is called; of a path, the file's name without it.
        unsubscribe: add a way to unsubscribe. allow_self_signed: trust a mail server whose certificate nobody signed.
        mailbox_key: the mailbox's key (`apikeybox`); the client's, or SMSMOBILEAPI_MAILBOX_KEY, without it.

        Raises ConfigurationError (no key), InvalidRequestError (nothing was sent), ConnectionFailed (nothing was
        sent), SendOutcomeUnknown (it may have been accepted: look into the mailbox), or APIError and its kinds (the
        service refused it). With OAuth2 also ResponseTimeout, where no token came (nothing was sent).
        """
        mailbox_key = self._key(mailbox_key)  # first, and in its place: error reporters print the variables of a frame
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
            raise InvalidRequestError("attachment_name names a file, but there is no attachment.")
        with unknown_outcome_about(None, to=recipient, message=body, advice=_NO_LOG):
            fields = self._transport.call("email.send", params, secret={"apikeybox": mailbox_key}).fields
        return SentEmail.from_wire(fields)

    def inbox(
        self, *, folder: str = "INBOX", start: int = 0, mailbox_key: str | SecretStr | None = None
    ) -> list[ReceivedEmail]:
        """E-mails of a folder of the mailbox: one page (D).

        folder: its name. start: how many to skip; 0 for the first page. That it counts e-mails is assumed (A).
        mailbox_key: as in `send`.

        Raises ConfigurationError (no key), InvalidRequestError, ConnectionFailed, ResponseTimeout, or APIError and
        its kinds.
        """
        mailbox_key = self._key(mailbox_key)
        params: dict[str, str | int] = {"mbox": check_line("folder", folder), "start": check_whole("start", start)}
        return self._transport.call("email.inbox", params, secret={"apikeybox": mailbox_key}).rows(ReceivedEmail)

    def _key(self, given: object) -> SecretStr:
        """The key to use, out of sight."""
        if given is None:
            if self._mailbox_key is None:
                raise ConfigurationError(
                    "The mailbox's key is missing: pass mailbox_key= here or to the client, or set "
                    "SMSMOBILEAPI_MAILBOX_KEY and build the client with from_env()."
                )
            return self._mailbox_key
        text = given.get_secret_value() if isinstance(given, SecretStr) else given
        if not (isinstance(text, str) and text and text == text.strip() and text.isprintable()):
            raise ConfigurationError(
                "mailbox_key is empty, no text, or holds spaces or a line break around it; copy it from the service's "
                "dashboard."
            )
        return SecretStr(text)


def _check_address(name: str, address: object) -> str:
    address = check_line(name, address)
    if not _ADDRESS.fullmatch(address):
        raise InvalidRequestError(f"The {name} is not one e-mail address; expected one such as 'name@example.org'.")
    return address


def _read_attachment(attachment: object, name: str | None) -> tuple[str, str]:
    """Its content in Base64, and its name. The content itself is not kept: it can be large."""
    if isinstance(attachment, (bytes, bytearray, memoryview)):
        if name is None:
            raise InvalidRequestError("The attachment is bytes; say what the file is called with attachment_name=.")
        try:
            _check_size(memoryview(attachment).nbytes)
            content = bytes(attachment)
        except InvalidRequestError:
            raise
        except ValueError:
            raise InvalidRequestError("The attachment is a memoryview that was released.") from None
    elif isinstance(attachment, (str, os.PathLike)):
        path = _path_of(attachment)
        name = path.name if name is None else name
        content = _read_file(path)
    else:
        raise InvalidRequestError(
            f"The attachment is of type {type(attachment).__name__}; expected the file's content as bytes, or its path."
        )
    if not content:
        raise InvalidRequestError("The attachment is empty; the service would send the e-mail without it.")
    return base64.b64encode(content).decode(), check_line("attachment_name", name)


def _path_of(attachment: str | os.PathLike[str]) -> Path:
    try:
        return Path(os.fsdecode(attachment))
    except TypeError:
        raise InvalidRequestError(f"The attachment is a {type(attachment).__name__} that gives no path.") from None


def _read_file(path: Path) -> bytes:
    shown = repr(mask_numbers(path.name)[:100])
    try:
        status = path.stat()
        is_file = S_ISREG(status.st_mode)  # to open a pipe would wait for its other end, and a device may have no end
        content = b""
        if is_file and status.st_size <= LARGEST_ATTACHMENT:
            with path.open("rb") as file:
                content = file.read(LARGEST_ATTACHMENT + 1)  # what the system itself makes up says that it has 0 bytes
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise InvalidRequestError(f"The attachment {shown} cannot be read: {reason}.") from None
    if not is_file:
        raise InvalidRequestError(f"The attachment {shown} is no file: a directory, a pipe or a device.")
    _check_size(max(status.st_size, len(content)))
    return content


def _check_size(size: int) -> None:
    if size > LARGEST_ATTACHMENT:
        raise InvalidRequestError(
            f"The attachment is larger than {LARGEST_ATTACHMENT // 1000**2} MB, which mail servers refuse; send a "
            "link to it."
        )
