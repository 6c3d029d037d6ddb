"""Sending and receiving that needs many calls and a memory: the public names, and nothing else.

Each is imported on first use, so that `count_segments` does not load a client and a database.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

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

if not TYPE_CHECKING:  # type checkers would take every name for one that exists
    _MODULES = {
        **dict.fromkeys(["BulkCheck", "BulkSender"], "bulk"),
        **dict.fromkeys(["BulkStatus", "Journal", "JournalEntry", "SQLiteJournal"], "journals"),
        **dict.fromkeys(["InboxProgress", "InboxState", "SQLiteInboxState"], "_inbox_state"),
        **dict.fromkeys(["Segments", "count_segments"], "_segments"),
        "BulkOutcome": "_workers",
        "Inbox": "inbox",
        "OutgoingSMS": "_messages",
    }

    def __getattr__(name):
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return globals().setdefault(name, getattr(import_module(f"{__name__}.{_MODULES[name]}"), name))

    def __dir__():
        return sorted(__all__)
