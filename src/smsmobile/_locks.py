"""A lock that survives a fork."""

from __future__ import annotations

import os
from threading import Lock
from types import TracebackType
from weakref import WeakSet


class ForkSafeLock:
    """A lock that is free in a forked child. The thread that held it in the parent does not exist there."""

    def __init__(self) -> None:
        self._lock = Lock()
        _locks.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()


_locks: WeakSet[ForkSafeLock] = WeakSet()


def _renew() -> None:
    for lock in _locks:
        lock._lock = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
