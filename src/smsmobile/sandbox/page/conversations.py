"""Who wrote with which phone: conversations and their entries, as the store has them.

How an entry is shown lives in serializers.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import cast

from ..rows import Call, Message, Received, SentByHand
from ..store import Store
from .search import Wanted

Entry = Message | Received | SentByHand | Call

_CONVERSATIONS = """
    SELECT phone, peer, max(id) AS newest, count(*), max(is_international),
        max(CASE WHEN instr(words, ?) THEN id END), group_concat(DISTINCT contact)
    FROM rows WHERE peer IS NOT NULL AND phone LIKE ? GROUP BY phone, peer ORDER BY newest DESC
"""


@dataclass(frozen=True)
class Conversation:
    """Everything between one phone and one other party, by SMS, WhatsApp and telephone."""

    phone: str
    peer: str
    """The digits of a number, or a name such as `MPESA`."""
    count: int
    last: Entry
    """The newest entry."""
    is_international: bool
    """Whether an entry shows that the digits are a whole international number."""

    @property
    def name(self) -> str:
        """The other party: `+` and all digits where an entry tells that they are, else as it was last spelled."""
        return f"+{self.peer}" if self.is_international else number_of(self.last).strip()


class Conversations:
    """All conversations. The caller holds the store's lock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables = {table.name: table for table in store.tables}

    def page(
        self, phone: str | None, *, wanted: Wanted | None = None, before: int | None = None, limit: int
    ) -> tuple[list[tuple[Conversation, Entry]], bool]:
        """Conversations of a phone or of all, the one with the newest entry first, and whether there are older ones.

        Beside each is its newest entry, or what the search has found there. `before` is the id of the last entry of
        the last one that was shown.
        """
        page = list(islice(self._found(phone, wanted, before), limit + 1))
        return page[:limit], len(page) > limit

    def get(self, phone: str, peer: str) -> Conversation | None:
        """The conversation of a phone with somebody; None where they have nothing in common."""
        count, is_international = self._store.database.execute(
            "SELECT count(*), max(is_international) FROM rows WHERE phone = ? AND peer = ?", (phone, peer)
        ).fetchone()
        return Conversation(phone, peer, count, self._newest(phone, peer), bool(is_international)) if count else None

    def entries(self, phone: str, peer: str, before: int | None, limit: int) -> tuple[list[Entry], bool]:
        """Entries with ids below `before`, the newest first, and whether there are older ones."""
        found = self._store.database.execute(
            "SELECT kind, row FROM rows WHERE phone = ? AND peer = ? AND id < ? ORDER BY id DESC LIMIT ?",
            (phone, peer, 2**62 if before is None else before, limit + 1),
        ).fetchall()
        return [cast("Entry", self._tables[kind].read(row)) for kind, row in found[:limit]], len(found) > limit

    def entry(self, guid: str) -> Entry | None:
        """The message or call with this GUID."""
        store = self._store
        found = (table.get(guid) for table in (store.messages, store.received, store.by_hand, store.calls))
        return cast("Entry | None", next(filter(None, found), None))

    def _found(
        self, phone: str | None, wanted: Wanted | None, before: int | None
    ) -> Iterator[tuple[Conversation, Entry]]:
        found = self._store.database.execute(_CONVERSATIONS, (wanted.words if wanted else "", phone or "%")).fetchall()
        for sid, peer, newest, count, is_international, saying, contacts in found:
            if before is not None and newest >= before:
                continue
            if wanted is not None and saying is None and not wanted.is_named(peer, (contacts or "",)):
                continue
            last = self._newest(sid, peer)
            shown = last if wanted is None or saying is None else self._newest(sid, peer, saying + 1)
            yield Conversation(sid, peer, count, last, bool(is_international)), shown

    def _newest(self, phone: str, peer: str, before: int | None = None) -> Entry:
        ((entry,), _) = self.entries(phone, peer, before, 1)
        return entry


def number_of(row: Entry) -> str:
    """The other party as this row spells it."""
    return row.sender if isinstance(row, Received) else row.number
