"""WhatsApp: sending by it alone, who is on it, and the three steps of receiving. SMS that also go by it: sms.py."""

from __future__ import annotations

import re
from datetime import date, datetime
from ipaddress import ip_address
from typing import Any, ClassVar, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AliasChoices, Field, model_validator

from .._http.transport import Transport
from .._input.arguments import (
    check_bool,
    check_choice,
    check_day,
    check_guid,
    check_line,
    check_text,
    check_whole,
    schedule_time,
)
from .._input.phone_numbers import clean_recipient, mask_numbers
from .._wire.envelope import Answer, with_guid
from .._wire.model import WireModel
from .._wire.outcome import unknown_outcome_about
from .._wire.values import (
    DEVICE_KEYS,
    GUID_KEYS,
    Guid,
    MessageText,
    OptionalBool,
    OptionalInt,
    OptionalText,
    Timestamp,
    read_guid,
    read_optional_bool,
)
from ..errors import APIError, InvalidRequestError

MEDIA_ENDINGS = (
    *("pdf", "xml", "doc", "docx", "odt", "rtf", "txt", "tex", "xls", "xlsx", "csv", "ods", "ppt", "pptx", "odp"),
    *("zip", "rar", "7z", "tar", "gz", "jpg", "jpeg", "png"),
)
"""What the name of a media file may end in (D)."""

_NO_LOG = (
    "The service keeps no log of WhatsApp messages that it would show: look into the chat on the phone, or for the "
    "webhook events whatsapp.submitted and whatsapp.sent."
)
_THREE_STEPS = (
    "Receiving WhatsApp takes three steps: client.whatsapp.enable_retrieval() once; then synchronise(), which opens a "
    "window and says when it ends; then received(), while it is open. Ask for a new window for newer messages."
)
_HOST = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]*\.?")
_NOT_OUTSIDE = ("localhost", "local", "internal", "lan")
_FOUND_KEYS = ("contact_found_on_whatsapp", "on_whatsapp", "exists", "found", "whatsapp")
_ACTIVE_KEYS = ("read_message_active", "active", "statut")


class SentWhatsApp(WireModel):
    """The service's answer to a send: the message is accepted and queued (D). The phone sends it later."""

    guid: Guid = Field(None, validation_alias=AliasChoices(*GUID_KEYS))
    """The message's GUID, which the other operations take; None if the service gave none (O)."""
    accepted: bool = True
    """Always true: a message that is not accepted raises an error."""
    note: OptionalText = Field(None, validation_alias=AliasChoices("note", "message"))
    """The service's remark."""
    created_at: Timestamp = Field(None, validation_alias=AliasChoices("datetime", "created_at"))
    """When the service accepted it, aware UTC (O)."""


class ResentWhatsApp(WireModel):
    """The service's answer to a resend: the message is queued again."""

    guid: Guid = Field(None, validation_alias=AliasChoices(*GUID_KEYS))
    """The message's GUID."""
    note: OptionalText = Field(None, validation_alias=AliasChoices("note", "message"))
    """The service's remark."""


class NumberCheck(WireModel):
    """Whether a number is on WhatsApp."""

    number: OptionalText = Field(None, validation_alias=AliasChoices("number", "recipients", "phone_number", "phone"))
    """The number, country code first, without `+`."""
    on_whatsapp: OptionalBool = None
    """Whether it is; None if the service does not say (its key is assumed, A)."""


class WhatsAppRetrieval(WireModel):
    """Whether the service keeps received WhatsApp messages for this account."""

    active: OptionalBool = None
    """Whether it does from now on."""
    note: OptionalText = Field(None, validation_alias=AliasChoices("status_note", "note", "message", "messages"))
    """The service's remark."""


class WhatsAppWindow(WireModel):
    """The period in which received WhatsApp messages can be read (D)."""

    ends_at: Timestamp = Field(None, validation_alias=AliasChoices("expire_at_unix", "expire_at"))
    """When it ends, aware UTC; None if the service does not say."""
    note: OptionalText = Field(None, validation_alias=AliasChoices("messages", "message", "note"))
    """The service's remark."""


class ReceivedWhatsApp(WireModel):
    """A WhatsApp message that the phone received (D; the keys of its row are assumed, A)."""

    _day_and_hour: ClassVar = {"received_at": ("date", "hour")}

    id: OptionalInt = None
    """Its number in the service's list, for `before`."""
    guid: Guid = Field(None, validation_alias=AliasChoices("guid", "guid_message"))
    """The message's GUID, also if it comes under `id`."""
    data_id: OptionalText = None
    """WhatsApp's own identifier of the message."""
    sender: OptionalText = Field(None, validation_alias=AliasChoices("number", "from", "phone_number", "phone"))
    """The number it came from, country code first; WhatsApp writes it without `+`."""
    contact_name: OptionalText = Field(None, validation_alias=AliasChoices("contact_name", "name", "alias"))
    """The sender's name in the phone's contacts; None if there is none."""
    message: MessageText = Field("", validation_alias=AliasChoices("message", "transcript"))
    """The text; for a voice message its transcript, once there is one."""
    kind: OptionalText = Field(None, validation_alias=AliasChoices("message_type", "type"))
    """`text` or `audio`, or another word of the service."""
    received_at: Timestamp = Field(
        None, validation_alias=AliasChoices("timestamp_unix", "received_at", "time_received", "datetime", "timestamp")
    )
    """When it was received, aware UTC; a spelling without timezone is read as UTC (A)."""
    device: OptionalText = Field(None, validation_alias=AliasChoices(*DEVICE_KEYS))
    """SID of the phone that received it."""

    @model_validator(mode="before")
    @classmethod
    def _find_guid(cls, row: Any) -> Any:
        """Use `id` as the GUID, as it is in other rows (O), if it is not a number and there is no other GUID (A)."""
        if isinstance(row, dict) and not any(read_guid(row.get(key)) for key in ("guid", "guid_message")):
            guid = row.get("id")
            if isinstance(guid, str) and guid and not guid.strip().isdigit():
                return {**row, "guid": guid}
        return row


class WhatsAppChannel:
    """`client.whatsapp`."""

    def __init__(
        self, transport: Transport, *, default_region: str | None = None, default_device: str | None = None
    ) -> None:
        self._transport = transport
        self._default_region = default_region
        self._default_device = default_device

    def send(
        self,
        to: str,
        message: str,
        *,
        media_url: str | None = None,
        pdf_preview: bool = False,
        short_media_url: bool = False,
        device: str | None = None,
        schedule_at: datetime | None = None,
        shorten_urls: bool = False,
        encrypt: bool = False,
    ) -> SentWhatsApp:
        """Queue a message that goes by WhatsApp and not as an SMS (D); the phone sends it later.

        to: one phone number with country code; `+` or `00` in front is left out for you.
        message: any text; WhatsApp shows `_italic_`, `*bold*` and `~struck~`.
        media_url: a file to send along, at a public https address that ends as one of MEDIA_ENDINGS (D).
        pdf_preview: show the first page of a PDF. short_media_url: show a short link to it.
        device: SID of the phone to use. schedule_at: an aware datetime, of which whole seconds are used.
        shorten_urls, encrypt: as the service does them (D).

        Raises InvalidRequestError (nothing was sent), ConnectionFailed (nothing was sent), SendOutcomeUnknown (it may
        have been accepted; its `advice` says where to look, since there is no log of these), or APIError and its
        kinds (the service refused it). With OAuth2 also ResponseTimeout, where no token came (nothing was sent).
        """
        recipient = self._number(to)
        params: dict[str, str | int] = {
            "recipients": recipient,
            "message": check_text("message", message),
            "waonly": "yes",
        }
        if media_url is not None:
            params["url_media"] = _check_media(media_url)
        if check_bool("pdf_preview", pdf_preview):
            params["pdf_with_image"] = "yes"
        if check_bool("short_media_url", short_media_url):
            params["url_media_shorted"] = "yes"
        if media_url is None and (pdf_preview or short_media_url):
            raise InvalidRequestError("pdf_preview and short_media_url are about a file: give its media_url.")
        if (device := self._default_device if device is None else device) is not None:
            params["sIdentifiant"] = check_line("device", device)
        if schedule_at is not None:
            params["schedule_timestamp"] = schedule_time("schedule_at", schedule_at)
        if check_bool("shorten_urls", shorten_urls):
            params["shorturl"] = 1
        if check_bool("encrypt", encrypt):
            params["encrypt_message"] = "yes"
        with unknown_outcome_about(None, to=recipient, message=message, advice=_NO_LOG):
            fields = self._transport.call("whatsapp.send", params).fields
        return SentWhatsApp.from_wire(fields)

    def resend(self, guid: str) -> ResentWhatsApp:
        """Queue a failed WhatsApp message again. Only for one in an error state (D).

        Raises as `send` does; the service refuses a message that did not fail.
        """
        guid = check_guid(guid)
        with unknown_outcome_about(None, guid=guid, advice=_NO_LOG):
            fields = self._transport.call("whatsapp.resend", {"guid": guid}).fields
        return ResentWhatsApp.from_wire(with_guid(fields, guid))

    def check_number(self, to: str) -> NumberCheck:
        """Whether a number is on WhatsApp (D). Nothing is sent to it.

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout, or APIError and its kinds.
        """
        number = self._number(to)
        fields = self._transport.call("whatsapp.check_number", {"recipients": number}).fields
        return NumberCheck.from_wire({"recipients": number, **fields, "on_whatsapp": _said(fields, _FOUND_KEYS)})

    def enable_retrieval(self) -> WhatsAppRetrieval:
        """Let the service keep received WhatsApp messages from now on: the first step of reading them, once (D).

        Raises ConnectionFailed, ResponseTimeout, or APIError and its kinds.
        """
        return self._switch_retrieval(on=True)

    def disable_retrieval(self) -> WhatsAppRetrieval:
        """Let the service keep no more received WhatsApp messages (D). Raises as `enable_retrieval` does."""
        return self._switch_retrieval(on=False)

    def synchronise(self) -> WhatsAppWindow:
        """Ask for a window in which received messages can be read, and learn when it ends: the second step (D).

        Ask for a new one for newer messages.

        Raises ConnectionFailed, ResponseTimeout, or APIError and its kinds; where retrieval is off, the text says so.
        """
        return WhatsAppWindow.from_wire(self._ask("whatsapp.synchronise", {}).fields)

    def received(
        self,
        *,
        before: int | None = None,
        day: date | str | None = None,
        kind: Literal["text", "audio"] | None = None,
    ) -> list[ReceivedWhatsApp]:
        """Messages that the phones received, while a window is open: the third step (D).

        before: a whole number; only older messages. That it is the `id` of a message is assumed (A).
        day: a date, or text as `2026-03-20`; only of this day, by the service's clock.
        kind: only texts, or only voice messages.

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout, or APIError and its kinds; without a window,
        the text says what to do.
        """
        params: dict[str, str | int] = {}
        if before is not None:
            params["before"] = check_whole("before", before, most=2**63 - 1)
        if day is not None:
            params["date"] = check_day("day", day)
        if kind is not None:
            params["message_type"] = check_choice("kind", kind, ("text", "audio"))
        return self._ask("whatsapp.received", params).rows(ReceivedWhatsApp)

    def _number(self, to: str) -> str:
        """As WhatsApp wants it: the country code first, no `+` and no `00` (D)."""
        return clean_recipient(to, self._default_region).removeprefix("+")

    def _switch_retrieval(self, *, on: bool) -> WhatsAppRetrieval:
        fields = self._transport.call("whatsapp.retrieval", {"statut": int(on)}).fields
        said = _said(fields, _ACTIVE_KEYS)
        return WhatsAppRetrieval.from_wire({**fields, "active": on if said is None else said})

    def _ask(self, name: str, params: dict[str, str | int]) -> Answer:
        """The answer. A refusal that the contract has no code for is most likely about the window: say what to do."""
        try:
            return self._transport.call(name, params)
        except APIError as error:
            if type(error) is not APIError or not _may_be_about_the_window(error):
                raise
            failure = APIError(f"{error} {_THREE_STEPS}", code=error.code, status=error.status, note=error.note)
        raise failure


def _said(fields: dict[str, Any], keys: tuple[str, ...]) -> bool | None:
    """The first of these marks that says yes or no."""
    return next((mark for key in keys if (mark := read_optional_bool(fields.get(key))) is not None), None)


def _may_be_about_the_window(error: APIError) -> bool:
    """Whether the request itself was in order: nothing is said against its form, length, parameters …"""
    in_words = error.status == 200 or (error.status in (400, 409) and error.code is not None)
    return in_words and "param" not in f"{error.code} {error.note}".lower()


def _check_media(url: object) -> str:
    url = check_line("media_url", url)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # asking for a port that is none raises
    except ValueError:
        raise InvalidRequestError(
            "media_url is no address; expected one such as 'https://example.org/a.pdf'."
        ) from None
    if parts.scheme != "https" or not host:
        raise InvalidRequestError(
            f"media_url begins with {mask_numbers(parts.scheme)[:20] or 'no scheme'!r}; expected a public https "
            "address, such as 'https://example.org/a.pdf'."
        )
    if "@" in parts.netloc or any(char.isspace() or not char.isprintable() for char in url):
        raise InvalidRequestError(
            "media_url has a user or a space in it, or a character that cannot be seen; expected a public https "
            "address, with spaces written as '%20'."
        )
    if not _is_public(host):
        raise InvalidRequestError(
            "media_url names a host that the service cannot reach from outside; expected a public https address, such "
            "as 'https://example.org/a.pdf'."
        )
    name = unquote(parts.path).rpartition("/")[2]
    if parts.fragment or "." not in name or name.rpartition(".")[2].lower() not in MEDIA_ENDINGS:
        raise InvalidRequestError(
            f"media_url does not end as a file that can be sent; expected one of {', '.join(MEDIA_ENDINGS)}."
        )
    return url


def _is_public(host: str) -> bool:
    """Whether others can reach this host, as far as its name or its literal address tells."""
    try:
        address = ip_address(host)
    except ValueError:
        pass
    else:
        return address.is_global and not address.is_multicast
    try:
        name = host.encode("idna").decode()  # refuses labels that are empty or too long
    except UnicodeError:
        return False
    return _HOST.fullmatch(name) is not None and name.rstrip(".").rpartition(".")[2] not in _NOT_OUTSIDE
