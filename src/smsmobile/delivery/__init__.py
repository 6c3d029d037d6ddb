"""What needs many calls and a memory: public names and nothing else.

The names are imported on first use, so that `client.sms.track`, which lives in here too, does not load SQLite.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .bulk import BulkCheck, BulkSender
    from .crew import BulkOutcome
    from .inbox import Inbox
    from .inbox_state import InboxProgress, InboxState, SQLiteInboxState
    from .journal import BulkStatus, Journal, JournalEntry, SQLiteJournal
    from .messages import OutgoingSMS
    from .segments import Segments, count_segments

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

_HOMES = {
    "bulk": ("BulkCheck", "BulkSender"),
    "crew": ("BulkOutcome",),
    "inbox": ("Inbox",),
    "inbox_state": ("InboxProgress", "InboxState", "SQLiteInboxState"),
    "journal": ("BulkStatus", "Journal", "JournalEntry", "SQLiteJournal"),
    "messages": ("OutgoingSMS",),
    "segments": ("Segments", "count_segments"),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return globals().setdefault(name, getattr(import_module(f"{__name__}.{home}"), name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
