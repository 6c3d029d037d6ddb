"""`write_report`: all outcomes of a journal in a CSV or JSON file."""

from __future__ import annotations

import csv
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, TextIO, TypeAlias

from .._input.country_codes import with_plus
from .._wire.values import UTC
from ..errors import ConfigurationError, StorageError
from ._arguments import opened_existing
from .journals import Journal, JournalEntry

__all__ = ["ReportSummary", "write_report"]


def __dir__() -> list[str]:
    return __all__


_Row: TypeAlias = dict[str, "str | None"]

_COLUMNS = ("key", "number", "status", "guid", "reason", "attempted_at", "scheduled_for")
_IN_FLIGHT = "in_flight"
_FORMULA = re.compile(r"(?![+-][0-9]+\Z)[=+\-@\t\r\n]")
"""The beginning of a cell that a spreadsheet would execute. A number with its sign is no formula."""
_DATABASE = b"SQLite format 3\0"
"""The beginning of every SQLite file."""


@dataclass(frozen=True)
class ReportSummary:
    """How many messages of a report have each status."""

    sent: int = 0
    """Accepted by the service."""
    refused: int = 0
    """Not accepted, for a reason that concerns the message alone."""
    unknown: int = 0
    """Perhaps accepted: the sent log does not show it."""
    suppressed: int = 0
    """Not sent, since the recipient has asked for no more messages."""
    expired: int = 0
    """Not sent, since its time was over."""
    in_flight: int = 0
    """Without an outcome: somebody is sending it, or was interrupted while sending it."""

    @property
    def total(self) -> int:
        """The number of all messages."""
        return self.sent + self.refused + self.unknown + self.suppressed + self.expired + self.in_flight


def write_report(
    journal: str | os.PathLike[str] | Journal,
    path: str | os.PathLike[str] | TextIO,
    *,
    format: Literal["csv", "json"] | None = None,  # noqa: A002 - it is the best name
) -> ReportSummary:
    """Write all messages of a journal with their outcomes, one row for each, in any order.

        summary = write_report("campaign.sqlite", "campaign.csv")
        print(summary.sent, "sent,", summary.unknown, "unknown, of", summary.total)

    journal: a `Journal`, or the name of the file of one. A file that is missing is not created.
    path: the name of the file to write. One that is there is replaced once the report is complete. It has phone
        numbers, so only its owner can read it (mode 0600). Or an open text file; for CSV, open it with `newline=""`.
    format: `"csv"` or `"json"`; None for the one that the name of the file ends with, `.csv` or `.json`.

    The columns are `key`; `number`, with `+` unless it is a short code; `status`: sent, refused, unknown, suppressed,
    expired, or in_flight while there is no outcome; `guid`; `reason`, why it was not sent or is unknown;
    `attempted_at`, when the request left or was planned; and `scheduled_for`, if that is later. Times are in UTC (ISO
    8601). What a message does not have is empty in CSV, and null in JSON, which is an array of objects.

    In CSV, an apostrophe is put before a text that a spreadsheet would take for a formula. JSON has each text as it is.

    A journal of any length needs no more memory. It may be in use meanwhile: each message is reported as it is when it
    is read.

    Returns how many messages have each status. Raises ConfigurationError for a wrong argument, and StorageError if the
    journal cannot be read or the file cannot be written; then the file is as it was before.
    """
    write = _WRITERS[_format_of(path, format)]
    counts = Counter[str]()
    with opened_existing(journal) as shared:
        if isinstance(path, (str, os.PathLike)):
            with _replacing(Path(path)) as file:
                write(file, _rows(shared.entries(), counts))
        else:
            write(path, _rows(shared.entries(), counts))
    return ReportSummary(**counts)


def _format_of(path: object, asked: object) -> str:
    """Raises ConfigurationError for no format, and for what is neither a name nor an open text file."""
    if not isinstance(path, (str, os.PathLike)):
        _check_writable(path)
    if asked is None:
        name = str(path if isinstance(path, (str, os.PathLike)) else getattr(path, "name", ""))
        found = Path(name).suffix.lower().removeprefix(".")
        if found not in _WRITERS:
            raise ConfigurationError(
                f"The name of the report ends with {f'.{found}' if found else 'no suffix'!r}; expected .csv or .json, "
                "or format='csv' or format='json'."
            )
        return found
    if not isinstance(asked, str) or asked not in _WRITERS:
        raise ConfigurationError(f"format is {asked!r}; expected 'csv', 'json', or None for the suffix of the name.")
    return asked


def _check_writable(file: object) -> None:
    write = getattr(file, "write", None)
    what = f"of type {type(file).__name__}"
    if callable(write):
        try:
            write("")
        except TypeError:
            what = "a file that was opened for bytes"
        else:
            return
    raise ConfigurationError(f"path is {what}; expected the name of a file, or a file that was opened for text.")


def _rows(entries: Iterable[JournalEntry], counts: Counter[str]) -> Iterator[_Row]:
    for entry in entries:
        status = _IN_FLIGHT if entry.outcome is None else entry.outcome.value
        counts[status] += 1
        number = with_plus(entry.number)
        at = _moment(entry.attempted_at)
        scheduled_for = _moment(entry.until) if entry.until > entry.attempted_at else None
        values = (entry.key, number, status, entry.guid, entry.reason, at, scheduled_for)
        yield dict(zip(_COLUMNS, values, strict=True))


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _write_csv(file: TextIO, rows: Iterable[_Row]) -> None:
    writer = csv.writer(file)
    writer.writerow(_COLUMNS)
    writer.writerows(map(_cell, row.values()) for row in rows)


def _cell(text: str | None) -> str:
    if text is None:
        return ""
    return f"'{text}" if _FORMULA.match(text) else text


def _write_json(file: TextIO, rows: Iterable[_Row]) -> None:
    before = "["
    for row in rows:
        file.write(f"{before}\n{json.dumps(row)}")
        before = ","
    file.write("[]\n" if before == "[" else "\n]\n")


_WRITERS: dict[str, Callable[[TextIO, Iterable[_Row]], None]] = {"csv": _write_csv, "json": _write_json}


@contextmanager
def _replacing(path: Path) -> Iterator[TextIO]:
    """A file that takes the place of another one when the block ends. Raises StorageError."""
    target = path.resolve()
    try:
        _check_target(target)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".report-", suffix=".tmp")  # with mode 0600
        written = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
                yield file
                file.flush()
                os.fsync(descriptor)
            written.replace(target)
        except BaseException:
            with suppress(OSError):
                written.unlink()
            raise
    except StorageError:  # of the journal, or of what is not to be replaced
        raise
    except OSError as error:
        raise StorageError(
            f"The report {path} cannot be written ({error.strerror or error}): its folder has to exist and to have "
            "room, you have to be allowed to write there, and no other program may have the file open."
        ) from error


def _check_target(target: Path) -> None:
    """Raises StorageError for what a report must not replace."""
    if not target.exists():
        return
    if not target.is_file():
        raise StorageError(f"{target} is not a file that can be replaced: choose another name, or pass an open file.")
    with target.open("rb") as file:
        if file.read(len(_DATABASE)) == _DATABASE:  # without its journal, a campaign would be sent again
            raise StorageError(f"{target} is a database, such as a journal. It was not changed: choose another name.")
