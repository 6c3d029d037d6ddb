"""Who wrote with which phone: conversations and their entries, kept up to date as the ledger changes.

How an entry is shown lives in spelling.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import islice

from ..ledger import Ledger, Rows
from ..numbers import digits_of, is_international, peer_of
from ..recorder import LONGEST
from ..rows import Call, Message, Received, Row, SentByHand
from .lines import Line
from .searching import Wanted, folded

Entry = Message | Received | SentByHand | Call


class Conversation:
    """Everything between one phone and one other party, by SMS, WhatsApp and telephone."""

    def __init__(self, phone: str, peer: str) -> None:
        self.phone = phone
        self.peer = peer
        """The digits of a number, or a name such as `MPESA`."""
        self.entries: Line[int, Entry] = Line()
        self._international: set[int] = set()
        """The ids of the entries that show that the digits are a whole international number."""
        self._texts: dict[int, str] = {}
        self._names: dict[int, str] = {}
        """The other party's names in the phone's contacts. Both are folded, by the ids of their entries."""

    def put(self, row: Entry) -> None:
        """Add an entry, or replace the one with its id."""
        self.entries.put(row.id, row)
        is_whatsapp = isinstance(row, Message | Received) and row.channel == "whatsapp"  # which knows no other numbers
        if is_international(number_of(row)) or (is_whatsapp and digits_of(self.peer)):
            self._international.add(row.id)
        if not isinstance(row, Call):
            self._texts[row.id] = folded(row.text[:LONGEST])
        if isinstance(row, Call | Received) and row.name:
            self._names[row.id] = folded(row.name)

    def remove(self, row: Entry) -> None:
        """Take an entry out."""
        self.entries.remove(row.id)
        self._international.discard(row.id)
        self._texts.pop(row.id, None)
        self._names.pop(row.id, None)

    @property
    def last(self) -> Entry:
        """The newest entry."""
        return self.entries.last

    @property
    def name(self) -> str:
        """The other party: `+` and all digits where an entry tells that they are, else as it was last spelled."""
        return f"+{self.peer}" if self._international else number_of(self.last).strip()

    def page(self, before: int | None, limit: int) -> tuple[list[Entry], bool]:
        """Entries with ids below `before`, newest first, and whether there are older ones."""
        page = list(islice(self.entries.downwards(before), limit + 1))
        return page[:limit], len(page) > limit

    def find(self, wanted: Wanted) -> Entry | None:
        """What a search finds: the newest message that says it, or the newest entry with somebody of this name."""
        words, texts = wanted.words, self._texts
        saying = [number for number, text in texts.items() if words in text]
        if saying:
            return self.entries[max(saying)]
        return self.last if wanted.is_named(self.peer, self._names.values()) else None


class Threads:
    """All conversations. Whoever asks holds the ledger's lock."""

    def __init__(self, ledger: Ledger) -> None:
        self._conversations: dict[tuple[str, str], Conversation] = {}
        self._of_phone: dict[str, Line[int, Conversation]] = {}
        """By the phone's SID, in the order of the newest entries."""
        tables: tuple[Rows[Row], ...] = (ledger.messages, ledger.received, ledger.by_hand, ledger.calls)
        self._tables = frozenset(table.name for table in tables)
        with ledger.lock:
            for table in tables:
                for row in table:
                    self._put(row)
            ledger.watchers.append(self._watch)

    def page(
        self, phone: str | None, *, wanted: Wanted | None = None, before: int | None = None, limit: int
    ) -> tuple[list[tuple[Conversation, Entry]], bool]:
        """Conversations of a phone or of all, the one with the newest entry first, and whether there are older ones.

        Beside each is its newest entry, or what the search has found there. `before` is the id of the last entry of
        the last one that was shown.
        """
        lines = self._of_phone.values() if phone is None else [self._of_phone.get(phone, Line())]
        found: Iterator[Conversation] = merge(
            *(line.downwards(before) for line in lines), key=lambda one: one.last.id, reverse=True
        )
        shown = ((one, one.last if wanted is None else one.find(wanted)) for one in found)
        page = list(islice(((one, entry) for one, entry in shown if entry is not None), limit + 1))
        return page[:limit], len(page) > limit

    def get(self, phone: str, peer: str) -> Conversation | None:
        """The conversation of a phone with somebody; None where they have nothing in common."""
        return self._conversations.get((phone, peer))

    def of(self, row: Entry) -> Conversation:
        """The conversation that this entry stands in."""
        return self._conversations[_where(row)]

    def _watch(self, table: Rows[Row], before: Row | None, after: Row | None) -> None:
        if table.name not in self._tables:
            return
        if before is not None and (after is None or (after.id, _where(after)) != (before.id, _where(before))):
            self._remove(before)
        if after is not None:
            self._put(after)

    def _put(self, row: Entry) -> None:
        where = _where(row)
        conversation = self._conversations.get(where)
        if conversation is None:
            conversation = self._conversations[where] = Conversation(*where)
        elif conversation.last.id < row.id:
            self._of_phone[row.phone].remove(conversation.last.id)
        conversation.put(row)
        self._of_phone.setdefault(row.phone, Line()).put(conversation.last.id, conversation)

    def _remove(self, row: Entry) -> None:
        where = _where(row)
        conversation = self._conversations[where]
        line = self._of_phone[row.phone]
        was_last = conversation.last.id == row.id
        conversation.remove(row)
        if was_last:
            line.remove(row.id)
        if not len(conversation.entries):
            del self._conversations[where]
            if not len(line):
                del self._of_phone[row.phone]
        elif was_last:
            line.put(conversation.last.id, conversation)


def number_of(row: Entry) -> str:
    """The other party as this row spells it."""
    return row.sender if isinstance(row, Received) else row.number


def _where(row: Entry) -> tuple[str, str]:
    return row.phone, peer_of(number_of(row))
