"""A lock that another thread holds during a fork is free in the child."""

from __future__ import annotations

import gc
import os
import signal
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from smsmobile._locks import ForkSafeLock
from smsmobile.webhooks import MemoryEventStore

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system"),
]


def works_in_a_child(lock: ForkSafeLock, use: Callable[[], object]) -> bool:
    """Fork while another thread holds the lock. A child that hangs is ended."""
    is_held, is_over = Event(), Event()

    def hold() -> None:
        with lock:
            is_held.set()
            assert is_over.wait(30)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(hold)
        assert is_held.wait(30)
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            try:
                use()
            except BaseException:  # noqa: BLE001 - the child must end here
                os._exit(1)
            os._exit(0)
        try:
            return os.waitpid(child, 0)[1] == 0
        finally:
            is_over.set()


def test_a_lock_is_free_in_the_child() -> None:
    lock = ForkSafeLock()

    def use() -> None:
        for _ in range(2):
            with lock:
                pass

    assert works_in_a_child(lock, use)


def test_a_store_of_events_in_memory_can_be_used_in_the_child() -> None:
    store = MemoryEventStore()
    assert works_in_a_child(store._lock, lambda: store.claim("an-event"))


def test_a_lock_that_nobody_needs_any_more_is_not_kept() -> None:
    kept = weakref.ref(lock := ForkSafeLock())
    del lock
    gc.collect()
    assert kept() is None
