"""One PostgreSQL server for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .postgresql import PostgreSQLServer


@pytest.fixture(scope="session")
def server() -> Iterator[PostgreSQLServer]:
    """A server for all tests of this process. A test may have killed it: `start` it before use."""
    running = PostgreSQLServer()
    yield running
    running.stop()
