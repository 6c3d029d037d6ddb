"""The stores in the memory of one process."""

from __future__ import annotations

import pytest

from smsmobile.auth import MemoryTokenStore
from smsmobile.delivery import MemoryJournal
from smsmobile.webhooks import MemoryEventStore

from . import event_rules
from .journal_rules import LEASE, JournalRules, SettableClockRules
from .token_rules import TokenLockRules


class MemoryJournals:
    """One journal, since there is no other way to share it, and its clock."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.clear()

    def journal(self) -> MemoryJournal:
        return self._journal

    def let_pass(self, seconds: float) -> None:
        self.now += seconds

    def clear(self) -> None:
        self._journal = MemoryJournal(LEASE, clock=lambda: self.now)


class TestMemoryJournal(JournalRules, SettableClockRules):
    @pytest.fixture
    def journals(self) -> MemoryJournals:
        return MemoryJournals()


class MemoryEvents:
    """One store, since there is no other way to share it, and its clock."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self._store = MemoryEventStore(lease=event_rules.LEASE, ttl=event_rules.TTL, clock=lambda: self.now)

    def store(self) -> MemoryEventStore:
        return self._store

    def let_pass(self, seconds: float) -> None:
        self.now += seconds


class TestMemoryEventStore(event_rules.EventRules):
    @pytest.fixture
    def events(self) -> MemoryEvents:
        return MemoryEvents()


class MemoryTokens:
    def __init__(self) -> None:
        self._store = MemoryTokenStore()

    def store(self) -> MemoryTokenStore:
        return self._store


class TestMemoryTokenStore(TokenLockRules):
    test_one_who_died_with_it_does_not_keep_it = None  # type: ignore[assignment]  # it would die with the store

    @pytest.fixture
    def tokens(self) -> MemoryTokens:
        return MemoryTokens()
