"""The list of the account's phones. What a phone does lives in phone.py."""

from __future__ import annotations

from ..parameters import Parameters, optional, text
from ..routes import READ, Answer, Route
from ..rows import PhoneState
from ..timestamps import clock, day, seconds
from .core import Service

APP_VERSION = "4.1.15.0"


def phones(service: Service, given: Parameters) -> Answer:
    """The phones, the first one first. The account has a place for each of them."""
    sid = optional(given, "sid")
    search = text(given, "search")
    service.check_subscription()
    store = service.store
    connected = sum(phone.is_on for phone in store.phones)
    items = [_row(phone, service) for phone in store.phones if sid in (None, phone.sid)]
    return {
        "success": True,
        "connected_now": connected,
        "connected_limit": len(store.phones),
        "connected_available": len(store.phones) - connected,
        "filters": {name: given[name] for name in ("sid", "search") if optional(given, name)},
        "note": "Battery and dates are what the app has told last.",
        "items": [row for row in items if any(search in str(value).casefold() for value in row.values())],
    }


def _row(phone: PhoneState, service: Service) -> Answer:
    seen = service.store.now() if phone.is_on or phone.seen_at is None else phone.seen_at
    return {
        "sIdentifiant": phone.sid,
        "label": phone.label,
        "app_version": APP_VERSION,
        "battery": str(phone.battery),
        "date": day(seen),
        "hour": clock(seen),
        "last_seen_unix": str(seconds(seen)),
        "online": "1" if phone.is_on else "0",
    }


ROUTES = (Route("/gateway/mobile/list/", READ, phones),)
