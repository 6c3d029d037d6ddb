"""What needs many calls and a memory: public names and nothing else.

The names are imported on first use, so that `client.sms.track`, which lives in here too, does not load SQLite.
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

_HOMES = {
    "bulk": ("BulkCheck", "BulkSender"),
    "_workers": ("BulkOutcome",),
    "inbox": ("Inbox",),
    "_inbox_state": ("InboxProgress", "InboxState", "SQLiteInboxState"),
    "journals": ("BulkStatus", "Journal", "JournalEntry", "SQLiteJournal"),
    "_messages": ("OutgoingSMS",),
    "_segments": ("Segments", "count_segments"),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return globals().setdefault(name, getattr(import_module(f"{__name__}.{home}"), name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
