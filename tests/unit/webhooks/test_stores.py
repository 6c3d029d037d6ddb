"""An event is new exactly once: among threads and processes, after a restart, until its time is over."""

from __future__ import annotations

import os
import pickle
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest

from smsmobile import ConfigurationError, StorageError, _storage
from smsmobile.webhooks import EventStore, MemoryEventStore, SQLiteEventStore
from smsmobile.webhooks import stores as dedupe

Store = MemoryEventStore | SQLiteEventStore


@pytest.fixture
def time_now(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=1_790_000_000.0)
    monkeypatch.setattr(dedupe, "time", SimpleNamespace(time=lambda: clock.now))
    return clock


@pytest.fixture(params=["memory", "sqlite"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Store]:
    if request.param == "memory":
        return MemoryEventStore
    return lambda **options: SQLiteEventStore(tmp_path / "events.sqlite", **options)


def stored(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM events").fetchone()[0])


# --- both stores ------------------------------------------------------------------------------------------


def test_an_event_is_new_once(make_store: Callable[..., Store]) -> None:
    store = make_store()
    assert isinstance(store, EventStore)
    assert [store.add("a"), store.add("b"), store.add("a"), store.add("b"), store.add("A")] == [
        True,
        True,
        False,
        False,
        True,
    ]


def test_a_discarded_event_is_new_again_and_no_other(make_store: Callable[..., Store]) -> None:
    store = make_store()
    store.add("failed")
    store.add("handled")
    store.discard("failed")
    store.discard("never seen")
    assert [store.add("failed"), store.add("handled"), store.add("failed")] == [True, False, False]


def test_an_event_is_forgotten_after_its_time_and_not_before(
    make_store: Callable[..., Store], time_now: SimpleNamespace
) -> None:
    store = make_store(ttl=60)
    start = time_now.now
    assert store.add("a")
    time_now.now = start + 59.9
    assert not store.add("a")  # which does not prolong it
    time_now.now = start + 60
    assert store.add("a")
    time_now.now = start + 119.9
    assert not store.add("a")


def test_a_week_is_remembered_unless_told_otherwise(
    make_store: Callable[..., Store], time_now: SimpleNamespace
) -> None:
    store = make_store()
    store.add("a")
    time_now.now += 7 * 24 * 3600 - 1
    assert not store.add("a")
    time_now.now += 1
    assert store.add("a")


def test_of_many_threads_exactly_one_is_first(make_store: Callable[..., Store]) -> None:
    store, barrier = make_store(), Barrier(16)

    def ask(_number: int) -> list[bool]:
        barrier.wait()
        return [store.add(f"event-{n}") for n in range(10)]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(16)))
    assert [sum(column) for column in zip(*answers, strict=True)] == [1] * 10


@pytest.mark.parametrize("ttl", [0, -1, float("nan"), float("inf"), "60", None, True])
def test_a_ttl_that_is_no_number_of_seconds_is_refused(make_store: Callable[..., Store], ttl: Any) -> None:
    with pytest.raises(ConfigurationError, match="ttl has to be a number of seconds above 0"):
        make_store(ttl=ttl)


@pytest.mark.parametrize("event_id", [None, "", 5, b"id", object()])
def test_what_is_no_id_is_a_type_error(make_store: Callable[..., Store], event_id: Any) -> None:
    with pytest.raises(TypeError, match=r"pass event\.id"):
        make_store().add(event_id)


def test_a_store_of_ones_own_needs_only_add() -> None:
    class Own:
        def add(self, event_id: str) -> bool:
            return True

    assert isinstance(Own(), EventStore)
    assert not isinstance(object(), EventStore)


# --- memory -----------------------------------------------------------------------------------------------


def test_memory_is_bounded_and_forgets_the_oldest() -> None:
    store = MemoryEventStore(max_events=3)
    for number in range(1000):
        store.add(str(number))
    assert len(store) == 3
    assert [store.add("999"), store.add("998"), store.add("997"), store.add("996")] == [False, False, False, True]
    assert repr(store) == "<MemoryEventStore: 3 of at most 3 events, ttl=604800 s>"


def test_what_expired_in_memory_takes_no_room(time_now: SimpleNamespace) -> None:
    store = MemoryEventStore(ttl=10)
    for number in range(100):
        store.add(str(number))
    time_now.now += 10
    store.add("another")
    assert len(store) == 1


@pytest.mark.parametrize("max_events", [0, -1, 2.5, "3", None, True])
def test_a_bound_that_is_no_whole_number_is_refused(max_events: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_events has to be a whole number above 0"):
        MemoryEventStore(max_events=max_events)


# --- SQLite -----------------------------------------------------------------------------------------------


def test_a_file_remembers_across_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    assert SQLiteEventStore(path).add("a")
    assert not SQLiteEventStore(str(path)).add("a")
    assert repr(SQLiteEventStore(path, ttl=5)) == f"<SQLiteEventStore: {path}, ttl=5 s>"


def test_of_several_processes_exactly_one_is_first(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    program = """
import sys
from smsmobile.webhooks import SQLiteEventStore
store = SQLiteEventStore(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print("".join(str(int(store.add(f"event-{n}"))) for n in range(20)))
"""
    children = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n", child.communicate()[1]
    answers = []
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    for child in children:
        out, err = child.communicate(timeout=60)
        assert err == ""
        answers.append(out.strip())
    assert [len(answer) for answer in answers] == [20] * 2
    assert [sum(map(int, column)) for column in zip(*answers, strict=True)] == [1] * 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_store_made_before_a_fork_works_on_both_sides(tmp_path: Path) -> None:
    # In a process of its own, without the threads that other tests may have left.
    program = """
import os, sys
from smsmobile.webhooks import SQLiteEventStore
store = SQLiteEventStore(sys.argv[1])
assert store.add("before")
child = os.fork()
if child == 0:
    os._exit(0 if store.add("in the child") and not store.add("before") else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert not store.add("in the child")
"""
    path = str(tmp_path / "events.sqlite")
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)


def test_a_store_can_be_handed_to_another_process(tmp_path: Path) -> None:
    store = SQLiteEventStore(tmp_path / "events.sqlite", ttl=60)
    store.add("a")
    assert not pickle.loads(pickle.dumps(store)).add("a")


def test_old_rows_leave_the_file_some_at_a_time(tmp_path: Path, time_now: SimpleNamespace) -> None:
    path = tmp_path / "events.sqlite"
    store = SQLiteEventStore(path, ttl=10)
    with closing(sqlite3.connect(path)) as connection, connection:
        rows = ((f"old-{n}", time_now.now) for n in range(250))
        connection.executemany("INSERT INTO events VALUES (?, ?)", rows)
    store.add("a")
    assert stored(path) == 151
    assert store.add("old-249")  # too old already, pruned or not
    store.add("b")
    store.add("c")
    assert stored(path) == 4


def test_a_failure_in_between_leaves_nothing_half_done(tmp_path: Path) -> None:
    store = SQLiteEventStore(tmp_path / "events.sqlite")
    with pytest.raises(UnicodeEncodeError):
        store.add("\ud800")
    assert store.add("a")
    assert stored(tmp_path / "events.sqlite") == 1


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"The folder of .*nowhere.* does not exist: make it first"):
        SQLiteEventStore(tmp_path / "nowhere" / "events.sqlite")


@pytest.mark.parametrize("path", ["", ":memory:"])
def test_a_path_that_is_no_file_is_refused(path: str) -> None:
    with pytest.raises(StorageError, match="A file name is needed for an event store"):
        SQLiteEventStore(path)


def test_a_file_of_another_kind_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    path.write_bytes(b"this is not a database" * 100)
    with pytest.raises(StorageError, match=r"events\.sqlite is not an event store, or it is damaged"):
        SQLiteEventStore(path)
    assert path.read_bytes() == b"this is not a database" * 100


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is a folder"):
        SQLiteEventStore(tmp_path)


def test_a_file_that_breaks_while_in_use_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    store = SQLiteEventStore(path)
    path.write_bytes(b"overwritten by something else" * 100)
    for use in (store.add, store.discard):
        with pytest.raises(StorageError, match="is not an event store, or it is damaged"):
            use("a")


def test_a_file_that_was_removed_while_in_use_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    store = SQLiteEventStore(path)
    store.add("a")
    path.unlink()
    assert store.add("a")
    assert not store.add("a")


def test_somebody_elses_lock_is_waited_for_and_then_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_storage, "SHARED_PATIENCE", 0.01)
    path = tmp_path / "events.sqlite"
    store = SQLiteEventStore(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match=r"has been locked by another program for 0\.01 seconds"):
            store.add("a")
        other.execute("ROLLBACK")
    assert store.add("a")
