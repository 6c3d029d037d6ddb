"""The logs of SMS: sent through the API, written by hand on the phone, received; and deleting from them.

Sending lives in sending.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from ..errors import not_found
from ..parameters import Parameters, Span, choice, flag, instant, integer, optional, required, timestamp
from ..routes import READ, WRITE, Answer, Route
from ..rows import Message, Received, SentByHand
from ..timestamps import clock, day, day_and_clock, iso, milliseconds, seconds
from .core import Service

PERIODS = ("today", "yesterday", "last_7days", "last_30days")


@dataclass(frozen=True)
class _Wanted:
    guid: str | None
    before: str | None
    keyword: str
    api_errors: bool
    phone_errors: bool


def log(service: Service, given: Parameters) -> Answer:
    """A page of the sent log, newest first."""
    wanted = _Wanted(
        guid=optional(given, "guid_message"),
        before=optional(given, "before"),
        keyword=(optional(given, "keyword") or "").casefold(),
        api_errors=flag(given, "error_api"),
        phone_errors=flag(given, "error_mobile"),
    )
    service.check_subscription()
    store = service.store
    account = store.account
    now = store.now()
    late_from = now - timedelta(seconds=account.log_delay)
    rows: Iterable[Message] = reversed(store.messages)
    if wanted.keyword.isalnum() and wanted.keyword.isascii():  # as it stands in the database, which is quicker
        rows = store.messages.backwards("instr(lower(row), ?)", wanted.keyword)
    if wanted.guid is not None:
        row = store.messages.get(wanted.guid)
        if row is None or late_from < row.submitted_at <= now:
            return _no_message()
        rows = [row]
    if wanted.before is not None:
        limit = store.messages.get(wanted.before)
        moment = timestamp(wanted.before)
        if limit is not None:
            newest = limit.id
            rows = (row for row in rows if row.id < newest)
        elif moment is not None:
            rows = (row for row in rows if row.submitted_at < moment)
        else:
            return _no_message()
    # A row from the future was written before the clock was moved back: it is not late.
    shown = (row for row in rows if not late_from < row.submitted_at <= now and _matches(row, wanted))
    return {"result": {"error": 0, "sms": [_log_row(row) for row in islice(shown, account.page_size)]}}


def sent_by_hand(service: Service, given: Parameters) -> Answer:
    """SMS that the phone's owner wrote on the phone itself, newest first."""
    period = choice(given, "period", PERIODS, "")
    limit = integer(given, "limit", 100, least=1, most=500)
    service.check_subscription()
    span = _span(period, service.store.now())
    rows = islice((row for row in reversed(service.store.by_hand) if row.sent_at in span), limit)
    return {"result": {"error": 0, "sms": [_by_hand_row(row) for row in rows]}}


def received(service: Service, given: Parameters) -> Answer:
    """Received SMS, newest first. Those handed out count as read from then on."""
    after = instant(given, "after_timestamp_unix")
    unread_only = flag(given, "onlyunread", "no", "yes")
    device = optional(given, "sIdentifiantPhone")
    service.check_subscription()
    rows = [
        row
        for row in reversed(service.store.received)
        if row.channel == "sms"
        and (after is None or row.received_at > after)
        and not (unread_only and row.is_read)
        and device in (None, row.phone)
    ]
    for row in rows:
        if not row.is_read:
            service.store.received.put(replace(row, is_read=True))
    return {"result": {"error": "0", "sms": [_inbox_row(row) for row in rows]}}


def no_rows() -> Answer:
    """An inbox with nothing in it: a quirk of this one endpoint, a wrong key is no error."""
    return {"result": {"error": "0", "sms": []}}


def delete(service: Service, given: Parameters) -> Answer:
    """Delete a sent or received SMS. One that is still queued is then not sent."""
    guid = required(given, "guid")
    service.check_subscription()
    store = service.store
    if store.messages.remove(guid) is None and store.received.remove(guid) is None:
        raise not_found()
    # The contract shows no such answer: this is its `success` envelope.
    return {"success": True, "message": "SMS deleted.", "guid": guid}


def _no_message() -> Answer:
    """The log knows no such GUID. It may not know it yet: a caller must not take this for a failed call."""
    return {"result": {"error": "no_message", "sms": []}}


def _matches(row: Message, wanted: _Wanted) -> bool:
    return (
        row.channel == "sms"
        and (wanted.keyword in row.number or wanted.keyword in row.text.casefold())
        and (bool(row.api_error) or not wanted.api_errors)
        and (bool(row.phone_error) or not wanted.phone_errors)
    )


def _span(period: str, now: datetime) -> Span:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "today":
        return Span(midnight)
    if period == "yesterday":
        return Span(midnight - timedelta(days=1), midnight - timedelta(microseconds=1))
    if period:
        return Span(now - timedelta(days=int(period.removeprefix("last_").removesuffix("days"))))
    return Span()


def _by_hand_row(message: SentByHand) -> Answer:
    return {
        "id": str(message.id),
        "guid": message.guid,
        "number": message.number,
        "message": message.text,
        "sIdentifiantPhone": message.phone,
        "date": day_and_clock(message.sent_at),
        "timestamp_unix": str(seconds(message.sent_at)),
    }


def _log_row(message: Message) -> Answer:
    return {
        "guid": message.guid,
        "number": message.number,
        "message": message.text,
        "datetime": iso(message.submitted_at),
        "send_from_mobile": "0" if message.sent_at is None else "1",
        "send_from_mobile_datetime": None if message.sent_at is None else iso(message.sent_at),
        "send_from_mobile_erreur": message.phone_error,
        "error_api": message.api_error or "0",
        "sIdentifiant": message.phone,
        "port": None if message.sim is None else str(message.sim),
    }


def _inbox_row(message: Received) -> Answer:
    return {
        "id": message.id,
        "guid": message.guid,
        "number": message.sender,
        "message": message.text,
        "sIdentifiantPhone": message.phone,
        "alias": message.name,
        "timestamp_unix": milliseconds(message.received_at),
        "date": day(message.added_at),
        "hour": clock(message.added_at),
        "time_received": day_and_clock(message.received_at),
    }


ROUTES = (
    Route("/log/sent/sms/", READ, log),
    Route("/log/sent/frommobile/", READ, sent_by_hand),
    Route("/getsms/", READ, received, for_wrong_key=no_rows),
    Route("/deletesms/", WRITE, delete),
)
