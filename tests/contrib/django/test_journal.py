"""`DjangoJournal` passes the tests that every journal passes, on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import pytest
from django.db import connections, transaction
from django.db.models import F

from smsmobile import ConfigurationError
from smsmobile.contrib.django._steps import run
from smsmobile.contrib.django.journal import DjangoJournal
from smsmobile.contrib.django.models import JournalMessage
from smsmobile.delivery import JournalEntry, SendStatus

from ...stores.journal_rules import LEASE, JournalRules
from .databases import Database

ENTRY = JournalEntry("key", "33639980001", "print", "text", "look", 1.0, 1.0, "token")


class DjangoJournals:
    def __init__(self, database: Database) -> None:
        self._database = database

    def journal(self) -> DjangoJournal:
        return DjangoJournal(lease=LEASE)

    def let_pass(self, seconds: float) -> None:
        JournalMessage.objects.update(leased_at=F("leased_at") - seconds, lease_end=F("lease_end") - seconds)

    def clear(self) -> None:
        self._database.clear()


class TestDjangoJournal(JournalRules):
    @pytest.fixture
    def journals(self, database: Database) -> DjangoJournals:
        return DjangoJournals(database)


def test_inside_of_a_transaction_the_error_names_queue_sms(database: Database) -> None:
    journal = DjangoJournal()
    with transaction.atomic(using=database.alias), pytest.raises(RuntimeError, match="queue_sms"):
        journal.claim([ENTRY])
    assert journal.claim([ENTRY])[0].state == "new"


def test_without_autocommit_nothing_is_recorded_that_is_not_committed(database: Database) -> None:
    transaction.set_autocommit(False, using=database.alias)
    try:
        with pytest.raises(RuntimeError, match="queue_sms"):
            DjangoJournal().claim([ENTRY])
    finally:
        transaction.set_autocommit(True, using=database.alias)


@pytest.mark.django_db
def test_in_the_transaction_of_a_test_case_it_works() -> None:
    journal = DjangoJournal()
    assert journal.claim([ENTRY])[0].state == "new"
    assert journal.start(ENTRY, 1.0)


def test_another_kind_of_database_is_refused(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(connections[database.alias]), "vendor", "oracle")
    with pytest.raises(ConfigurationError, match="PostgreSQL or SQLite"):
        DjangoJournal().claim([ENTRY])


def test_its_repr_shows_the_alias(settings: Any) -> None:
    assert repr(DjangoJournal("default")) == "<DjangoJournal: database 'default', lease=60 s>"


def test_threads_that_claim_at_one_time_wait_for_each_other(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsmobile.contrib.django._steps._PATIENCE", 0.0)  # a step that collides is not repeated
    journal = DjangoJournal()

    def claim(thread: int) -> None:
        for number in range(10):
            journal.claim([ENTRY._replace(key=f"{thread} {number}", look=f"{thread} {number}", token=f"{thread}")])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(claim, range(4)))
    assert JournalMessage.objects.count() == 40


def test_a_key_that_was_kept_back_is_not_taken_from_one_who_claims_it_meanwhile(database: Database) -> None:
    """With another number, so that no lock keeps them apart; and before whichever statement it comes."""
    journal = DjangoJournal()

    def claim_and_start(message: JournalEntry) -> bool:
        return journal.claim([message])[0].state == "new" and journal.start(message, 2000.0)

    for place in range(1, 16):
        key, places = f"key {place}", itertools.count(1)
        names = ("kept", "mine", "other")
        kept, mine, other = (ENTRY._replace(key=key, look=key, token=f"{name} {place}") for name in names)
        other = other._replace(number="33639980002")
        journal.claim([kept])
        assert journal.keep_back(kept, SendStatus.EXPIRED, "why")
        with ThreadPoolExecutor(1) as pool:
            racing: list[Future[bool]] = []

            def race(execute: Any, *arguments: Any) -> Any:
                if next(places) == place:  # noqa: B023 - it is removed below
                    racing.append(pool.submit(claim_and_start, other))  # noqa: B023
                    wait(racing, timeout=0.1)  # noqa: B023 - it may have to wait for this transaction
                return execute(*arguments)

            with connections[database.alias].execute_wrapper(race):
                is_mine = journal.claim([mine])[0].state == "new"
            is_others = racing[0].result() if racing else False
        found = journal.get(key)
        assert found is not None
        assert (is_mine, is_others) == (found.token == mine.token, found.token == other.token), f"statement {place}"
        assert is_mine or is_others
        if not racing:  # a claim has fewer statements
            break
    assert not racing
    assert place > 4


def test_a_step_waits_for_the_disk_whatever_the_settings_say(database: Database) -> None:
    connection = connections[database.alias]
    is_sqlite = connection.vendor == "sqlite"
    show = "PRAGMA synchronous" if is_sqlite else "SHOW synchronous_commit"

    def setting() -> object:
        with connection.cursor() as cursor:
            cursor.execute(show)
            return cursor.fetchone()[0]

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous = 0" if is_sqlite else "SET synchronous_commit = off")
    in_the_step = run(lambda _: setting(), using=database.alias)
    afterwards = setting()
    connection.close()
    assert (in_the_step, afterwards) == ((2, 0) if is_sqlite else ("on", "off"))
