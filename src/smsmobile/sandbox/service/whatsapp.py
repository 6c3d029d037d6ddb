"""Receiving WhatsApp: the switch, the synchronisation window, the messages; and whether a number is on WhatsApp.

Sending lives in sending.py.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import islice

from ..errors import no_window, retrieval_off, window_ended
from ..numbers import peer_of
from ..parameters import Parameters, choice, day, integer, number, optional
from ..recipients import behaviour_of
from ..routes import READ, Answer, Route
from ..rows import Received
from ..timestamps import day_and_clock, seconds
from .core import Service

WINDOW = timedelta(minutes=10)
"""How long a synchronisation window stays open."""


def switch(service: Service, given: Parameters) -> Answer:
    """Switch retrieval on or off; off also ends the window."""
    wanted = choice(given, "statut", ("0", "1", "x"), "x")
    service.check_subscription()
    store = service.store
    account = store.account
    active = not account.whatsapp_retrieval if wanted == "x" else wanted == "1"
    window = account.whatsapp_window_ends_at if active else None
    store.accounts.put(replace(account, whatsapp_retrieval=active, whatsapp_window_ends_at=window))
    return {
        "success": True,
        "read_message_active": int(active),
        "status_note": "activated" if active else "deactivated",
    }


def synchronise(service: Service, _given: Parameters) -> Answer:
    """Open a window, or a new one in place of an earlier one. It takes a phone that is on."""
    service.check_subscription()
    store = service.store
    if not store.account.whatsapp_retrieval:
        raise retrieval_off()
    service.check_online()
    end = store.now() + WINDOW
    store.accounts.put(replace(store.account, whatsapp_window_ends_at=end))
    return {
        "error": "0",
        "messages": "The synchronisation was requested: read the messages with /getwa/ before the window ends.",
        "expire_at": day_and_clock(end),
        "expire_at_unix": str(seconds(end)),
    }


def received(service: Service, given: Parameters) -> Answer:
    """A page of received messages, newest first, while the window is open."""
    before = integer(given, "before", 0, least=None) if optional(given, "before") else None
    wanted_day = day(given, "date")
    kind = choice(given, "message_type", ("text", "audio"), "")
    service.check_subscription()
    store = service.store
    account = store.account
    if not account.whatsapp_retrieval:
        raise retrieval_off()
    end = account.whatsapp_window_ends_at
    if end is None:
        raise no_window()
    if store.now() > end:
        raise window_ended(day_and_clock(end))
    found = (
        row
        for row in reversed(store.received)
        if row.channel == "whatsapp"
        and (before is None or row.id < before)
        and wanted_day in (None, row.received_at.date())
        and kind in ("", _kind(row))
    )
    rows = list(islice(found, account.page_size))
    for row in rows:
        if not row.is_read:
            store.received.put(replace(row, is_read=True))
    return {"success": True, "count": len(rows), "data": [_row(row) for row in rows]}


def check_number(service: Service, given: Parameters) -> Answer:
    """Whether a number is on WhatsApp: here every one is, but for a chosen one. A phone that is on is asked."""
    wanted = number(given, "recipients")
    service.check_subscription()
    service.check_online()
    found = not behaviour_of(wanted).whatsapp_error
    return {
        "success": True,
        "recipients": peer_of(wanted),
        "contact_found_on_whatsapp": "yes" if found else "no",
    }


def _kind(message: Received) -> str:
    return "text" if message.voice_seconds is None else "audio"


def _row(message: Received) -> Answer:
    return {
        "id": str(message.id),
        "guid": message.guid,
        "data_id": message.data_id,
        "number": peer_of(message.sender),
        "contact_name": message.name,
        "message": message.text,
        "message_type": _kind(message),
        "duration_seconds": None if message.voice_seconds is None else str(message.voice_seconds),
        "sIdentifiantPhone": message.phone,
        "timestamp_unix": str(seconds(message.received_at)),
        "date": day_and_clock(message.received_at),
    }


ROUTES = (
    Route("/getwa/active/", READ, switch),
    Route("/getwa/synchronisation/", READ, synchronise),
    Route("/getwa/", READ, received),
    Route("/whatsapp/checknumber/", READ, check_number),
)
