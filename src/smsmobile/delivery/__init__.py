"""Sending in bulk and polling for received SMS, both across restarts. This file holds the public names.

Each name is imported on first use, so that `count_segments` does not load a client and a database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy_names

if TYPE_CHECKING:
    from ._inbox_state import InboxProgress, InboxState, SQLiteInboxState
    from ._messages import OutgoingSMS
    from ._segments import Segments, count_segments
    from ._workers import BulkOutcome
    from .bulk import BulkCheck, BulkSender
    from .inbox import Inbox
    from .journals import BulkStatus, Journal, JournalEntry, SQLiteJournal

__all__ = [
    "BulkCheck",
    "BulkOutcome",
    "BulkSender",
    "BulkStatus",
    "Inbox",
    "InboxProgress",
    "InboxState",
    "Journal",
    "JournalEntry",
    "OutgoingSMS",
    "SQLiteInboxState",
    "SQLiteJournal",
    "Segments",
    "count_segments",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "_inbox_state": ["InboxProgress", "InboxState", "SQLiteInboxState"],
            "_messages": ["OutgoingSMS"],
            "_segments": ["Segments", "count_segments"],
            "_workers": ["BulkOutcome"],
            "bulk": ["BulkCheck", "BulkSender"],
            "inbox": ["Inbox"],
            "journals": ["BulkStatus", "Journal", "JournalEntry", "SQLiteJournal"],
        },
    )
