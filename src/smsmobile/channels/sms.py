"""SMS: the models of what the service says, and the operations send, resend, log, received, sent by hand, delete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import Enum
from functools import cached_property, partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AliasChoices, BeforeValidator, Field, model_validator

from .._http.transport import Transport
from .._input.arguments import (
    check_bool,
    check_guid,
    check_line,
    check_text,
    check_whole,
    describe,
    schedule_time,
    unix_time,
)
from .._input.phone_numbers import clean_recipient
from .._sent_log.search import find_one, precision_of
from .._sent_log.tracking import HasGuid, check_handles, follow
from .._wire.envelope import with_guid
from .._wire.model import WireModel
from .._wire.outcome import unknown_outcome_about
from .._wire.values import (
    DEVICE_KEYS,
    GUID_KEYS,
    Bool,
    Guid,
    MessageText,
    OptionalInt,
    OptionalText,
    Timestamp,
    WrappedBool,
    read_bool,
)
from ..errors import PHONE_ADVICE, InvalidRequestError, SendOutcomeUnknown

if TYPE_CHECKING:
    from typing_extensions import Self


class SMSStatus(str, Enum):
    """The state of a message."""

    QUEUED = "queued"
    """Accepted; the phone has not sent it yet."""
    SENT = "sent"
    """The phone has sent it."""
    FAILED = "failed"
    """The phone or the service could not send it; `error` says why."""


def _read_status(status: object) -> SMSStatus:
    """The status of a dumped model. A word of the service is ignored: the row's other keys say more."""
    try:
        return SMSStatus(status)
    except ValueError:
        return SMSStatus.QUEUED


class SentSMS(WireModel):
    """The service's answer to a send: the message is accepted and queued (D). The phone sends it later."""

    guid: Guid = Field(None, validation_alias=AliasChoices(*GUID_KEYS))
    """The message's GUID, which the other operations take; None if the service gave none (O)."""
    accepted: bool = True
    """Always true: a message that is not accepted raises an error."""
    note: OptionalText = Field(None, validation_alias=AliasChoices("note", "message"))
    """The service's remark."""
    created_at: Timestamp = Field(None, validation_alias=AliasChoices("datetime", "created_at"))
    """When the service accepted it, aware UTC (O)."""
    sim: OptionalInt = Field(None, validation_alias="port")
    """SIM slot 1 or 2; None if the phone chooses."""
    whatsapp: Bool = Field(False, validation_alias="send_with_whatsapp")
    """Whether it also goes by WhatsApp; None for a word that is neither yes nor no."""
    encrypted: WrappedBool = False
    """Whether the service keeps it encrypted; None for a word that is neither yes nor no."""


class ResentSMS(WireModel):
    """The service's answer to a resend: the message is queued again."""

    guid: Guid = Field(None, validation_alias=AliasChoices(*GUID_KEYS))
    """The message's GUID."""
    note: OptionalText = Field(None, validation_alias=AliasChoices("note", "message"))
    """The service's remark."""


class DeletedSMS(WireModel):
    """The service's answer to a delete."""

    guid: Guid = Field(None, validation_alias=AliasChoices(*GUID_KEYS))
    """The GUID that was deleted."""
    note: OptionalText = Field(None, validation_alias=AliasChoices("note", "message"))
    """The service's remark."""


class LoggedSMS(WireModel):
    """A row of the log of SMS sent through the API (O)."""

    _day_and_hour: ClassVar = {"created_at": ("date", "hour")}

    guid: Guid = Field(None, validation_alias=AliasChoices(*GUID_KEYS))
    """The message's GUID."""
    recipient: OptionalText = Field(None, validation_alias=AliasChoices("number", "recipients", "phone"))
    """The number it goes to, as the service keeps it."""
    message: MessageText = ""
    """The text."""
    status: Annotated[SMSStatus, BeforeValidator(_read_status)] = SMSStatus.QUEUED
    """Queued, sent or failed."""
    error: OptionalText = None
    """Why it failed, in the service's or the phone's words; None if it did not."""
    created_at: Timestamp = Field(
        None, validation_alias=AliasChoices("datetime", "created_at", "timestamp_unix", "timestamp")
    )
    """When the service accepted it, aware UTC; None if the row does not say (its keys are assumed, A)."""
    sent_at: Timestamp = Field(None, validation_alias=AliasChoices("send_from_mobile_datetime", "sent_at", "date_sent"))
    """When the phone sent it, aware UTC; None if the row does not say (its keys are assumed, A)."""
    device: OptionalText = Field(None, validation_alias=AliasChoices(*DEVICE_KEYS))
    """SID of the phone."""

    @property
    def advice(self) -> str | None:
        """What to check first if the message failed; else None."""
        return PHONE_ADVICE if self.status is SMSStatus.FAILED else None

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Include the advice: it helps whoever prints a failed row."""
        yield from super().__repr_args__()
        if self.advice:
            yield "advice", self.advice

    @model_validator(mode="after")
    def _read_state(self) -> Self:
        """Read status and error from the three keys of a row. A dumped model has only the fields themselves."""
        wire = self.__pydantic_extra__ or {}
        sent, phone_error, api_error = _STATE_KEYS
        if wire.get(sent) == "1" and not wire.get(phone_error) and wire.get(api_error) in _NO_ERROR:
            vars(self).update(_SENT)  # almost every row of a long log
        elif not wire.keys().isdisjoint(_STATE_KEYS):
            error = _failure(wire.get(phone_error)) or _failure(wire.get(api_error))
            status = SMSStatus.FAILED if error else SMSStatus.SENT if read_bool(wire.get(sent)) else SMSStatus.QUEUED
            vars(self).update(status=status, error=error)
        return self


_STATE_KEYS = ("send_from_mobile", "send_from_mobile_erreur", "error_api")
_NO_ERROR = ("0", "", None)
_SENT = {"status": SMSStatus.SENT, "error": None}


def _failure(error: object) -> str | None:
    return None if not error or read_bool(error) is False else str(error)


class ReceivedSMS(WireModel):
    """An SMS that the phone received (D, O)."""

    _day_and_hour: ClassVar = {"received_at": ("date", "hour")}

    guid: Guid = Field(None, validation_alias=AliasChoices("guid", "guid_message"))
    """The message's GUID."""
    sender: OptionalText = Field(None, validation_alias=AliasChoices("number", "from"))
    """What the network gave: a number, or a name such as `MPESA` (O)."""
    message: MessageText = ""
    """The text."""
    received_at: Timestamp = Field(None, validation_alias=AliasChoices("timestamp_unix", "time_received"))
    """When it was received, aware UTC; a spelling without timezone is read as UTC (A)."""
    device: OptionalText = Field(None, validation_alias=AliasChoices(*DEVICE_KEYS))
    """SID of the phone that received it."""
    alias: OptionalText = None
    """The sender's name in the phone's contacts; None if there is none."""


class HandSentSMS(WireModel):
    """An SMS that the phone's owner wrote on the phone itself (D; the keys of its row are assumed, A)."""

    _day_and_hour: ClassVar = {"sent_at": ("date", "hour")}

    guid: Guid = Field(None, validation_alias=AliasChoices(*GUID_KEYS))
    """The message's GUID."""
    recipient: OptionalText = Field(
        None, validation_alias=AliasChoices("number", "recipients", "phone", "phone_number")
    )
    """The number it went to, as the phone gave it."""
    message: MessageText = ""
    """The text."""
    sent_at: Timestamp = Field(
        None, validation_alias=AliasChoices("timestamp_unix", "datetime", "sent_at", "timestamp", "date_sent")
    )
    """When the phone sent it, aware UTC; a spelling without timezone is read as UTC (A)."""
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
        """Queue an SMS; the phone sends it later (D). Whether it did is in `log()` or in a webhook.

        to: one phone number, best with `+` and country code.
        message: any text; the phone splits a long one (D).
        sim: SIM slot, 1 or 2. device: SID of the phone to use.
        schedule_at: an aware datetime, of which whole seconds are used.
        shorten_urls, encrypt, whatsapp: as the service does them (D); whatsapp sends by WhatsApp as well.

        Raises InvalidRequestError (nothing was sent), ConnectionFailed (nothing was sent), SendOutcomeUnknown (it may
        have been accepted: see there), or APIError and its kinds (the service refused it). With OAuth2 also
        ResponseTimeout, where no token came (nothing was sent).
        """
        params = self._params(to, message, sim, device, schedule_at, shorten_urls, encrypt, whatsapp)
        options = _search_options(schedule_at=schedule_at, shorten_urls=shorten_urls, encrypt=encrypt)
        with unknown_outcome_about(self._reconcile, to=str(params["recipients"]), message=message, options=options):
            fields = self._call("sms.send", params).fields
        return SentSMS.from_wire(fields)

    def resend(self, guid: str) -> ResentSMS:
        """Queue a failed message again. Only for one in an error state (D).

        Raises as `send` does; the service refuses a message that did not fail.
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
        """The log of SMS sent through the API: one page, newest first (the order is assumed, A).

        guid: only this message. A row can be missing for some moments after the send (O).
        before: a GUID, an aware datetime or a Unix time in seconds; only older messages.
        keyword: a number or a text to look for.
        api_errors, phone_errors: only what the API refused, only what failed on the phone.

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout, or APIError and its kinds.
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
        """The whole log, page after page backwards in time, holding one page in memory. Arguments as in `log`.

        Each page is asked for with `before` and the GUID of the last row. The end is a page without new rows.
        """
        for page in self._pages(before, keyword=keyword, api_errors=api_errors, phone_errors=phone_errors):
            yield from page

    def _pages(self, before: str | datetime | float | None = None, **filters: Any) -> Iterator[list[LoggedSMS]]:
        seen: set[str | None] = set()
        while True:
            page = self.log(before=before, **filters)
            fresh = [row for row in page if row.guid not in seen]
            yield fresh
            # Without a handle there is no telling the next page from this one.
            if not fresh or fresh[-1].guid is None:
                return
            before = fresh[-1].guid
            seen = {row.guid for row in page} - {None}

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
        """Find the row of a message whose GUID is not known, such as a send in doubt; None if there is none.

        to, message: as they were given to `send`. White space and HTML entities in the text make no difference.
        around: when it was sent, an aware datetime. Rows dated up to ten minutes before or after it are considered.
        schedule_at: if it was scheduled, for when: rows dated up to ten minutes after that are considered as well (A).
        shorten_urls: links in the text are not compared. encrypt: the text is not compared.

        Of several rows that match, the newest is returned. A row without a date matches unless the service calls it
        older. A row can appear some time after the send (O), so None right after it proves nothing.

        Reads the log backwards until the row is found or the rows are older, one call for each page. Raises
        InvalidRequestError, or what `log` raises.
        """
        number, text = clean_recipient(to, self._default_region), check_text("message", message)
        schedule_time("around", around)
        if schedule_at is not None:
            schedule_time("schedule_at", schedule_at)
        precision = precision_of(
            shorten_urls=check_bool("shorten_urls", shorten_urls), encrypt=check_bool("encrypt", encrypt)
        )
        return find_one(self._pages, number, text, around=around, until=schedule_at, precision=precision)

    def track(self, message: str | HasGuid, *, timeout: float = 60.0, poll: float = 1.0) -> LoggedSMS:
        """Wait until the phone has sent or failed a message, and return its row of the log.

        message: what `send` or `resend` returned, or a GUID.
        timeout: seconds to wait; 0 looks once. Only the client's own timeouts end a look that has begun. A look makes
            no retries: `max_retries` does not apply here.
        poll: seconds until the second look; the intervals grow to 15 s, and vary a little.

        A message that is not in the log yet is waited for (O). A FAILED row is returned, not raised: its `error` says
        why. After an error of the operator the service may still try again (up to 3 times, D). After failures that may
        pass (the network, a 429, a 5xx) the log is read again; only the failure of the last look is raised.

        Raises DeliveryPending if the message is still queued after that time, as a scheduled one is until its time
        comes; InvalidRequestError, also for a GUID that is None; or what `log` raises.
        """
        return next(self.track_all([message], timeout=timeout, poll=poll))

    def track_all(
        self, messages: Iterable[str | HasGuid], *, timeout: float = 60.0, poll: float = 1.0
    ) -> Iterator[LoggedSMS]:
        """Wait for many messages together, and yield the row of each as soon as it is sent or failed.

        messages: as in `track`, in any mixture. Each GUID is yielded once, in no particular order.
        timeout: seconds for all of them together. poll: as in `track`.

        A look reads the newest pages of the log until it has seen all pending messages or must be past the oldest of
        them: one call for a page. If few messages are pending, or they are far back, it asks for each by its GUID. A
        look never makes more than two calls for each message.

        Raises as `track` does. DeliveryPending is raised after the rows of all other messages; its `guids` are those
        that are still queued.
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
        """SMS that the phones received (D).

        after: an aware datetime or a Unix time in seconds; only later messages.
        unread_only: only what was not read before. device: SID of the phone; all phones without it.

        With a wrong key the service may answer with no messages and no error (O).

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout, or APIError and its kinds.
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
        """SMS that the phone's owner wrote on the phone itself, without this API (D).

        period: a stretch of time by the service's name for it, such as `"last_7days"`; other names are not published.
        limit: at most so many.

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout, or APIError and its kinds.
        """
        params: dict[str, str | int] = {}
        if period is not None:
            params["period"] = check_line("period", period)
        if limit is not None:
            params["limit"] = check_whole("limit", limit, least=1)
        return self._call("sms.sent_by_hand", params).rows(HandSentSMS)

    def delete(self, guid: str) -> DeletedSMS:
        """Delete a message from the service's log (D). A message that the phone has sent stays sent.

        The service documents the operation, but its path `/deletesms/` and parameter are assumed (A); where they are
        others, build the client with `paths={"sms.delete": "/…/"}`.

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout, or APIError and its kinds.
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

    def _params(  # noqa: PLR0917 - as many as an SMS has options
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
        """The request of a send. delivery/ uses it too, to check messages without sending them."""
        params: dict[str, str | int] = {
            "recipients": clean_recipient(to, self._default_region),
            "message": check_text("message", message),
        }
        if sim is not None:
            if sim not in (1, 2) or isinstance(sim, bool):
                raise InvalidRequestError(
                    f"sim {describe(sim)}; expected the slot 1 or 2, or None for the phone's choice."
                )
            params["port"] = int(sim)
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

    def _reconcile(self, doubt: SendOutcomeUnknown) -> LoggedSMS | None:
        """What `doubt.reconcile()` does."""
        if doubt.guid is not None:
            return next((row for row in self.log(guid=doubt.guid) if row.guid == doubt.guid), None)
        return self.find(doubt.to, doubt.message, around=doubt.attempted_at, **doubt.options)  # type: ignore[arg-type]


def _search_options(**options: Any) -> dict[str, Any]:
    """The options of a send that change what its row looks like; only those that are set."""
    return {name: value for name, value in options.items() if value}


def _check_before(before: object) -> str | int:
    return check_guid(before) if isinstance(before, str) else unix_time("before", before)
