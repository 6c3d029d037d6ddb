"""Files that remember: made, kept, refused, and what happens when the disk is full or somebody else has them."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from smsmobile import StorageError
from smsmobile import _storage as sqlite_files
from smsmobile._storage import SQLiteFile

ID = 0x736D7374
SCHEMA = ["CREATE TABLE words (word TEXT PRIMARY KEY)", "CREATE INDEX by_word ON words (word)"]


def opened(path: str | Path, **options: object) -> SQLiteFile:
    given: dict[str, object] = {"application_id": ID, "version": 1, "schema": SCHEMA, "what": "a list of words"}
    return SQLiteFile(path, **{**given, **options})  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_files, "PATIENCE", 0.01)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "words?#%20.sqlite"


@pytest.fixture
def words(path: Path) -> Iterator[SQLiteFile]:
    with opened(path) as words:
        yield words


def add(words: SQLiteFile, *some: str) -> None:
    with words.transaction() as connection:
        connection.executemany("INSERT INTO words VALUES (?)", [(word,) for word in some])


def all_of(words: SQLiteFile) -> list[str]:
    with words.transaction() as connection:
        return [row[0] for row in connection.execute("SELECT word FROM words ORDER BY word")]


# --- what is kept -----------------------------------------------------------------------------------------


def test_what_was_written_is_there_after_the_file_was_closed(path: Path) -> None:
    with opened(path) as words:
        add(words, "one", "two")
    with opened(path) as words:
        assert all_of(words) == ["one", "two"]


def test_a_closed_file_is_one_file(path: Path) -> None:
    with opened(path) as words:
        add(words, "one")
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_nothing_is_kept_of_a_block_that_raises(words: SQLiteFile) -> None:
    def fail() -> None:
        with words.transaction() as connection:
            connection.execute("INSERT INTO words VALUES ('half')")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert all_of(words) == []


def test_nothing_is_kept_of_a_block_whose_statement_fails(words: SQLiteFile) -> None:
    with pytest.raises(StorageError, match="UNIQUE"):
        add(words, "half", "half")
    assert all_of(words) == []


def test_what_was_committed_outlives_a_kill_and_what_was_not_is_gone(path: Path) -> None:
    script = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[2]); from tests_storage import opened, add\n"
        "words = opened(sys.argv[1]); add(words, 'whole')\n"
        "with words.transaction() as connection:\n"
        "    connection.execute(\"INSERT INTO words VALUES ('half')\")\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    shutil.copy(__file__, path.parent / "tests_storage.py")
    killed = subprocess.run([sys.executable, "-c", script, str(path), str(path.parent)], check=False)
    assert killed.returncode == -signal.SIGKILL

    with opened(path) as words:
        assert all_of(words) == ["whole"]


def test_a_commit_is_on_the_disk_and_not_only_on_its_way(words: SQLiteFile) -> None:
    with words.transaction() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_file_is_for_its_owner_alone(words: SQLiteFile, path: Path) -> None:
    add(words, "one")
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_a_file_made_through_a_symbolic_link_is_for_its_owner_alone(tmp_path: Path, path: Path) -> None:
    path.symlink_to(tmp_path / "target")
    with opened(path) as words:
        add(words, "one")
        assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def test_an_empty_file_that_is_there_is_used_as_it_is(path: Path) -> None:
    path.touch(mode=0o640)
    mode = path.stat().st_mode
    with opened(path) as words:
        add(words, "one")
    assert path.stat().st_mode == mode


def test_it_stays_where_it_is_when_the_program_changes_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened("relative.sqlite") as words:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        add(words, "one")
        assert words.path == tmp_path / "relative.sqlite"


def test_threads_take_turns(words: SQLiteFile) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: add(words, f"{number:03}"), range(100)))
    assert len(all_of(words)) == 100


# --- what is refused --------------------------------------------------------------------------------------


def another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (note TEXT)")
        connection.commit()


def not_a_database(path: Path) -> None:
    path.write_text("Dear diary,\n" * 500)


def other_kind_of_ours(path: Path) -> None:
    opened(path, application_id=ID + 1).close()


def newer_version(path: Path) -> None:
    opened(path, version=2).close()


def earlier_version(path: Path) -> None:
    opened(path, version=0).close()


def damaged_inside(path: Path) -> None:
    with opened(path) as words:
        add(words, *(f"{number:06}" for number in range(5000)))
    with path.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 4096)


def cut_short(path: Path) -> None:
    with opened(path) as words:
        add(words, *(f"{number:06}" for number in range(5000)))
    os.truncate(path, 2 * 4096)


def damaged_header(path: Path) -> None:
    opened(path).close()
    with path.open("r+b") as file:
        file.write(b"\xff" * 50)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (another_program, "is not a list of words. The file was not changed: choose another name"),
        (other_kind_of_ours, "is not a list of words"),
        (not_a_database, "is not a list of words, or it is damaged. The file was not changed"),
        (damaged_header, "is not a list of words, or it is damaged. The file was not changed"),
        (newer_version, "was written by a newer version of smsmobile: update smsmobile"),
        (
            earlier_version,
            "was written by an earlier version of smsmobile, .* The file was not changed: choose another",
        ),
        (damaged_inside, "is damaged .*The file was not changed: move it away"),
        (cut_short, "is damaged .*The file was not changed: move it away"),
    ],
)
def test_a_file_that_is_not_ours_is_refused_and_left_as_it_was(
    path: Path, make: Callable[[Path], None], reason: str
) -> None:
    make(path)
    before = path.read_bytes()

    with pytest.raises(StorageError, match=reason) as caught:
        opened(path)

    assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["", ":memory:"])
def test_a_file_needs_a_name(name: str) -> None:
    with pytest.raises(StorageError, match="A file name is needed for a list of words"):
        opened(name)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is a folder"):
        opened(tmp_path)


def test_a_folder_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"The folder of .* does not exist: make it first"):
        opened(tmp_path / "nowhere" / "words.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_it_is_opened_once_in_a_process(words: SQLiteFile, path: Path) -> None:
    add(words, "before")
    with pytest.raises(StorageError, match="in use by another process, or open twice"):
        opened(path)
    add(words, "after")
    assert all_of(words) == ["after", "before"]


def test_no_other_process_can_open_it(words: SQLiteFile, path: Path) -> None:
    with pytest.raises(StorageError):  # which must not loosen the lock either
        opened(path)
    script = (
        "import sqlite3, sys; print(sqlite3.connect(sys.argv[1], timeout=0).execute('SELECT * FROM words').fetchall())"
    )
    tried = subprocess.run([sys.executable, "-c", script, str(path)], check=False, capture_output=True, text=True)
    assert "database is locked" in tried.stderr


def test_a_file_that_is_closed_says_so(path: Path) -> None:
    words = opened(path)
    words.close()
    words.close()
    with pytest.raises(StorageError, match="is closed: open a list of words again"):
        add(words, "one")
    assert "closed" in repr(words)


def test_a_file_that_is_removed_while_in_use_is_noticed(words: SQLiteFile, path: Path) -> None:
    path.unlink()
    with pytest.raises(StorageError, match="was removed or replaced while it was in use"):
        add(words, "lost")


def test_a_file_that_is_replaced_while_in_use_is_noticed(words: SQLiteFile, path: Path) -> None:
    path.rename(path.with_name("moved"))
    path.write_bytes(b"")
    with pytest.raises(StorageError, match="was removed or replaced while it was in use"):
        add(words, "lost")


def test_a_file_is_not_used_across_a_fork(words: SQLiteFile, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os, "getpid", lambda: -1)
        with pytest.raises(StorageError, match="was open when this process was forked"):
            add(words, "one")
    add(words, "one")


# --- a full disk ------------------------------------------------------------------------------------------


def test_a_full_disk_is_one_clear_sentence_and_takes_nothing_with_it(path: Path) -> None:
    with opened(path) as words:
        add(words, "kept")
        with words.transaction() as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages}")

        with pytest.raises(StorageError, match=r"cannot be written .*make room on the disk and try again"):
            add(words, *(f"{number:06}" for number in range(5000)))

        assert all_of(words) == ["kept"]
    with opened(path) as words:
        add(words, "more")
        assert all_of(words) == ["kept", "more"]


def test_no_room_for_the_log_of_changes_loses_nothing(path: Path) -> None:
    """The real thing: the kernel refuses to let the file grow."""
    with opened(path) as words:
        add(words, "kept")
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, before[1]))
        try:
            with pytest.raises(StorageError, match="cannot be"):
                add(words, *(f"{number:06}" for number in range(50_000)))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handler)
        assert all_of(words) == ["kept"]
        add(words, "more")
    with opened(path) as words:
        assert all_of(words) == ["kept", "more"]


def log_of(path: Path) -> int:
    """The size of the write-ahead log."""
    return Path(f"{path}-wal").stat().st_size


def test_the_log_of_a_process_that_was_killed_is_merged_when_the_file_is_opened(path: Path) -> None:
    if (child := os.fork()) == 0:
        try:
            words = opened(path)
            add(words, "kept")
        finally:
            os._exit(0)  # without closing anything
    os.waitpid(child, 0)
    assert log_of(path) > 0
    with opened(path) as words:
        assert log_of(path) == 0
        assert all_of(words) == ["kept"]


@pytest.mark.parametrize(("free", "is_merged"), [(1024, True), (2**40, False)])
def test_the_log_is_merged_while_there_is_room_for_that(
    path: Path, monkeypatch: pytest.MonkeyPatch, free: int, is_merged: bool
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(2**40, 0, free))  # type: ignore[attr-defined]
    with opened(path) as words:
        add(words, "kept")
        assert (log_of(path) == 0) == is_merged


def test_where_a_note_finds_the_disk_full_the_log_is_merged_and_the_note_made(path: Path) -> None:
    class Full:
        """A connection that has room for a note again once the log is empty."""

        def __init__(self, connection: sqlite3.Connection) -> None:
            self._connection = connection

        def __getattr__(self, name: str) -> object:
            return getattr(self._connection, name)

        def execute(self, statement: str, *parameters: object) -> sqlite3.Cursor:
            if statement.startswith("INSERT") and log_of(path):
                raise sqlite3.OperationalError("database or disk is full")
            return self._connection.execute(statement, *parameters)  # type: ignore[arg-type]

    with opened(path) as words:
        add(words, "kept")
        words._connection = Full(words._connection)  # type: ignore[assignment,arg-type]
        words.note("INSERT INTO words VALUES (?)", ["more"])
        assert all_of(words) == ["kept", "more"]


# --- a making that was interrupted ------------------------------------------------------------------------


def test_a_file_whose_making_was_killed_is_made_anew(path: Path) -> None:
    """At every write that making one takes, the process is killed right after it."""
    script = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[2]); from tests_storage import SCHEMA, opened\n"
        "def kill(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
        "class Schema(list):\n"
        "    def __iter__(self):\n"
        "        yield from SCHEMA[:int(sys.argv[3])]\n"
        "        kill()\n"
        "opened(sys.argv[1], schema=Schema())\n"
    )
    shutil.copy(__file__, path.parent / "tests_storage.py")
    for statements in range(len(SCHEMA) + 1):
        command = [sys.executable, "-c", script, str(path), str(path.parent), str(statements)]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
        with opened(path) as words:
            add(words, "one")
            assert all_of(words) == ["one"]
        path.unlink()


def test_a_file_of_which_only_the_first_page_was_written_is_made_anew(path: Path) -> None:
    """A power failure while it was made: the mark of ours is there, and a journal that undoes it."""
    opened(path).close()
    first_page = path.read_bytes()[:4096]
    half = path.with_name("half")
    with closing(sqlite3.connect(path.with_name("other"), isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.execute("CREATE TABLE words (word)")
        connection.executemany("INSERT INTO words VALUES (?)", [("x" * 500,)] * 200)
        shutil.copy(path.with_name("other-journal"), f"{half}-journal")
    half.write_bytes(first_page)

    with opened(half) as words:
        add(words, "one")
        assert all_of(words) == ["one"]


def test_who_waits_for_the_file_gets_it_when_it_is_let_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_files, "PATIENCE", 30)
    words = opened(path)
    threading.Timer(0.05, words.close).start()
    opened(path).close()
