"""What every store of events promises: a test for each sentence of `smsmobile.webhooks.EventStore`.

A test module derives a class from `EventRules` for its store, and gives it a fixture `events`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any, Protocol

import pytest

from smsmobile.webhooks.stores import Claim, EventStore

NEW, BUSY, DONE = Claim.NEW, Claim.BUSY, Claim.DONE
LEASE = 60.0
TTL = 7 * 86_400.0
"""Seconds: those of every store in these tests."""
EVENT = "018f6d2e-7c1a-7b6e-9d3f-2a4c5e6f7081"
ODD_IDS = (
    "café ☎ 电话 \U0001f642",
    "e\u0301 is not \u00e9",
    "half of a pair \ud83d",
    "\udc80",
    """it's "quoted" `so` \\' \\""",
    "'; DROP TABLE events; --",
    "%s {0} :id $1 ? * [a-z] ${x}",
    "several\nlines\r\n\tof text",
    " ",
    "UPPER",
    "upper",
    "i" * 1000,
)
METHODS = ("claim", "done", "release")


class Events(Protocol):
    """What the fixture `events` gives: an empty place for events, which several share."""

    def store(self) -> EventStore:
        """A store on this place, with `lease=LEASE` and `ttl=TTL`: another object each time, if that is possible."""
        ...

    def let_pass(self, seconds: float) -> None:
        """Let the clock of the leases and lifetimes go on.

        Where that clock cannot be set, make the recorded times earlier, rather than to wait.
        """
        ...


def elsewhere(step: Callable[..., Any], *arguments: object) -> Any:
    """The result of a call in another thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(step, *arguments).result()


class EventRules:
    """Derive from it, and give it a fixture `events`."""

    @pytest.fixture
    def store(self, events: Events) -> EventStore:
        return events.store()

    @pytest.fixture
    def other(self, events: Events) -> EventStore:
        """The store of somebody else on the same place."""
        return events.store()

    def test_it_is_a_store(self, store: EventStore) -> None:
        assert isinstance(store, EventStore)

    def test_an_event_is_new_once(self, store: EventStore, other: EventStore) -> None:
        assert store.claim(EVENT) is NEW
        assert [store.claim(EVENT), other.claim(EVENT), elsewhere(store.claim, EVENT)] == [BUSY] * 3
        assert store.claim(EVENT.upper()) is NEW

    def test_a_handled_event_is_done_for_everybody(self, store: EventStore, other: EventStore) -> None:
        store.claim(EVENT)
        store.done(EVENT)
        assert [store.claim(EVENT), other.claim(EVENT), elsewhere(store.claim, EVENT)] == [DONE] * 3

    def test_a_released_event_is_new_for_the_next_one(self, store: EventStore, other: EventStore) -> None:
        store.claim(EVENT)
        store.release(EVENT)
        assert other.claim(EVENT) is NEW
        assert store.claim(EVENT) is BUSY
        other.release(EVENT)
        assert [store.claim(EVENT), store.claim(EVENT)] == [NEW, BUSY]

    def test_events_do_not_depend_on_one_another(self, store: EventStore) -> None:
        assert [store.claim(event) for event in "abc"] == [NEW] * 3
        store.done("a")
        store.release("b")
        assert [store.claim(event) for event in "abcd"] == [DONE, NEW, BUSY, NEW]

    # --- leases and lifetimes -------------------------------------------------------------------------------

    def test_when_its_lease_is_over_an_event_is_new_again(
        self, store: EventStore, other: EventStore, events: Events
    ) -> None:
        store.claim(EVENT)
        events.let_pass(LEASE / 2)
        assert other.claim(EVENT) is BUSY
        events.let_pass(LEASE / 2)
        assert other.claim(EVENT) is NEW
        assert store.claim(EVENT) is BUSY
        events.let_pass(LEASE / 2)
        assert store.claim(EVENT) is BUSY
        events.let_pass(LEASE / 2)
        assert store.claim(EVENT) is NEW

    def test_who_asks_for_a_busy_event_does_not_make_it_busy_for_longer(
        self, store: EventStore, events: Events
    ) -> None:
        store.claim(EVENT)
        for _ in range(4):
            assert store.claim(EVENT) is BUSY
            events.let_pass(LEASE / 4)
        assert store.claim(EVENT) is NEW

    def test_a_handled_event_stays_done_when_the_lease_would_be_over(self, store: EventStore, events: Events) -> None:
        store.claim(EVENT)
        store.done(EVENT)
        events.let_pass(2 * LEASE)
        assert store.claim(EVENT) is DONE

    def test_a_handled_event_is_forgotten_when_its_lifetime_is_over(
        self, store: EventStore, other: EventStore, events: Events
    ) -> None:
        store.claim(EVENT)
        events.let_pass(LEASE / 2)
        store.done(EVENT)
        events.let_pass(TTL - LEASE)
        assert other.claim(EVENT) is DONE
        events.let_pass(LEASE)
        assert [other.claim(EVENT), store.claim(EVENT)] == [NEW, BUSY]

    def test_asking_does_not_make_an_event_live_longer(self, store: EventStore, events: Events) -> None:
        store.claim(EVENT)
        store.done(EVENT)
        for _ in range(4):
            assert store.claim(EVENT) is DONE
            events.let_pass(TTL / 4)
        assert store.claim(EVENT) is NEW

    # --- done by whom it may concern ------------------------------------------------------------------------

    def test_an_event_can_be_done_without_a_claim(self, store: EventStore, other: EventStore) -> None:
        store.done(EVENT)
        assert other.claim(EVENT) is DONE
        store.done(EVENT)
        assert other.claim(EVENT) is DONE

    def test_an_event_can_be_done_by_another(self, store: EventStore, other: EventStore) -> None:
        store.claim(EVENT)
        other.done(EVENT)
        assert store.claim(EVENT) is DONE
        store.release(EVENT)
        assert store.claim(EVENT) is DONE

    def test_who_is_late_and_has_handled_it_makes_it_done(
        self, store: EventStore, other: EventStore, events: Events
    ) -> None:
        store.claim(EVENT)
        events.let_pass(LEASE)
        store.done(EVENT)
        assert other.claim(EVENT) is DONE

        other.claim("b")
        events.let_pass(LEASE)
        store.claim("b")
        other.done("b")
        assert store.claim("b") is DONE
        store.done("b")
        assert store.claim("b") is DONE

    def test_an_event_can_be_released_by_another_who_never_claimed_it(
        self, store: EventStore, other: EventStore
    ) -> None:
        store.claim(EVENT)
        elsewhere(other.release, EVENT)
        assert [other.claim(EVENT), store.claim(EVENT)] == [NEW, BUSY]

    def test_a_release_by_another_who_never_claimed_it_does_not_undo_that_it_is_done(
        self, store: EventStore, other: EventStore
    ) -> None:
        store.claim(EVENT)
        store.done(EVENT)
        elsewhere(other.release, EVENT)
        assert store.claim(EVENT) is DONE

    # --- a release by whom it no longer concerns ------------------------------------------------------------

    def test_a_late_release_does_not_end_the_claim_of_another_store(
        self, store: EventStore, other: EventStore, events: Events
    ) -> None:
        with ThreadPoolExecutor(1) as slow:
            assert slow.submit(store.claim, EVENT).result() is NEW
            events.let_pass(LEASE)
            assert other.claim(EVENT) is NEW
            slow.submit(store.release, EVENT).result()
        assert store.claim(EVENT) is BUSY
        other.release(EVENT)
        assert store.claim(EVENT) is NEW

    def test_a_late_release_does_not_end_the_claim_of_another_thread(self, store: EventStore, events: Events) -> None:
        with ThreadPoolExecutor(1) as slow:
            assert slow.submit(store.claim, EVENT).result() is NEW
            events.let_pass(LEASE)
            assert store.claim(EVENT) is NEW
            slow.submit(store.release, EVENT).result()
            assert elsewhere(store.claim, EVENT) is BUSY
            store.release(EVENT)
            assert elsewhere(store.claim, EVENT) is NEW

    def test_a_late_release_does_not_undo_what_another_has_done(
        self, store: EventStore, other: EventStore, events: Events
    ) -> None:
        with ThreadPoolExecutor(1) as slow:
            slow.submit(store.claim, EVENT).result()
            events.let_pass(LEASE)
            other.claim(EVENT)
            other.done(EVENT)
            slow.submit(store.release, EVENT).result()
        assert store.claim(EVENT) is DONE

    def test_a_late_release_of_a_claim_that_nobody_took_is_one(self, store: EventStore, events: Events) -> None:
        store.claim(EVENT)
        events.let_pass(LEASE)
        store.release(EVENT)
        assert [store.claim(EVENT), store.claim(EVENT)] == [NEW, BUSY]

    def test_what_is_not_there_is_released_without_an_error(self, store: EventStore) -> None:
        store.release(EVENT)
        assert store.claim(EVENT) is NEW

    # --- ids ------------------------------------------------------------------------------------------------

    def test_odd_ids_are_ids_of_their_own(
        self, store: EventStore, other: EventStore, subtests: pytest.Subtests
    ) -> None:
        assert [store.claim(event) for event in ODD_IDS] == [NEW] * len(ODD_IDS)
        for event in ODD_IDS:
            with subtests.test(id=event[:40].encode("unicode_escape").decode()):
                assert other.claim(event) is BUSY
                store.release(event)
                assert store.claim(event) is NEW
                store.done(event)
                assert other.claim(event) is DONE

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("wrong", ["", None, 7, b"bytes", ["list"]], ids=repr)
    def test_what_is_not_an_id_is_refused(self, store: EventStore, method: str, wrong: object) -> None:
        with pytest.raises(TypeError, match="event"):
            getattr(store, method)(wrong)

    # --- many at one time -----------------------------------------------------------------------------------

    def test_one_of_many_threads_gets_each_event(self, events: Events) -> None:
        users = [events.store() for _ in range(4)] * 2

        def handle(store: EventStore) -> list[str]:
            won = [f"event {number}" for number in range(20) if store.claim(f"event {number}") is NEW]
            for event in won[::2]:
                store.done(event)
            return won

        with ThreadPoolExecutor(8) as pool:
            won = chain.from_iterable(pool.map(handle, users))
            assert sorted(won) == sorted(f"event {number}" for number in range(20))
