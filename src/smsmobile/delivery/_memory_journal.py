"""A journal in the memory of one process."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias

from .._input.arguments import check_seconds
from .._leases import LEASE, seconds_left
from .._locks import ForkSafeLock
from ..errors import ConfigurationError
from ._claiming import Claiming, Record
from .journals import JournalEntry, MessageClaim, SendStatus

_KeysByNumber: TypeAlias = "defaultdict[str, dict[str, None]]"
"""The keys of messages by number, in the order in which they came."""


class _Record(NamedTuple):
    entry: JournalEntry
    is_started: bool
    lease: tuple[float, float]
    """Its begin and its end, while it is in flight."""


class MemoryJournal:
    """A journal for the threads of one process. It ends with the process: a restarted program sends again.

    Use it in tests, or where that does no harm.

    lease: seconds until a claim that is not renewed is over.
    clock: says the time in Unix seconds.

    Raises ConfigurationError if `lease` is not a number above 0.
    """

    def __init__(self, lease: float = LEASE, *, clock: Callable[[], float] = time.time) -> None:
        self._lease = check_seconds("lease", lease, above_zero=True, error=ConfigurationError)
        self._clock = clock
        self._records: dict[str, _Record] = {}
        self._keys: _KeysByNumber = defaultdict(dict)
        self._in_flight: _KeysByNumber = defaultdict(dict)
        self._lock = ForkSafeLock()

    def claim(self, entries: Sequence[JournalEntry]) -> list[MessageClaim]:
        """Claim messages; see `Journal.claim`."""
        with self._lock:
            now = self._clock()
            claiming = Claiming(self._concerned(entries, now), lease=self._lease)
            answers = claiming.claim(entries)
            for entry in claiming.removed:
                self._remove(entry)
            for entry in claiming.renewed:
                self._put(_Record(entry, True, (now, now + self._lease)))
            for entry in claiming.added:
                self._put(_Record(entry, False, (now, now + self._lease)))
        return answers

    def _concerned(self, entries: Sequence[JournalEntry], now: float) -> Iterator[Record]:
        """What has the keys of these, and what is in flight to their numbers."""
        keys = dict.fromkeys(entry.key for entry in entries)
        for number in dict.fromkeys(entry.number for entry in entries):
            keys.update(self._in_flight.get(number, {}))
        for record in map(self._records.get, keys):
            if record is not None:
                yield Record(record.entry, record.is_started, partial(seconds_left, *record.lease, now))

    def start(self, entry: JournalEntry, at: float) -> bool:
        """The request leaves now; see `Journal.start`."""
        with self._lock:
            record = self._claimed(entry)
            if record is None or record.is_started:
                return False
            entry = record.entry._replace(attempted_at=at, until=max(record.entry.until, at))
            self._put(_Record(entry, True, self._new_lease()))
            return True

    def settle(
        self, entry: JournalEntry, outcome: SendStatus, *, guid: str | None = None, reason: str | None = None
    ) -> bool:
        """Record an outcome; see `Journal.settle`."""
        with self._lock:
            record = self._claimed(entry)
            if record is None or not record.is_started or outcome is record.entry.outcome:
                return False
            self._put(record._replace(entry=record.entry._replace(outcome=outcome, guid=guid, reason=reason)))
            return True

    def keep_back(self, entry: JournalEntry, outcome: SendStatus, reason: str) -> bool:
        """Record that a planned message is not sent; see `Journal.keep_back`."""
        with self._lock:
            record = self._claimed(entry)
            if record is None or record.is_started:
                return False
            self._put(record._replace(entry=record.entry._replace(outcome=outcome, reason=reason)))
            return True

    def withdraw(self, entries: Iterable[JournalEntry]) -> None:
        """Remove claims of messages that were not sent."""
        with self._lock:
            for entry in entries:
                if self._claimed(entry) is not None:
                    self._remove(entry)

    def renew(self, entries: Iterable[JournalEntry]) -> None:
        """Begin leases anew."""
        with self._lock:
            self._set_leases(entries, self._new_lease())

    def release(self, entries: Iterable[JournalEntry]) -> None:
        """End leases now."""
        with self._lock:
            self._set_leases(entries, (0.0, 0.0))

    def abandoned(self, limit: int) -> list[JournalEntry]:
        """Started messages whose lease is over; see `Journal.abandoned`."""
        with self._lock:
            now = self._clock()
            over = [
                record
                for record in self._records.values()
                if record.is_started and record.entry.outcome is None and not seconds_left(*record.lease, now)
            ][:limit]
            for record in over:
                self._put(record._replace(lease=self._new_lease()))
            return [record.entry for record in over]

    def unknown(self, since: float = 0.0) -> list[JournalEntry]:
        """Messages with the outcome unknown, attempted since then."""
        with self._lock:
            entries = [record.entry for record in self._records.values()]
        return [entry for entry in entries if entry.outcome is SendStatus.UNKNOWN and entry.attempted_at >= since]

    def get(self, key: str) -> JournalEntry | None:
        """The message with this key; None if there is none."""
        with self._lock:
            record = self._records.get(key)
        return None if record is None else record.entry

    def entries(self) -> Iterator[JournalEntry]:
        """All messages; see `Journal.entries`."""
        with self._lock:
            records = list(self._records.values())
        return (record.entry for record in records)

    def forget(self, key: str) -> bool:
        """Remove a message; see `Journal.forget`."""
        with self._lock:
            record = self._records.get(key)
            if record is None or record.entry.outcome is None:
                return False
            self._remove(record.entry)
            return True

    def has(self, number: str, guid: str) -> bool:
        """Whether a message to this number has this GUID."""
        with self._lock:
            return any(self._records[key].entry.guid == guid for key in self._keys.get(number, ()))

    def without_guid(self, number: str, since: float) -> list[JournalEntry]:
        """Messages to this number that may have a row but no known GUID; see `Journal.without_guid`."""
        with self._lock:
            records = [self._records[key] for key in self._keys.get(number, ())]
        return [
            record.entry
            for record in records
            if record.is_started
            and record.entry.guid is None
            and (record.entry.outcome in {None, SendStatus.UNKNOWN} or record.entry.until >= since)
        ]

    # The caller holds the lock.

    def _claimed(self, entry: JournalEntry) -> _Record | None:
        """The record of a claim that nobody has ended and that has no final outcome."""
        record = self._records.get(entry.key)
        if record is None or record.entry.token != entry.token:
            return None
        return record if record.entry.outcome in {None, SendStatus.UNKNOWN} else None

    def _put(self, record: _Record) -> None:
        entry = record.entry
        self._records[entry.key] = record
        self._keys[entry.number][entry.key] = None
        if entry.outcome is None:
            self._in_flight[entry.number][entry.key] = None
        else:
            _discard(self._in_flight, entry)

    def _remove(self, entry: JournalEntry) -> None:
        recorded = self._records.pop(entry.key).entry
        _discard(self._keys, recorded)
        _discard(self._in_flight, recorded)

    def _new_lease(self) -> tuple[float, float]:
        now = self._clock()
        return now, now + self._lease

    def _set_leases(self, entries: Iterable[JournalEntry], lease: tuple[float, float]) -> None:
        for entry in entries:
            if (record := self._claimed(entry)) is not None:
                self._put(record._replace(lease=lease))


def _discard(keys: _KeysByNumber, entry: JournalEntry) -> None:
    """Remove the key of a message, if it is there."""
    keys[entry.number].pop(entry.key, None)
    if not keys[entry.number]:
        del keys[entry.number]
