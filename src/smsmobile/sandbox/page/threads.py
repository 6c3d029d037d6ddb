"""Who wrote with which phone: conversations and their entries, kept up to date as the ledger changes.

How an entry is shown lives in spelling.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import islice

from ..ledger import Ledger, Rows
from ..numbers import digits_of, is_international, peer_of
from ..rows import Call, Message, Received, Row, SentByHand
from .lines import Line

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

    def put(self, row: Entry) -> None:
        """Add an entry, or replace the one with its id."""
        self.entries.put(row.id, row)
        is_whatsapp = isinstance(row, Message | Received) and row.channel == "whatsapp"  # which knows no other numbers
        if is_international(number_of(row)) or (is_whatsapp and digits_of(self.peer)):
            self._international.add(row.id)

    def remove(self, row: Entry) -> None:
        """Take an entry out."""
        self.entries.remove(row.id)
        self._international.discard(row.id)

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

    def is_about(self, words: str, digits: str) -> bool:
        """Whether a search finds it: by the other party, or by what was last said. `words` are in lower case."""
        last = self.last
        return (
            words in number_of(last).casefold()
            or (bool(digits) and digits in self.peer)
            or (not isinstance(last, Call) and words in last.text.casefold())
        )


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
        self, phone: str | None, *, wanted: str = "", before: int | None = None, limit: int
    ) -> tuple[list[Conversation], bool]:
        """Conversations of a phone or of all, the one with the newest entry first, and whether there are older ones.

        `before` is the id of the last entry of the last one that was shown.
        """
        lines = self._of_phone.values() if phone is None else [self._of_phone.get(phone, Line())]
        found: Iterator[Conversation] = merge(
            *(line.downwards(before) for line in lines), key=lambda one: one.last.id, reverse=True
        )
        if wanted:
            words, digits = wanted.casefold(), digits_of(wanted)
            found = (one for one in found if one.is_about(words, digits))
        page = list(islice(found, limit + 1))
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
