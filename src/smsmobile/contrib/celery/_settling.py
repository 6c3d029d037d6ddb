"""Looks one message up, until `smsmobile.delivery.settle` is there."""

from __future__ import annotations

from threading import Event

from ...client import SMSMobileClient
from ...delivery import Journal, JournalEntry, SendStatus
from ...delivery._arguments import channel_of
from ...delivery._sender import Sender


def settle(client: SMSMobileClient, journal: Journal, key: str) -> JournalEntry | None:
    entry = journal.get(key)
    if entry is None or entry.outcome not in {None, SendStatus.UNKNOWN}:
        return entry
    Sender(channel_of(client), journal, patience=0).look_up_abandoned([entry], Event())
    return journal.get(key)
