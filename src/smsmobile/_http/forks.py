"""After a fork, the child makes connections of its own. The parent's stay as they are, for the parent."""

from __future__ import annotations

import os
from contextlib import suppress
from threading import RLock
from typing import Any
from weakref import WeakSet

from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import PoolManager

from .connections import managers_of, pools_of

_adapters: WeakSet[BaseAdapter] = WeakSet()


def forget_after_a_fork(adapter: BaseAdapter) -> None:
    """Let a forked child drop the adapter's connections. It would get the parent's answers over them."""
    with suppress(TypeError):  # an adapter that cannot be kept in a set
        _adapters.add(adapter)


def _in_the_child() -> None:
    """Runs within `os.fork`, while the child has a single thread."""
    for adapter in list(_adapters):
        if isinstance(adapter, HTTPAdapter):
            for manager in managers_of(adapter):
                _forget(manager)
        with suppress(Exception):
            adapter.close()


def _forget(manager: PoolManager) -> None:
    # Another thread of the parent may have held a lock in that moment: nobody would ever release it here.
    manager.pools.lock = RLock()
    for pool in pools_of(manager):
        queue: Any = pool.pool
        if queue is None:
            continue
        connections = list(queue.queue)
        queue.__init__(queue.maxsize)
        queue.queue.extend([None] * queue.maxsize)  # stands for a connection to be made
        for connection in connections:
            if connection is not None:
                connection.close()  # of the child's descriptor; TLS says no goodbye here


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_in_the_child)
