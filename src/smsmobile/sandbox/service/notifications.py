"""Notifications: pushing one to a phone, and the list of them. When a phone shows it is decided in phone.py."""

from __future__ import annotations

from itertools import islice

from ..moments import clock, day, day_and_clock, seconds
from ..parameters import Parameters, Span, choice, days, optional, required
from ..routes import READ, WRITE, Answer, Route
from ..rows import Notification
from .core import Service

MOST_LISTED = 200


def send(service: Service, given: Parameters) -> Answer:
    """Push a notification. One to a phone that is off waits for it."""
    sid = required(given, "sid")
    message = required(given, "message")
    service.check_subscription()
    service.check_device(sid, "sid")
    ledger = service.ledger
    notice = ledger.notifications.put(
        Notification(
            id=ledger.new_id(),
            phone=sid,
            title=optional(given, "title") or "Notification",
            message=message,
            type=optional(given, "type") or "notification",
            sent_at=ledger.now(),
        )
    )
    service.phones[sid].wake()
    return {
        "success": True,
        "message": "Notification sent.",
        "id": notice.id,
        "apikey": ledger.account.api_key,  # the service does that
        "sid": sid,
    }


def listed(service: Service, given: Parameters) -> Answer:
    """The newest notifications, newest first."""
    sid = optional(given, "sidentifiant") or optional(given, "sid")
    distributed = choice(given, "distribued", ("0", "1"), "")
    # The documentation and the OpenAPI description name these differently.
    spans: list[Span] = [days(given, "date_from", "date_to"), days(given, "date_start", "date_end")]
    service.check_subscription()
    found = (
        row
        for row in reversed(service.ledger.notifications)
        if sid in (None, row.phone) and distributed in ("", _flag(row)) and all(row.sent_at in span for span in spans)
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
        "sent_date": day(sent),
        "sent_time": clock(sent),
        "sent_at": day_and_clock(sent),
        "sent_at_unix": str(seconds(sent)),
        "distributed_date": None if shown is None else day(shown),
        "distributed_time": None if shown is None else clock(shown),
        "distributed_at": None if shown is None else day_and_clock(shown),
        "distributed_at_unix": None if shown is None else str(seconds(shown)),
    }


ROUTES = (
    Route("/notification/send", WRITE, send, takes_json=True),
    Route("/notification/list/", READ, listed),
)
