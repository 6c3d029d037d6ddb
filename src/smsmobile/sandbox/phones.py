"""The account's phones: the first, and those that were added. What a phone does lives in phone.py."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

from .events import Event
from .phone import Phone
from .rows import PhoneState
from .store import Store
from .ticker import Ticker

FIRST = "Phone 1"
"""The label of the first phone."""


class Phones:
    """All phones, by their SID. There is always at least one."""

    def __init__(self, store: Store, ticker: Ticker, publish: Callable[[Event], None]) -> None:
        self._store = store
        self._ticker = ticker
        self._publish = publish
        self._phones: dict[str, Phone] = {}
        self.load()

    def load(self) -> None:
        """Make the phones of the store, and the first one where it has none."""
        self._ticker.sleepers.clear()
        self._phones = {state.sid: self._make(state.sid) for state in self._store.phones}
        if not self._phones:
            self.add(FIRST)

    def add(self, label: str) -> Phone:
        """One more phone, switched on."""
        store = self._store
        with store.lock:
            self._drop_removed()
            sid = secrets.token_hex(16)
            store.phones.put(PhoneState(store.new_id(), sid, label, seen_at=store.now()))
            self._phones[sid] = self._make(sid)
            return self._phones[sid]

    def reset(self) -> None:
        """Back to the first phone alone, as it was when it was new. It keeps its SID."""
        store = self._store
        with store.lock:
            first, *others = self
            store.phones.put(PhoneState(store.new_id(), first.sid, FIRST, seen_at=store.now()))
            for phone in others:
                store.phones.remove(phone.sid)

    def _drop_removed(self) -> None:
        """Let go of those that are no longer in the store. Not at once: what has removed them may be undone."""
        for phone in [phone for phone in self._phones.values() if phone.sid not in self._store.phones]:
            self._ticker.sleepers.remove(phone)
            del self._phones[phone.sid]

    def _make(self, sid: str) -> Phone:
        return Phone(sid, self._store, self._ticker, self._publish)

    def __getitem__(self, sid: str) -> Phone:
        return self._phones[sid]

    def __contains__(self, sid: str) -> bool:
        return sid in self._phones and sid in self._store.phones

    def __iter__(self) -> Iterator[Phone]:
        with self._store.lock:
            return iter([phone for sid, phone in self._phones.items() if sid in self._store.phones])

    def __len__(self) -> int:
        return len(self._store.phones)
