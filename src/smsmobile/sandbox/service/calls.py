"""The three lists of calls: missed ones have other parameters and other spellings than those that were answered."""

from __future__ import annotations

from typing import Any

from ..parameters import Parameters, Span, choice, days, integer, millisecond_span, text
from ..routes import READ, Answer, Route
from ..rows import Call, CallKind
from ..timestamps import day_and_clock, iso, milliseconds
from .core import Service

_SORTED_BY: dict[str, Any] = {
    "call_date_ms": lambda call: (call.called_at, call.id),
    "call_datetime_utc": lambda call: (call.called_at, call.id),
    "phone_number": lambda call: (call.number, call.id),
    "cached_name": lambda call: (call.name or "", call.id),
    "duration_sec": lambda call: (call.seconds, call.id),
}


def missed(service: Service, given: Parameters) -> Answer:
    """Missed calls, newest first."""
    offset = integer(given, "offset", 0)
    limit = integer(given, "limit", 100, least=1, most=500)
    calls = _find(service, "missed", text(given, "search"), days(given, "date_start", "date_end"))
    calls.sort(key=_SORTED_BY["call_date_ms"], reverse=True)
    rows = [_missed_row(call) for call in calls[offset : offset + limit]]
    return {"success": True, "offset": offset, "limit": limit, "count": len(rows), "data": rows}


def incoming(service: Service, given: Parameters) -> Answer:
    """Calls that were answered on the phone."""
    return _answered(service, given, "incoming")


def outgoing(service: Service, given: Parameters) -> Answer:
    """Calls that were made from the phone."""
    return _answered(service, given, "outgoing")


def _answered(service: Service, given: Parameters, kind: CallKind) -> Answer:
    offset = integer(given, "offset", 0)
    limit = integer(given, "limit", 50, least=1, most=200)
    sort_by = choice(given, "sort_by", tuple(_SORTED_BY), "call_date_ms")
    descending = choice(given, "sort_dir", ("asc", "desc"), "desc") == "desc"
    calls = _find(service, kind, text(given, "q"), millisecond_span(given, "date_from_ms", "date_to_ms"))
    calls.sort(key=_SORTED_BY[sort_by], reverse=descending)
    rows = [_answered_row(call) for call in calls[offset : offset + limit]]
    return {"success": True, "count": len(rows), "rows": rows}


def _find(service: Service, kind: CallKind, search: str, span: Span) -> list[Call]:
    service.check_subscription()
    return [
        call
        for call in service.store.calls
        if call.kind == kind
        and call.called_at in span
        and (search in call.number.casefold() or search in (call.name or "").casefold())
    ]


def _missed_row(call: Call) -> Answer:
    return {
        "id": str(call.id),
        "guid": call.guid,
        "number": call.number,
        "name": call.name,
        "date": day_and_clock(call.called_at),
        "duration_sec": call.seconds,
        "sIdentifiantPhone": call.phone,
    }


def _answered_row(call: Call) -> Answer:
    return {
        "id": str(call.id),
        "guid": call.guid,
        "phone_number": call.number,
        "cached_name": call.name,
        "call_datetime_utc": iso(call.called_at),
        "call_date_ms": str(milliseconds(call.called_at)),
        "duration_sec": call.seconds,
        "sIdentifiantPhone": call.phone,
    }


ROUTES = (
    Route("/call/missed/list/", READ, missed),
    Route("/call/incoming/list/", READ, incoming),
    Route("/call/outgoing/list/", READ, outgoing),
)
