"""Tells the page what has changed: when it asks, or by itself as server-sent events.

What it shows of the change it then fetches from the other endpoints.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from threading import Event
from typing import Any

from ..store import Store

MOST_STREAMS = 4
"""Each holds one of the server's threads."""
GATHER = 0.1
"""Seconds in which changes are gathered into one event."""
HEARTBEAT = 10.0
"""Seconds of silence after which a sign of life is sent."""
PROBE = 0.5
"""Seconds that a new stream waits for the end of one whose reader turns out to be gone."""


class Live:
    """The streams, and the versions by which a reader says what it has seen."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables = [table for table in store.tables if table is not store.tokens]  # the page shows no token
        # A page that stays open while the sandbox is started again asks with a version of the run before: below this.
        self._start = int(time.time() * 1000) * 1000
        self._closing = Event()
        self._open = 0
        self._probes = 0

    def since(self, version: int | None) -> dict[str, Any]:
        """The version now, and the names of the tables that have changed since `version`: without one, of all."""
        store = self._store
        with store.lock:
            seen = -1 if version is None else version - self._start
            if not 0 <= seen <= store.version:
                seen = -1
            changed = [table.name for table in self._tables if table.version > seen]
            return {"version": self._start + store.version, "changed": changed}

    def enter(self) -> bool:
        """Whether there is room for one more stream, which is then taken; `leave()` gives it back."""
        lock = self._store.lock
        with lock:
            if self._open >= MOST_STREAMS:
                self._probes += 1
                lock.notify_all()
                lock.wait_for(lambda: self._open < MOST_STREAMS or self._closing.is_set(), PROBE)
            if self._open >= MOST_STREAMS or self._closing.is_set():
                return False
            self._open += 1
            return True

    def leave(self) -> None:
        """A stream has ended."""
        with self._store.lock:
            self._open -= 1
            self._store.lock.notify_all()

    def stream(self) -> Iterator[bytes]:
        """The events, until the sandbox is closed."""
        store, probes = self._store, self._probes
        news = self.since(None)
        yield _event(news)
        silent_since = time.monotonic()
        while not self._closing.is_set():
            with store.lock:
                seen = news["version"] - self._start
                store.lock.wait_for(
                    lambda: store.version != seen or self._probes != probes or self._closing.is_set(),  # noqa: B023
                    max(silent_since + HEARTBEAT - time.monotonic(), 0),
                )
                is_news = store.version != seen
            if is_news and not self._closing.wait(GATHER):
                news = self.since(news["version"])
                if news["changed"]:
                    yield _event(news)
                    silent_since = time.monotonic()
            if self._probes != probes or time.monotonic() >= silent_since + HEARTBEAT:
                probes = self._probes
                # The first write to a reader that is gone still succeeds, the second tells the server, and
                # the third finds the connection closed.
                yield b": still\n"
                yield b": here\n"
                self._closing.wait(GATHER / 2)
                yield b"\n"
                silent_since = time.monotonic()

    def close(self) -> None:
        """End all streams."""
        self._closing.set()
        with self._store.lock:
            self._store.lock.notify_all()


def _event(news: dict[str, Any]) -> bytes:
    return b"event: change\ndata: " + json.dumps(news).encode() + b"\n\n"
