"""What a SQLite file needs so that its process can fork: the part of `_storage.SQLiteFile` that knows about forks.

SQLite keeps a table of the process's file locks. A child inherits the table, but not the locks: as long as a connection
is open during the fork, no connection of the child to the same file can be trusted. If the parent's was the last real
one, it removes the log (-wal) that the child is writing to, and the child's commits are lost.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from threading import RLock
from weakref import WeakSet


class ForkSafeFile:
    """A file with one connection. A fork closes that of a shared file; parent and child each open another one."""

    def __init__(self, *, shared: bool) -> None:
        self._shared = shared
        self._connection: sqlite3.Connection | None = None
        self._lock = RLock()
        """Held while the connection is used."""
        with _registry:
            _files.add(self)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()


_registry = RLock()
creating = RLock()
"""Held while a file is created. Taken after the lock of the file, and that after `_registry`."""
_files: WeakSet[ForkSafeFile] = WeakSet()
_held: list[ForkSafeFile] = []
"""The shared files whose locks are held during a fork."""


def _before_fork() -> None:
    """Wait for the threads that use shared files, and close their connections."""
    _registry.acquire()
    for file in _files:
        if file._shared:
            file._lock.acquire()
            _held.append(file)
            if file._connection is not None and not file._connection.in_transaction:
                file._disconnect()
    creating.acquire()


def _after_fork() -> None:
    creating.release()
    while _held:
        _held.pop()._lock.release()
    _registry.release()


def _after_fork_in_child() -> None:
    """Never close a connection that the parent has open: SQLite would remove the parent's log (-wal)."""
    _after_fork()
    for file in _files:
        if not file._shared:
            file._lock = RLock()  # another thread of the parent may hold it
        if file._connection is not None:
            import ctypes

            ctypes.pythonapi.Py_IncRef(ctypes.py_object(file._connection))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)
