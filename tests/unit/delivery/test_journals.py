"""The journal in a file: kills, power failures, forks, processes that share it, full disks and wrong files.

What every journal promises is in tests/stores.
"""

from __future__ import annotations

import os
import pickle
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from smsmobile import ConfigurationError, StorageError
from smsmobile.delivery import (
    ClaimState,
    Journal,
    JournalEntry,
    MemoryJournal,
    SendStatus,
    SQLiteJournal,
    _sqlite_journal,
)

NEW, BUSY, ABANDONED, DONE = ClaimState.NEW, ClaimState.BUSY, ClaimState.ABANDONED, ClaimState.DONE
SENT, REFUSED, UNKNOWN = SendStatus.SENT, SendStatus.REFUSED, SendStatus.UNKNOWN
NUMBER = "33639985678"
ON_LINUX = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux tells which processes have ended"
)

START = """
    import os, signal, sys
    from smsmobile import StorageError
    from smsmobile.delivery import ClaimState, JournalEntry, SendStatus, SQLiteJournal

    journal = SQLiteJournal(sys.argv[1])

    def entry(key, look=None, token=None):
        look = key if look is None else look
        return JournalEntry(key, "33639985678", "f", "text", look, 1.0, 1.0, token or f"{os.getpid()} {key}")

    def claimed(*keys):
        answers = journal.claim([entry(key) for key in keys])
        assert {answer.state for answer in answers} == {ClaimState.NEW}, answers
        return [answer.entry for answer in answers]
"""


def entry(
    key: str, *, at: float = 1000.0, until: float = 0.0, look: str | None = None, token: str = "t"
) -> JournalEntry:
    return JournalEntry(key, NUMBER, f"print of {key}", "text", key if look is None else look, at, until or at, token)


def claimed(journal: Journal, *keys: str) -> list[JournalEntry]:
    answers = journal.claim([entry(key) for key in keys])
    assert {answer.state for answer in answers} == {NEW}
    return [answer.entry for answer in answers]


def states(journal: Journal, *keys: str) -> list[ClaimState]:
    return [answer.state for answer in journal.claim([entry(key, token="other") for key in keys])]


def process(script: str, path: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c"]
    return subprocess.Popen(
        [*command, textwrap.dedent(START) + textwrap.dedent(script), str(path), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(script: str, path: Path, *arguments: str, code: int = 0) -> str:
    """What a process prints."""
    with process(script, path, *arguments) as one:
        out, err = one.communicate(timeout=60)
    assert (one.returncode, err) == (code, "")
    return out


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "campaign.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[SQLiteJournal]:
    journal = SQLiteJournal(path)
    yield journal
    journal.close()


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """The connections that are made from now on."""
    connections: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def noted(*args: Any, **options: Any) -> sqlite3.Connection:
        connections.append(connect(*args, **options))
        return connections[-1]

    monkeypatch.setattr(sqlite3, "connect", noted)
    return connections


def test_nothing_is_made_before_it_is_used(journal: SQLiteJournal, path: Path) -> None:
    journal.close()
    assert not path.exists()
    journal.claim([])
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["", ":memory:"])
def test_a_journal_has_to_be_a_file(name: str) -> None:
    with pytest.raises(StorageError, match="file name is needed for a journal of messages"):
        SQLiteJournal(name)


@pytest.mark.parametrize("lease", [0, -1, float("nan"), "60", None])
@pytest.mark.parametrize("kind", [SQLiteJournal, MemoryJournal])
def test_a_lease_is_a_number_of_seconds(path: Path, lease: Any, kind: Any) -> None:
    with pytest.raises(ConfigurationError, match="lease"):
        kind(path, lease) if kind is SQLiteJournal else kind(lease)


def test_its_lease_can_be_chosen(path: Path) -> None:
    long = SQLiteJournal(path, lease=600)
    long.claim([entry("a")])
    (answer,) = SQLiteJournal(path).claim([entry("a")])  # one with another lease respects that
    assert answer.state is BUSY
    assert 60 < answer.retry_after <= 600
    assert repr(long) == f"<SQLiteJournal {path}, lease=600 s>"


def test_it_can_be_closed_and_used_again(journal: SQLiteJournal) -> None:
    (planned,) = claimed(journal, "a")
    journal.close()
    journal.close()
    assert journal.start(planned, 2.0)


def test_a_pickled_journal_is_another_on_the_same_file(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    journal = SQLiteJournal(path.name, lease=5)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    claimed(journal, "a")
    assert path.exists()
    copy = pickle.loads(pickle.dumps(journal))
    (answer,) = copy.claim([entry("a")])
    assert answer.state is BUSY
    assert repr(copy) == repr(journal)


# --- kills ------------------------------------------------------------------------------------------------


KILLED = """
    planned, started, sent, unknown = claimed("planned", "started", "sent", "unknown")
    for one in (started, sent, unknown):
        assert journal.start(one, 2.0)
    assert journal.settle(sent, SendStatus.SENT, guid="g")
    assert journal.settle(unknown, SendStatus.UNKNOWN, reason="why")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@ON_LINUX
def test_after_a_kill_everything_is_there_and_the_next_process_goes_on_at_once(
    journal: SQLiteJournal, path: Path
) -> None:
    run(KILLED, path, code=-signal.SIGKILL)
    assert states(journal, "planned", "started", "sent", "unknown") == [NEW, ABANDONED, DONE, DONE]
    assert states(journal, "planned", "started") == [BUSY, BUSY]
    assert [one.key for one in journal.unknown()] == ["unknown"]
    assert journal.has(NUMBER, "g")


@ON_LINUX
def test_after_a_kill_what_was_started_is_given_to_one_at_once(journal: SQLiteJournal, path: Path) -> None:
    run(KILLED, path, code=-signal.SIGKILL)
    other = SQLiteJournal(path)
    assert [[one.key for one in who.abandoned(10)] for who in (journal, other, journal)] == [["started"], [], []]


@ON_LINUX
def test_what_a_process_that_runs_has_claimed_is_its_own(journal: SQLiteJournal, path: Path) -> None:
    script = """
        journal.start(claimed("a", "b")[0], 2.0)
        print("ready", flush=True)
        input()
    """
    with process(script, path) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        assert states(journal, "a", "b") == [BUSY, BUSY]
        assert journal.abandoned(10) == []
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
        assert states(journal, "a", "b") == [ABANDONED, NEW]


@pytest.mark.parametrize(
    "renewed",
    ["journal.renew([found])", "journal.start(found, 2.0)"],
)
@ON_LINUX
def test_the_owner_is_who_renewed_or_started_it_last(journal: SQLiteJournal, path: Path, renewed: str) -> None:
    """A process can go on with the claim of another, since a token is all that a claim needs."""
    claimed(journal, "a")
    run(f"found = entry('a', token='t')\n{renewed}\nos.kill(os.getpid(), signal.SIGKILL)", path, code=-signal.SIGKILL)
    assert states(journal, "a") == [ABANDONED if "start" in renewed else NEW]


def test_where_it_cannot_be_told_that_the_owner_has_ended_its_lease_has_to_pass(
    journal: SQLiteJournal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(KILLED, path, code=-signal.SIGKILL)
    monkeypatch.setattr(_sqlite_journal, "has_ended", lambda process: False)
    assert states(journal, "planned", "started") == [BUSY, BUSY]
    assert journal.abandoned(10) == []


def test_a_process_killed_in_a_claim_has_claimed_nothing(journal: SQLiteJournal, path: Path) -> None:
    script = """
        from contextlib import contextmanager
        from smsmobile._storage import SQLiteFile
        transaction = SQLiteFile.transaction

        @contextmanager
        def killed_before_its_commit(file, **options):
            with transaction(file, **options) as connection:
                yield connection
                assert connection.total_changes >= 2
                os.kill(os.getpid(), signal.SIGKILL)

        SQLiteFile.transaction = killed_before_its_commit
        claimed("a", "b")
    """
    run(script, path, code=-signal.SIGKILL)
    assert states(journal, "a", "b") == [NEW, NEW]


# --- power failures ---------------------------------------------------------------------------------------


def restart_the_machine(journal: SQLiteJournal, monkeypatch: pytest.MonkeyPatch, process: str) -> None:
    journal.close()
    monkeypatch.setattr(_sqlite_journal, "this_process", lambda: process)


@pytest.mark.parametrize("then", ["another 1+1 7 7", "another", ""])
def test_after_a_power_failure_all_that_was_claimed_may_have_been_sent(
    journal: SQLiteJournal, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    monkeypatch.setattr(_sqlite_journal, "this_process", lambda: "one 1+1 7 7")
    claimed(journal, "planned", "later")
    journal.release([entry("planned")])
    (started,) = claimed(journal, "started")
    journal.start(started, 2.0)
    journal.settle(started, REFUSED)
    before = time.time()
    restart_the_machine(journal, monkeypatch, then)

    (answer,) = journal.claim([entry("planned", token="other")])
    assert (answer.state, answer.entry.key, answer.entry.attempted_at) == (ABANDONED, "planned", 1000.0)
    assert before <= answer.entry.until <= time.time()
    assert not journal.start(answer.entry, 2.0)
    assert journal.settle(answer.entry, SENT, guid="g")
    assert states(journal, "later", "started") == [BUSY, DONE]
    assert [one.key for one in journal.without_guid(NUMBER, 1e12)] == ["later"]


@pytest.mark.parametrize("boot", ["one 1+1 7 7", ""])
def test_without_a_power_failure_what_was_claimed_was_not_sent(
    journal: SQLiteJournal, monkeypatch: pytest.MonkeyPatch, boot: str
) -> None:
    monkeypatch.setattr(_sqlite_journal, "this_process", lambda: boot)
    journal.release(claimed(journal, "a"))
    claimed(journal, "b")
    restart_the_machine(journal, monkeypatch, "one 1+1 8 8")
    assert states(journal, "a", "b") == [NEW, BUSY]
    assert journal.abandoned(10) == []


def test_a_claim_waits_for_the_disk_and_the_notes_after_it_do_not(
    journal: SQLiteJournal, connections: list[sqlite3.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sqlite_journal, "this_process", lambda: "one 1+1 7 7")
    flushes = []

    def flushed() -> bool:
        flushes.append(connections[-1].execute("PRAGMA synchronous").fetchone()[0])
        return bool(flushes[-1] == 2)

    (a, b) = claimed(journal, "a", "b")
    assert flushed()
    journal.start(a, 2.0)
    assert not flushed()
    journal.settle(a, SENT)
    assert not flushed()
    assert journal.forget("a")
    assert flushed()
    journal.renew([b])
    assert not flushed()
    claimed(journal, "c")
    assert flushed()
    assert connections[-1].execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_on_a_system_without_a_boot_id_the_note_that_a_request_leaves_waits_for_the_disk(
    journal: SQLiteJournal, connections: list[sqlite3.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sqlite_journal, "this_process", lambda: "")
    (a, b) = claimed(journal, "a", "b")
    journal.start(a, 2.0)
    assert connections[-1].execute("PRAGMA synchronous").fetchone() == (2,)
    journal.settle(a, SENT)
    assert connections[-1].execute("PRAGMA synchronous").fetchone() == (1,)
    journal.start(b, 2.0)
    assert connections[-1].execute("PRAGMA synchronous").fetchone() == (2,)


# --- several processes ------------------------------------------------------------------------------------


def test_of_four_processes_exactly_one_sends_each_message(path: Path) -> None:
    script = """
        keys = [f"key {number}" for number in range(2000)]
        input()
        for start in range(0, 2000, 40):
            for answer in journal.claim([entry(key) for key in keys[start : start + 40]]):
                if answer.state is ClaimState.NEW:
                    assert journal.start(answer.entry, 2.0)
                    print(answer.entry.key)
                    assert journal.settle(answer.entry, SendStatus.SENT, guid="g")
    """
    others = [process(script, path) for _ in range(4)]
    for other in others:
        assert other.stdin is not None
        other.stdin.write("\n")
        other.stdin.flush()
    told = [other.communicate(timeout=100) for other in others]
    assert [err for _, err in told] == [""] * 4
    sent = Counter(line for out, _ in told for line in out.splitlines())
    assert sent == Counter(f"key {number}" for number in range(2000))


def test_messages_of_two_processes_that_look_alike_are_never_in_flight_at_one_time(path: Path, tmp_path: Path) -> None:
    script = """
        sent = 0
        while sent < 100:
            (answer,) = journal.claim([entry(f"{sys.argv[2]} {sent}", look="x" if sent % 3 else "")])
            if answer.state is ClaimState.NEW:
                assert journal.start(answer.entry, 2.0)
                os.mkdir(sys.argv[3])   # fails if the other process is between its start and its outcome
                os.rmdir(sys.argv[3])
                assert journal.settle(answer.entry, SendStatus.SENT)
                sent += 1
            else:
                assert answer.state is ClaimState.BUSY
        print(sent)
    """
    others = [process(script, path, name, str(tmp_path / "in flight")) for name in ("one", "two")]
    told = [other.communicate(timeout=100) for other in others]
    assert told == [("100\n", "")] * 2


@ON_LINUX
def test_a_fork_goes_on_with_the_journal_and_is_a_process_of_its_own(path: Path) -> None:
    script = """
        claimed("before")
        if (child := os.fork()) == 0:
            claimed("child")
            assert journal.claim([entry("before")])[0].state is ClaimState.BUSY
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        for key in ("before", "child"):
            print(journal.claim([entry(key)])[0].state)
    """
    assert run(script, path).split() == ["busy", "new"]


# --- disks and files --------------------------------------------------------------------------------------


def test_on_a_full_disk_nothing_is_claimed_and_what_was_noted_stays(
    journal: SQLiteJournal, connections: list[sqlite3.Connection]
) -> None:
    (a,) = claimed(journal, "a")
    journal.start(a, 2.0)
    (pages,) = connections[-1].execute("PRAGMA page_count").fetchone()
    connections[-1].execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match="make room"):
        journal.claim([entry(f"{number}" * 100) for number in range(200)])

    assert states(journal, "0" * 100, "a") == [NEW, BUSY]
    assert journal.settle(a, SENT)


def test_where_the_file_cannot_grow_every_kind_of_note_is_an_error(path: Path) -> None:
    script = """
        import resource
        (a,) = claimed("a")
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        for step in (
            lambda: journal.claim([entry("b")]),
            lambda: journal.start(a, 2.0),
            lambda: journal.settle(a, SendStatus.SENT),
            lambda: journal.withdraw([a]),
            lambda: journal.renew([a]),
            lambda: journal.release([a]),
        ):
            try:
                step()
            except StorageError:
                print("refused")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        print(journal.claim([entry("b")])[0].state, journal.start(a, 2.0))
    """
    assert run(script, path).split() == ["refused"] * 6 + ["new", "True"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 4096


@pytest.mark.parametrize("damage", ["truncated", "overwritten", "text", "another database", "version 1", "version 4"])
def test_a_wrong_file_is_refused_and_left_as_it_was(journal: SQLiteJournal, path: Path, damage: str) -> None:
    journal.claim([entry(f"key {number}") for number in range(1000)])
    journal.close()
    whole = path.read_bytes()
    expected = "The file was not changed"
    if damage == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "overwritten":
        path.write_bytes(whole[:8192] + b"\x5a" * 8192 + whole[16384:])
    elif damage == "text":
        path.write_text("Dear diary, today I sent an SMS. " * 100)
    elif damage == "another database":
        path.unlink()
        with closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE messages (key)")
    else:
        version = damage[-1]
        with closing(sqlite3.connect(path)) as other:
            other.execute(f"PRAGMA user_version = {version}")
        expected = {"1": "was written by an earlier version of smsmobile", "4": "by a newer version"}[version]
    damaged = path.read_bytes()

    for _ in range(2):
        with pytest.raises(StorageError, match=expected):
            SQLiteJournal(path).claim([entry("a")])
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("then", ["removed", "replaced"])
def test_a_file_that_was_removed_is_an_error_and_not_an_empty_journal(
    journal: SQLiteJournal, path: Path, then: str
) -> None:
    (a,) = claimed(journal, "a")
    path.rename(kept := path.with_name("kept"))
    if then == "replaced":
        SQLiteJournal(path.with_name("new")).claim([])
        shutil.copy(path.with_name("new"), path)
    for _ in range(2):
        with pytest.raises(StorageError, match="was removed or replaced while it was in use"):
            journal.claim([entry("a")])
    path.unlink(missing_ok=True)
    kept.rename(path)
    assert states(journal, "a", "b") == [BUSY, NEW]
    assert journal.start(a, 2.0)


# --- many messages ----------------------------------------------------------------------------------------


def test_no_step_reads_all_messages(journal: SQLiteJournal, connections: list[sqlite3.Connection]) -> None:
    """With a million messages, each step must take as long as with a thousand."""
    journal.claim([])
    statements: set[str] = set()
    connections[-1].set_trace_callback(statements.add)
    first, second = claimed(journal, "a", "b")
    states(journal, "a")
    journal.start(first, 2.0)
    journal.renew([first])
    journal.release([first])
    journal.abandoned(10)
    journal.settle(first, UNKNOWN)
    journal.unknown()
    journal.has(NUMBER, "g")
    journal.without_guid(NUMBER, 1.0)
    journal.withdraw([first, second])
    journal.forget("a")
    connections[-1].set_trace_callback(None)
    _sqlite_journal._prepare(connections[-1])

    plans = {
        statement: [row[3] for row in connections[-1].execute(f"EXPLAIN QUERY PLAN {statement}")]
        for statement in statements
        if statement.startswith(("SELECT", "UPDATE", "DELETE"))
    }
    assert len(plans) >= 10
    for statement, plan in plans.items():
        for step in plan:
            if step == "USE TEMP B-TREE FOR ORDER BY":  # of those that were found
                continue
            assert step.startswith("SEARCH") or "INDEX listed" in step, (statement, plan)


def test_a_start_and_an_outcome_write_one_page_each(journal: SQLiteJournal, path: Path) -> None:
    """They come one by one, so each page counts. Anything more that changes with them can wait for the next claim."""
    log, frame = path.with_name(f"{path.name}-wal"), 24 + 1024
    keys = [f"{number:032x}" for number in range(100)]
    answers = journal.claim([entry(key, at=1.5e9, token=f"{'0' * 32}-{key[-3:]}") for key in keys])
    for answer in answers:
        size = log.stat().st_size
        assert journal.start(answer.entry, 1.7e9)
        assert log.stat().st_size == size + frame
        assert journal.settle(answer.entry, SENT, guid="c319d3b35e8f8712cde20dae39ac3c19f86eda25")
        assert log.stat().st_size == size + 2 * frame


def test_a_status_prints_as_its_word_on_every_python() -> None:
    assert f"{SendStatus.SENT} {SendStatus.REFUSED!s} {ClaimState.NEW}" == "sent refused new"
