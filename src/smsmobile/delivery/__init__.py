"""Sending under a key, one message or many, polling for received SMS, and what their texts cost and ask for.

Each name is imported on first use, so that `count_segments` does not load a client and a database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy_names

if TYPE_CHECKING:
    from ._gsm7_spelling import suggest_gsm7
    from ._inbox_state import InboxProgress, InboxState, SQLiteInboxState
    from ._memory_journal import MemoryJournal
    from ._messages import OutgoingSMS
    from ._outcomes import SendOutcome
    from ._segments import Segments, count_segments
    from ._sqlite_journal import SQLiteJournal
    from ._sqlite_suppression import SQLiteSuppression
    from .bulk import BulkCheck, BulkSender
    from .inbox import Inbox
    from .journals import ClaimState, Journal, JournalEntry, MessageClaim, SendStatus
    from .once import send_once
    from .opt_out import is_opt_in, is_opt_out
    from .opt_out_recording import record_opt_out
    from .report import ReportSummary, write_report
    from .settling import settle
    from .sims import Sim, SimPool
    from .suppression import MemorySuppression, Suppression
    from .windows import SendWindow

__all__ = [
    "BulkCheck",
    "BulkSender",
    "ClaimState",
    "Inbox",
    "InboxProgress",
    "InboxState",
    "Journal",
    "JournalEntry",
    "MemoryJournal",
    "MemorySuppression",
    "MessageClaim",
    "OutgoingSMS",
    "ReportSummary",
    "SQLiteInboxState",
    "SQLiteJournal",
    "SQLiteSuppression",
    "Segments",
    "SendOutcome",
    "SendStatus",
    "SendWindow",
    "Sim",
    "SimPool",
    "Suppression",
    "count_segments",
    "is_opt_in",
    "is_opt_out",
    "record_opt_out",
    "send_once",
    "settle",
    "suggest_gsm7",
    "write_report",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "_gsm7_spelling": ["suggest_gsm7"],
            "_inbox_state": ["InboxProgress", "InboxState", "SQLiteInboxState"],
            "_messages": ["OutgoingSMS"],
            "_segments": ["Segments", "count_segments"],
            "_outcomes": ["SendOutcome"],
            "bulk": ["BulkCheck", "BulkSender"],
            "inbox": ["Inbox"],
            "_memory_journal": ["MemoryJournal"],
            "_sqlite_journal": ["SQLiteJournal"],
            "_sqlite_suppression": ["SQLiteSuppression"],
            "journals": ["ClaimState", "Journal", "JournalEntry", "MessageClaim", "SendStatus"],
            "once": ["send_once"],
            "opt_out": ["is_opt_in", "is_opt_out"],
            "opt_out_recording": ["record_opt_out"],
            "report": ["ReportSummary", "write_report"],
            "settling": ["settle"],
            "sims": ["Sim", "SimPool"],
            "suppression": ["MemorySuppression", "Suppression"],
            "windows": ["SendWindow"],
        },
    )
