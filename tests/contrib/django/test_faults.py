"""What the stores and the worker do when the database is locked, broken or away."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connections, transaction

from smsmobile import StorageError
from smsmobile.contrib.django import _steps, conf, queue_sms, worker
from smsmobile.contrib.django.event_store import DjangoEventStore
from smsmobile.contrib.django.journal import DjangoJournal
from smsmobile.contrib.django.models import JournalMessage
from smsmobile.delivery import JournalEntry
from smsmobile.webhooks import Claim

from .databases import Database

NUMBER = "33639980001"
ENTRY = JournalEntry("key", NUMBER, "print", "text", "look", 1.0, 1.0, "token")


@pytest.fixture
def sqlite(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A file whose users do not wait for each other."""
    if connections[database.alias].vendor != "sqlite":
        pytest.skip("of SQLite")
    connections[database.alias].close()
    monkeypatch.setitem(connections[database.alias].settings_dict, "OPTIONS", {"timeout": 0.05})
    return database


@pytest.fixture
def postgresql(database: Database) -> Iterator[Database]:
    if connections[database.alias].vendor != "postgresql":
        pytest.skip("of PostgreSQL")
    yield database
    connections[database.alias].close()


@contextmanager
def locked(database: Database) -> Iterator[Event]:
    """Somebody else writes to the file, until the event is set."""
    begun, end = Event(), Event()

    def write() -> None:
        with transaction.atomic(using=database.alias):
            JournalMessage.objects.update(state="")
            begun.set()
            end.wait(60)

    thread = threading.Thread(target=write)
    thread.start()
    begun.wait(60)
    try:
        yield end
    finally:
        end.set()
        thread.join()


def check(error: BaseException) -> None:
    """No number, and no error of the database that shows one."""
    assert NUMBER not in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__


def test_a_step_waits_for_a_file_that_is_locked(sqlite: Database) -> None:
    with locked(sqlite) as end:
        timer = threading.Timer(0.3, end.set)
        timer.start()
        assert DjangoJournal().claim([ENTRY])[0].state == "new"
        timer.join()


def test_a_file_that_stays_locked_is_named(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_steps, "_PATIENCE", 0.1)
    with locked(sqlite), pytest.raises(StorageError, match="'file' is locked") as caught:
        DjangoJournal().claim([ENTRY])
    check(caught.value)


def test_an_event_is_busy_while_the_file_is_locked(sqlite: Database) -> None:
    store = DjangoEventStore()
    with locked(sqlite):
        assert store.claim("event") is Claim.BUSY
    assert store.claim("event") is Claim.NEW
    store.release("event")


def test_a_step_that_collides_is_repeated(postgresql: Database) -> None:
    states = iter(["40001", "40P01", ""])

    def step(_: object) -> str:
        with connections[postgresql.alias].cursor() as cursor:
            if state := next(states):
                cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$")
        return "done"

    assert _steps.run(step, using=postgresql.alias) == "done"


def test_a_lost_connection_is_an_error_once(postgresql: Database) -> None:
    def end_it(_: object) -> None:
        with connections[postgresql.alias].cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(StorageError, match="check that it runs") as caught:
        _steps.run(end_it, using=postgresql.alias)
    check(caught.value)
    assert DjangoJournal().claim([ENTRY])[0].state == "new"


@pytest.mark.parametrize("how", [_steps.run, _steps.read])
def test_a_connection_that_psycopg2_finds_closed_is_an_error(database: Database, how: Any) -> None:
    def step(*_: object) -> object:
        raise InterfaceError("connection already closed")  # which is no DatabaseError

    with pytest.raises(StorageError, match="check that it runs") as caught:
        how(step, using=database.alias)
    check(caught.value)


@pytest.mark.parametrize("how", [_steps.run, _steps.read])
def test_a_missing_table_is_named_with_what_to_do(database: Database, how: Any) -> None:
    def step(*_: object) -> object:
        return list(JournalMessage.objects.raw(f"SELECT * FROM missing WHERE number = '{NUMBER}'"))

    with pytest.raises(StorageError, match="migrate") as caught:
        how(step, using=database.alias)
    check(caught.value)


@pytest.mark.parametrize("kind", [OperationalError, InterfaceError])
def test_an_event_that_cannot_be_stored_is_an_error(
    database: Database, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise kind(NUMBER)

    monkeypatch.setattr(DjangoEventStore, "_look", fail)
    with pytest.raises(StorageError) as caught:
        DjangoEventStore().claim("event")
    check(caught.value)
    assert not connections[database.alias].in_atomic_block


def test_the_worker_goes_on_when_the_database_was_away(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stopping = Event()
    monkeypatch.setattr(conf, "_record", lambda sms: stopping.set())
    monkeypatch.setattr(worker, "FIRST_PAUSE", 0.01)
    take, failures = worker._take, iter([OperationalError, InterfaceError])

    def fail_once(*arguments: Any) -> Any:
        for failure in failures:
            raise failure(NUMBER)
        return take(*arguments)

    monkeypatch.setattr(worker, "_take", fail_once)
    queue_sms(f"+{NUMBER}", "Hello")
    worker.work(stopping, interval=0.01)
    assert "The database cannot be used (OperationalError)" in caplog.text
    assert "The database cannot be used (InterfaceError)" in caplog.text
    assert NUMBER not in caplog.text
