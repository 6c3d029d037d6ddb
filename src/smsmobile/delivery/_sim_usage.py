"""What a store of SIM usage keeps: the places of messages, and who was written to by which SIM.

The store has rows and finds them. What they mean is decided in _booking.py, for all stores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from ._sim import Sim

T = TypeVar("T")

MINUTE, DAY, MONTH = 60.0, 86_400.0, 31 * 86_400.0
"""Seconds of the limits."""
NEVER = 0.0
"""Unix seconds: so long ago that it counts for no limit."""


class Queue(IntEnum):
    """Where a message is. Each queue is before the next."""

    LEFT = 0
    """It has departed."""
    LATE = 1
    """It waits for another slot, since it could not leave in its first one."""
    FREE = 2
    """It waits for its slot, and no window holds it back."""
    WINDOW = 3
    """It waits for its slot in a window."""


class Place(NamedTuple):
    """The place of a message: its departure, or the slot that it waits for."""

    key: str
    sim: str
    """The name of the SIM."""
    number: str
    at: float
    """Unix seconds."""
    queue: Queue
    before: float
    """When the SIM last wrote to the number before this departure."""

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Place:
        """A place from a row of a database, which has the fields in this order, and the queue as a number."""
        key, sim, number, at, queue, before = row
        return cls(key, sim, number, at, Queue(queue), before)


class Contact(NamedTuple):
    """A recipient of a SIM."""

    number: str
    sim: str
    """The name of the SIM."""
    at: float
    """When it last wrote to him; NEVER if it has only booked."""
    planned: float
    """The same, with what is booked."""
    departures: int
    bookings: int
    is_home: bool
    """Whether he gets his messages from this SIM, where he was written to by several."""


class Room(NamedTuple):
    """The room that a SIM has in a queue."""

    at: float
    """From when on `per_minute` and `per_day` allow one more message."""
    new_at: float
    """From when on these and `recipients_per_month` allow one to a new recipient."""
    recipients: int
    """How many it has."""

    @classmethod
    def of_limits(cls, minute: float | None, day: float | None, month: float | None, recipients: int | None) -> Room:
        """The room of a SIM whose limits allow one more from these times on; None if a limit allows it at any time."""
        at = max(minute or NEVER, day or NEVER)
        return cls(at, max(at, month or NEVER), recipients or 0)


class SimRecords(Protocol):
    """The rows of a store, within one transaction."""

    def seen(self) -> float:
        """The time that was last noted; NEVER if there is none."""
        ...

    def see(self, now: float) -> None:
        """Note the time."""
        ...

    def place(self, key: str) -> Place | None:
        """The place under a key."""
        ...

    def put_place(self, place: Place) -> None:
        """Add a place, or replace the one under its key."""
        ...

    def remove_place(self, place: Place) -> None:
        """Remove it."""
        ...

    def lapsed(self, before: float, limit: int) -> Sequence[Place]:
        """At most `limit` of the places that wait, of those whose time is before this."""
        ...

    def purge(self, before: float) -> None:
        """Remove the departures before this time."""
        ...

    def contacts(self, number: str) -> Sequence[Contact]:
        """Those with this number: the home first, then the latest (`at`)."""
        ...

    def add_contact(self, contact: Contact) -> None:
        """Add a recipient of a SIM."""
        ...

    def change_contact(self, contact: Contact) -> None:
        """Replace the one with its number and SIM."""
        ...

    def remove_contact(self, contact: Contact) -> None:
        """Remove it."""
        ...

    def rooms(self, sims: Sequence[Sim], queue: Queue) -> Sequence[Room]:
        """The room of each SIM, with all that is in this queue and in those before it.

        A limit of `n` in a period allows one more a period after the n-th latest: of the places by `at`, and of the
        SIM's contacts by `at` for the queue LEFT, by `planned` for the others. NEVER if there are not so many.
        """
        ...

    def places(self) -> Iterable[Place]:
        """All places."""
        ...

    def all_contacts(self) -> Iterable[Contact]:
        """All contacts."""
        ...


@runtime_checkable
class SimUsage(Protocol):
    """Where a SimPool counts what its SIMs have sent. Pools that share it share the limits.

    Make one of those in `smsmobile.contrib`, or name a file; its only method is for the pool.
    """

    def run(self, step: Callable[[SimRecords], T]) -> T:
        """Do a step in a transaction of its own, one after the other. Raises StorageError.

        If the commit is not known to have succeeded, the step may be done twice.
        """
        ...
