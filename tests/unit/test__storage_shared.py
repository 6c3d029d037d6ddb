"""SQLite files that several processes share: forks, kills, and files that are removed while in use."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from smsmobile import StorageError
from smsmobile._storage import SQLiteFile

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="needs fork, POSIX file modes and locks"),
]


def opened(path: str | Path, **options: Any) -> SQLiteFile:
    return SQLiteFile(
        path,
        application_id=0x736D7374,
        version=1,
        schema=["CREATE TABLE words (word TEXT PRIMARY KEY)"],
        what="a list of words",
        shared=True,
        **options,
    )


def add(words: SQLiteFile, word: str) -> bool:
    """Whether the word is new."""
    with words.transaction() as connection:
        return connection.execute("INSERT OR IGNORE INTO words VALUES (?)", (word,)).rowcount == 1


def all_of(words: SQLiteFile) -> list[str]:
    with words.transaction() as connection:
        return [row[0] for row in connection.execute("SELECT word FROM words ORDER BY word")]


@contextmanager
def started(script: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that runs `script`, where `words` is the open file. The end of the block kills it and its children."""
    start = f"""
        import ctypes, os, signal, sys, threading
        from test__storage_shared import add, all_of, opened
        from smsmobile import StorageError
        words = opened({str(path)!r})
    """
    process = subprocess.Popen(
        # From 3.12 on Python warns of a fork beside threads, which is what a test here is about.
        [
            sys.executable,
            "-W",
            "ignore::DeprecationWarning",
            "-c",
            textwrap.dedent(start) + textwrap.dedent(script),
        ],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def printed_by(script: str, path: Path) -> str:
    with started(script, path) as process:
        out, err = process.communicate(timeout=30)
    assert (err, process.returncode) == ("", 0)
    return out.strip()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "words?#%20.sqlite"


@pytest.fixture
def words(path: Path) -> Iterator[SQLiteFile]:
    with opened(path) as words:
        yield words


def test_a_process_can_open_it_several_times(words: SQLiteFile, path: Path) -> None:
    with opened(path) as others:
        assert [add(words, "one"), add(others, "one"), add(others, "two"), add(words, "two")] == [
            True,
            False,
            True,
            False,
        ]


def test_another_process_uses_it_at_the_same_time(words: SQLiteFile, path: Path) -> None:
    add(words, "one")
    assert printed_by("print(add(words, 'one'), add(words, 'two'))", path) == "False True"
    assert all_of(words) == ["one", "two"]


def test_one_of_all_threads_of_all_processes_is_first(path: Path) -> None:
    script = """
        won = []
        def go():
            won.extend(word for word in map(str, range(20)) if add(words, word))
        threads = [threading.Thread(target=go) for _ in range(3)]
        sys.stdin.readline()
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(*won)
    """
    with ExitStack() as stack:
        processes = [stack.enter_context(started(script, path)) for _ in range(4)]
        pool = stack.enter_context(ThreadPoolExecutor(len(processes)))
        told = list(pool.map(lambda process: process.communicate("\n", timeout=30), processes))
    assert [err for _, err in told] == [""] * 4
    assert sorted(int(word) for out, _ in told for word in out.split()) == list(range(20))


def test_the_file_and_the_two_beside_it_are_for_their_owner_alone(words: SQLiteFile, path: Path) -> None:
    before = os.umask(0o022)
    try:
        add(words, "one")
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {f"{path.name}{suffix}": 0o600 for suffix in ("", "-wal", "-shm")}


def test_it_opens_while_another_process_switches_it_to_a_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite says "locked" at once then, whatever its timeout."""
    refused: list[str] = []

    class Switching(sqlite3.Connection):
        def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
            if "journal_mode" in sql and not refused:
                refused.append(sql)
                raise sqlite3.OperationalError("database is locked")
            return super().execute(sql, *parameters)  # type: ignore[arg-type]

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **options: connect(*args, factory=Switching, **options))
    with opened(path) as words:
        assert add(words, "one")
    assert refused


def test_a_process_killed_in_a_transaction_leaves_nothing_behind(words: SQLiteFile, path: Path) -> None:
    script = """
        add(words, "whole")
        with words.transaction() as connection:
            connection.execute("INSERT INTO words VALUES ('half')")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    add(words, "before")
    with started(script, path) as process:
        process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert all_of(words) == ["before", "whole"]


def test_a_closed_file_says_so(words: SQLiteFile) -> None:
    add(words, "one")
    words.close()
    words.close()
    with pytest.raises(StorageError, match="is closed: open a list of words again"):
        add(words, "two")


def test_a_statement_says_how_many_rows_it_changed(words: SQLiteFile) -> None:
    add(words, "one")
    add(words, "two")
    assert words.change("UPDATE words SET word = word || 's' WHERE word != ?", ["three"]) == 2
    assert words.change("DELETE FROM words WHERE word = ?", ["three"]) == 0
    assert all_of(words) == ["ones", "twos"]


def test_each_connection_is_prepared(path: Path) -> None:
    prepared: list[sqlite3.Connection] = []
    with opened(path, on_open=prepared.append) as words:
        add(words, "one")
        before = len(prepared)
        if (child := os.fork()) == 0:
            os._exit(0)
        os.waitpid(child, 0)
        add(words, "two")
    assert len(prepared) == before + 1


def test_its_pages_are_checked_once_by_a_process_and_again_after_a_failure(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks: list[str] = []

    class Noting(sqlite3.Connection):
        def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
            if "quick_check" in sql:
                checks.append(sql)
            return super().execute(sql, *parameters)  # type: ignore[arg-type]

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **options: connect(*args, factory=Noting, **options))
    with opened(path) as words:
        add(words, "one")
        if (child := os.fork()) == 0:
            os._exit(0 if add(words, "child") and len(checks) == 1 else 1)
        assert os.waitpid(child, 0)[1] == 0
        add(words, "two")
        assert len(checks) == 1

        with pytest.raises(StorageError):
            words.note("no SQL")
        add(words, "three")
        assert len(checks) == 2


# --- disks that are almost full ---------------------------------------------------------------------------


@pytest.mark.parametrize("free", [0, 2**40])
def test_where_room_is_short_the_log_is_merged_after_each_transaction(
    words: SQLiteFile, path: Path, free: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(2**40, 0, free))  # type: ignore[attr-defined]
    add(words, "one")
    copy = shutil.copy(path, path.with_name("without its log"))
    with closing(sqlite3.connect(copy)) as file:
        assert file.execute("SELECT word FROM words").fetchall() == ([] if free else [("one",)])


def test_where_a_note_finds_the_disk_full_it_is_made_after_a_merge(words: SQLiteFile) -> None:
    class Full:
        """A connection that has room for a note again once the log was merged."""

        def __init__(self, connection: sqlite3.Connection) -> None:
            self._connection = connection
            self._has_room = False

        def __getattr__(self, name: str) -> object:
            return getattr(self._connection, name)

        def execute(self, statement: str, *parameters: object) -> sqlite3.Cursor:
            self._has_room |= "wal_checkpoint" in statement
            if statement.startswith("INSERT") and not self._has_room:
                raise sqlite3.OperationalError("database or disk is full")
            return self._connection.execute(statement, *parameters)  # type: ignore[arg-type]

    add(words, "kept")
    words._connection = Full(words._connection)  # type: ignore[assignment,arg-type]
    assert words.change("INSERT INTO words VALUES (?)", ["more"]) == 1
    assert all_of(words) == ["kept", "more"]


# --- forks ------------------------------------------------------------------------------------------------


def test_after_a_fork_both_go_on_and_nothing_is_lost(path: Path) -> None:
    """The parent closes its connection while the child is writing: that must not take the child's log away."""
    script = """
        assert add(words, "before")
        from_child, to_parent = os.pipe()
        from_parent, to_child = os.pipe()
        if (child := os.fork()) == 0:
            assert not add(words, "before")
            assert add(words, "child 1")
            os.write(to_parent, b"x")
            os.read(from_parent, 1)
            assert add(words, "child 2")
            os._exit(0)
        os.read(from_child, 1)
        assert add(words, "parent")
        words.close()
        os.write(to_child, b"x")
        assert os.waitpid(child, 0)[1] == 0
    """
    printed_by(script, path)
    with opened(path) as words:
        assert all_of(words) == ["before", "child 1", "child 2", "parent"]


def test_a_fork_waits_for_the_transactions_of_other_threads(path: Path) -> None:
    script = """
        stopped = threading.Event()
        def write():
            number = 0
            while not stopped.is_set():
                add(words, f"thread {number}")
                number += 1
        threads = [threading.Thread(target=write) for _ in range(2)]
        for thread in threads: thread.start()
        for number in range(5):
            if (child := os.fork()) == 0:
                os._exit(0 if add(words, f"child {number}") else 1)
            assert os.waitpid(child, 0)[1] == 0
        stopped.set()
        for thread in threads: thread.join()
        print(sum(word.startswith("child") for word in all_of(words)))
    """
    assert printed_by(script, path) == "5"


FORK_IN_C = """
    if ctypes.PyDLL(None).fork() == 0:
        try:
            print(add(words, "child"), flush=True)
        except StorageError as error:
            print(error, flush=True)
        os._exit(0)
    os.wait()
    add(words, "parent")
"""
"""Some servers fork without telling Python."""


def test_a_file_that_was_not_used_before_survives_a_fork_that_python_does_not_know_of(path: Path) -> None:
    assert printed_by(FORK_IN_C, path) == "True"


def test_a_file_that_was_used_before_is_refused_after_such_a_fork(path: Path) -> None:
    used = 'add(words, "before")\n' + textwrap.dedent(FORK_IN_C)
    assert "was open when this process was forked: open it in the process that uses it" in printed_by(used, path)
    with opened(path) as words:
        assert all_of(words) == ["before", "parent"]


# --- files that are removed or replaced while in use ------------------------------------------------------


@pytest.mark.parametrize("removed", [("",), ("", "-wal", "-shm")])
def test_all_processes_go_on_with_a_new_file_when_theirs_is_removed(
    words: SQLiteFile, path: Path, removed: tuple[str, ...]
) -> None:
    script = """
        add(words, "old")
        print("ready", flush=True)
        sys.stdin.readline()
        print(add(words, "first"), add(words, "second"), flush=True)
    """
    with started(script, path) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        add(words, "old too")
        for suffix in removed:
            Path(f"{path}{suffix}").unlink()

        assert add(words, "first")  # while the other process has the removed file open
        assert not add(words, "first")
        out, err = other.communicate("\n", timeout=30)

    assert (out, err) == ("False True\n", "")
    assert all_of(words) == ["first", "second"]


def test_an_irreplaceable_file_is_missed_in_all_processes_until_it_is_back(path: Path) -> None:
    with opened(path, irreplaceable=True) as words:
        add(words, "old")
        path.rename(kept := path.with_name("kept"))
        if (child := os.fork()) == 0:
            with suppress(StorageError):
                add(words, "lost")
                os._exit(1)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        for _ in range(2):
            with pytest.raises(StorageError, match="was removed or replaced while it was in use"):
                add(words, "lost")
        assert not path.exists()
        kept.rename(path)
        assert add(words, "new")
        assert all_of(words) == ["new", "old"]


def test_another_programs_file_in_its_place_is_refused_and_left_alone(words: SQLiteFile, path: Path) -> None:
    add(words, "one")
    other = path.with_name("other")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE notes (note TEXT)")
    before = other.read_bytes()
    other.rename(path)
    for _ in range(2):
        with pytest.raises(StorageError, match="is not a list of words"):
            add(words, "two")
    assert path.read_bytes() == before
