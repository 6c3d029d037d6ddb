"""`settle`: looks a message in doubt up in the sent log, without sending anything."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from ..errors import StorageError
from ._arguments import channel_of, opened_existing
from ._lookup import Lookup, outcome_of
from ._messages import check_key
from ._outcomes import INTERRUPTED
from ._sender import PATIENCE
from .journals import ClaimState, Journal, JournalEntry, SendStatus

if TYPE_CHECKING:
    from ..client import SMSMobileClient

__all__ = ["settle"]


def __dir__() -> list[str]:
    return __all__


def settle(client: SMSMobileClient, journal: str | os.PathLike[str] | Journal, key: str | int) -> JournalEntry | None:
    """Look a message up if nobody knows what became of it, and record what the sent log says. It never sends.

        entry = settle(client, "sent.sqlite", "order-4711")

    client: the client of the account that sent the message.
    journal: a `Journal`, or the name of the file of one. A file that is missing is not created.
    key: the key of the message.

    A message is in doubt if its outcome is UNKNOWN, or if it is in flight and its sender is gone. It is looked up once,
    without waiting. If the log shows it, it is SENT or REFUSED from now on. If not, it is UNKNOWN, but only when its
    row has had the time to appear: until half a minute after the attempt it stays in flight. Call again later, as often
    as you like: an unknown message is looked up each time. A message that another caller is sending is left alone.

    Returns the entry of the journal after that: it still has no `outcome` if the message is in flight. None if the
    journal does not have the key, or if the message was claimed by a sender that ended before the request left.

    Raises ConfigurationError or InvalidRequestError for a wrong argument, StorageError if the journal cannot be used,
    and what `client.sms.log` raises if the log cannot be read: then nothing is recorded.
    """
    channel, name = channel_of(client), check_key(key)
    with opened_existing(journal) as shared:
        entry = shared.get(name)
        if entry is not None and entry.outcome is None:
            entry = _taken_over(shared, entry)
        if entry is not None and entry.outcome in {None, SendStatus.UNKNOWN}:
            _look_up(Lookup(channel, shared), shared, entry)
        return shared.get(name)


def _taken_over(journal: Journal, entry: JournalEntry) -> JournalEntry | None:
    """A message in flight, as it is now; None if it is not to be looked up. If its sender is gone, we own it."""
    (claim,) = journal.claim([entry._replace(token=uuid4().hex)])
    if claim.state is ClaimState.NEW:  # its sender had not started it, so it did not leave
        journal.withdraw([claim.entry])
        return None
    return None if claim.state is ClaimState.BUSY else claim.entry


def _look_up(lookup: Lookup, journal: Journal, entry: JournalEntry) -> None:
    try:
        row = lookup.look(entry)
    except BaseException:
        with suppress(StorageError):  # then its lease ends
            journal.release([entry])
        raise
    if row is not None:
        status, reason = outcome_of(row)
        journal.settle(entry, status, guid=row.guid, reason=reason)
    elif entry.outcome is None and time.time() - entry.attempted_at >= PATIENCE:
        journal.settle(entry, SendStatus.UNKNOWN, reason=INTERRUPTED)
    else:
        journal.release([entry])
