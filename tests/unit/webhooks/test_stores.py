"""An event is NEW for exactly one who asks, BUSY while that one handles it, and DONE from then on for a while.

A claim that nobody ends is over after its lease. Among threads and processes, and after a restart.
"""

from __future__ import annotations

import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest

from smsmobile import ConfigurationError, StorageError, _storage
from smsmobile.webhooks import Claim, EventStore, MemoryEventStore, SQLiteEventStore, stores

NEW, BUSY, DONE = Claim.NEW, Claim.BUSY, Claim.DONE
Store = MemoryEventStore | SQLiteEventStore


@pytest.fixture
def time_now(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the stores take for the time: set `time_now.now`."""
    clock = SimpleNamespace(now=1_790_000_000.0)
    monkeypatch.setattr(stores, "time", SimpleNamespace(time=lambda: clock.now))
    return clock


@pytest.fixture(params=["memory", "sqlite"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Store]:
    if request.param == "memory":
        return lambda **options: MemoryEventStore(**options, clock=stores.time.time)
    return lambda **options: SQLiteEventStore(tmp_path / "events.sqlite", **options)


def stored(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM events").fetchone()[0])


def elsewhere(call: Callable[..., Any], *arguments: object) -> Any:
    """Call it in a thread that has no claims."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call, *arguments).result()


# --- both stores ------------------------------------------------------------------------------------------


def test_an_event_is_new_once_and_busy_until_it_is_done(make_store: Callable[..., Store]) -> None:
    store = make_store()
    assert isinstance(store, EventStore)
    assert [store.claim("a"), store.claim("b"), store.claim("a"), store.claim("A")] == [NEW, NEW, BUSY, NEW]
    store.done("a")
    assert [store.claim("a"), store.claim("b"), store.claim("a")] == [DONE, BUSY, DONE]


def test_a_released_event_is_new_again_and_no_other(make_store: Callable[..., Store]) -> None:
    store = make_store()
    store.claim("failed")
    store.claim("other")
    store.release("failed")
    store.release("never seen")
    assert [store.claim("failed"), store.claim("other"), store.claim("failed")] == [NEW, BUSY, BUSY]


def test_a_release_does_not_undo_that_an_event_is_done(make_store: Callable[..., Store]) -> None:
    store = make_store()
    store.claim("a")
    store.done("a")
    store.release("a")
    assert store.claim("a") is DONE


def test_done_counts_without_a_claim(make_store: Callable[..., Store]) -> None:
    store = make_store()
    store.done("a")
    assert store.claim("a") is DONE


def test_a_claim_that_nobody_ends_is_over_after_its_lease_and_not_before(
    make_store: Callable[..., Store], time_now: SimpleNamespace
) -> None:
    store = make_store(lease=5)
    start = time_now.now
    assert store.claim("a") is NEW
    time_now.now = start + 4.9
    assert store.claim("a") is BUSY  # which does not prolong it
    time_now.now = start + 5
    assert store.claim("a") is NEW
    time_now.now = start + 9.9
    assert store.claim("a") is BUSY


def test_a_lease_is_a_minute_unless_told_otherwise(make_store: Callable[..., Store], time_now: SimpleNamespace) -> None:
    store = make_store()
    store.claim("a")
    time_now.now += 59
    assert store.claim("a") is BUSY
    time_now.now += 1
    assert store.claim("a") is NEW


def test_a_clock_that_is_set_back_does_not_make_a_claim_last(
    make_store: Callable[..., Store], time_now: SimpleNamespace
) -> None:
    store = make_store()
    store.claim("a")
    time_now.now -= 0.5  # a correction: whoever handles it still does
    assert store.claim("a") is BUSY
    time_now.now -= 3600
    assert store.claim("a") is NEW


def test_a_clock_that_is_set_back_does_not_undo_that_an_event_is_done(
    make_store: Callable[..., Store], time_now: SimpleNamespace
) -> None:
    store = make_store()
    store.done("a")
    time_now.now -= 3600
    assert store.claim("a") is DONE


def test_who_is_late_does_not_release_the_claim_of_a_successor(
    make_store: Callable[..., Store], time_now: SimpleNamespace
) -> None:
    store = make_store(lease=5)
    store.claim("a")
    time_now.now += 5
    assert elsewhere(store.claim, "a") is NEW
    store.release("a")
    assert store.claim("a") is BUSY


def test_who_is_late_but_finished_has_handled_the_event(
    make_store: Callable[..., Store], time_now: SimpleNamespace
) -> None:
    store = make_store(lease=5)
    store.claim("a")
    time_now.now += 5
    has_claimed, may_fail = threading.Event(), threading.Event()

    def claim_and_fail() -> Claim:
        claim = store.claim("a")
        has_claimed.set()
        may_fail.wait(10)
        store.release("a")
        return claim

    with ThreadPoolExecutor(1) as pool:
        successor = pool.submit(claim_and_fail)
        assert has_claimed.wait(10)
        store.done("a")
        may_fail.set()
        assert successor.result() is NEW
    assert store.claim("a") is DONE


def test_a_second_claim_of_the_same_thread_can_be_released(
    make_store: Callable[..., Store], time_now: SimpleNamespace
) -> None:
    store = make_store(lease=5)
    store.claim("a")
    time_now.now += 5
    store.claim("a")
    store.release("a")
    assert store.claim("a") is NEW


def test_a_thread_without_a_claim_of_its_own_can_end_one(make_store: Callable[..., Store]) -> None:
    """As where a framework runs each step of a request in another thread."""
    store = make_store()
    store.claim("a")
    store.claim("b")
    elsewhere(store.release, "a")
    elsewhere(store.done, "b")
    assert [store.claim("a"), store.claim("b")] == [NEW, DONE]


def test_a_handled_event_is_forgotten_after_its_time_and_not_before(
    make_store: Callable[..., Store], time_now: SimpleNamespace
) -> None:
    store = make_store(ttl=60)
    start = time_now.now
    store.claim("a")
    time_now.now = start + 10
    store.done("a")
    time_now.now = start + 69.9
    assert store.claim("a") is DONE  # which does not prolong it
    time_now.now = start + 70
    assert store.claim("a") is NEW


def test_a_week_is_remembered_unless_told_otherwise(
    make_store: Callable[..., Store], time_now: SimpleNamespace
) -> None:
    store = make_store()
    store.done("a")
    time_now.now += 7 * 24 * 3600 - 1
    assert store.claim("a") is DONE
    time_now.now += 1
    assert store.claim("a") is NEW


def test_of_many_threads_exactly_one_is_first(make_store: Callable[..., Store]) -> None:
    store, barrier = make_store(), Barrier(16)

    def ask(_number: int) -> list[Claim]:
        barrier.wait()
        return [store.claim(f"event-{n}") for n in range(10)]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(16)))
    assert [Counter(column) for column in zip(*answers, strict=True)] == [{NEW: 1, BUSY: 15}] * 10


@pytest.mark.parametrize("name", ["ttl", "lease"])
@pytest.mark.parametrize("seconds", [0, -1, 10**400, float("nan"), float("inf"), "60", None, True])
def test_what_is_no_number_of_seconds_is_refused(make_store: Callable[..., Store], name: str, seconds: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"{name} is .*; expected a number of seconds, above 0"):
        make_store(**{name: seconds})


@pytest.mark.parametrize("method", ["claim", "done", "release"])
@pytest.mark.parametrize("event_id", [None, "", 5, b"id", object()])
def test_what_is_no_id_is_a_type_error(make_store: Callable[..., Store], method: str, event_id: Any) -> None:
    with pytest.raises(TypeError, match=r"pass event\.id"):
        getattr(make_store(), method)(event_id)


UNUSUAL = [
    "\ud800",
    "\ud801",
    "a\udffe",
    "a\udfff",
    "a\x00b",
    "é",
    " ",
    "a" * 300,
    "a" * 301,
    "\U0001f600",
    "?",
    "\\ud800",
]


def test_ids_of_any_characters_and_length_are_told_apart(make_store: Callable[..., Store]) -> None:
    store = make_store()
    assert [store.claim(each) for each in UNUSUAL] == [NEW] * len(UNUSUAL)
    for each in UNUSUAL[::2]:
        store.done(each)
    for each in UNUSUAL[1::2]:
        store.release(each)
    assert [store.claim(each) for each in UNUSUAL] == [DONE, NEW] * (len(UNUSUAL) // 2)


def test_a_store_of_ones_own_has_three_methods() -> None:
    class Own:
        def claim(self, event_id: str) -> Claim:
            return NEW

        def done(self, event_id: str) -> None: ...

        def release(self, event_id: str) -> None: ...

    assert isinstance(Own(), EventStore)
    assert not isinstance(object(), EventStore)


# --- memory -----------------------------------------------------------------------------------------------


def test_memory_is_bounded_and_forgets_the_oldest_that_was_handled() -> None:
    store = MemoryEventStore(max_events=3)
    for number in range(1000):
        store.claim(str(number))
        store.done(str(number))
    assert len(store) == 3
    assert [store.claim("999"), store.claim("998"), store.claim("997"), store.claim("996")] == [DONE, DONE, DONE, NEW]
    assert repr(store) == "<MemoryEventStore: 3 of at most 3 events, ttl=604800 s, lease=60 s>"


def test_the_bound_drops_no_event_that_is_being_handled() -> None:
    store = MemoryEventStore(max_events=3)
    for number in range(5):
        assert store.claim(f"slow-{number}") is NEW
    for number in range(10):
        store.done(str(number))
    assert [store.claim(f"slow-{number}") for number in range(5)] == [BUSY] * 5
    for number in range(5):
        store.done(f"slow-{number}")
    assert len(store) == 3


@pytest.mark.parametrize("end", ["done", "nothing"])
def test_what_is_over_in_memory_takes_no_room(time_now: SimpleNamespace, end: str) -> None:
    store = MemoryEventStore(ttl=10, lease=10, clock=lambda: time_now.now)
    for number in range(100):
        store.claim(str(number))
        if end == "done":
            store.done(str(number))
    time_now.now += 10
    store.claim("another")
    assert len(store) == 1


def test_what_expires_in_memory_takes_nothing_newer_with_it(time_now: SimpleNamespace) -> None:
    store = MemoryEventStore(ttl=10, lease=10, clock=lambda: time_now.now)
    store.done("old")
    store.claim("old claim")
    time_now.now += 6
    store.done("new")
    store.claim("new claim")
    time_now.now += 6
    assert [store.claim("another"), store.claim("new"), store.claim("old")] == [NEW, DONE, NEW]
    assert [store.claim("new claim"), store.claim("old claim")] == [BUSY, NEW]


def test_what_a_thread_remembers_of_its_claims_is_bounded() -> None:
    store = MemoryEventStore()
    for number in range(3000):
        store.claim(str(number))
    assert len(store._own._tokens) == 1000


def test_a_bound_that_is_no_whole_number_is_refused(subtests: pytest.Subtests) -> None:
    for max_events in [0, -1, 2.5, "3", None, True]:
        complaint = r"max_events is .*; expected a whole number above 0"
        with subtests.test(max_events=max_events), pytest.raises(ConfigurationError, match=complaint):
            MemoryEventStore(max_events=max_events)


# --- SQLite -----------------------------------------------------------------------------------------------


def test_a_file_remembers_across_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    store = SQLiteEventStore(path)
    assert [store.claim("a"), store.claim("b")] == [NEW, NEW]
    store.done("a")
    again = SQLiteEventStore(str(path))
    assert [again.claim("a"), again.claim("b")] == [DONE, BUSY]
    assert repr(SQLiteEventStore(path, 5, 2)) == f"<SQLiteEventStore: {path}, ttl=5 s, lease=2 s>"


def test_of_several_processes_exactly_one_is_first(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    program = """
import sys
from smsmobile.webhooks import SQLiteEventStore
store = SQLiteEventStore(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print("".join(str(int(store.claim(f"event-{n}") == "new")) for n in range(20)))
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
assert store.claim("before") == "new"
child = os.fork()
if child == 0:
    os._exit(0 if store.claim("in the child") == "new" and store.claim("before") == "busy" else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert store.claim("in the child") == "busy"
"""
    path = str(tmp_path / "events.sqlite")
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)


def test_a_store_can_be_handed_to_another_process(tmp_path: Path) -> None:
    store = SQLiteEventStore(tmp_path / "events.sqlite", ttl=60, lease=5)
    store.claim("a")
    copy = pickle.loads(pickle.dumps(store))
    assert copy.claim("a") is BUSY
    assert repr(copy) == repr(store)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_the_claim_of_a_killed_process_is_over_after_its_lease(tmp_path: Path, time_now: SimpleNamespace) -> None:
    path = str(tmp_path / "events.sqlite")
    program = """
import os, signal, sys
from smsmobile.webhooks import SQLiteEventStore, stores
stores.time.time = lambda: float(sys.argv[2])
SQLiteEventStore(sys.argv[1]).claim("a")
os.kill(os.getpid(), signal.SIGKILL)
"""
    command = [sys.executable, "-c", program, path, str(time_now.now)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    store = SQLiteEventStore(path)
    assert store.claim("a") is BUSY
    time_now.now += 60
    assert store.claim("a") is NEW


def test_a_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    SQLiteEventStore(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 3")
    with pytest.raises(StorageError, match="newer version of smsmobile"):
        SQLiteEventStore(path)


def test_old_rows_leave_the_file_some_at_a_time(tmp_path: Path, time_now: SimpleNamespace) -> None:
    path = tmp_path / "events.sqlite"
    store = SQLiteEventStore(path, ttl=10)
    with closing(sqlite3.connect(path)) as connection, connection:
        rows = ((f"old-{n}", time_now.now) for n in range(250))
        connection.executemany("INSERT INTO events (id, expires_at) VALUES (?, ?)", rows)
    store.done("a")
    assert stored(path) == 251
    store.claim("b")
    assert stored(path) == 152
    assert store.claim("old-99") is NEW  # too old already, although it is the last one to be removed
    store.claim("c")
    store.claim("d")
    assert stored(path) == 5


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
    for use in (store.claim, store.done, store.release):
        with pytest.raises(StorageError, match="is not an event store, or it is damaged"):
            use("a")


def test_a_file_that_was_removed_while_in_use_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    store = SQLiteEventStore(path)
    store.done("a")
    path.unlink()
    assert store.claim("a") is NEW
    assert store.claim("a") is BUSY


def test_somebody_elses_lock_is_waited_for_and_then_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_storage, "SHARED_PATIENCE", 0.01)
    path = tmp_path / "events.sqlite"
    store = SQLiteEventStore(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match=r"has been locked by another program for 0\.01 seconds"):
            store.claim("a")
        other.execute("ROLLBACK")
    assert store.claim("a") is NEW


def test_a_store_that_lives_to_the_end_of_the_program_ends_quietly(tmp_path: Path) -> None:
    script = (
        "import abc, sys; from smsmobile.webhooks import SQLiteEventStore\n"
        "abc.kept = SQLiteEventStore(sys.argv[1]); abc.kept.claim('one')"  # the module abc outlives most others
    )
    command = [sys.executable, "-c", script, str(tmp_path / "events.sqlite")]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    assert ended.stderr == ""
