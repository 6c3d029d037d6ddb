"""Who wrote with which phone: conversations and their entries, as the store has them.

How an entry is shown lives in serializers.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import cast

from ..numbers import peer_of
from ..rows import MAILBOX, NOTIFICATIONS, Call, Mail, Message, Notification, Received, Seen, SentByHand, number_of
from ..store import Store
from .search import Wanted

Said = Message | Received | SentByHand | Call
"""What somebody said to a phone, or a phone to somebody."""
Entry = Said | Notification | Mail

_PLACES = {NOTIFICATIONS: "Notifications", MAILBOX: "E-mail"}

_CONVERSATIONS = """
    SELECT phone, peer, max(id) AS newest, count(*), max(is_international), {found}
    FROM rows WHERE peer IS NOT NULL AND {phone} GROUP BY phone, peer ORDER BY newest DESC
"""
_FOUND = "max(CASE WHEN instr(words, ?) THEN id END), group_concat(DISTINCT contact)"
_CONTACT = """
    SELECT json_extract(row, '$.name') FROM rows WHERE phone = ? AND peer = ? AND contact > '' ORDER BY id DESC LIMIT 1
"""
_UNSEEN = """
    SELECT count(*) FROM rows AS entry WHERE phone = one.phone AND peer = one.peer AND id > coalesce(
        (SELECT id FROM rows WHERE kind = 'seen' AND key = one.phone || ' ' || one.peer), 0
    )
"""
_UNSEEN_OF_PEER = f"SELECT ({_UNSEEN}) FROM (SELECT ? AS phone, ? AS peer) AS one"  # noqa: S608
_UNSEEN_OF_PHONE = f"""
    SELECT total(({_UNSEEN})) FROM (SELECT DISTINCT phone, peer FROM rows WHERE phone = ? AND peer IS NOT NULL) AS one
"""  # noqa: S608


@dataclass(frozen=True)
class Conversation:
    """Everything between one phone and one other party: by SMS, WhatsApp and telephone.

    What the application pushed to the phone is one too, and what is in the mailbox.
    """

    phone: str
    """Its SID; empty for the mailbox, which all phones share."""
    peer: str
    """The digits of a number, or a name such as `MPESA`; or one of the two places in rows.py."""
    count: int
    last: Entry
    """The newest entry."""
    name: str
    """The other party: `+` and all digits where an entry tells that they are, else as it was last spelled."""
    contact: str
    """The name in the phone's contacts; empty for none."""
    unseen: int
    """How many entries nobody at the page was shown yet."""


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
        phone = _home(phone, peer)
        count, is_international = self._store.database.execute(
            "SELECT count(*), max(is_international) FROM rows WHERE phone = ? AND peer = ?", (phone, peer)
        ).fetchone()
        return self._make(phone, peer, count, is_international) if count else None

    def name(self, entry: Said) -> str:
        """What the conversation of an entry is called; where no number tells it, as this entry spells it."""
        (is_international,) = self._store.database.execute(
            "SELECT EXISTS (SELECT 1 FROM rows WHERE phone = ? AND peer = ? AND is_international)",
            (entry.phone, entry.peer),
        ).fetchone()
        return _named(entry, is_international)

    def unseen(self, phone: str, peer: str | None = None) -> int:
        """How many entries of a phone, or of one of its conversations, nobody at the page was shown yet."""
        statement, values = (_UNSEEN_OF_PHONE, (phone,)) if peer is None else (_UNSEEN_OF_PEER, (phone, peer))
        ((found,),) = self._store.database.execute(statement, values).fetchall()
        return int(found)

    def see(self, phone: str, peer: str, up_to: int) -> None:
        """Somebody at the page was shown a conversation up to this entry."""
        last, _ = self.entries(phone, peer, None, 1)
        if not last:
            return  # it was forgotten meanwhile
        key = f"{_home(phone, peer)} {peer}"
        before = self._store.seen.get(key)
        newest = min(up_to, last[0].id)
        if before is None or before.id < newest:
            self._store.seen.put(Seen(newest, key))

    def clear(self, phone: str, peer: str) -> None:
        """Forget everything in a conversation; what is queued is never sent."""
        phone = _home(phone, peer)
        for table in self._store.tables:
            table.clear("phone = ? AND peer = ?", phone, peer)
        self._store.seen.remove(f"{phone} {peer}")

    def entries(self, phone: str, peer: str, before: int | None, limit: int) -> tuple[list[Entry], bool]:
        """Entries with ids below `before`, the newest first, and whether there are older ones."""
        found = self._store.database.execute(
            "SELECT kind, row FROM rows WHERE phone = ? AND peer = ? AND id < ? ORDER BY id DESC LIMIT ?",
            (_home(phone, peer), peer, 2**62 if before is None else before, limit + 1),
        ).fetchall()
        return [cast("Entry", self._tables[kind].read(row)) for kind, row in found[:limit]], len(found) > limit

    def entry(self, guid: str) -> Said | None:
        """The message or call with this GUID."""
        store = self._store
        found = (table.get(guid) for table in (store.messages, store.received, store.by_hand, store.calls))
        return cast("Said | None", next(filter(None, found), None))

    def _found(
        self, phone: str | None, wanted: Wanted | None, before: int | None
    ) -> Iterator[tuple[Conversation, Entry]]:
        # Without a search and its columns, the answer stands in an index.
        statement = _CONVERSATIONS.format(
            found=_FOUND if wanted else "NULL, NULL", phone="phone IN (?, '')" if phone else "TRUE"
        )
        values = [*([wanted.words] if wanted else []), *([phone] if phone else [])]
        conversations = self._store.database.execute(statement, values).fetchall()
        for sid, peer, newest, count, is_international, saying, contacts in conversations:
            if before is not None and newest >= before:
                continue
            if wanted is not None and saying is None and not wanted.is_named(peer, (contacts or "",)):
                continue
            one = self._make(sid, peer, count, is_international)
            yield one, one.last if wanted is None or saying is None else self._newest(sid, peer, saying + 1)

    def _make(self, phone: str, peer: str, count: int, is_international: int) -> Conversation:
        newest, unseen = self._newest(phone, peer), self.unseen(phone, peer)
        name, contact = _named(newest, is_international), self._contact(phone, peer)
        return Conversation(phone, peer, count, newest, name, contact, unseen)

    def _contact(self, phone: str, peer: str) -> str:
        found = self._store.database.execute(_CONTACT, (phone, peer)).fetchone()
        return found[0] if found else ""

    def _newest(self, phone: str, peer: str, before: int | None = None) -> Entry:
        ((entry,), _) = self.entries(phone, peer, before, 1)
        return entry


def asked_for(peer: str) -> str:
    """The peer that is meant, however it is spelled."""
    return peer if peer in _PLACES else peer_of(peer)


def _home(phone: str, peer: str) -> str:
    """Where a conversation of a phone is kept."""
    return Mail.phone if peer == MAILBOX else phone


def _named(entry: Entry, is_international: int) -> str:
    if isinstance(entry, Notification | Mail):
        return _PLACES[entry.peer]
    return f"+{entry.peer}" if is_international else number_of(entry).strip()
