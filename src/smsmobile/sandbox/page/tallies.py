"""What is counted as it happens: the messages that wait for a phone, by the time they are due, and the unread ones."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import islice

from ..ledger import Ledger, Rows
from ..rows import Message, Row
from .lines import Line


class Tallies:
    """The counts. Whoever asks holds the ledger's lock."""

    def __init__(self, ledger: Ledger) -> None:
        self.queued: Counter[str] = Counter()
        """Messages that a phone still has to send, by its SID."""
        self.unread: Counter[str] = Counter()
        """Received messages that no application has read, by the SID of the phone."""
        self._waiting: Line[tuple[datetime, int], Message] = Line()
        with ledger.lock:
            for table in (ledger.messages, ledger.received):
                for row in table:
                    self._watch(table, None, row)
            ledger.watchers.append(self._watch)

    def scheduled(self, now: datetime, most: int) -> list[Message]:
        """Messages that are not yet due, the one that is due first first."""
        return list(islice(self._waiting.upwards((now, 2**63)), most))

    def _watch(self, table: Rows[Row], before: Row | None, after: Row | None) -> None:
        if table.name == "messages":
            if before is not None and before.is_pending:
                self.queued[before.phone] -= 1
                self._waiting.remove((before.ready_at, before.id))
            if after is not None and after.is_pending:
                self.queued[after.phone] += 1
                self._waiting.put((after.ready_at, after.id), after)
        elif table.name == "received":
            if before is not None and not before.is_read:
                self.unread[before.phone] -= 1
            if after is not None and not after.is_read:
                self.unread[after.phone] += 1
