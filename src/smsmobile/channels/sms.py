"""SMS: send, resend, track, find, read the logs, delete; and the models that these return."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AliasChoices, BeforeValidator, Field, model_validator

from .._http.transport import Transport
from .._input.arguments import (
    EPOCH,
    check_bool,
    check_guid,
    check_line,
    check_moment,
    check_sim,
    check_text,
    check_whole,
    schedule_time,
    unix_time,
)
from .._input.phone_numbers import clean_recipient
from .._log_row import SMSStatus
from .._sent_log.comparison import precision_of
from .._sent_log.paging import read_pages
from .._sent_log.search import find_one
from .._sent_log.tracking import HasGuid, check_handles, follow
from .._wire.envelope import with_guid
from .._wire.model import DayAndHour, WireModel
from .._wire.outcome import unknown_outcome_about
from .._wire.values import (
    DEVICE_KEYS,
    GUID_KEYS,
    RECIPIENT_KEYS,
    Bool,
    Guid,
    MessageText,
    OptionalInt,
    OptionalText,
    Timestamp,
    WrappedBool,
    read_bool,
)
from ..errors import SendOutcomeUnknown

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "DeletedSMS",
    "HandSentSMS",
    "LoggedSMS",
    "ReceivedSMS",
    "ResentSMS",
    "SMSChannel",
    "SMSStatus",
    "SentSMS",
]


def __dir__() -> list[str]:
    return __all__


def _read_status(status: object) -> SMSStatus:
    """Read a status from a dumped model. A status word of the service is ignored: other keys of the row say more."""
    try:
        return SMSStatus(status)
    except ValueError:
        return SMSStatus.QUEUED


class SentSMS(WireModel):
    """The answer to a send: the service accepted and queued the message (D). The phone sends it later."""

    guid: Guid = Field(None, validation_alias=AliasChoices(*GUID_KEYS))
    """The message's GUID; None if the service returned none (O)."""
    accepted: bool = True
    """Always True. A send that is not accepted raises an exception."""
    note: OptionalText = Field(None, validation_alias=AliasChoices("note", "message"))
    """The service's note."""
    created_at: Timestamp = Field(None, validation_alias=AliasChoices("datetime", "created_at"))
    """When the service accepted it, as an aware UTC datetime; None if the answer does not say (O)."""
    sim: OptionalInt = Field(None, validation_alias="port")
    """SIM slot, 1 or 2; None if the phone chooses."""
    whatsapp: Bool = Field(False, validation_alias="send_with_whatsapp")
    """Whether it is also sent by WhatsApp; None if the answer has an unknown word."""
    encrypted: WrappedBool = False
    """Whether the service stores it encrypted; None if the answer has an unknown word."""


class ResentSMS(WireModel):
    """The answer to a resend: the service queued the message again."""

    guid: Guid = Field(None, validation_alias=AliasChoices(*GUID_KEYS))
    """The message's GUID."""
    note: OptionalText = Field(None, validation_alias=AliasChoices("note", "message"))
    """The service's note."""


class DeletedSMS(WireModel):
    """The answer to a delete."""

    guid: Guid = Field(None, validation_alias=AliasChoices(*GUID_KEYS))
    """The GUID of the deleted message."""
    note: OptionalText = Field(None, validation_alias=AliasChoices("note", "message"))
    """The service's note."""


class LoggedSMS(WireModel):
    """A row of the log of SMS sent through the API (O)."""

    _day_and_hour: ClassVar[DayAndHour] = {"created_at": ("date", "hour")}

    guid: Guid = Field(None, validation_alias=AliasChoices(*GUID_KEYS))
    """The message's GUID."""
    recipient: OptionalText = Field(None, validation_alias=AliasChoices(*RECIPIENT_KEYS))
    """The recipient's number, as the service writes it."""
    message: MessageText = ""
    """The text."""
    status: Annotated[SMSStatus, BeforeValidator(_read_status)] = SMSStatus.QUEUED
    """Queued, sent or failed."""
    error: OptionalText = None
    """Why it failed, as reported by the service or the phone; None if it did not fail."""
    created_at: Timestamp = Field(
        None, validation_alias=AliasChoices("datetime", "created_at", "timestamp_unix", "timestamp")
    )
    """When the service accepted it, as an aware UTC datetime; None if the row does not say (keys: A)."""
    sent_at: Timestamp = Field(None, validation_alias=AliasChoices("send_from_mobile_datetime", "sent_at", "date_sent"))
    """When the phone sent it, as an aware UTC datetime; None if the row does not say (keys: A)."""
    device: OptionalText = Field(None, validation_alias=AliasChoices(*DEVICE_KEYS))
    """SID of the phone."""

    @property
    def advice(self) -> str | None:
        """For a failed message: what to check first, by its `error`; else None."""
        if self.status is not SMSStatus.FAILED:
            return None
        from .._wire.advice import advice_for

        wire = self.__pydantic_extra__ or {}
        _, phone_error, api_error = _STATE_KEYS
        by_service = not _failure(wire.get(phone_error)) and _failure(wire.get(api_error)) is not None
        return advice_for(self.error, by_service=by_service)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Show the advice of a failed message too."""
        yield from super().__repr_args__()
        if self.advice:
            yield "advice", self.advice

    @model_validator(mode="after")
    def _read_state(self) -> Self:
        """Compute status and error from three keys of a row. A dumped model has the fields, but not these keys."""
        wire = self.__pydantic_extra__ or {}
        sent, phone_error, api_error = _STATE_KEYS
        if wire.get(sent) == "1" and not wire.get(phone_error) and wire.get(api_error) in _NO_ERROR:
            fields = vars(self)  # a shortcut for almost every row of a log
            fields["status"], fields["error"] = _SENT, None
        elif not wire.keys().isdisjoint(_STATE_KEYS):
            is_sent = read_bool(wire.get(sent))
            error = _failure(wire.get(phone_error)) or _failure(wire.get(api_error))
            if not error and not is_sent:
                error = str(wire.get(phone_error) or "").strip() or None  # "0" and "no" are not empty either (O)
            status = SMSStatus.FAILED if error else SMSStatus.SENT if is_sent else SMSStatus.QUEUED
            vars(self).update(status=status, error=error)
        return self


_STATE_KEYS = ("send_from_mobile", "send_from_mobile_erreur", "error_api")
_NO_ERROR = ("0", "", None)
_SENT = SMSStatus.SENT


def _failure(error: object) -> str | None:
    """The words of a failure; None for none, and for a plain no."""
    return None if not error or read_bool(error) is False else str(error)


class ReceivedSMS(WireModel):
    """An SMS that the phone received (D, O)."""

    _day_and_hour: ClassVar[DayAndHour] = {"received_at": ("date", "hour")}

    guid: Guid = Field(None, validation_alias=AliasChoices("guid", "guid_message"))
    """The message's GUID."""
    sender: OptionalText = Field(None, validation_alias=AliasChoices("number", "from"))
    """The sender, as the network reported it: a number, or a name such as `MPESA` (O)."""
    message: MessageText = ""
    """The text."""
    received_at: Timestamp = Field(None, validation_alias=AliasChoices("timestamp_unix", "time_received"))
    """When it was received, as an aware UTC datetime. A time without timezone is read as UTC (A)."""
    device: OptionalText = Field(None, validation_alias=AliasChoices(*DEVICE_KEYS))
    """SID of the phone that received it."""
    alias: OptionalText = None
    """The sender's name in the phone's contacts; None if there is none."""


class HandSentSMS(WireModel):
    """An SMS that the phone's owner wrote on the phone (D; the keys of its row are assumed, A)."""

    _day_and_hour: ClassVar[DayAndHour] = {"sent_at": ("date", "hour")}

    guid: Guid = Field(None, validation_alias=AliasChoices(*GUID_KEYS))
    """The message's GUID."""
    recipient: OptionalText = Field(None, validation_alias=AliasChoices(*RECIPIENT_KEYS, "phone_number"))
    """The recipient's number, as the phone reported it."""
    message: MessageText = ""
    """The text."""
    sent_at: Timestamp = Field(
        None, validation_alias=AliasChoices("timestamp_unix", "datetime", "sent_at", "timestamp", "date_sent")
    )
    """When the phone sent it, as an aware UTC datetime. A time without timezone is read as UTC (A)."""
    device: OptionalText = Field(None, validation_alias=AliasChoices(*DEVICE_KEYS))
    """SID of the phone."""


class SMSChannel:
    """`client.sms`."""

    def __init__(
        self,
        transport: Transport,
        *,
        default_region: str | None = None,
        default_device: str | None = None,
        repeat: bool = True,
    ) -> None:
        self._transport = transport
        self._call = partial(transport.call, repeat=repeat)
        self._default_region = default_region
        self._default_device = default_device

    def send(
        self,
        to: str,
        message: str,
        *,
        sim: int | None = None,
        device: str | None = None,
        schedule_at: datetime | None = None,
        shorten_urls: bool = False,
        encrypt: bool = False,
        whatsapp: bool = False,
    ) -> SentSMS:
        """Queue an SMS. The phone sends it later (D): `track()`, `log()` or a webhook says when it did.

        to: one phone number with `+` and country code, or a short code of 3 to 6 digits. With the client's
            `default_region`, also a number as people of that country write it.
        message: any text. The phone splits a long one into segments (D).
        sim: SIM slot, 1 or 2; by default the phone chooses. Needs the Android app 4.1.15.0 or later in the foreground
            (D).
        device: SID of the phone to send from; by default the client's `device`. Needs the app 3.0.35.3 or later (D).
        schedule_at: when to send it, an aware datetime; fractions of a second are ignored.
        shorten_urls: let the service shorten the links in the text (D).
        encrypt: let the service encrypt the text (D).
        whatsapp: also send it by WhatsApp (D).

        Raises InvalidRequestError or ConnectionFailed if nothing was sent, SendOutcomeUnknown if the message may have
        been accepted, and an APIError if the service refused it. With OAuth2 also ResponseTimeout, if no token arrived
        in time; nothing was sent then.
        """
        params = self._params(to, message, sim, device, schedule_at, shorten_urls, encrypt, whatsapp)
        return self._send(params)

    def resend(self, guid: str) -> ResentSMS:
        """Queue a failed message again (D). The service refuses a message that did not fail.

        Raises the errors of `send`.
        """
        guid = check_guid(guid)
        with unknown_outcome_about(self._reconcile, guid=guid):
            fields = self._call("sms.resend", {"guid": guid}).fields
        return ResentSMS.from_wire(with_guid(fields, guid))

    def log(
        self,
        *,
        guid: str | None = None,
        before: str | datetime | float | None = None,
        keyword: str | None = None,
        api_errors: bool = False,
        phone_errors: bool = False,
    ) -> list[LoggedSMS]:
        """Return one page of the log of SMS sent through the API, newest first (the order is assumed, A).

        guid: only this message. Its row can appear some time after the send (O).
        before: only messages older than this; a GUID, an aware datetime or a Unix time in seconds.
        keyword: only messages with this number or text.
        api_errors: only messages that the API refused.
        phone_errors: only messages that failed on the phone.

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout or an APIError.
        """
        params: dict[str, str | int] = {}
        if guid is not None:
            params["guid_message"] = check_guid(guid)
        if before is not None:
            params["before"] = _check_before(before)
        if keyword is not None:
            params["keyword"] = check_line("keyword", keyword)
        if check_bool("api_errors", api_errors):
            params["error_api"] = 1
        if check_bool("phone_errors", phone_errors):
            params["error_mobile"] = 1
        return self._call("sms.log", params).rows(LoggedSMS)

    def iter_log(
        self,
        *,
        before: str | datetime | float | None = None,
        keyword: str | None = None,
        api_errors: bool = False,
        phone_errors: bool = False,
    ) -> Iterator[LoggedSMS]:
        """Iterate over the whole log, newest first, with one page in memory. Arguments and errors as in `log`.

        Each page is requested with the last row's GUID as `before`, or with its time if it has no GUID. The end is a
        page without new rows. If rows have neither, so that older ones cannot be requested, a warning is logged.
        """
        for page in self._pages(before, keyword=keyword, api_errors=api_errors, phone_errors=phone_errors):
            yield from page

    def _pages(self, before: str | datetime | float | None = None, **filters: Any) -> Iterator[list[LoggedSMS]]:
        return read_pages(self.log, before, **filters)

    def find(
        self,
        to: str,
        message: str,
        *,
        around: datetime,
        schedule_at: datetime | None = None,
        shorten_urls: bool = False,
        encrypt: bool = False,
    ) -> LoggedSMS | None:
        """Find a message without its GUID in the log, for example after a SendOutcomeUnknown.

        to, message: as passed to `send`. White space and HTML entities in the text make no difference.
        around: when it was sent, an aware datetime. Rows dated up to ten minutes before or after it can match.
        schedule_at: as passed to `send`. Rows dated up to ten minutes after it can match as well (A).
        shorten_urls: as passed to `send`. Links in the text are then not compared.
        encrypt: as passed to `send`. The text is then not compared.

        Returns the newest row that matches, or None. A row without a date matches unless the service lists it as older.
        A row can appear some time after the send (O), so None right after it proves nothing. If the service's clock
        differs from this machine's (by the `Date` of its answers), rows can match by either clock.

        Asks the log for the last digits of the number. If the log turns out not to find numbers that way, reads it
        backwards, one request per page, until the row is found or all rows are too old. Raises the errors of `log`.
        """
        number, text = clean_recipient(to, self._default_region), check_text("message", message)
        around = check_moment("around", around)
        until = None if schedule_at is None else check_moment("schedule_at", schedule_at)
        precision = precision_of(
            shorten_urls=check_bool("shorten_urls", shorten_urls), encrypt=check_bool("encrypt", encrypt)
        )
        return find_one(
            self._pages,
            number,
            text,
            around=around,
            until=until,
            precision=precision,
            clock_offsets=lambda: filter(None, [self._clock_offset()]),
        )

    def track(self, message: str | HasGuid, *, timeout: float = 60.0, poll: float = 1.0) -> LoggedSMS:
        """Wait until the phone has sent a message or failed to, and return its row of the log.

        message: what `send` or `resend` returned, or a GUID.
        timeout: seconds until the last look begins; 0 looks once. A look in progress is finished: only the client's
            own timeout limits it.
        poll: seconds until the second look. The intervals grow to 15 s and vary a little.

        A FAILED row is returned, not raised: its `error` says why. After an operator's error the service may still try
        again, up to 3 times (D). A message that is not in the log yet counts as queued (O).

        Temporary errors (the network, a 429, a 5xx) are raised only by the last look, since the next look is the retry:
        `max_retries` does not apply. Other errors are raised at once.

        Raises DeliveryPending if the message is still queued after `timeout`, as a scheduled message can be. Raises
        InvalidRequestError if the GUID is None, and the errors of `log`.
        """
        return next(self.track_all([message], timeout=timeout, poll=poll))

    def track_all(
        self, messages: Iterable[str | HasGuid], *, timeout: float = 60.0, poll: float = 1.0
    ) -> Iterator[LoggedSMS]:
        """Wait for many messages together, and yield the row of each as soon as it is sent or failed.

        messages: an iterable of what `track` accepts. Each GUID is yielded once, in no particular order.
        timeout: seconds to wait for all messages together.
        poll: as in `track`.

        A look reads the newest pages of the log, one request per page, until it has found all pending messages or the
        rows are too old. If few messages are pending, they are far back, or the pages do not show them, it requests
        each by its GUID. A look never makes more than three requests per message.

        Raises the errors of `track`. DeliveryPending is raised last, after the rows of all other messages; its `guids`
        are the messages that are still queued.
        """
        single_try = self._without_retries
        return follow(
            check_handles(messages),
            by_guid=lambda guid: single_try.log(guid=guid),
            pages=single_try._pages,
            timeout=timeout,
            poll=poll,
        )

    def received(
        self, *, after: datetime | float | None = None, unread_only: bool = False, device: str | None = None
    ) -> list[ReceivedSMS]:
        """Return the SMS that the phones received (D).

        after: only messages later than this; an aware datetime or a Unix time in seconds.
        unread_only: only messages that were not read before.
        device: only messages that the phone with this SID received; by default all phones.

        If the key is wrong, the service may return an empty list instead of an error (O).

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout or an APIError.
        """
        params: dict[str, str | int] = {}
        if after is not None:
            params["after_timestamp_unix"] = unix_time("after", after)
        if check_bool("unread_only", unread_only):
            params["onlyunread"] = "yes"
        if device is not None:
            params["sIdentifiantPhone"] = check_line("device", device)
        return self._call("sms.received", params).rows(ReceivedSMS)

    def sent_by_hand(self, *, period: str | None = None, limit: int | None = None) -> list[HandSentSMS]:
        """Return the SMS that the phone's owner wrote on the phone, without this API (D).

        period: the service's name of a period, such as `"last_7days"`; other names are not documented.
        limit: maximum number of messages to return.

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout or an APIError.
        """
        params: dict[str, str | int] = {}
        if period is not None:
            params["period"] = check_line("period", period)
        if limit is not None:
            params["limit"] = check_whole("limit", limit, least=1)
        return self._call("sms.sent_by_hand", params).rows(HandSentSMS)

    def delete(self, guid: str) -> DeletedSMS:
        """Delete a message from the service's log (D). This does not recall a message that the phone has sent.

        The service documents the operation, but its path `/deletesms/` and its parameter are assumed (A). If the path
        is another one, build the client with `paths={"sms.delete": "/…/"}`.

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout or an APIError.
        """
        guid = check_guid(guid)
        fields = self._call("sms.delete", {"guid": guid}).fields
        return DeletedSMS.from_wire(with_guid(fields, guid))

    @cached_property
    def _without_retries(self) -> SMSChannel:
        """The same channel, for callers that have their own retry loop."""
        return SMSChannel(
            self._transport,
            default_region=self._default_region,
            default_device=self._default_device,
            repeat=False,
        )

    def _clock_offset(self) -> float | None:
        """Seconds that the service's clock is ahead of this machine's, as of the last answer; None if unknown."""
        return self._transport.clock_offset()

    def _send(self, params: dict[str, str | int]) -> SentSMS:
        """Send what `_params` has checked. Also called by delivery/."""
        to, message = str(params["recipients"]), params["message"]
        with unknown_outcome_about(self._reconcile, to=to, message=message, options=_options_of(params)):
            fields = self._call("sms.send", params).fields
        return SentSMS.from_wire(fields)

    def _params(  # noqa: PLR0917 - one for each option of an SMS
        self,
        to: str,
        message: str,
        sim: int | None,
        device: str | None,
        schedule_at: datetime | None,
        shorten_urls: bool,
        encrypt: bool,
        whatsapp: bool,
    ) -> dict[str, str | int]:
        """Check the arguments of a send, and return its request parameters. Also called by delivery/."""
        params: dict[str, str | int] = {
            "recipients": clean_recipient(to, self._default_region),
            "message": check_text("message", message),
        }
        if sim is not None:
            params["port"] = check_sim("sim", sim)
        if (device := self._default_device if device is None else device) is not None:
            params["sIdentifiant"] = check_line("device", device)
        if schedule_at is not None:
            params["schedule_timestamp"] = schedule_time("schedule_at", schedule_at)
        if check_bool("shorten_urls", shorten_urls):
            params["shorturl"] = 1
        if check_bool("encrypt", encrypt):
            params["encrypt_message"] = "yes"
        if check_bool("whatsapp", whatsapp):
            params["sendwa"] = 1
        return params

    def _reconcile(self, error: SendOutcomeUnknown) -> LoggedSMS | None:
        """Look up the message of an error. Called by its `reconcile()`."""
        if error.guid is not None:
            return next((row for row in self.log(guid=error.guid) if row.guid == error.guid), None)
        return self.find(error.to, error.message, around=error.attempted_at, **error.options)  # type: ignore[arg-type]


def _options_of(params: dict[str, str | int]) -> dict[str, Any]:
    """The options of a send that change the message's row in the log, as `find` takes them."""
    options: dict[str, Any] = {}
    if "schedule_timestamp" in params:
        options["schedule_at"] = EPOCH + timedelta(seconds=int(params["schedule_timestamp"]))
    if "shorturl" in params:
        options["shorten_urls"] = True
    if "encrypt_message" in params:
        options["encrypt"] = True
    return options


def _check_before(before: object) -> str | int:
    return check_guid(before) if isinstance(before, str) else unix_time("before", before)
