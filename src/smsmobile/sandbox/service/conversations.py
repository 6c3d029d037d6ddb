"""SMS grouped by the other person. The logs they come from live in sms.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ..moments import day_and_clock, seconds
from ..numbers import peer_of
from ..parameters import Parameters, choice, days, integer, optional, required
from ..routes import READ, Answer, Route
from .core import Service

Direction = Literal["received", "sent"]


@dataclass(frozen=True)
class _Line:
    """One SMS of a conversation, however it came about."""

    id: int
    at: datetime
    guid: str
    direction: Direction
    number: str
    text: str


def conversations(service: Service, given: Parameters) -> Answer:
    """Conversations in which an SMS was received, or sent; the one with the latest SMS first, or last with ASC."""
    required(given, "origineConversation")
    origin = choice(given, "origineConversation", ("received", "sent"), "")
    wanted = optional(given, "numero")
    span = days(given, "date_from", "date_to")
    descending = choice(given, "sort", ("asc", "desc"), "desc") == "desc"
    limit = integer(given, "limit", 100, least=1, most=500)
    service.check_subscription()
    by_peer: dict[str, list[_Line]] = {}
    for line in _lines(service):
        peer = peer_of(line.number)
        if line.at in span and (wanted is None or peer == peer_of(wanted)):
            by_peer.setdefault(peer, []).append(line)
    found = [
        sorted(lines, key=lambda line: (line.at, line.id))
        for lines in by_peer.values()
        if any(line.direction == origin for line in lines)
    ]
    found.sort(key=lambda lines: (lines[-1].at, lines[-1].id), reverse=descending)
    return {"success": True, "conversations": [_row(lines) for lines in found[:limit]]}


def _lines(service: Service) -> Iterator[_Line]:
    ledger = service.ledger
    for sms in ledger.received:
        if sms.channel == "sms":
            yield _Line(sms.id, sms.received_at, sms.guid, "received", sms.sender, sms.text)
    for message in ledger.messages:
        if message.channel == "sms":
            yield _Line(message.id, message.submitted_at, message.guid, "sent", message.number, message.text)
    for written in ledger.by_hand:
        yield _Line(written.id, written.sent_at, written.guid, "sent", written.number, written.text)


def _row(lines: list[_Line]) -> Answer:
    last = lines[-1]
    return {
        "numero": last.number,
        "count": str(len(lines)),
        "last_message": last.text,
        "last_date": day_and_clock(last.at),
        "messages": [
            {
                "guid": line.guid,
                "direction": line.direction,
                "message": line.text,
                "date": day_and_clock(line.at),
                "timestamp_unix": seconds(line.at),
            }
            for line in lines
        ],
    }


ROUTES = (Route("/conversation/sms/list/", READ, conversations),)
