"""`DjangoEventStore`: one of many handles an event, and the event is done together with what its handlers changed."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connections, transaction
from django.db.models import F

from smsmobile import StorageError
from smsmobile.contrib.django.event_store import DjangoEventStore
from smsmobile.contrib.django.models import HandledEvent, IncomingMessage
from smsmobile.webhooks import Claim, EventStore

from ...stores.event_rules import EVENT, METHODS, ODD_IDS, TTL, elsewhere
from .databases import Database

NEW, BUSY, DONE = Claim.NEW, Claim.BUSY, Claim.DONE
WORKERS = 8
PATIENCE = 60.0


@pytest.fixture
def store(database: Database) -> DjangoEventStore:
    return DjangoEventStore(ttl=TTL)


def let_pass(seconds: float) -> None:
    HandledEvent.objects.update(expires_at=F("expires_at") - timedelta(seconds=seconds))


def handle(store: DjangoEventStore, event: str = EVENT) -> Claim:
    """Deliver it, until it is not busy any more. Handling it takes a while and stores a message."""
    deadline = time.monotonic() + PATIENCE
    while (claim := store.claim(event)) is BUSY and time.monotonic() < deadline:
        time.sleep(0.02)
    if claim is NEW:
        IncomingMessage.objects.create(sender="MPESA")
        time.sleep(0.05)
        store.done(event)
    return claim


# --- what all stores promise ------------------------------------------------------------------------------------


def test_it_is_a_store(store: DjangoEventStore) -> None:
    assert isinstance(store, EventStore)


def test_an_event_is_new_once(store: DjangoEventStore) -> None:
    assert store.claim(EVENT) is NEW
    assert [store.claim(EVENT), DjangoEventStore().claim(EVENT)] == [BUSY, BUSY]
    store.done(EVENT)
    assert [store.claim(EVENT), elsewhere(store.claim, EVENT)] == [DONE, DONE]
    assert store.claim(EVENT.upper()) is NEW
    store.release(EVENT.upper())


def test_an_event_that_somebody_handles_is_busy_for_others(
    store: DjangoEventStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connections[database.alias]
    if connection.vendor == "sqlite":
        monkeypatch.setitem(connection.settings_dict, "OPTIONS", {"timeout": 0.1})
    store.claim(EVENT)
    assert elsewhere(store.claim, EVENT) is BUSY
    store.release(EVENT)


def test_a_released_event_is_new_for_the_next_one(store: DjangoEventStore) -> None:
    store.claim(EVENT)
    store.release(EVENT)
    assert store.claim(EVENT) is NEW
    store.release(EVENT)
    store.release(EVENT)
    assert elsewhere(handle, store) is NEW


def test_an_event_can_be_done_without_a_claim(store: DjangoEventStore) -> None:
    store.done(EVENT)
    assert store.claim(EVENT) is DONE
    store.done(EVENT)
    store.release(EVENT)
    assert store.claim(EVENT) is DONE


def test_a_handled_event_is_forgotten_when_its_lifetime_is_over(store: DjangoEventStore) -> None:
    handle(store)
    let_pass(TTL - 60)
    assert store.claim(EVENT) is DONE
    let_pass(60)
    assert handle(store) is NEW
    assert store.claim(EVENT) is DONE


def test_expired_events_are_removed_when_another_is_handled(store: DjangoEventStore) -> None:
    for event in ("a", "b"):
        handle(store, event)
    let_pass(TTL)
    handle(store, "c")
    assert [event.pk for event in HandledEvent.objects.all()] == ["c"]


def test_odd_ids_are_ids_of_their_own(store: DjangoEventStore) -> None:
    assert [handle(store, event) for event in ODD_IDS] == [NEW] * len(ODD_IDS)
    assert [handle(store, event) for event in ODD_IDS] == [DONE] * len(ODD_IDS)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("wrong", ["", None, 7, b"bytes"], ids=repr)
def test_what_is_not_an_id_is_refused(store: DjangoEventStore, method: str, wrong: object) -> None:
    with pytest.raises(TypeError, match="event"):
        getattr(store, method)(wrong)


# --- one transaction ----------------------------------------------------------------------------------------------


def test_what_a_handler_changed_is_undone_when_it_fails(store: DjangoEventStore) -> None:
    store.claim(EVENT)
    IncomingMessage.objects.create(sender="MPESA")
    store.release(EVENT)
    assert not IncomingMessage.objects.exists()
    assert handle(store) is NEW
    assert IncomingMessage.objects.count() == 1


def test_an_event_within_another_is_undone_with_it(store: DjangoEventStore) -> None:
    store.claim("outer")
    assert handle(store, "inner") is NEW
    store.release("outer")
    assert not IncomingMessage.objects.exists()
    assert [handle(store, "inner"), handle(store, "outer")] == [NEW, NEW]


def test_after_an_error_of_the_database_the_event_is_not_done(store: DjangoEventStore) -> None:
    assert store.claim(EVENT) is NEW
    with pytest.raises(DatabaseError), transaction.atomic(using=store._using, savepoint=False):
        IncomingMessage.objects.bulk_create([IncomingMessage(pk=1), IncomingMessage(pk=1)])
    with pytest.raises(StorageError):
        store.done(EVENT)
    assert handle(store) is NEW


def test_commit_hooks_of_a_handler_run_when_the_event_is_done(store: DjangoEventStore) -> None:
    ran = []
    for event in ("a", "b"):
        store.claim(event)
        transaction.on_commit(lambda event=event: ran.append(event), using=store._using)  # type: ignore[misc]
        assert not ran
        store.release(event) if event == "a" else store.done(event)
    assert ran == ["b"]


@pytest.mark.django_db
def test_it_works_in_the_transaction_of_a_test_case() -> None:
    store = DjangoEventStore()
    store.claim("a")
    IncomingMessage.objects.create(sender="MPESA")
    store.release("a")
    assert not IncomingMessage.objects.exists()
    assert [handle(store, "a"), handle(store, "a")] == [NEW, DONE]


# --- many at one time ----------------------------------------------------------------------------------------------


def test_one_of_many_threads_handles_each_event(store: DjangoEventStore) -> None:
    start = threading.Barrier(WORKERS)

    def deliver(_: int) -> list[Claim]:
        start.wait(PATIENCE)
        return [handle(store, event) for event in ("a", "b")]

    with ThreadPoolExecutor(WORKERS) as pool:
        for claims in zip(*pool.map(deliver, range(WORKERS)), strict=True):
            assert sorted(claims) == [DONE] * (WORKERS - 1) + [NEW]
    assert IncomingMessage.objects.count() == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_one_of_many_processes_handles_an_event(store: DjangoEventStore) -> None:
    go, starts = os.pipe()
    children = [fork(lambda: (os.read(go, 1), handle(store))[1]) for _ in range(6)]
    os.write(starts, b"." * 6)
    claims = sorted(ended(child) for child in children)
    os.close(go)
    os.close(starts)
    assert claims == [0] * 5 + [1], "one says that the event was new to it"
    assert IncomingMessage.objects.count() == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_an_event_whose_handler_is_killed_is_new_at_once(store: DjangoEventStore) -> None:
    ready, says_so = os.pipe()

    def hang() -> None:
        store.claim(EVENT)
        IncomingMessage.objects.create(sender="MPESA")
        os.write(says_so, b".")
        time.sleep(PATIENCE)

    child = fork(hang)
    os.read(ready, 1)
    os.kill(child, signal.SIGKILL)
    assert ended(child) == -signal.SIGKILL
    os.close(ready)
    os.close(says_so)
    assert handle(store) is NEW
    assert IncomingMessage.objects.count() == 1


def fork(call: Any) -> int:
    """A child that ends with 1 if the call returns NEW, else with 0. No connection is open during the fork."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        status = 2
        try:
            status = int(call() is NEW)
            connections.close_all()
        finally:
            os._exit(status)
    return child


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
