"""The servers of these tests: one PostgreSQL for all, and each Redis that a test starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .postgresql import PostgreSQLServer
from .redis_server import RedisServer


@pytest.fixture(scope="session")
def server() -> Iterator[PostgreSQLServer]:
    """A server for all tests of this process. A test may have killed it: `start` it before use."""
    running = PostgreSQLServer()
    yield running
    running.stop()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """Starts Redis servers that end with the test."""
    running: list[RedisServer] = []

    def started(**options: Any) -> RedisServer:
        running.append(RedisServer(tmp_path / f"redis-{len(running)}", **options))
        return running[-1]

    yield started
    for server in running:
        server.stop()
