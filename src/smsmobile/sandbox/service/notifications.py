"""Notifications: pushing one to a phone, and the list of them. When a phone shows it is decided in phone.py."""

from __future__ import annotations

from functools import partial
from itertools import islice

from ..errors import Refusal, in_words, missing_param
from ..parameters import Parameters, Span, day, days, optional, required
from ..routes import READ, WRITE, Answer, Route
from ..rows import Notification
from ..timestamps import clock, day_and_clock, seconds
from ..timestamps import day as day_of
from .core import Service

MOST_LISTED = 200


def send(service: Service, given: Parameters) -> Answer:
    """Push a notification. One to a phone that is off waits for it."""
    sid = optional(given, "sid")
    if sid is None:
        raise _without_key_or_sid()
    message = required(given, "message")
    service.check_subscription()
    service.check_device(sid, "sid")
    store = service.store
    notice = store.notifications.put(
        Notification(
            id=store.new_id(),
            phone=sid,
            title=optional(given, "title") or "Notification",
            message=message,
            type=optional(given, "type") or "notification",
            sent_at=store.now(),
        )
    )
    service.phones[sid].wake()
    return {
        "success": True,
        "message": "Notification sent.",
        "id": notice.id,
        "apikey": store.account.api_key,  # the service does that
        "sid": sid,
    }


def listed(service: Service, given: Parameters) -> Answer:
    """The newest notifications, newest first."""
    sid = optional(given, "sidentifiant") or optional(given, "sid")
    distributed = optional(given, "distribued")
    if distributed not in (None, "0", "1"):
        raise in_words("Invalid distribued value. Allowed values: 0 or 1.")
    # The documentation and the OpenAPI description name these differently.
    spans = [_days(given, "date_from", "date_to"), _days(given, "date_start", "date_end")]
    service.check_subscription()
    found = (
        row
        for row in reversed(service.store.notifications)
        if sid in (None, row.phone) and distributed in (None, _flag(row)) and all(row.sent_at in span for span in spans)
    )
    rows = [_row(row) for row in islice(found, MOST_LISTED)]
    names = ("sidentifiant", "sid", "distribued", "date_from", "date_to", "date_start", "date_end")
    return {
        "success": True,
        "message": "Notifications listed.",
        "count": len(rows),
        "filters": {name: given[name] for name in names if optional(given, name)},
        "data": rows,
    }


def _without_key_or_sid() -> Refusal:
    return in_words("Missing required params: apikey and sid are mandatory.")


def _days(given: Parameters, first: str, last: str) -> Span:
    for name in (first, last):
        try:
            day(given, name)
        except Refusal:
            raise in_words(f"Invalid {name} format. Expected YYYY-MM-DD.") from None
    return days(given, first, last)


def _flag(notice: Notification) -> str:
    return "0" if notice.distributed_at is None else "1"


def _row(notice: Notification) -> Answer:
    sent, shown = notice.sent_at, notice.distributed_at
    return {
        "id": str(notice.id),
        "sidentifiant": notice.phone,
        "title": notice.title,
        "message": notice.message,
        "type": notice.type,
        "distribued": _flag(notice),
        "distribued_status": "not_distributed" if shown is None else "distributed",
        "sent_date": day_of(sent),
        "sent_time": clock(sent),
        "sent_at": day_and_clock(sent),
        "sent_at_unix": str(seconds(sent)),
        "distributed_date": None if shown is None else day_of(shown),
        "distributed_time": None if shown is None else clock(shown),
        "distributed_at": None if shown is None else day_and_clock(shown),
        "distributed_at_unix": None if shown is None else str(seconds(shown)),
    }


ROUTES = (
    Route("/notification/send", WRITE, send, takes_json=True, without_key=_without_key_or_sid),
    Route("/notification/list/", READ, listed, without_key=partial(missing_param, "apikey")),
)
