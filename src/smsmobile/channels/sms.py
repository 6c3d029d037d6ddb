"""SMS: the models of what the service says, and the operations send, resend, log, received and delete."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AliasChoices, BeforeValidator, Field, model_validator

from ..envelopes import Answer
from ..errors import PHONE_ADVICE, APIError, InvalidRequestError, SendOutcomeUnknown, UnexpectedResponse
from ..recipients import clean_recipient, same_number
from ..transport import Transport
from ..wire import UTC, Body, Count, Flag, Instant, Model, NestedFlag, Text, WireModel, is_empty, read_flag

if TYPE_CHECKING:
    from typing_extensions import Self

RECONCILE_WINDOW = timedelta(minutes=10)
"""How far the service's clock, or a slow acceptance, may be from the time of the attempt."""

_LINK = re.compile(r"(?:https?://|www\.)\S+|\b[\w.-]+\.\w{2,}/\S+")
_GUID_KEYS = ("guid", "guid_message", "id")
_DEVICE_KEYS = ("sIdentifiant", "sIdentifiantPhone", "sid", "device_id")


class SMSStatus(str, Enum):
    """What has become of a message."""

    QUEUED = "queued"
    """Accepted; the phone has not sent it yet."""
    SENT = "sent"
    """The phone has sent it."""
    FAILED = "failed"
    """The phone or the service could not send it; `error` says why."""


def _read_status(status: object) -> SMSStatus:
    """One of ours, from a dump; a word of the service's own says less than the row's other keys."""
    try:
        return SMSStatus(status)
    except ValueError:
        return SMSStatus.QUEUED


class SentSMS(WireModel):
    """The service's answer to a send: the message is accepted and queued (D). The phone sends it later."""

    guid: Text = Field(None, validation_alias=AliasChoices("id", "guid", "guid_message"))
    """The handle for everything later; None where the service gave none (O)."""
    accepted: bool = True
    """Always true: a message that is not accepted raises."""
    note: Text = Field(None, validation_alias=AliasChoices("note", "message"))
    """The service's remark."""
    created_at: Instant = Field(None, validation_alias=AliasChoices("datetime", "created_at"))
    """When the service accepted it, aware UTC (O)."""
    sim: Count = Field(None, validation_alias="port")
    """SIM slot 1 or 2; None where the phone chooses."""
    whatsapp: Flag = Field(False, validation_alias="send_with_whatsapp")
    """Whether it also goes by WhatsApp; None for a word that is neither yes nor no."""
    encrypted: NestedFlag = False
    """Whether the service keeps it encrypted; None for a word that is neither yes nor no."""


class ResentSMS(WireModel):
    """The service's answer to a resend: the message is queued again."""

    guid: Text = Field(None, validation_alias=AliasChoices("id", "guid", "guid_message"))
    """The message's GUID."""
    note: Text = Field(None, validation_alias=AliasChoices("note", "message"))
    """The service's remark."""


class DeletedSMS(WireModel):
    """The service's answer to a delete."""

    guid: Text = Field(None, validation_alias=AliasChoices(*_GUID_KEYS))
    """The GUID that was deleted."""
    note: Text = Field(None, validation_alias=AliasChoices("note", "message"))
    """The service's remark."""


class LoggedSMS(WireModel):
    """A row of the log of SMS sent through the API (O)."""

    _date_and_hour: ClassVar[str | None] = "created_at"

    guid: Text = Field(None, validation_alias=AliasChoices(*_GUID_KEYS))
    """The message's handle."""
    recipient: Text = Field(None, validation_alias=AliasChoices("number", "recipients", "phone"))
    """The number it goes to, as the service keeps it."""
    message: Body = ""
    """The text."""
    status: Annotated[SMSStatus, BeforeValidator(_read_status)] = SMSStatus.QUEUED
    """Queued, sent or failed."""
    error: Text = None
    """Why it failed, in the service's or the phone's words; None where it did not."""
    created_at: Instant = Field(
        None, validation_alias=AliasChoices("datetime", "created_at", "timestamp_unix", "timestamp")
    )
    """When the service accepted it, aware UTC; None where the row does not say (its keys are assumed, A)."""
    sent_at: Instant = Field(None, validation_alias=AliasChoices("send_from_mobile_datetime", "sent_at", "date_sent"))
    """When the phone sent it, aware UTC; None where the row does not say (its keys are assumed, A)."""
    device: Text = Field(None, validation_alias=AliasChoices(*_DEVICE_KEYS))
    """SID of the phone."""

    @property
    def advice(self) -> str | None:
        """For a failed message, what to look at first; else None."""
        return PHONE_ADVICE if self.status is SMSStatus.FAILED else None

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Show the advice too: who prints a failed row is looking for it."""
        yield from super().__repr_args__()
        if self.advice:
            yield "advice", self.advice

    @model_validator(mode="after")
    def _read_state(self) -> Self:
        """The wire has three keys for it; a model that was dumped, or made by hand, has only ours."""
        wire = self.__pydantic_extra__ or {}
        sent, phone_error, api_error = map(wire.get, ("send_from_mobile", "send_from_mobile_erreur", "error_api"))
        status, error = SMSStatus.SENT, None
        if sent != "1" or phone_error or (api_error and api_error != "0"):  # seldom, and a long log has very many rows
            if not any(key in wire for key in ("send_from_mobile", "send_from_mobile_erreur", "error_api")):
                return self
            error = _failure(phone_error) or _failure(api_error)
            status = SMSStatus.FAILED if error else SMSStatus.SENT if read_flag(sent) else SMSStatus.QUEUED
        self.__dict__.update(status=status, error=error)
        return self


def _failure(error: object) -> str | None:
    return None if not error or read_flag(error) is False else str(error)


class ReceivedSMS(WireModel):
    """An SMS that the phone received (D, O)."""

    _date_and_hour: ClassVar[str | None] = "received_at"

    guid: Text = Field(None, validation_alias=AliasChoices("guid", "guid_message"))
    """The message's handle."""
    sender: Text = Field(None, validation_alias=AliasChoices("number", "from"))
    """What the network gave: a number, or a name such as `MPESA` (O)."""
    message: Body = ""
    """The text."""
    received_at: Instant = Field(None, validation_alias=AliasChoices("timestamp_unix", "time_received"))
    """When it was received, aware UTC; a spelling without timezone is read as UTC (A)."""
    device: Text = Field(None, validation_alias=AliasChoices(*_DEVICE_KEYS))
    """SID of the phone that received it."""
    alias: Text = None
    """The sender's name in the phone's address book; None where there is none."""


class SMSChannel:
    """`client.sms`."""

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
        recipient = clean_recipient(to, self._default_region)
        params: dict[str, str | int] = {"recipients": recipient, "message": _check_text("message", message)}
        if sim is not None:
            if sim not in (1, 2) or isinstance(sim, bool):
                raise InvalidRequestError(f"sim is {sim!r}; expected the slot 1 or 2, or None for the phone's choice.")
            params["port"] = int(sim)
        if (device := self._default_device if device is None else device) is not None:
            params["sIdentifiant"] = _check_line("device", device)
        if schedule_at is not None:
            if not isinstance(schedule_at, datetime):
                raise InvalidRequestError(
                    f"schedule_at is of type {type(schedule_at).__name__}; expected an aware datetime."
                )
            params["schedule_timestamp"] = _unix_time("schedule_at", schedule_at)
        if shorten_urls:
            params["shorturl"] = 1
        if encrypt:
            params["encrypt_message"] = "yes"
        if whatsapp:
            params["sendwa"] = 1
        find = partial(self._find, until=schedule_at, shortened=shorten_urls, unreadable=encrypt)
        with _in_doubt(find, to=recipient, message=message):
            fields = _accepted_fields(self._transport.call("sms.send", params))
        return SentSMS.from_wire(fields)

    def resend(self, guid: str) -> ResentSMS:
        """Queue a failed message again. Only for one in an error state (D).

        Raises as `send` does; the service refuses a message that did not fail.
        """
        guid = _check_guid(guid)
        with _in_doubt(self._find_resent, guid=guid):
            fields = _accepted_fields(self._transport.call("sms.resend", {"guid": guid}), guid)
        return ResentSMS.from_wire(fields)

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
            params["guid_message"] = _check_guid(guid)
        if before is not None:
            params["before"] = _check_before(before)
        if keyword is not None:
            params["keyword"] = _check_line("keyword", keyword)
        if api_errors:
            params["error_api"] = 1
        if phone_errors:
            params["error_mobile"] = 1
        return _rows(self._transport.call("sms.log", params, error_may_mean_empty=True), LoggedSMS)

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
            params["after_timestamp_unix"] = _unix_time("after", after)
        if unread_only:
            params["onlyunread"] = "yes"
        if device is not None:
            params["sIdentifiantPhone"] = _check_line("device", device)
        return _rows(self._transport.call("sms.received", params), ReceivedSMS)

    def delete(self, guid: str) -> DeletedSMS:
        """Delete a message from the service's log (D). A message that the phone has sent stays sent.

        The service documents the operation, but its path `/deletesms/` and parameter are assumed (A); where they are
        others, build the client with `paths={"sms.delete": "/…/"}`.

        Raises InvalidRequestError, ConnectionFailed, ResponseTimeout, or APIError and its kinds.
        """
        guid = _check_guid(guid)
        fields = self._transport.call("sms.delete", {"guid": guid}).fields
        return DeletedSMS.from_wire(_with_guid(fields, guid))

    def _find_resent(self, doubt: SendOutcomeUnknown) -> LoggedSMS | None:
        return next((row for row in self.log(guid=doubt.guid) if row.guid == doubt.guid), None)

    def _find(
        self, doubt: SendOutcomeUnknown, until: datetime | None, shortened: bool, unreadable: bool
    ) -> LoggedSMS | None:
        """The row of a send. `until` is when it was to go, if not at once: the log may date it by that (A)."""
        assert doubt.attempted_at is not None  # noqa: S101 - _in_doubt has set it
        earliest = doubt.attempted_at - RECONCILE_WINDOW
        latest = max(doubt.attempted_at, until or doubt.attempted_at) + RECONCILE_WINDOW
        text = _comparable(doubt.message, shortened)
        undated: list[LoggedSMS] = []
        for page in self._pages():
            for row in page:
                same_text = unreadable or _comparable(row.message, shortened) == text
                if not same_text or not same_number(row.recipient, doubt.to):
                    continue
                if row.created_at is None:
                    undated.append(row)
                elif earliest <= row.created_at <= latest:
                    return row
            # The order within a page is assumed (A), so only a page that is older as a whole ends the search.
            if page and all(row.created_at is not None and row.created_at < earliest for row in page):
                break
        if undated:
            # A row that does not say when it was made is the attempt's if the service does not call it older.
            older = {row.guid for row in self.log(before=earliest, keyword=doubt.to)}
            return next((row for row in undated if row.guid not in older), None)
        return None


@contextmanager
def _in_doubt(find: Callable[[SendOutcomeUnknown], LoggedSMS | None], **attempt: str) -> Iterator[None]:
    """Tell a SendOutcomeUnknown what it is about, and how to find it in the log."""
    attempted_at = datetime.now(UTC)
    try:
        yield
    except SendOutcomeUnknown as error:
        vars(error).update(attempt, attempted_at=attempted_at, _lookup=find)
        raise


def _accepted_fields(answer: Answer, guid: str | None = None) -> dict[str, Any]:
    """The answer's fields, if it says that the message is queued.

    "sent" is "1" when it is; "0", "no" or a word such as "api_error" when not, even beside "error": 0 (O).
    """
    fields = answer.fields
    if isinstance(rows := fields.get("data"), list) and len(rows) == 1 and isinstance(rows[0], dict):
        fields = {**fields, **rows[0]}
        if read_flag(fields.get("error")) is not False:
            raise SendOutcomeUnknown("The service's answer says that it went well, and holds an error.")
    sent = fields.get("sent")
    accepted = read_flag(sent) if not is_empty(sent) else None
    if accepted is None and is_empty(sent):
        # A resend's answer need not repeat the GUID, but an empty one says nothing.
        accepted = answer.accepted or _has_guid(fields) or (guid is not None and "error" in fields) or None
    if accepted:
        return _with_guid({**fields, "accepted": True}, guid) if guid else {**fields, "accepted": True}
    word = "" if is_empty(sent) else str(sent).strip()
    if accepted is False or word.replace("_", "").replace(" ", "").isalpha():
        code = "not_accepted" if accepted is False else word
        raise APIError(
            f"The service did not accept the message: HTTP 200, sent {word!r}.", code=code, status=200, note=answer.note
        )
    raise SendOutcomeUnknown("The service's answer says neither that it accepted the message nor that it did not.")


def _with_guid(fields: dict[str, Any], guid: str) -> dict[str, Any]:
    return fields if _has_guid(fields) else {**fields, "guid": guid}


def _has_guid(fields: dict[str, Any]) -> bool:
    return any(fields.get(key) and fields[key] not in ("0", True) for key in _GUID_KEYS)


def _rows(answer: Answer, model: type[Model]) -> list[Model]:
    failure = None
    try:
        return answer.rows(model)
    except ValueError as error:
        failure = UnexpectedResponse(f"The service's rows cannot be read: {error}.", status=200)
    raise failure


def _comparable(text: str | None, shortened: bool) -> str:
    """A text as it compares: the service may keep other white space, or HTML's spelling of `&` and `<`."""
    text = " ".join(html.unescape(text or "").split())
    return _LINK.sub("<link>", text) if shortened else text


def _check_text(name: str, text: object) -> str:
    if not isinstance(text, str):
        raise InvalidRequestError(f"The {name} is of type {type(text).__name__}; expected text (str).")
    if not text.strip():
        raise InvalidRequestError(f"The {name} is empty; expected some text.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequestError(
            f"The {name} has half of a surrogate pair at position {error.start}, which no SMS can carry; the text was "
            "probably cut inside an emoji or decoded wrongly."
        ) from None
    return text


def _check_line(name: str, text: object) -> str:
    text = _check_text(name, text)
    if any(char in text for char in "\r\n\x00"):
        raise InvalidRequestError(f"The {name} holds a line break; expected one line.")
    return text.strip()


def _check_guid(guid: object) -> str:
    if guid is None:
        raise InvalidRequestError(
            "The GUID is None: the service accepted the message without giving one. Find the message in the log."
        )
    return _check_line("GUID", guid)


def _check_before(before: object) -> str | int:
    return _check_guid(before) if isinstance(before, str) else _unix_time("before", before)


def _unix_time(name: str, moment: object) -> int:
    """Whole seconds since 1970, of an aware datetime or of a number of seconds."""
    if isinstance(moment, datetime):
        if moment.utcoffset() is None:
            raise InvalidRequestError(
                f"{name} is a naive datetime: nobody can tell which timezone it is in. Give an aware one, such as "
                "datetime.now(timezone.utc) or one with tzinfo=ZoneInfo('Europe/Paris')."
            )
        return int(moment.timestamp())
    if isinstance(moment, (int, float)) and not isinstance(moment, bool) and 0 <= moment < 1e11:
        return int(moment)
    raise InvalidRequestError(
        f"{name} is {moment!r}; expected an aware datetime, or a Unix time in seconds."
        if isinstance(moment, (int, float))
        else f"{name} is of type {type(moment).__name__}; expected an aware datetime, or a Unix time in seconds."
    )
