"""What a journal remembers after a close, a kill and a power failure."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from smsmobile import StorageError
from smsmobile import _storage as sqlite_files
from smsmobile.delivery import BulkStatus, Journal, JournalEntry, SQLiteJournal
from smsmobile.delivery import journals as journal


def entry(key: str, number: str = "33612345678", at: float = 1000.0, until: float = 0.0) -> JournalEntry:
    return JournalEntry(key, number, f"print of {key}", "text", at, until)


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_files, "PATIENCE", 0.01)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "campaign.sqlite"


@pytest.fixture
def notes(path: Path) -> Iterator[SQLiteJournal]:
    notes = SQLiteJournal(path)
    notes.open()
    yield notes
    notes.close()


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


def reopened(notes: SQLiteJournal) -> SQLiteJournal:
    notes.close()
    notes.open()
    return notes


def recorded(notes: SQLiteJournal, key: str) -> JournalEntry | None:
    """The entry there is for a key."""
    if known := notes.plan([entry(key)]):
        return known[0]
    notes.withdraw([key])
    return None


def test_the_one_that_comes_along_is_a_journal(path: Path) -> None:
    assert isinstance(SQLiteJournal(path), Journal)
    assert not path.exists()


def test_what_became_of_a_message_is_remembered(notes: SQLiteJournal) -> None:
    notes.plan([entry("a"), entry("b"), entry("c")])
    for key in "abc":
        notes.start(key, 2000.5)
    notes.settle("a", BulkStatus.SENT, guid="g")
    notes.settle("b", BulkStatus.REFUSED, reason="why")
    reopened(notes)

    expected = entry("a", at=2000.5, until=2000.5)
    assert recorded(notes, "a") == expected._replace(outcome=BulkStatus.SENT, guid="g")
    assert recorded(notes, "b") == expected._replace(
        key="b", fingerprint="print of b", outcome=BulkStatus.REFUSED, reason="why"
    )
    assert recorded(notes, "x") is None


def test_what_was_planned_and_not_started_was_not_sent(notes: SQLiteJournal) -> None:
    notes.plan([entry("planned"), entry("started")])
    notes.start("started", 2000.0)
    reopened(notes)

    assert recorded(notes, "planned") is None
    assert [one.key for one in notes.undecided()] == ["started"]


@pytest.mark.parametrize("boot", ["another", ""])
def test_after_a_power_failure_all_that_was_planned_may_have_been_sent(
    notes: SQLiteJournal, boot: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    notes.plan([entry("planned", until=5.0)])
    (tmp_path / "boot_id").write_text(boot)
    monkeypatch.setattr(journal, "_BOOT_ID", tmp_path / "boot_id")
    before = time.time()
    reopened(notes)

    (planned,) = notes.undecided()
    assert (planned.key, planned.outcome) == ("planned", None)
    assert planned.attempted_at == 1000.0
    assert before <= planned.until <= time.time()


def test_on_a_system_without_a_boot_id_the_note_that_a_request_leaves_waits_for_the_disk(
    notes: SQLiteJournal, connections: list[sqlite3.Connection], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reopened(notes)
    monkeypatch.setattr(journal, "_BOOT_ID", tmp_path / "nowhere")
    reopened(notes)
    connection = connections[-1]
    notes.plan([entry("planned"), entry("started"), entry("sent")])
    for key in ("sent", "started"):
        notes.start(key, 2.0)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        if key == "sent":
            notes.settle("sent", BulkStatus.SENT)

    assert [one.key for one in reopened(notes).undecided()] == ["started"]
    assert recorded(notes, "planned") is None


def test_in_doubt_is_what_was_in_flight_or_is_unknown(notes: SQLiteJournal) -> None:
    notes.plan([entry(key) for key in ("flying", "unknown", "sent", "refused")])
    for key in ("flying", "unknown", "sent", "refused"):
        notes.start(key, 2000.0)
    notes.settle("unknown", BulkStatus.UNKNOWN, reason="why")
    notes.settle("sent", BulkStatus.SENT)
    notes.settle("refused", BulkStatus.REFUSED)

    undecided = {one.key: one.outcome for one in notes.undecided()}
    assert undecided == {"flying": None, "unknown": BulkStatus.UNKNOWN}


def test_the_scheduled_time_is_kept_where_it_is_later(notes: SQLiteJournal) -> None:
    notes.plan([entry("a", until=9000.0)])
    notes.start("a", 2000.0)
    found = recorded(notes, "a")
    assert found is not None
    assert (found.attempted_at, found.until) == (2000.0, 9000.0)


def test_the_messages_to_a_number_of_which_nobody_knows_the_guid_are_found(notes: SQLiteJournal) -> None:
    keys = ("a", "c", "old", "unknown", "with a guid", "flying")
    notes.plan([*map(entry, keys), entry("b", "33698765432"), entry("scheduled", until=9000.0), entry("planned")])
    for key in ("a", "b", "c", "unknown", "with a guid", "flying"):
        notes.start(key, 2000.0)
    for key in ("old", "scheduled"):
        notes.start(key, 1999.0)
    for key in ("a", "b", "old", "scheduled"):
        notes.settle(key, BulkStatus.SENT)
    notes.settle("with a guid", BulkStatus.SENT, guid="g")
    notes.settle("c", BulkStatus.REFUSED)
    notes.settle("unknown", BulkStatus.UNKNOWN)

    found = notes.without_guid("33612345678", 2000.0)
    assert sorted(one.key for one in found) == ["a", "c", "flying", "scheduled", "unknown"]


def test_a_guid_is_found_among_the_messages_to_its_number(notes: SQLiteJournal) -> None:
    notes.plan([entry("a"), entry("b")])
    notes.settle("a", BulkStatus.SENT, guid="g")
    assert notes.has("33612345678", "g")
    assert not notes.has("33612345678", "h")
    assert not notes.has("33698765432", "g")


def test_what_was_withdrawn_is_as_if_it_had_never_been(notes: SQLiteJournal) -> None:
    notes.plan([entry("a"), entry("b")])
    notes.start("a", 2000.0)
    assert notes.withdraw(["a", "x"]) == 1
    assert recorded(notes, "a") is None
    assert notes.undecided() == []
    assert notes.plan([entry("a"), entry("b")]) == [entry("b")]


def test_one_run_at_a_time(notes: SQLiteJournal, path: Path) -> None:
    with pytest.raises(StorageError, match="another run of this process"):
        notes.open()
    with pytest.raises(StorageError, match="in use"):
        SQLiteJournal(path).open()
    notes.close()
    other = SQLiteJournal(path)
    other.open()
    other.close()


def test_another_process_is_refused_as_long_as_the_run_goes_on(notes: SQLiteJournal, path: Path) -> None:
    script = f"from smsmobile.delivery import SQLiteJournal; SQLiteJournal({str(path)!r}).open()"
    refused = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "StorageError" in refused.stderr
    assert "in use by another process" in refused.stderr
    notes.close()
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_journal_that_is_not_open_says_so(path: Path) -> None:
    notes = SQLiteJournal(path)
    with pytest.raises(StorageError, match="not open"):
        notes.plan([entry("a")])
    notes.close()


def test_each_note_outlives_a_kill_that_follows_it(path: Path) -> None:
    script = f"""
        import os, signal
        from smsmobile.delivery import BulkStatus, JournalEntry, SQLiteJournal
        notes = SQLiteJournal({str(path)!r})
        notes.open()
        notes.plan([JournalEntry(key, "336", key, "text", 1.0, 0.0) for key in ("planned", "started", "sent")])
        notes.start("started", 2.0)
        notes.start("sent", 2.0)
        notes.settle("sent", BulkStatus.SENT, guid="g")
        os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert killed.returncode == -signal.SIGKILL

    notes = SQLiteJournal(path)
    notes.open()
    sent = recorded(notes, "sent")
    assert sent is not None
    assert (sent.outcome, sent.guid) == (BulkStatus.SENT, "g")
    assert [one.key for one in notes.undecided()] == ["started"]
    assert recorded(notes, "planned") is None
    notes.close()


def test_a_plan_waits_for_the_disk_and_the_notes_after_it_do_not(
    notes: SQLiteJournal, connections: list[sqlite3.Connection]
) -> None:
    reopened(notes)
    connection = connections[-1]

    notes.plan([entry("a")])
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    notes.start("a", 2.0)
    notes.settle("a", BulkStatus.SENT)
    assert connection.execute("PRAGMA synchronous").fetchone() == (1,)
    notes.plan([entry("b")])
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_on_a_full_disk_nothing_is_planned_and_what_was_noted_stays(
    notes: SQLiteJournal, connections: list[sqlite3.Connection]
) -> None:
    reopened(notes)
    connection = connections[-1]
    notes.plan([entry("a")])
    notes.start("a", 2.0)
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match="make room"):
        notes.plan([entry(f"{number}" * 100) for number in range(200)])

    connection.execute("PRAGMA max_page_count = 1000000")
    assert [one.key for one in notes.undecided()] == ["a"]
    assert recorded(notes, "0" * 100) is None
    notes.plan([entry("b")])
    assert recorded(notes, "b") == entry("b")


def test_where_the_file_cannot_grow_every_kind_of_note_is_an_error(path: Path) -> None:
    script = f"""
        import resource, signal
        from smsmobile import StorageError
        from smsmobile.delivery import BulkStatus, JournalEntry, SQLiteJournal
        notes = SQLiteJournal({str(path)!r})
        notes.open()
        notes.plan([JournalEntry("a", "336", "f", "text", 1.0, 0.0)])
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        for note in (
            lambda: notes.plan([JournalEntry("b", "336", "f", "text", 1.0, 0.0)]),
            lambda: notes.start("a", 2.0),
            lambda: notes.settle("a", BulkStatus.SENT),
            lambda: notes.withdraw(["a"]),
        ):
            try:
                note()
            except StorageError:
                print("refused")
    """
    told = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    ).stdout
    assert told.split() == ["refused"] * 4
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 4096


@pytest.mark.parametrize("damage", ["truncated", "overwritten", "text", "another database"])
def test_a_damaged_journal_is_refused_and_left_as_it_was(notes: SQLiteJournal, path: Path, damage: str) -> None:
    for start in range(0, 1000, 100):
        notes.plan([entry(f"key {number}") for number in range(start, start + 100)])
    notes.close()
    whole = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "overwritten":
        path.write_bytes(whole[:8192] + b"\x5a" * 8192 + whole[16384:])
    elif damage == "text":
        path.write_text("Dear diary, today I sent an SMS. " * 100)
    else:
        path.unlink()
        with closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE messages (key)")
    damaged = path.read_bytes()

    with pytest.raises(StorageError, match="The file was not changed"):
        SQLiteJournal(path).open()
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("name", ["", ":memory:"])
def test_a_journal_has_to_be_a_file(name: str) -> None:
    with pytest.raises(StorageError, match="file name is needed"):
        SQLiteJournal(name).open()


def test_a_fork_does_not_harm_the_journal_of_its_parent(path: Path) -> None:
    script = f"""
        import os, signal, sys
        from smsmobile.delivery import JournalEntry, SQLiteJournal
        notes = SQLiteJournal({str(path)!r})
        notes.open()
        for key in "ab":
            notes.plan([JournalEntry(key, "336", "f", "text", 1.0, 0.0)])
            notes.start(key, 2.0)
            if key == "a" and (child := os.fork()) == 0:
                notes.close()
                sys.exit()
            os.waitpid(child, 0) if key == "a" else os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(script)], check=False, env={**os.environ}
    )
    assert killed.returncode == -signal.SIGKILL
    notes = SQLiteJournal(path)
    notes.open()
    assert sorted(one.key for one in notes.undecided()) == ["a", "b"]
    notes.close()
