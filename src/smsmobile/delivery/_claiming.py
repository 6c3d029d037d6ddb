"""Decides claims of messages: what each is told, and which records change for that. There is no store here.

The journals in memory, SQLite and SQL databases use it; the one in Redis repeats it in Lua.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from .journals import KEPT_BACK, ClaimState, JournalEntry, MessageClaim, look_alike


class Record(NamedTuple):
    """A message that the journal has."""

    entry: JournalEntry
    is_started: bool
    seconds_left: Callable[[], float]
    """Says how long its lease lasts; 0 if it is over. Called only if the message is in the way of a claim."""


class Claiming:
    """One batch of claims: a later one sees what an earlier one has changed.

    records: at least those under the keys of the batch, and those in flight to its numbers. Until the batch is stored,
        nobody else may change them, except for those with a final outcome.
    lease: seconds.
    repeated: the batch may have been recorded already. What is planned with the token of a claim is that claim.
    """

    def __init__(self, records: Iterable[Record], *, lease: float, repeated: bool = False) -> None:
        self._repeated = repeated
        self._whole_lease = lambda: lease
        self._records: dict[str, Record] = {}
        self._in_flight: defaultdict[str, dict[str, Record]] = defaultdict(dict)
        """By number and key."""
        for record in records:
            self._put(record)
        self.removed: list[JournalEntry] = []
        """Claims that have ended, and what was kept back. Remove them first: their keys can be claimed anew."""
        self.renewed: list[JournalEntry] = []
        """Whose leases begin anew."""
        self.added: list[JournalEntry] = []
        """What is claimed."""

    def claim(self, entries: Sequence[JournalEntry]) -> list[MessageClaim]:
        """The answers, in the order of the entries."""
        return [self._claim(entry) for entry in entries]

    def _claim(self, entry: JournalEntry) -> MessageClaim:
        recorded = self._records.get(entry.key)
        outcome = None if recorded is None else recorded.entry.outcome
        if recorded is not None and outcome is not None and outcome not in KEPT_BACK:
            return MessageClaim(ClaimState.DONE, recorded.entry)
        own = recorded if outcome is None else None
        if own is not None and self._repeated and own.entry.token == entry.token and not own.is_started:
            return MessageClaim(ClaimState.NEW, own.entry)
        for other in self._in_the_way(entry, own):
            if left := other.seconds_left():
                return MessageClaim(ClaimState.BUSY, other.entry, left)
            if other.is_started:
                self._put(other._replace(seconds_left=self._whole_lease))
                self.renewed.append(other.entry)
                return MessageClaim(ClaimState.ABANDONED, other.entry)
            self._remove(other.entry)
        if recorded is not None and outcome is not None:  # a message that has to wait stays recorded as kept back
            self._remove(recorded.entry)
        self._put(Record(entry, False, self._whole_lease))
        self.added.append(entry)
        return MessageClaim(ClaimState.NEW, entry)

    def _in_the_way(self, entry: JournalEntry, own: Record | None) -> list[Record]:
        """What is in flight under its key, then what looks the same."""
        in_the_way = [] if own is None else [own]
        for key, other in self._in_flight[entry.number].items():
            if key != entry.key and look_alike(entry, other.entry):
                in_the_way.append(other)
        return in_the_way

    def _put(self, record: Record) -> None:
        entry = record.entry
        self._records[entry.key] = record
        if entry.outcome is None:
            self._in_flight[entry.number][entry.key] = record

    def _remove(self, entry: JournalEntry) -> None:
        del self._records[entry.key]
        self._in_flight[entry.number].pop(entry.key, None)
        self.removed.append(entry)
