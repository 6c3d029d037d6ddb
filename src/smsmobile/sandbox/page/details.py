"""One message or call, with all that concerns it: its parts, its requests and its webhooks."""

from __future__ import annotations

from dataclasses import asdict

from ..rows import Call
from ..segments import segments_of
from . import serializers
from .context import PageContext
from .conversations import Said
from .parsing import Refused
from .routing import Answer, PageRoute

MOST = 50
"""So many requests and deliveries of one message are looked at."""


def details(context: PageContext, guid: str) -> Answer:
    """A message or call by its GUID, where it is shown, and what else is known of it."""
    store = context.store
    with store.lock:
        row = context.conversations.entry(guid)
        conversation = None if row is None else context.conversations.get(row.phone, row.peer)
        if row is None or conversation is None:
            raise Refused(404, "No message or call has this GUID, or it was forgotten.")
        requests = store.requests.where("id > ? AND instr(words, ?)", row.id, guid, last=f"ORDER BY id LIMIT {MOST}")
        deliveries = store.deliveries.where("instr(row, ?)", guid, last=f"ORDER BY id LIMIT {MOST}")
        return {
            "phone": row.phone,
            "peer": row.peer,
            "name": conversation.name,
            "contact": conversation.contact,
            "entry": serializers.entry(row, store.now()),
            "segments": _segments(row),
            "requests": [serializers.request(one) for one in requests if guid in one.messages],
            "deliveries": [serializers.delivery(one) for one in deliveries if serializers.told_by(one) == guid],
        }


def _segments(row: Said) -> Answer | None:
    """How an SMS is sent; null for what is none."""
    if isinstance(row, Call) or getattr(row, "channel", "sms") != "sms":
        return None
    return asdict(segments_of(row.text))


ROUTES = (PageRoute("GET", "/entries/<guid>", details),)
