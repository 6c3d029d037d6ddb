"""The stores in a file."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from smsmobile.delivery import SQLiteJournal, _sqlite_journal
from smsmobile.delivery._sqlite_sim_usage import SQLiteSimUsage
from smsmobile.webhooks import SQLiteEventStore, stores

from . import event_rules
from .journal_rules import LEASE, JournalRules, SettableClockRules
from .sim_usage_rules import SimUsageRules


class SQLiteJournals:
    """Journals on one file at a time, and their clock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._now = time.time()
        self._used: list[SQLiteJournal] = []
        self.clear()

    def journal(self) -> SQLiteJournal:
        self._used.append(SQLiteJournal(self._path, LEASE))
        return self._used[-1]

    def let_pass(self, seconds: float) -> None:
        self._now += seconds

    def clear(self) -> None:
        """Begin another file."""
        self.close()
        self._path = self._folder / f"journal-{len(self._used)}.sqlite"

    def close(self) -> None:
        for journal in self._used:
            journal.close()

    def time(self) -> float:
        return self._now


class TestSQLiteJournal(JournalRules, SettableClockRules):
    @pytest.fixture
    def journals(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SQLiteJournals:
        journals = SQLiteJournals(tmp_path)
        monkeypatch.setattr(_sqlite_journal, "time", SimpleNamespace(time=journals.time))
        return journals


class SQLiteEvents:
    """Stores on one file, and their clock."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._now = time.time()

    def store(self) -> SQLiteEventStore:
        return SQLiteEventStore(self._path, lease=event_rules.LEASE, ttl=event_rules.TTL)

    def let_pass(self, seconds: float) -> None:
        self._now += seconds

    def time(self) -> float:
        return self._now


class TestSQLiteEventStore(event_rules.EventRules):
    @pytest.fixture
    def events(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SQLiteEvents:
        events = SQLiteEvents(tmp_path / "events.sqlite")
        monkeypatch.setattr(stores, "time", SimpleNamespace(time=events.time))
        return events


class TestSQLiteSimUsage(SimUsageRules):
    @pytest.fixture
    def usages(self, tmp_path: Path) -> Callable[[], SQLiteSimUsage]:
        return partial(SQLiteSimUsage, tmp_path / "sims.sqlite")
