"""What a journal is: it remembers each message under its key, from before it leaves, for all who share the journal.

`SQLiteJournal` is in _sqlite_journal.py, `MemoryJournal` in _memory_journal.py; others are in `smsmobile.contrib`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import NamedTuple, Protocol, runtime_checkable

from .._sent_log.comparison import Precision

__all__ = ["ClaimState", "Journal", "JournalEntry", "MessageClaim", "SendStatus"]


def __dir__() -> list[str]:
    return __all__


class SendStatus(str, Enum):
    """What became of a message."""

    SENT = "sent"
    """The service has accepted it; the phone sends it later."""
    REFUSED = "refused"
    """It was not accepted, for a reason that concerns this message alone; nothing was sent."""
    UNKNOWN = "unknown"
    """It may have been accepted, but the sent log does not show it. It is not sent again."""
    DUPLICATE = "duplicate"
    """Its key has an outcome already, from an earlier run or from earlier in this one. Nothing was done."""
    SUPPRESSED = "suppressed"
    """Its recipient has asked for no more messages; nothing was sent."""
    EXPIRED = "expired"
    """It could not be sent before its time was over; nothing was sent."""

    __str__ = str.__str__  # else f"{status}" depends on the version of Python


KEPT_BACK = frozenset({SendStatus.SUPPRESSED, SendStatus.EXPIRED})
"""Outcomes of messages that a rule has kept back: such a message can be claimed again, and is checked anew."""


class JournalEntry(NamedTuple):
    """What a journal keeps of one message. It does not keep the text."""

    key: str
    """Identifies the message; a journal has one entry for a key."""
    number: str
    """The recipient's number, digits only."""
    fingerprint: str
    """A hash that is compared with those of the rows in the sent log."""
    precision: Precision
    """What the fingerprint covers: `"text"`, `"text_without_links"`, or `"number"` alone."""
    look: str
    """A hash of what the sent log shows. Two messages to one number with the same look cannot be told apart there. An
    encrypted message has the look `""`, which equals every other."""
    attempted_at: float
    """When the request left, or was planned: Unix seconds of the sender's clock."""
    until: float
    """When it was scheduled for, if that is later than the attempt; else like `attempted_at`. Unix seconds."""
    token: str = ""
    """Names one claim of the key. Whoever holds it may send; a later claim has another token."""
    outcome: SendStatus | None = None
    """What became of it; None while it is in flight."""
    guid: str | None = None
    """The message's GUID; None if there is none, or none yet."""
    reason: str | None = None
    """Why it was not sent, or is unknown."""


class ClaimState(str, Enum):
    """What `Journal.claim` says of a message."""

    NEW = "new"
    """It is claimed: `start` it, send it, `settle` it; or `withdraw` it."""
    BUSY = "busy"
    """It is in flight elsewhere, or a message with the same look is. Claim it again later."""
    ABANDONED = "abandoned"
    """The same, but whoever sent that message is gone. Look it up and `settle` it, then claim again."""
    DONE = "done"
    """It has an outcome."""

    __str__ = str.__str__


class MessageClaim(NamedTuple):
    """The answer of a journal to one claim."""

    state: ClaimState
    """What the caller does next."""
    entry: JournalEntry
    """NEW: as it was claimed. DONE: what is recorded under its key. BUSY and ABANDONED: the message in flight, which
    may have another key. If there are several, any one of them."""
    retry_after: float = 0.0
    """For BUSY: seconds until the lease of the message in flight is over, if it is not renewed."""


@runtime_checkable
class Journal(Protocol):
    """A memory of messages that many senders share: threads, and where the store can be, processes and machines.

    A message in flight is *planned* until `start`, and *started* from then on. Its claim has a lease. If its owner is
    gone and the lease is over, a planned message is free again, since it did not leave. A started one has to be looked
    up. Each method is atomic for all who share the journal. What a method did survives a kill of the process when it
    returns, and a claim also a power failure. Leases follow the store's clock, since those of machines differ. A lease
    that begins later than that clock says is over. So after the clock was set back, a started message of a live owner
    can become ABANDONED: it is looked up while its owner sends it. That is safe, because nobody sends it again.

    Any exception keeps the message from leaving: raise StorageError if something cannot be recorded. A caller does not
    repeat a step that raised. A store that repeats one itself, after a lost connection, has to recognise its own call:
    a claim by its token; a `start` or `settle` by what is recorded, since it has to return True for that.
    """

    def claim(self, entries: Sequence[JournalEntry]) -> list[MessageClaim]:
        """Claim messages. Returns one answer for each, in their order; a later one counts those before it.

        Each entry has a token that the caller has made, and that was never used before.

        A key is DONE if it has an outcome, unless it was kept back (suppressed, expired): then it can be claimed as if
        it were new, and a claim that is NEW takes the place of what is recorded. A message is claimed if nothing is in
        flight under its key, and no message to its number with the same look is. What is in flight with its lease over does not count if it is planned: its
        claim ends. If it is started, the answer is ABANDONED, and its lease begins anew, for the caller to look it up.
        """
        ...

    def start(self, entry: JournalEntry, at: float) -> bool:
        """The request of a planned message leaves now. False if the claim has ended meanwhile: it must not leave.

        Only the key and the token of `entry` count, here and below. The lease begins anew. `at`, Unix seconds of the
        sender's clock, becomes `attempted_at`, and `until` if that was earlier.
        """
        ...

    def settle(
        self, entry: JournalEntry, outcome: SendStatus, *, guid: str | None = None, reason: str | None = None
    ) -> bool:
        """Record the outcome of a started message, with its `guid`, and the `reason` of one that is refused or unknown.

        False, and nothing changes, if the `entry` has not been started, if its key has another claim, or if it has a
        final outcome (sent, refused) already, even this one. An unknown message can still become sent or refused; it is
        False if it is to become unknown again.
        """
        ...

    def keep_back(self, entry: JournalEntry, outcome: SendStatus, reason: str) -> bool:
        """Record that a planned message is not sent, with the `reason`; the `outcome` is suppressed or expired.

        False, and nothing changes, if the claim of the `entry` has ended, or if the message was started.
        """
        ...

    def withdraw(self, entries: Iterable[JournalEntry]) -> None:
        """Remove claims of messages that were certainly not sent: planned, started or unknown, with these tokens."""
        ...

    def renew(self, entries: Iterable[JournalEntry]) -> None:
        """Begin the leases of these claims anew."""
        ...

    def release(self, entries: Iterable[JournalEntry]) -> None:
        """End the leases of these claims now: somebody else shall look the messages up."""
        ...

    def abandoned(self, limit: int) -> list[JournalEntry]:
        """Started messages whose lease is over, at most `limit`. Their leases begin anew: the caller looks them up."""
        ...

    def unknown(self, since: float = 0.0) -> list[JournalEntry]:
        """Messages with the outcome unknown, attempted since then (Unix seconds of the sender's clock)."""
        ...

    def get(self, key: str) -> JournalEntry | None:
        """The message with this key, as it is now: in flight or with its outcome. None if there is none."""
        ...

    def entries(self) -> Iterator[JournalEntry]:
        """All messages, in any order, for a report. Others may change the journal meanwhile.

        It reads a little at a time, so that a journal of any length needs no more memory, and keeps no transaction or
        lock between these reads. A message that is there all the time comes once.
        """
        ...

    def forget(self, key: str) -> bool:
        """Remove a message, so that it can be sent again. False if there is none, or if it is in flight."""
        ...

    def has(self, number: str, guid: str) -> bool:
        """Whether a message to this number (digits only) has this `guid`."""
        ...

    def without_guid(self, number: str, since: float) -> list[JournalEntry]:
        """The messages to this number that may have a row in the log, but no known GUID.

        These are all that are started or unknown, and those sent or refused without a GUID whose `until` is not
        before `since`.
        """
        ...


def look_alike(one: JournalEntry, other: JournalEntry) -> bool:
    """Whether the rows of two messages to one number may be mistaken for each other."""
    return one.look == other.look or not one.look or not other.look
