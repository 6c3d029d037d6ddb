"""`write_report`: what the file of a report has, and what is left of it when something fails."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import stat
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smsmobile import ConfigurationError, StorageError
from smsmobile.delivery import JournalEntry, MemoryJournal, ReportSummary, SendStatus, SQLiteJournal, write_report

NUMBER = "33639985678"
AT = 1764581161.75  # 2025-12-01 09:26:01.75 UTC
LATER = AT + 3600

_tokens = map("token {}".format, itertools.count())


def add(
    journal: MemoryJournal | SQLiteJournal,
    key: str,
    outcome: SendStatus | None = SendStatus.SENT,
    *,
    number: str = NUMBER,
    guid: str | None = None,
    reason: str | None = None,
    until: float = 0.0,
) -> None:
    """Put a message into the journal."""
    entry = JournalEntry(key, number, "print", "text", f"look of {key}", AT, until, next(_tokens))
    journal.claim([entry])
    if outcome in {SendStatus.SUPPRESSED, SendStatus.EXPIRED}:
        journal.keep_back(entry, outcome, reason or "a rule")
        return
    journal.start(entry, AT)
    if outcome is not None:
        journal.settle(entry, outcome, guid=guid, reason=reason)


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_has_what_the_journal_knows(journal: MemoryJournal, tmp_path: Path) -> None:
    add(journal, "order-1", guid="guid-1", until=LATER)
    write_report(journal, tmp_path / "report.csv")
    assert (tmp_path / "report.csv").read_bytes() == (
        b"key,number,status,guid,reason,attempted_at,scheduled_for\r\n"
        b"order-1,+33639985678,sent,guid-1,,2025-12-01T09:26:01+00:00,2025-12-01T10:26:01+00:00\r\n"
    )


def test_in_json_what_is_not_there_is_null(journal: MemoryJournal, tmp_path: Path) -> None:
    add(journal, "order-1", SendStatus.REFUSED, reason="It is no number.")
    write_report(journal, tmp_path / "report.JSON")
    assert json.loads((tmp_path / "report.JSON").read_text("utf-8")) == [
        {
            "key": "order-1",
            "number": "+33639985678",
            "status": "refused",
            "guid": None,
            "reason": "It is no number.",
            "attempted_at": "2025-12-01T09:26:01+00:00",
            "scheduled_for": None,
        }
    ]


def test_every_status_is_reported_and_counted(journal: MemoryJournal, tmp_path: Path) -> None:
    statuses = [SendStatus.SENT, SendStatus.SENT, SendStatus.REFUSED, SendStatus.UNKNOWN, SendStatus.SUPPRESSED]
    for number, status in enumerate([*statuses, SendStatus.EXPIRED, None]):
        add(journal, str(number), status)
    summary = write_report(journal, tmp_path / "report.csv")
    expected = ["sent", "sent", "refused", "unknown", "suppressed", "expired", "in_flight"]
    assert [row["status"] for row in rows_of(tmp_path / "report.csv")] == expected
    assert summary == ReportSummary(sent=2, refused=1, unknown=1, suppressed=1, expired=1, in_flight=1)
    assert summary.total == 7


def test_the_summary_has_each_status_that_a_journal_records() -> None:
    recorded = {status.value for status in SendStatus} - {"duplicate"}
    assert {*vars(ReportSummary())} == recorded | {"in_flight"}


@pytest.mark.parametrize(
    ("number", "shown"),
    [("120255501", "+120255501"), ("447700900123", "+447700900123"), ("36180", "36180"), ("361805", "361805")],
)
def test_a_number_has_a_plus_and_a_short_code_has_none(
    journal: MemoryJournal, tmp_path: Path, number: str, shown: str
) -> None:
    add(journal, "a", number=number)
    write_report(journal, tmp_path / "report.csv")
    assert [row["number"] for row in rows_of(tmp_path / "report.csv")] == [shown]


FORMULAS = ["=1+1", '=HYPERLINK("http://x.example")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_in_csv_no_text_is_a_formula(journal: MemoryJournal, tmp_path: Path, text: str) -> None:
    add(journal, text, SendStatus.REFUSED, guid=text, reason=text)
    write_report(journal, tmp_path / "report.csv")
    (row,) = rows_of(tmp_path / "report.csv")
    assert (row["key"], row["guid"], row["reason"]) == (f"'{text}",) * 3


@pytest.mark.parametrize("text", FORMULAS)
def test_json_has_it_as_it_is(journal: MemoryJournal, tmp_path: Path, text: str) -> None:
    add(journal, text, reason=text)
    write_report(journal, tmp_path / "report.json")
    (row,) = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert (row["key"], row["reason"]) == (text, text)


@pytest.mark.parametrize("key", ["-5", "+33639985678", "order-1", "a=b", "'quoted'", 'é, "quoted"\nand more'])
def test_what_is_no_formula_stays_as_it_is(journal: MemoryJournal, tmp_path: Path, key: str) -> None:
    add(journal, key)
    write_report(journal, tmp_path / "report.csv")
    assert [row["key"] for row in rows_of(tmp_path / "report.csv")] == [key]


@pytest.mark.parametrize("name", ["report.csv", "report.json"])
def test_half_of_a_surrogate_pair_is_written_as_its_escape(journal: MemoryJournal, tmp_path: Path, name: str) -> None:
    add(journal, "half \udc80")
    write_report(journal, tmp_path / name)
    assert "half \\udc80" in (tmp_path / name).read_text("utf-8")


@pytest.mark.parametrize(("name", "content"), [("a.csv", []), ("a.json", [])])
def test_a_report_of_nothing_is_valid(journal: MemoryJournal, tmp_path: Path, name: str, content: list[Any]) -> None:
    assert write_report(journal, tmp_path / name) == ReportSummary()
    read = rows_of if name.endswith("csv") else lambda path: json.loads(path.read_text("utf-8"))
    assert read(tmp_path / name) == content


def test_many_rows_are_valid_json(journal: MemoryJournal, tmp_path: Path) -> None:
    for number in range(3):
        add(journal, str(number))
    write_report(journal, str(tmp_path / "a.json"))
    assert [row["key"] for row in json.loads((tmp_path / "a.json").read_text("utf-8"))] == ["0", "1", "2"]


# --- the journal ----------------------------------------------------------------------------------------------


def test_a_journal_can_be_the_name_of_its_file(tmp_path: Path) -> None:
    journal = SQLiteJournal(tmp_path / "sent.sqlite")
    add(journal, "a")
    assert write_report(tmp_path / "sent.sqlite", tmp_path / "a.csv") == ReportSummary(sent=1)
    assert write_report(str(tmp_path / "sent.sqlite"), tmp_path / "b.csv") == ReportSummary(sent=1)
    journal.close()


def test_a_missing_journal_is_an_error_and_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"no journal .*typo\.sqlite"):
        write_report(tmp_path / "typo.sqlite", tmp_path / "report.csv")
    assert list(tmp_path.iterdir()) == []


def test_the_address_of_a_server_is_not_shown_as_a_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        write_report("redis://:hidden-password@localhost/0", tmp_path / "report.csv")
    assert "hidden-password" not in str(caught.value)


def test_a_journal_that_cannot_be_read_is_not_called_a_report_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_text("of another program")
    with pytest.raises(StorageError, match="is not a journal of messages") as caught:
        write_report(tmp_path / "journal.sqlite", tmp_path / "report.csv")
    assert "cannot be written" not in str(caught.value)


def test_what_is_no_journal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="The journal is of type int"):
        write_report(7, tmp_path / "report.csv")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


class Long(MemoryJournal):
    """A journal of many messages that takes no memory."""

    def entries(self) -> Iterator[JournalEntry]:
        for number in range(5_000):
            yield JournalEntry(f"key {number}", NUMBER, "", "text", "", AT, AT, "", SendStatus.SENT)


@pytest.mark.parametrize("format", ["csv", "json"])
def test_a_long_journal_takes_no_more_memory(tmp_path: Path, format: Any) -> None:  # noqa: A002
    tracemalloc.start()
    assert write_report(Long(), tmp_path / "report", format=format).total == 5_000
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 300_000


# --- the file -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_only_its_owner_can_read_it_whatever_was_there_before(journal: MemoryJournal, tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("old")
    (tmp_path / "old.csv").chmod(0o644)
    for name in ("new.csv", "old.csv"):
        write_report(journal, tmp_path / name)
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


@pytest.mark.skipif(os.name == "nt", reason="Windows needs a right for links")
def test_a_link_stays_a_link(journal: MemoryJournal, tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    write_report(journal, tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert rows_of(tmp_path / "real.csv") == []


class Broken(MemoryJournal):
    """It fails while it is read."""

    def entries(self) -> Iterator[JournalEntry]:
        yield JournalEntry("a", NUMBER, "", "text", "", AT, AT, "", SendStatus.SENT)
        raise StorageError("The disk is failing.")


def test_after_a_failure_the_file_is_as_before_and_nothing_else_is_left(tmp_path: Path) -> None:
    (tmp_path / "report.csv").write_text("of yesterday")
    with pytest.raises(StorageError, match="The disk is failing"):
        write_report(Broken(), tmp_path / "report.csv")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("report.csv", "of yesterday")]


def test_a_folder_that_is_missing_is_a_storage_error(journal: MemoryJournal, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"missing.report\.csv cannot be written \(No such file"):
        write_report(journal, tmp_path / "missing" / "report.csv")


def test_a_full_disk_is_a_storage_error(
    journal: MemoryJournal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        write_report(journal, tmp_path / "report.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_not_replaced(journal: MemoryJournal, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(StorageError, match="not a file that can be replaced"):
        write_report(journal, tmp_path / "folder.csv")
    assert (tmp_path / "folder.csv").is_dir()


def test_a_journal_is_not_replaced_by_its_report(tmp_path: Path) -> None:
    """Else the campaign would be sent again."""
    journal = SQLiteJournal(tmp_path / "sent.csv")
    add(journal, "a")
    with pytest.raises(StorageError, match="is a database, such as a journal"):
        write_report(tmp_path / "sent.csv", tmp_path / "sent.csv")
    assert journal.get("a") is not None
    journal.close()


@pytest.mark.parametrize("path", ["report.txt", "report", "csv", Path("a.csv.gz"), io.StringIO(), ".csv"])
def test_a_name_without_a_known_suffix_needs_a_format(
    journal: MemoryJournal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=r"expected \.csv or \.json, or format='csv'"):
        write_report(journal, path)
    write_report(journal, path, format="csv")


@pytest.mark.parametrize("wrong", ["xml", "CSV", "", 7, ["csv"]])
def test_an_unknown_format_is_refused(journal: MemoryJournal, tmp_path: Path, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"format is .*; expected 'csv', 'json'"):
        write_report(journal, tmp_path / "report.csv", format=wrong)
    assert list(tmp_path.iterdir()) == []


def test_an_open_text_file_is_written_and_stays_open(journal: MemoryJournal) -> None:
    add(journal, "a")
    file = io.StringIO()
    assert write_report(journal, file, format="csv").sent == 1
    file.write("the end")
    assert file.getvalue().splitlines()[1:] == ["a,+33639985678,sent,,,2025-12-01T09:26:01+00:00,", "the end"]


def test_the_name_of_an_open_file_says_the_format(journal: MemoryJournal, tmp_path: Path) -> None:
    with (tmp_path / "a.json").open("w", encoding="utf-8") as file:
        write_report(journal, file)
    with tempfile.NamedTemporaryFile("w+", suffix=".csv", dir=tmp_path) as wrapped:
        write_report(journal, wrapped)  # type: ignore[arg-type]  # it is no TextIO, but writes texts as one does
        wrapped.seek(0)
        assert wrapped.read().startswith("key,number,")
    assert (tmp_path / "a.json").read_text("utf-8") == "[]\n"


@pytest.mark.parametrize("path", [None, 7, io.BytesIO()])
def test_what_is_neither_a_name_nor_an_open_text_file_is_refused(journal: MemoryJournal, path: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"path is .*; expected the name of a file, or a file that was opened"):
        write_report(journal, path, format="csv")
