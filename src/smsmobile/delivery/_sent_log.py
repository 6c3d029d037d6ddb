"""Finds messages of a journal in the service's sent log, each row for one of them at most.

What is done about one that is not there is decided by who asks.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from threading import Event
from typing import Literal

from .._http.backoff import at_least_as_asked, growing, is_temporary
from .._input.phone_numbers import digits_of
from .._wire.values import UTC, read_bool
from ..channels.sms import RECONCILE_WINDOW, LoggedSMS, SMSChannel, comparable
from ..errors import SMSMobileError
from ._messages import OutgoingSMS
from .journals import BulkStatus, Journal, JournalEntry

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 5.0
_LONGEST_WAIT = 60.0
"""Seconds, where the service asks for more."""
_LATE_LOOKS = 5
"""How often a look is tried when the time is over: what it does not see is unknown from then on."""
_PRECISION = {"text": 0, "links": 1, "number": 2}


def reads_of(message: OutgoingSMS) -> Literal["text", "links", "number"]:
    """What of its row in the log can be compared: the service may replace links, or keep the text unreadable."""
    return "number" if message.encrypt else "links" if message.shorten_urls else "text"


def fingerprint(number: str, text: str | None, reads: str) -> str:
    """The same for a message and for its row in the log."""
    text = "" if reads == "number" else comparable(text, shortened=reads == "links")
    return hashlib.sha256(f"{number}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def verdict(row: LoggedSMS) -> tuple[BulkStatus, str | None]:
    """What a row of the log says about the request that made it: even what the API refused can be in there."""
    api_error = (row.model_extra or {}).get("error_api")
    if api_error and read_bool(api_error) is not False:
        return BulkStatus.REFUSED, f"The service refused the message: {api_error}."
    return BulkStatus.SENT, None


class SentLog:
    """The log of SMS sent through the API, asked about what is in doubt."""

    def __init__(self, channel: SMSChannel, journal: Journal) -> None:
        self._channel = channel._without_retries  # wait_for() has the loop, which can be stopped
        self._journal = journal

    def wait_for(
        self, entries: Sequence[JournalEntry], seconds: float, stopping: Event
    ) -> tuple[dict[str, LoggedSMS], bool]:
        """The rows that there are within so many seconds, by the entries' keys; and whether the last look succeeded.

        Looks at once, and once more at the end; where that fails, a few times more. Not a success: the log could not be
        read even then, or `stopping` was set before the end. Raises what waiting does not cure.
        """
        found: dict[str, LoggedSMS] = {}
        deadline = time.monotonic() + seconds
        late_looks = 0
        for pause in growing(_FIRST_PAUSE, _LONGEST_PAUSE):
            late_looks += time.monotonic() >= deadline
            failure: SMSMobileError | None = None
            try:
                found.update(self.find([entry for entry in entries if entry.key not in found], found))
            except SMSMobileError as error:
                if not is_temporary(error):
                    raise
                failure = error
            if len(found) == len(entries) or late_looks == _LATE_LOOKS or (late_looks and failure is None):
                return found, failure is None
            left = math.inf if late_looks else max(0.0, deadline - time.monotonic())
            if stopping.wait(min(left, at_least_as_asked(pause, failure), _LONGEST_WAIT)):
                break
        return found, False

    def find(self, entries: Sequence[JournalEntry], before: Mapping[str, LoggedSMS]) -> dict[str, LoggedSMS]:
        """One look: the rows that can only be these messages', by the entries' keys; none of those found `before`.

        A row without a GUID proves nothing, nor does one whose GUID another message has. Where the service named none
        for other messages that look the same in the log, as many rows may be theirs.
        """
        found: dict[str, LoggedSMS] = {}
        if not entries:
            return found
        search = _Search(entries, self._journal, {row.guid for row in before.values()})
        for page in self._channel._pages():
            for row in page:
                if (key := search.claim(row)) is not None:
                    found[key] = row
            if len(found) == len(entries) or (page and all(search.is_before_all(row) for row in page)):
                break
        for entry, rows in search.undated():
            # A row that does not say when it was made is the attempt's if the service does not call it older.
            for row in self._channel._not_before(_from(entry), rows, entry.number):
                if search.take(entry, row):
                    found[entry.key] = row
                    break
        return found


class _Search:
    """What is looked for in one look, and what of it is left."""

    def __init__(self, entries: Sequence[JournalEntry], journal: Journal, taken: set[str | None]) -> None:
        self._journal = journal
        # What can be told by its text comes first. Then the newest, as the rows come: of two that are alike each gets
        # the row that is nearest.
        entries = sorted(entries, key=lambda entry: (_PRECISION[entry.reads], -entry.attempted_at))
        self._oldest = min(entry.attempted_at for entry in entries)
        self._left: defaultdict[str, list[JournalEntry]] = defaultdict(list)
        for entry in entries:
            self._left[entry.number].append(entry)
        self._undated: list[LoggedSMS] = []
        self._rivals: dict[str, list[JournalEntry]] = {}
        self._taken = taken | {None}

    def claim(self, row: LoggedSMS) -> str | None:
        """The key of the message that this row is; None where it is none of them, or could be another one."""
        if digits_of(row.recipient) in self._left:
            if row.created_at is None:
                self._undated.append(row)
                return None
            for entry in self._fitting(row):
                if _from(entry) <= row.created_at <= _until(entry):
                    return entry.key if self.take(entry, row) else None
        return None

    def undated(self) -> list[tuple[JournalEntry, list[LoggedSMS]]]:
        """The messages with rows without a date that may be theirs."""
        rows: defaultdict[JournalEntry, list[LoggedSMS]] = defaultdict(list)
        for row in self._undated:
            if entry := next(self._fitting(row), None):
                rows[entry].append(row)
        return list(rows.items())

    def take(self, entry: JournalEntry, row: LoggedSMS) -> bool:
        """Give the row to the message, unless it may be that of one whose GUID nobody knows."""
        self._taken.add(row.guid)
        rivals = self._rivals_of(entry)
        for rival in rivals:
            if rival.key != entry.key and _may_be(rival, entry, row):
                rivals.remove(rival)
                return False
        self._left[entry.number].remove(entry)
        return True

    def is_before_all(self, row: LoggedSMS) -> bool:
        """Whether the row is older than anything that is looked for."""
        return row.created_at is not None and row.created_at < _moment(self._oldest) - RECONCILE_WINDOW

    def _fitting(self, row: LoggedSMS) -> Iterator[JournalEntry]:
        """The messages with the row's number and text, where the row has a GUID and is nobody's yet."""
        number = digits_of(row.recipient)
        for entry in self._left[number]:
            if _fits(entry, row) and row.guid not in self._taken and not self._journal.has(number, row.guid or ""):
                yield entry

    def _rivals_of(self, entry: JournalEntry) -> list[JournalEntry]:
        """The messages to its number whose GUID nobody knows, around the time of what is looked for."""
        if entry.number not in self._rivals:
            since = self._oldest - 2 * RECONCILE_WINDOW.total_seconds()
            self._rivals[entry.number] = self._journal.without_guid(entry.number, since)
        return self._rivals[entry.number]


def _fits(entry: JournalEntry, row: LoggedSMS) -> bool:
    """Whether the row has the message's text, as far as that can be told; it has its number."""
    return fingerprint(entry.number, row.message, entry.reads) == entry.fingerprint


def _may_be(rival: JournalEntry, entry: JournalEntry, row: LoggedSMS) -> bool:
    """Whether the row of a message may as well be a rival's."""
    if not _fits(rival, row):
        return False
    if row.created_at is not None and not (
        _from(rival) - RECONCILE_WINDOW <= row.created_at <= _until(rival) + RECONCILE_WINDOW
    ):
        return False
    if rival.outcome in {None, BulkStatus.UNKNOWN}:
        # Where the row has the very text of the message, it does not matter whose it is: the other's is the same.
        return entry.reads != "text"
    return rival.outcome is verdict(row)[0]


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _from(entry: JournalEntry) -> datetime:
    return _moment(entry.attempted_at) - RECONCILE_WINDOW


def _until(entry: JournalEntry) -> datetime:
    return _moment(entry.until) + RECONCILE_WINDOW
