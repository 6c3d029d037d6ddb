"""WhatsApp: sends by WhatsApp alone, checks numbers, and receives in three steps.

`client.sms.send(…, whatsapp=True)`, which sends an SMS as well, is in sms.py.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar, Literal

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
from .._input.media_urls import check_media_url
from .._input.phone_numbers import clean_whatsapp_number
from .._wire.envelope import Answer, with_guid
from .._wire.model import DayAndHour, WireModel
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

__all__ = [
    "NumberCheck",
    "ReceivedWhatsApp",
    "ResentWhatsApp",
    "SentWhatsApp",
    "WhatsAppChannel",
    "WhatsAppRetrieval",
    "WhatsAppWindow",
]


def __dir__() -> list[str]:
    return __all__


_NO_LOG = (
    "The service offers no log of WhatsApp messages: look into the chat on the phone, or for the webhook events "
    "whatsapp.submitted and whatsapp.sent."
)
_THREE_STEPS = (
    "To receive WhatsApp messages, call client.whatsapp.enable_retrieval() once, then synchronise(), which opens a "
    "window and says when it ends, then received() while the window is open. Newer messages need a new window."
)
_FOUND_KEYS = ("contact_found_on_whatsapp", "on_whatsapp", "exists", "found", "whatsapp")
_ACTIVE_KEYS = ("read_message_active", "active", "statut")


class SentWhatsApp(WireModel):
    """The answer to a send: the service accepted and queued the message (D). The phone sends it later."""

    guid: Guid = Field(None, validation_alias=AliasChoices(*GUID_KEYS))
    """The message's GUID; None if the service returned none (O)."""
    accepted: bool = True
    """Always True. A send that is not accepted raises an exception."""
    note: OptionalText = Field(None, validation_alias=AliasChoices("note", "message"))
    """The service's note."""
    created_at: Timestamp = Field(None, validation_alias=AliasChoices("datetime", "created_at"))
    """When the service accepted it, as an aware UTC datetime; None if the answer does not say (O)."""


class ResentWhatsApp(WireModel):
    """The answer to a resend: the service queued the message again."""

    guid: Guid = Field(None, validation_alias=AliasChoices(*GUID_KEYS))
    """The message's GUID."""
    note: OptionalText = Field(None, validation_alias=AliasChoices("note", "message"))
    """The service's note."""


class NumberCheck(WireModel):
    """Whether a number is on WhatsApp."""

    number: OptionalText = Field(None, validation_alias=AliasChoices("number", "recipients", "phone_number", "phone"))
    """The number with country code, without `+`."""
    on_whatsapp: OptionalBool = None
    """Whether it is; None if the service does not say (the key is assumed, A)."""


class WhatsAppRetrieval(WireModel):
    """Whether the service stores received WhatsApp messages for this account."""

    active: OptionalBool = None
    """Whether it stores them from now on."""
    note: OptionalText = Field(None, validation_alias=AliasChoices("status_note", "note", "message", "messages"))
    """The service's note."""


class WhatsAppWindow(WireModel):
    """A time window in which received WhatsApp messages can be read (D)."""

    ends_at: Timestamp = Field(None, validation_alias=AliasChoices("expire_at_unix", "expire_at"))
    """When the window ends, as an aware UTC datetime; None if the service does not say."""
    note: OptionalText = Field(None, validation_alias=AliasChoices("messages", "message", "note"))
    """The service's note."""


class ReceivedWhatsApp(WireModel):
    """A WhatsApp message that a phone received (D; the keys of its row are assumed, A)."""

    _day_and_hour: ClassVar[DayAndHour] = {"received_at": ("date", "hour")}

    id: OptionalInt = None
    """The message's number in the service's list, for `before`."""
    guid: Guid = Field(None, validation_alias=AliasChoices("guid", "guid_message"))
    """The message's GUID. Also read from `id`, if that is not a number."""
    data_id: OptionalText = None
    """WhatsApp's own id of the message."""
    sender: OptionalText = Field(None, validation_alias=AliasChoices("number", "from", "phone_number", "phone"))
    """The sender's number with country code. WhatsApp writes it without `+`."""
    contact_name: OptionalText = Field(None, validation_alias=AliasChoices("contact_name", "name", "alias"))
    """The sender's name in the phone's contacts; None if there is none."""
    message: MessageText = Field("", validation_alias=AliasChoices("message", "transcript"))
    """The text. For a voice message: its transcript, once there is one."""
    kind: OptionalText = Field(None, validation_alias=AliasChoices("message_type", "type"))
    """`text`, `audio`, or another word of the service."""
    received_at: Timestamp = Field(
        None, validation_alias=AliasChoices("timestamp_unix", "received_at", "time_received", "datetime", "timestamp")
    )
    """When it was received, as an aware UTC datetime. A time without timezone is read as UTC (A)."""
    device: OptionalText = Field(None, validation_alias=AliasChoices(*DEVICE_KEYS))
    """SID of the phone that received it."""

    @model_validator(mode="before")
    @classmethod
    def _find_guid(cls, row: Any) -> Any:
        """Use `id` as the GUID, as other rows do (O), if it is not a number and there is no other GUID (A)."""
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
        """Queue a message by WhatsApp, without an SMS (D). The phone sends it later.

        to: one phone number with country code; a leading `+` or `00` is removed. Without them, digits that do not begin
            with 0 are read as WhatsApp writes them: with country code, whatever the client's `default_region`.
        message: any text. WhatsApp formats `_italic_`, `*bold*` and `~struck~`.
        media_url: public https URL of a file to send with it; the service accepts some file extensions only (D).
        pdf_preview: show the first page of a PDF.
        short_media_url: show a short link to the file.
        device: SID of the phone to send from; by default the client's `device`. Needs the app 3.0.35.3 or later (D).
        schedule_at: when to send it, an aware datetime; fractions of a second are ignored.
        shorten_urls: let the service shorten the links in the text (D).
        encrypt: let the service encrypt the text (D).

        Raises InvalidRequestError or ConnectionFailed if nothing was sent, SendOutcomeUnknown if the message may have
        been accepted (its `advice` says where to look), and an APIError if the service refused it. With OAuth2 also
        ResponseTimeout, if no token arrived in time; nothing was sent then.
        """
        recipient, message = clean_whatsapp_number(to, self._default_region), check_text("message", message)
        params: dict[str, str | int] = {"recipients": recipient, "message": message, "waonly": "yes"}
        if media_url is not None:
            params["url_media"] = check_media_url(media_url)
        if check_bool("pdf_preview", pdf_preview):
            params["pdf_with_image"] = "yes"
        if check_bool("short_media_url", short_media_url):
            params["url_media_shorted"] = "yes"
        if media_url is None and (pdf_preview or short_media_url):
            raise InvalidRequestError("pdf_preview and short_media_url need a file; pass its media_url too.")
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
        """Queue a failed message again (D). The service refuses a message that did not fail.

        Raises the errors of `send`.
        """
        guid = check_guid(guid)
        with unknown_outcome_about(None, guid=guid, advice=_NO_LOG):
            fields = self._transport.call("whatsapp.resend", {"guid": guid}).fields
        return ResentWhatsApp.from_wire(with_guid(fields, guid))

    def check_number(self, to: str) -> NumberCheck:
        """Check whether a number is on WhatsApp (D). Nothing is sent to it.

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout or an APIError.
        """
        number = clean_whatsapp_number(to, self._default_region)
        fields = self._transport.call("whatsapp.check_number", {"recipients": number}).fields
        return NumberCheck.from_wire({"recipients": number, **fields, "on_whatsapp": _first_flag(fields, _FOUND_KEYS)})

    def enable_retrieval(self) -> WhatsAppRetrieval:
        """Let the service store received WhatsApp messages from now on (D). Step 1 of receiving: needed once.

        Raises ConnectionFailed, ResponseTimeout or an APIError.
        """
        return self._switch_retrieval(on=True)

    def disable_retrieval(self) -> WhatsAppRetrieval:
        """Let the service store no more received WhatsApp messages (D). Raises the errors of `enable_retrieval`."""
        return self._switch_retrieval(on=False)

    def synchronise(self) -> WhatsAppWindow:
        """Open a window in which received messages can be read (D). Step 2 of receiving.

        `ends_at` of the result is the end of the window. Newer messages need a new window.

        Raises ConnectionFailed, ResponseTimeout or an APIError. If retrieval is off, the text says what to do.
        """
        return WhatsAppWindow.from_wire(self._call_in_window("whatsapp.synchronise", {}).fields)

    def received(
        self,
        *,
        before: int | None = None,
        day: date | str | None = None,
        kind: Literal["text", "audio"] | None = None,
    ) -> list[ReceivedWhatsApp]:
        """Return the messages that the phones received, while a window is open (D). Step 3 of receiving.

        before: only messages older than this one; a whole number, assumed to be the `id` of a message (A).
        day: only messages of this day, by the service's clock; a date, or a text such as `2026-03-20`.
        kind: only `text` or only `audio` (voice) messages.

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout or an APIError. If no window is open, the text
        says what to do.
        """
        params: dict[str, str | int] = {}
        if before is not None:
            params["before"] = check_whole("before", before, most=2**63 - 1)
        if day is not None:
            params["date"] = check_day("day", day)
        if kind is not None:
            params["message_type"] = check_choice("kind", kind, ("text", "audio"))
        return self._call_in_window("whatsapp.received", params).rows(ReceivedWhatsApp)

    def _switch_retrieval(self, *, on: bool) -> WhatsAppRetrieval:
        fields = self._transport.call("whatsapp.retrieval", {"statut": int(on)}).fields
        active = _first_flag(fields, _ACTIVE_KEYS)
        return WhatsAppRetrieval.from_wire({**fields, "active": on if active is None else active})

    def _call_in_window(self, name: str, params: dict[str, str | int]) -> Answer:
        """Call an endpoint that needs a window. An error without a known code is probably about it: add what to do."""
        try:
            return self._transport.call(name, params)
        except APIError as error:
            if type(error) is not APIError or not _may_be_about_the_window(error):
                raise
            failure = APIError(f"{error} {_THREE_STEPS}", code=error.code, status=error.status, note=error.note)
        raise failure


def _first_flag(fields: dict[str, Any], keys: tuple[str, ...]) -> bool | None:
    """The first of these fields that can be read as yes or no."""
    return next((flag for key in keys if (flag := read_optional_bool(fields.get(key))) is not None), None)


def _may_be_about_the_window(error: APIError) -> bool:
    """Whether the error may be about the window: it has an explanation, but not one about a parameter."""
    is_explained = error.status == 200 or (error.status in (400, 409) and error.code is not None)
    return is_explained and "param" not in f"{error.code} {error.note}".lower()
