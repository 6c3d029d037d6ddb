"""What the page shows: the account, phones, conversations, the schedule, and what the application did."""

from __future__ import annotations

from flask import request

from ..._version import __version__
from ..events import TYPES
from ..fault_kinds import KINDS
from ..folding import folded
from ..numbers import peer_of
from ..recipients import MAGIC
from . import spelling
from .desk import Desk
from .reading import number, paging, text
from .routing import Answer, PageRoute
from .searching import Wanted

MOST_SCHEDULED = 200
MOST_PATHS = 100


def overview(desk: Desk) -> Answer:
    """Everything that is not a list."""
    ledger = desk.ledger
    with ledger.lock:
        account = ledger.account
        return {
            "version": __version__,
            "now": spelling.moment(ledger.now()),
            "base_url": request.url_root.rstrip("/"),
            "api_key": account.api_key,
            "client_id": account.client_id,
            "client_secret": account.client_secret,
            "subscription_active": account.subscription_active,
            "log_delay": account.log_delay,
            "token_lifetime": account.token_lifetime,
            "counts": {
                "messages": len(ledger.messages),
                "queued": ledger.messages.count("is_pending"),
                "received": len(ledger.received),
                "requests": len(ledger.requests),
                "deliveries": len(ledger.deliveries),
            },
            "magic_recipients": [
                {"number": magic, "description": behaviour.description} for magic, behaviour in MAGIC.items()
            ],
            "fault_kinds": [
                {
                    "kind": name,
                    "title": kind.title,
                    "description": kind.description,
                    "group": kind.group,
                    "seconds": kind.seconds,
                    "status": kind.status,
                }
                for name, kind in KINDS.items()
            ],
            "fault_paths": list(desk.box.faults.paths),
            "event_types": list(TYPES),
        }


def phones(desk: Desk) -> Answer:
    """All phones, the first one first."""
    with desk.ledger.lock:
        return {"phones": [spelling.phone(state, desk.ledger) for state in desk.ledger.phones]}


def conversations(desk: Desk) -> Answer:
    """A page of conversations, the one with the newest entry first."""
    before, limit = paging(30)
    search, sid = request.args.get("search", "").strip(), request.args.get("phone") or None
    wanted = Wanted(search) if search else None
    with desk.ledger.lock:
        if sid is not None:
            desk.phone(sid)
        page, more = desk.threads.page(sid, wanted=wanted, before=before, limit=limit)
        now = desk.ledger.now()
        return {"conversations": [spelling.conversation(*one, wanted, now) for one in page], "more": more}


def thread(desk: Desk) -> Answer:
    """A page of a conversation, oldest first."""
    before, limit = paging()
    sid, asked = text("phone"), text("peer").strip()
    peer = peer_of(asked)
    with desk.ledger.lock:
        desk.phone(sid)
        conversation = desk.threads.get(sid, peer)
        answer: Answer = {"phone": sid, "peer": peer, "name": asked, "entries": [], "more": False}
        if conversation is not None:
            page, more = desk.threads.entries(sid, peer, before, limit)
            now = desk.ledger.now()
            entries = [spelling.entry(row, now) for row in reversed(page)]
            answer |= {"name": conversation.name, "entries": entries, "more": more}
        return answer


def scheduled(desk: Desk) -> Answer:
    """Messages that are not yet due, the next one first."""
    with desk.ledger.lock:
        now = desk.ledger.now()
        # What no phone picks up is never due, but may be scheduled.
        found = desk.ledger.messages.where(
            "is_pending AND (due > ? OR due IS NULL)", now.timestamp(), last=f"ORDER BY due, id LIMIT {MOST_SCHEDULED}"
        )
        rows = sorted((row for row in found if row.ready_at > now), key=lambda row: row.ready_at)
        named = [(row, desk.threads.get(row.phone, row.peer)) for row in rows]
        return {"messages": [spelling.scheduled(row, thread.name, now) for row, thread in named if thread]}


def requests(desk: Desk) -> Answer:
    """What was asked of the service, newest first, and at which paths."""
    before, limit = paging()
    failed = number("failed", 0, most=1)
    path, words = request.args.get("path", ""), folded(request.args.get("search", "").strip())
    wanted = "? IN ('', path) AND instr(words, ?)"
    if failed:
        wanted += " AND json_extract(row, '$.outcome') IN ('refused', 'broken')"
    with desk.ledger.lock:
        page, more = desk.ledger.requests.page(before, limit, wanted, path, words)
        paths = desk.ledger.requests.values("path")
    return {"requests": [spelling.request(row) for row in page], "more": more, "paths": paths[:MOST_PATHS]}


def deliveries(desk: Desk) -> Answer:
    """Webhooks on their way and those that have arrived, newest first."""
    before, limit = paging()
    with desk.ledger.lock:
        page, more = desk.ledger.deliveries.page(before, limit)
    return {"deliveries": [spelling.delivery(row) for row in page], "more": more}


def changes(desk: Desk) -> Answer:
    """The tables that have changed since a version."""
    return desk.live.since(number("since"))


PAGED = ("before", "limit")
ROUTES = (
    PageRoute("GET", "/overview", overview),
    PageRoute("GET", "/phones", phones),
    PageRoute("GET", "/conversations", conversations, query=("phone", "search", *PAGED)),
    PageRoute("GET", "/thread", thread, query=("phone", "peer", *PAGED)),
    PageRoute("GET", "/scheduled", scheduled),
    PageRoute("GET", "/requests", requests, query=("failed", "path", "search", *PAGED)),
    PageRoute("GET", "/deliveries", deliveries, query=PAGED),
    PageRoute("GET", "/changes", changes, query=("since",)),
)
