"""What every store of SIM usage promises: pools on it do what a pool in memory does, and share their limits.

A test module derives a class from `SimUsageRules` for its store, and gives it a fixture `usages`: it is called for one
object after the other, on the same store.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from smsmobile.delivery import OutgoingSMS, Sim, SimPool, SimUsage
from smsmobile.delivery._forecast_sims import PlayedSims
from smsmobile.delivery._sim_usage import Contact, Place, Queue, SimRecords

START = 1_800_000_000.0
DAY = 86_400.0
SIMS = [
    Sim("phone with spaces", 1, per_minute=2, per_day=6, recipients_per_month=4),
    Sim("phone with spaces", 2, per_minute=1),
    Sim("téléphone-" + "x" * 190, per_day=5, recipients_per_month=5),
]
ANN, BOB = "33639980011", "33639980012"
LONG_KEY = "clé " + "k" * 990


class SimUsageRules:
    """The tests of a store."""

    def test_it_does_what_the_memory_does(self, usages: Callable[[], SimUsage]) -> None:
        random = Random(7)
        now = START
        expected = SimPool(SIMS)
        usage = usages()
        for step in range(150):
            if step % 25 == 0:
                usage = usages()
            pool = SimPool(SIMS, usage)
            now += random.choice([0.0, 0.5, 20.0, 60.0, 3600.0, DAY, 20 * DAY, -30.0, -3600.0])
            key = f"{LONG_KEY if step % 2 else 'key'} {random.randrange(12)}"
            if random.random() < 0.2:
                pool._cancel(key)
                expected._cancel(key)
                continue
            number = f"336399800{random.randrange(16):02d}"
            message = OutgoingSMS(f"+{number}", "Hello", key)
            assert pool._book(key, number, message, now, None) == expected._book(key, number, message, now, None)

    def test_a_forecast_begins_with_what_was_sent(self, usages: Callable[[], SimUsage]) -> None:
        pool = SimPool(SIMS, usages())
        message = OutgoingSMS(f"+{ANN}", "Hello")
        for key in ("one", LONG_KEY, "three"):
            pool._book(key, ANN, message, START, None)
        for _ in range(2):
            slot = PlayedSims(SimPool(SIMS, usages()), START).slot(ANN, message, START, lambda at: at)
            assert slot is not None
            assert (slot.sim.sim, slot.at) == (SIMS[0], START + 60)

    def test_a_step_that_fails_has_recorded_nothing(self, usages: Callable[[], SimUsage]) -> None:
        class StepFailed(Exception):
            pass

        def fail(records: SimRecords) -> None:
            records.see(START)
            records.put_place(Place("key", "sim\n", ANN, START, Queue.LEFT, 0.0))
            records.add_contact(Contact(ANN, "sim\n", START, START, 1, 0, is_home=True))
            raise StepFailed

        with pytest.raises(StepFailed):
            usages().run(fail)
        found = usages().run(lambda records: (records.seen(), list(records.places()), list(records.all_contacts())))
        assert found == (0.0, [], [])

    def test_of_many_threads_no_more_send_than_the_limit_allows(self, usages: Callable[[], SimUsage]) -> None:
        pools = [SimPool([Sim("a", per_day=20, recipients_per_month=10)], usages()) for _ in range(2)]
        barrier = threading.Barrier(8)

        def send(thread: int) -> int:
            barrier.wait(30)
            left = 0
            for number in range(8):
                to = f"3363998{thread:02d}{number:02d}"
                slot = pools[thread % 2]._book(f"{thread} {number}", to, OutgoingSMS(f"+{to}", "Hello"), START, None)
                left += slot is not None and slot.at <= START
            return left

        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(send, range(8))) == 10
