"""What the page shows: the account, phones, conversations, the schedule, and what the application did."""

from __future__ import annotations

from flask import request

from ..._version import __version__
from ..events import TYPES
from ..fault_kinds import KINDS
from ..folding import folded
from ..recipients import MAGIC
from ..rows import MAILBOX
from . import serializers
from .context import PageContext
from .conversations import asked_for
from .parsing import number, paging, text
from .routing import Answer, PageRoute
from .search import Wanted

MOST_SCHEDULED = 200
MOST_PATHS = 100


def overview(context: PageContext) -> Answer:
    """Everything that is not a list."""
    store = context.store
    with store.lock:
        account = store.account
        return {
            "version": __version__,
            "now": serializers.moment(store.now()),
            "base_url": request.url_root.rstrip("/"),
            "api_key": account.api_key,
            "client_id": account.client_id,
            "client_secret": account.client_secret,
            "mailbox_key": account.mailbox_key,
            "subscription_active": account.subscription_active,
            "log_delay": account.log_delay,
            "token_lifetime": account.token_lifetime,
            "whatsapp_retrieval": account.whatsapp_retrieval,
            "whatsapp_window_ends_at": serializers.maybe(account.whatsapp_window_ends_at),
            "counts": {
                "messages": len(store.messages),
                "queued": store.messages.count("is_pending"),
                "received": len(store.received),
                "requests": len(store.requests),
                "deliveries": len(store.deliveries),
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
            "fault_paths": list(context.box.faults.paths),
            "event_types": list(TYPES),
        }


def phones(context: PageContext) -> Answer:
    """All phones, the first one first. In the conversation that is being read, nothing is unseen."""
    sid, peer = request.args.get("phone", ""), request.args.get("peer", "")
    store, conversations = context.store, context.conversations
    with store.lock:
        unseen = {each.sid: conversations.unseen(each.sid) for each in store.phones}
        if sid in unseen and peer not in ("", MAILBOX):  # the mailbox is on no phone
            unseen[sid] -= conversations.unseen(sid, peer)
        return {"phones": [serializers.phone(each, store) | {"unseen": unseen[each.sid]} for each in store.phones]}


def conversations(context: PageContext) -> Answer:
    """A page of conversations, the one with the newest entry first."""
    before, limit = paging(30)
    search, sid = request.args.get("search", "").strip(), request.args.get("phone") or None
    wanted = Wanted(search) if search else None
    with context.store.lock:
        if sid is not None:
            context.phone(sid)
        page, more = context.conversations.page(sid, wanted=wanted, before=before, limit=limit)
        now = context.store.now()
        return {"conversations": [serializers.conversation(*one, wanted, now) for one in page], "more": more}


def thread(context: PageContext) -> Answer:
    """A page of a conversation, oldest first."""
    before, limit = paging()
    sid, asked = text("phone"), text("peer")
    peer = asked_for(asked)
    with context.store.lock:
        context.phone(sid)
        conversation = context.conversations.get(sid, peer)
        answer: Answer = {
            "phone": sid,
            "peer": peer,
            "name": asked.strip(),
            "contact": "",
            "entries": [],
            "more": False,
        }
        if conversation is not None:
            page, more = context.conversations.entries(sid, peer, before, limit)
            now = context.store.now()
            entries = [serializers.entry(row, now) for row in reversed(page)]
            answer |= {"name": conversation.name, "contact": conversation.contact, "entries": entries, "more": more}
        return answer


def scheduled(context: PageContext) -> Answer:
    """Messages that are not yet due, the next one first."""
    with context.store.lock:
        now = context.store.now()
        # What no phone picks up is never due, but may be scheduled.
        found = context.store.messages.where(
            "is_pending AND (due > ? OR due IS NULL)", now.timestamp(), last=f"ORDER BY due, id LIMIT {MOST_SCHEDULED}"
        )
        rows = sorted((row for row in found if row.ready_at > now), key=lambda row: row.ready_at)
        return {"messages": [serializers.scheduled(row, context.conversations.name(row), now) for row in rows]}


def requests(context: PageContext) -> Answer:
    """What was asked of the service, newest first, and at which paths."""
    before, limit = paging()
    failed = number("failed", 0, most=1)
    path, words = request.args.get("path", ""), folded(request.args.get("search", "").strip())
    wanted = "? IN ('', path) AND instr(words, ?)"
    if failed:
        wanted += " AND outcome IN ('refused', 'broken')"
    with context.store.lock:
        page, more = context.store.requests.page(before, limit, wanted, path, words)
        paths = context.store.requests.values("path")
    return {"requests": [serializers.request(row) for row in page], "more": more, "paths": paths[:MOST_PATHS]}


def deliveries(context: PageContext) -> Answer:
    """Webhooks on their way and those that have arrived, newest first."""
    before, limit = paging()
    with context.store.lock:
        page, more = context.store.deliveries.page(before, limit)
    return {"deliveries": [serializers.delivery(row) for row in page], "more": more}


def changes(context: PageContext) -> Answer:
    """The tables that have changed since a version."""
    return context.live.since(number("since"))


PAGED = ("before", "limit")
ROUTES = (
    PageRoute("GET", "/overview", overview),
    PageRoute("GET", "/phones", phones, query=("phone", "peer")),
    PageRoute("GET", "/conversations", conversations, query=("phone", "search", *PAGED)),
    PageRoute("GET", "/thread", thread, query=("phone", "peer", *PAGED)),
    PageRoute("GET", "/scheduled", scheduled),
    PageRoute("GET", "/requests", requests, query=("failed", "path", "search", *PAGED)),
    PageRoute("GET", "/deliveries", deliveries, query=PAGED),
    PageRoute("GET", "/changes", changes, query=("since",)),
)
