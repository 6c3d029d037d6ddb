"""Processes that share a suppression list, and one that is killed while it changes the list, on every store."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from . import shared_suppression
from .postgresql import PostgreSQLServer
from .redis_server import RedisServer

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL"),
]
RACERS = 8


@pytest.fixture(params=["file", "SQLite", "PostgreSQL", "Redis"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "file":
        yield str(tmp_path / "suppressed.sqlite")
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


def started(address: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, shared_suppression.__file__, address, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate(timeout=60)
    return line.strip()


def test_of_eight_processes_exactly_one_adds_each_number(address: str) -> None:
    racers = [started(address, "race", str(number)) for number in range(RACERS)]
    for racer in racers:
        assert line_of(racer) == "ready"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    added = [line for racer in racers for line in iter(partial(line_of, racer), "end")]
    for racer in racers:
        assert racer.communicate(timeout=60) == ("", "")
        assert racer.returncode == 0
    numbers = [shared_suppression.number_of(place) for place in range(shared_suppression.ROUNDS)]
    assert sorted(added) == numbers
    assert sorted(shared_suppression.suppression_at(address)) == numbers


@pytest.mark.parametrize("changes", [1, 2, 21])
def test_what_was_changed_before_a_kill_stays_so(address: str, changes: int) -> None:
    dying = started(address, "go_on", "the dying")
    lines = [line_of(dying) for _ in range(changes)]
    dying.kill()
    rest, errors = dying.communicate(timeout=60)
    assert errors == ""
    on_it: dict[str, bool] = {}
    for what, number in map(str.split, [*lines, *rest.splitlines()]):
        on_it[number] = what == "added"
    suppression = shared_suppression.suppression_at(address)
    # The last change may have been made without having been printed.
    last = next(reversed(on_it))
    assert {number: number in suppression for number in on_it if number != last} == {
        number: is_on_it for number, is_on_it in on_it.items() if number != last
    }
    if not int(last) % 2:
        assert last in suppression, "it is added, and never removed"
    assert suppression.add(last, source="the dying") is True, "whoever handles the message again goes on with it"
