"""SMS grouped by the other person. The logs they come from live in sms.py."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from ..numbers import peer_of
from ..parameters import Parameters, choice, days, integer, optional, required
from ..routes import READ, Answer, Route
from ..rows import Message, Received, SentByHand
from ..timestamps import day_and_clock, seconds
from .core import Service

Direction = Literal["received", "sent"]
SMS = Received | Message | SentByHand
_Entry = tuple[datetime, int, SMS]
"""When it was and its id, which say what comes first, and the SMS."""


def conversations(service: Service, given: Parameters) -> Answer:
    """Conversations in which an SMS was received, or sent; the one with the latest SMS first, or last with ASC."""
    required(given, "origineConversation")
    origin = choice(given, "origineConversation", ("received", "sent"), "")
    wanted = optional(given, "numero")
    span = days(given, "date_from", "date_to")
    descending = choice(given, "sort", ("asc", "desc"), "desc") == "desc"
    limit = integer(given, "limit", 100, least=1, most=500)
    service.check_subscription()
    # Every SMS there is comes by here while nobody else is served: only what is shown is taken apart.
    by_number: dict[str, list[_Entry]] = {}
    for number, entry in _entries(service):
        if entry[0] in span:
            by_number.setdefault(number, []).append(entry)
    by_peer: dict[str, list[_Entry]] = {}
    for number, entries in by_number.items():
        by_peer.setdefault(peer_of(number), []).extend(entries)
    if wanted is not None:
        peer = peer_of(wanted)
        by_peer = {peer: by_peer[peer]} if peer in by_peer else {}
    found = [entries for entries in by_peer.values() if any(_direction(sms) == origin for _, _, sms in entries)]
    found.sort(key=max, reverse=descending)
    return {"success": True, "conversations": [_row(sorted(entries)) for entries in found[:limit]]}


def _entries(service: Service) -> Iterator[tuple[str, _Entry]]:
    """Every SMS, under the number as it is spelled there."""
    store = service.store
    for sms in store.received:
        if sms.channel == "sms":
            yield sms.sender, (sms.received_at, sms.id, sms)
    for message in store.messages:
        if message.channel == "sms":
            yield message.number, (message.submitted_at, message.id, message)
    for written in store.by_hand:
        yield written.number, (written.sent_at, written.id, written)


def _direction(sms: SMS) -> Direction:
    return "received" if isinstance(sms, Received) else "sent"


def _row(entries: list[_Entry]) -> Answer:
    at, _, last = entries[-1]
    return {
        "numero": last.sender if isinstance(last, Received) else last.number,
        "count": str(len(entries)),
        "last_message": last.text,
        "last_date": day_and_clock(at),
        "messages": [
            {
                "guid": sms.guid,
                "direction": _direction(sms),
                "message": sms.text,
                "date": day_and_clock(at),
                "timestamp_unix": str(seconds(at)),
            }
            for at, _, sms in entries
        ],
    }


ROUTES = (Route("/conversation/sms/list/", READ, conversations),)
