"""The suppression lists: all pass the rules, and none forgets anybody."""

from __future__ import annotations

import itertools
import logging
import os
import pickle
import sqlite3
import subprocess
import sys
import textwrap
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Engine, create_engine, delete, event, inspect

from smsmobile import ConfigurationError, StorageError
from smsmobile.contrib.redis import RedisSuppression
from smsmobile.contrib.sqlalchemy import SQLSuppression, metadata
from smsmobile.contrib.sqlalchemy import _suppression as sql_module
from smsmobile.delivery import (
    MemorySuppression,
    SQLiteJournal,
    SQLiteSuppression,
    Suppression,
    _sqlite_suppression,
)

from .lossy_proxy import LossyProxy
from .postgresql import PostgreSQLServer
from .redis_server import RedisServer
from .suppression_rules import NUMBER, OTHER_NUMBER, SuppressionRules

SUPPRESSED = metadata.tables["smsmobile_suppressed"]
STEPS: dict[str, Callable[[Suppression], object]] = {
    "add": lambda suppression: suppression.add(OTHER_NUMBER, source="a"),
    "remove": lambda suppression: suppression.remove(NUMBER),
    "contains": lambda suppression: NUMBER in suppression,
    "iter": list,
}


def shown_by(error: BaseException) -> str:
    """The texts of an error and of all that it came from, as a log shows them."""
    return "".join(traceback.format_exception(error))


# --- in memory ----------------------------------------------------------------------------------------------


class MemorySuppressions:
    """One list, since there is no other way to share it."""

    def __init__(self) -> None:
        self._suppression = MemorySuppression()

    def suppression(self) -> MemorySuppression:
        return self._suppression

    def clear(self) -> None:
        for number in self._suppression:
            self._suppression.remove(number)


class TestMemorySuppression(SuppressionRules):
    @pytest.fixture
    def suppressions(self) -> MemorySuppressions:
        return MemorySuppressions()


# --- in a file ----------------------------------------------------------------------------------------------


class SQLiteSuppressions:
    """Lists on one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def suppression(self) -> SQLiteSuppression:
        return SQLiteSuppression(self._path)

    def clear(self) -> None:
        suppression = self.suppression()
        for number in suppression:
            suppression.remove(number)


class TestSQLiteSuppression(SuppressionRules):
    @pytest.fixture
    def suppressions(self, tmp_path: Path) -> SQLiteSuppressions:
        return SQLiteSuppressions(tmp_path / "suppressed.sqlite")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "suppressed.sqlite"


@pytest.fixture
def in_file(path: Path) -> Iterator[SQLiteSuppression]:
    """A list in a file, with one number on it."""
    suppression = SQLiteSuppression(path)
    suppression.add(NUMBER)
    yield suppression
    suppression.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_a_file_is_for_its_owner_alone(in_file: SQLiteSuppression, path: Path) -> None:
    assert {each.stat().st_mode & 0o777 for each in path.parent.iterdir()} == {0o600}


def test_a_file_keeps_its_numbers_until_the_next_run(in_file: SQLiteSuppression, path: Path) -> None:
    in_file.close()
    again = SQLiteSuppression(path)
    assert NUMBER in again
    assert list(again) == [NUMBER]


def test_each_change_of_a_file_waits_for_the_disk_also_after_a_look(in_file: SQLiteSuppression) -> None:
    statements: list[str] = []
    assert NUMBER in in_file
    connection = in_file._file._connection
    assert connection is not None
    connection.set_trace_callback(statements.append)
    for step in (in_file.add, in_file.remove):
        list(in_file)
        step(OTHER_NUMBER)
        pragmas = [each for each in statements[: statements.index("COMMIT")] if "synchronous" in each]
        assert pragmas[-1] == "PRAGMA synchronous = FULL"
        statements.clear()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps a file that is in use")
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("in_its_place", ["nothing", "another list"])
def test_a_file_that_was_removed_is_an_error_and_not_an_empty_list(
    in_file: SQLiteSuppression, path: Path, step: str, in_its_place: str
) -> None:
    assert NUMBER in in_file
    for each in list(path.parent.iterdir()):
        each.unlink()
    if in_its_place == "another list":
        SQLiteSuppression(path).close()
    with pytest.raises(StorageError, match="was removed or replaced while it was in use") as caught:
        STEPS[step](in_file)
    assert NUMBER not in shown_by(caught.value)


@pytest.mark.parametrize("step", STEPS)
def test_a_file_that_was_damaged_is_an_error_and_not_an_empty_list(path: Path, step: str) -> None:
    suppression = SQLiteSuppression(path)
    for number in range(300):
        suppression.add(f"3363998{number:04}")
    suppression.close()
    damaged = bytearray(path.read_bytes())
    damaged[1024:] = b"\xff" * (len(damaged) - 1024)
    path.write_bytes(damaged)
    with pytest.raises(StorageError, match="damaged") as caught:
        STEPS[step](SQLiteSuppression(path))
    assert "3363998" not in shown_by(caught.value)
    assert path.read_bytes() == damaged, "and it was left as it was"


@pytest.mark.parametrize("step", STEPS)
def test_a_file_that_was_emptied_is_an_error_and_not_an_empty_list(
    in_file: SQLiteSuppression, path: Path, step: str
) -> None:
    in_file.close()
    again = SQLiteSuppression(path)
    path.write_bytes(b"")
    for _ in range(2):
        with pytest.raises(StorageError, match="was removed or replaced while it was in use"):
            STEPS[step](again)


def test_another_file_is_refused_and_left_alone(path: Path) -> None:
    SQLiteSuppression(path).close()
    with pytest.raises(StorageError, match="is not a journal of messages"):
        SQLiteJournal(path).unknown()
    path.unlink()
    path.write_text("+33639980011\n" * 100)
    with pytest.raises(StorageError, match="is not a suppression list"):
        SQLiteSuppression(path)
    assert path.read_text() == "+33639980011\n" * 100


@pytest.mark.parametrize("step", STEPS)
def test_a_closed_file_says_so(in_file: SQLiteSuppression, step: str) -> None:
    in_file.close()
    in_file.close()
    with pytest.raises(StorageError, match="is closed: open a suppression list again"):
        STEPS[step](in_file)


def test_a_file_that_another_program_locks_is_an_error(in_file: SQLiteSuppression, path: Path) -> None:
    in_file._file._connection.execute("PRAGMA busy_timeout = 10")  # type: ignore[union-attr]
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StorageError, match="has been locked by another program"):
            in_file.add(OTHER_NUMBER)
        other.execute("ROLLBACK")
    other.close()


def test_a_file_is_read_a_little_at_a_time(in_file: SQLiteSuppression, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sqlite_suppression, "_AT_ONCE", 3)
    numbers = [NUMBER, *(f"3363998{number:04}" for number in range(7))]
    for number in numbers:
        in_file.add(number)
    assert list(in_file) == sorted(numbers)


def test_a_pickled_list_is_the_same_file(in_file: SQLiteSuppression) -> None:
    assert NUMBER in pickle.loads(pickle.dumps(in_file))


FORKING = """
    import os, sys
    from smsmobile.delivery import SQLiteSuppression

    suppression = SQLiteSuppression(sys.argv[1])
    suppression.add("+33639980001")
    child = os.fork()
    if child == 0:
        print("33639980001" in suppression, suppression.add("+33639980002"), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    print(sorted(suppression), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_list_can_be_used_before_and_after_a_fork(path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(FORKING), path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout.splitlines(), done.stderr) == (["True True", "['33639980001', '33639980002']"], "")


# --- in a SQL database --------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["postgresql", "sqlite"])
def either_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('sqlite')}/stores.sqlite"
    server: PostgreSQLServer = request.getfixturevalue("server")
    server.start()
    return server.url(server.new_schema())


@pytest.fixture
def engine(either_url: str) -> Iterator[Engine]:
    """An engine of a database with an empty list."""
    made = create_engine(either_url)
    metadata.create_all(made, [SUPPRESSED])
    with made.begin() as connection:
        connection.execute(delete(SUPPRESSED))
    yield made
    made.dispose()


class SQLSuppressions:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def suppression(self) -> SQLSuppression:
        return SQLSuppression(self._engine)

    def clear(self) -> None:
        with self._engine.begin() as connection:
            connection.execute(delete(SUPPRESSED))


class TestSQLSuppression(SuppressionRules):
    @pytest.fixture
    def suppressions(self, engine: Engine) -> SQLSuppressions:
        return SQLSuppressions(engine)


def test_a_database_is_read_a_little_at_a_time(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_module, "_AT_ONCE", 3)
    suppression = SQLSuppression(engine)
    numbers = [f"3363998{number:04}" for number in range(8)]
    for number in numbers:
        suppression.add(number)
    assert list(suppression) == numbers


@pytest.mark.parametrize("step", STEPS)
def test_a_database_without_the_table_is_an_error_and_not_an_empty_list(engine: Engine, step: str) -> None:
    suppression = SQLSuppression(engine, create=False)
    assert NUMBER not in suppression
    SUPPRESSED.drop(engine)
    try:
        with pytest.raises(StorageError, match=r"has no table for this: call create_tables\(\)") as caught:
            STEPS[step](suppression)
        assert NUMBER not in shown_by(caught.value)
        assert OTHER_NUMBER not in shown_by(caught.value)
    finally:
        suppression.create_tables()
    assert inspect(engine).has_table("smsmobile_suppressed")


def test_asking_a_database_is_one_statement(engine: Engine) -> None:
    suppression = SQLSuppression(engine)
    assert NUMBER not in suppression
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert NUMBER not in suppression
    assert len([each for each in statements if "SELECT" in each]) == 1


def test_no_number_gets_into_the_log_of_the_engine(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    engine.echo = True
    suppression = SQLSuppression(engine)
    for step in STEPS.values():
        step(suppression)
    assert "INSERT INTO smsmobile_suppressed" in caplog.text
    assert NUMBER not in caplog.text
    assert OTHER_NUMBER not in caplog.text


def test_a_server_that_was_killed_has_forgotten_nobody(server: PostgreSQLServer) -> None:
    server.start()
    server.execute("ALTER ROLE smsmobile SET synchronous_commit = off")
    engine = create_engine(server.url(server.new_schema()))
    try:
        suppression = SQLSuppression(engine)
        suppression.add(OTHER_NUMBER)
        server.execute("CHECKPOINT")
        suppression.add(NUMBER, source="a")
        suppression.remove(OTHER_NUMBER)
        server.kill()
        for step in STEPS.values():
            with pytest.raises(StorageError, match="cannot be reached: check that it runs") as caught:
                step(suppression)
            assert NUMBER not in shown_by(caught.value)
            assert OTHER_NUMBER not in shown_by(caught.value)
        server.start()
        assert list(suppression) == [NUMBER]
        assert suppression.add(NUMBER, source="a")
    finally:
        server.start()
        server.execute("ALTER ROLE smsmobile RESET synchronous_commit")
        engine.dispose()


# --- in Redis -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    running = RedisServer(tmp_path_factory.mktemp("redis"))
    yield running
    running.stop()


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[Any]:
    """A client of a server without keys."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
        yield client


class RedisSuppressions:
    """One Redis, and clients of both kinds in turn."""

    def __init__(self, client: Any, other: Any) -> None:
        self._client = client
        self._clients = itertools.cycle([client, other])

    def suppression(self) -> RedisSuppression:
        return RedisSuppression(next(self._clients))

    def clear(self) -> None:
        self._client.flushall()


class TestRedisSuppression(SuppressionRules):
    @pytest.fixture
    def suppressions(self, client: Any, redis_server: RedisServer) -> Iterator[RedisSuppressions]:
        with redis.Redis(port=redis_server.port, decode_responses=True, protocol=3) as other:
            yield RedisSuppressions(client, other)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"persistence": False}, "aof_enabled is 0.*would lose numbers of the suppression list.*appendonly yes"),
        ({"options": ("--maxmemory-policy", "allkeys-lru")}, "maxmemory-policy allkeys-lru.*noeviction"),
    ],
)
def test_a_redis_that_may_forget_is_refused_unless_allowed(
    start: Callable[..., RedisServer], options: dict[str, Any], reason: str, step: str
) -> None:
    with redis.Redis.from_url(start(**options).url) as client:
        suppression = RedisSuppression(client)
        for _ in range(2):
            with pytest.raises(ConfigurationError, match=f"(?s){reason}.*allow_data_loss=True"):
                STEPS[step](suppression)
        assert list(RedisSuppression(client, allow_data_loss=True)) == []


def test_arguments_for_redis_are_checked() -> None:
    for name, wrong in {"client": None, "prefix": "a b", "allow_data_loss": "no"}.items():
        with pytest.raises(ConfigurationError, match=name):
            RedisSuppression(**{"client": "redis://localhost", name: wrong})  # type: ignore[arg-type]


def test_numbers_in_redis_do_not_expire_and_prefixes_separate_lists(client: Any) -> None:
    RedisSuppression(client).add(NUMBER)
    assert [client.ttl(name) for name in client.scan_iter()] == [-1]
    other = RedisSuppression(client, prefix="other")
    assert NUMBER not in other
    assert other.remove(NUMBER) is False
    assert list(RedisSuppression(client)) == [NUMBER]


def test_a_long_list_in_redis_is_read_a_little_at_a_time(client: Any) -> None:
    numbers = [f"336399{number:05}" for number in range(3000)]
    client.hset("smsmobile:suppressed", mapping=dict.fromkeys(numbers, "a"))
    reading = iter(RedisSuppression(client))
    first = next(reading)
    client.hdel("smsmobile:suppressed", *numbers)
    left = [first, *reading]
    assert 500 <= len(left) < 1500, "what is read later is gone by then"
    client.hset("smsmobile:suppressed", mapping=dict.fromkeys(numbers, "a"))
    assert sorted(RedisSuppression(client)) == numbers


def test_an_add_that_redis_py_repeats_gets_the_same_answer(client: Any, redis_server: RedisServer) -> None:
    proxy = LossyProxy(redis_server.port)
    try:
        retries: dict[str, Any] = {"retry": Retry(NoBackoff(), 3), "retry_on_error": [redis.ConnectionError]}
        with redis.Redis(port=proxy.port, **retries) as lossy:
            suppression = RedisSuppression(lossy)
            assert NUMBER not in suppression
            proxy.lose(NUMBER, 2)
            assert suppression.add(NUMBER, source="a") is True
            assert proxy.lost == 2
            assert suppression.add(NUMBER, source="b") is False
    finally:
        proxy.stop()


def test_a_redis_that_was_killed_has_forgotten_nobody(start: Callable[..., RedisServer]) -> None:
    server = start()
    with redis.Redis(port=server.port, retry=Retry(NoBackoff(), 1)) as client:
        suppression = RedisSuppression(client)
        suppression.add(NUMBER, source="a")
        server.kill()
        for step in STEPS.values():
            with pytest.raises(StorageError, match=r"suppression list cannot be used \(ConnectionError\)") as caught:
                step(suppression)
            assert NUMBER not in shown_by(caught.value)
            assert OTHER_NUMBER not in shown_by(caught.value)
        server.start_again()
        assert list(suppression) == [NUMBER]
        assert suppression.add(NUMBER, source="a")


def test_a_list_in_redis_cannot_be_pickled(client: Any) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(RedisSuppression(client))


def test_it_works_on_a_cluster(start: Callable[..., RedisServer]) -> None:
    server = start(options=("--cluster-enabled", "yes"))
    with redis.Redis(port=server.port) as node:
        node.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
        for _ in range(200):
            if node.execute_command("CLUSTER INFO")["cluster_state"] == "ok":
                break
            time.sleep(0.02)
    with redis.RedisCluster(host="127.0.0.1", port=server.port) as client:
        suppression = RedisSuppression(client)
        assert suppression.add(NUMBER, source="a")
        assert NUMBER in suppression
        assert list(suppression) == [NUMBER]
        assert suppression.remove(NUMBER)
