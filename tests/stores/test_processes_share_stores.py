"""Processes that race for a message or an event, and owners that are killed between any two steps, on every store."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from smsmobile.delivery import ClaimState
from smsmobile.webhooks import Claim

from . import shared
from .postgresql import PostgreSQLServer
from .redis_server import RedisServer

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL"),
]
RACERS = 8
LEASE = 1.0
PATIENCE = 30.0
"""Seconds in which a lease certainly ends."""


@pytest.fixture(params=["files", "SQLite", "PostgreSQL", "Redis"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "files":
        yield str(tmp_path / "journal.sqlite")
    elif request.param == "SQLite":
        yield f"sqlite:///{tmp_path / 'stores.sqlite'}"
    elif request.param == "PostgreSQL":
        server: PostgreSQLServer = request.getfixturevalue("server")
        server.start()
        yield server.url(server.new_schema())
    else:
        redis = RedisServer(tmp_path / "redis")
        yield redis.url
        redis.stop()


def started(address: str, lease: float, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, shared.__file__, address, str(lease), *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def line_of(racer: subprocess.Popen[str]) -> str:
    assert racer.stdout is not None
    line = racer.stdout.readline()
    assert line, racer.communicate(timeout=60)
    return line.strip()


def go_on(racer: subprocess.Popen[str]) -> None:
    assert racer.stdin is not None
    racer.stdin.write("go\n")
    racer.stdin.flush()


def test_of_eight_processes_exactly_one_gets_each_key_look_and_event(address: str) -> None:
    racers = [started(address, 60.0, "race", str(number)) for number in range(RACERS)]
    for racer in racers:
        assert line_of(racer) == "ready"
    for racer in racers:
        go_on(racer)
    won = [line for racer in racers for line in iter(partial(line_of, racer), "end")]
    for racer in racers:
        go_on(racer)
        assert racer.communicate(timeout=60) == ("", "")
        assert racer.returncode == 0
    assert sorted(won) == sorted(f"{what} {number}" for what in ("key", "look", "event") for number in range(20))


@pytest.mark.parametrize(
    ("steps", "message_is", "event_is"),
    [
        (0, ClaimState.NEW, Claim.NEW),
        (1, ClaimState.NEW, Claim.NEW),
        (2, ClaimState.ABANDONED, Claim.NEW),
        (3, ClaimState.DONE, Claim.NEW),
        (4, ClaimState.DONE, Claim.NEW),
        (5, ClaimState.DONE, Claim.DONE),
    ],
)
def test_what_an_owner_left_when_it_was_killed(
    address: str, steps: int, message_is: ClaimState, event_is: Claim
) -> None:
    dead = started(address, LEASE, "die", str(steps))
    _, errors = dead.communicate(timeout=60)
    assert (dead.returncode, errors) == (-signal.SIGKILL, "")
    journal, events = shared.stores_at(address, LEASE)

    deadline = time.monotonic() + PATIENCE
    while (claim := journal.claim([shared.message("order", "look", "of the living")])[0]).state is ClaimState.BUSY:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    while (event := events.claim("event")) is Claim.BUSY:
        assert time.monotonic() < deadline
        time.sleep(0.05)

    assert (claim.state, event) == (message_is, event_is)
