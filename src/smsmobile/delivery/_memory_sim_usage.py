"""SIM usage in the memory of one process, for a pool without a store."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from typing import TypeVar

from .._locks import ForkSafeLock
from ._sim import Sim
from ._sim_usage import DAY, MINUTE, MONTH, NEVER, Contact, Place, Queue, Room, SimRecords

T = TypeVar("T")


class _SimTimes:
    """The times of one SIM, each list in order."""

    def __init__(self) -> None:
        self.places: tuple[list[float], ...] = ([], [], [], [])
        """For each queue, of the places in it and in those before it."""
        self.at: list[float] = []
        self.planned: list[float] = []
        """Of its contacts."""
        self.recipients = 0


class MemorySimUsage:
    """A `SimUsage` that ends with the process."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._seen = NEVER
        self._places: dict[str, Place] = {}
        self._contacts: defaultdict[str, list[Contact]] = defaultdict(list)
        self._sims: defaultdict[str, _SimTimes] = defaultdict(_SimTimes)
        self._rooms: tuple[dict[str, Room], ...] = ({}, {}, {}, {})
        """By queue and SIM: what `rooms` has found, until something changes."""
        self._waiting: list[tuple[float, str]] = []
        """A heap of the places that wait, and of some that do not any more."""
        self._departed: deque[tuple[float, str]] = deque()
        """Departures, likewise, in the order in which they came."""

    def run(self, step: Callable[[SimRecords], T]) -> T:
        """Do a step; see `SimUsage.run`."""
        with self._lock:
            return step(self)

    def seen(self) -> float:
        """The time that was last noted."""
        return self._seen

    def see(self, now: float) -> None:
        """Note the time."""
        self._seen = now

    def place(self, key: str) -> Place | None:
        """The place under a key."""
        return self._places.get(key)

    def put_place(self, place: Place) -> None:
        """Add a place, or replace the one under its key."""
        replaced = self._places.get(place.key)
        if replaced is not None:
            self._drop(replaced)
        self._places[place.key] = place
        if place.queue:
            heappush(self._waiting, (place.at, place.key))
        else:
            self._departed.append((place.at, place.key))
        times = self._changed(place.sim)
        for some in times.places[place.queue :]:
            _add(some, place.at)

    def remove_place(self, place: Place) -> None:
        """Remove it."""
        self._drop(self._places.pop(place.key))

    def _drop(self, place: Place) -> None:
        times = self._changed(place.sim)
        for some in times.places[place.queue :]:
            _discard(some, place.at)

    def lapsed(self, before: float, limit: int) -> Sequence[Place]:
        """Some of the places that wait, and whose time is before this."""
        found: dict[str, Place] = {}  # the heap may have one twice
        while self._waiting and self._waiting[0][0] < before and len(found) < limit:
            at, key = heappop(self._waiting)
            place = self._places.get(key)
            if place is not None and place.queue and place.at == at:
                found[key] = place
        return list(found.values())

    def purge(self, before: float) -> None:
        """Remove the departures before this time."""
        while self._departed and self._departed[0][0] < before:
            at, key = self._departed.popleft()
            place = self._places.get(key)
            if place is not None and place.queue is Queue.LEFT and place.at == at:
                del self._places[key]
        for sim in self._sims:
            times = self._changed(sim)
            for some in times.places:
                del some[: bisect_left(some, before)]
            for some in (times.at, times.planned):
                del some[: bisect_left(some, before - MONTH)]

    def contacts(self, number: str) -> Sequence[Contact]:
        """Those with this number: the home first, then the latest."""
        found = self._contacts.get(number, ())
        return found if len(found) < 2 else sorted(found, key=lambda one: (not one.is_home, -one.at))

    def add_contact(self, contact: Contact) -> None:
        """Add a recipient of a SIM."""
        self._contacts[contact.number].append(contact)
        self._sims[contact.sim].recipients += 1
        self._count(contact)

    def change_contact(self, contact: Contact) -> None:
        """Replace the one with its number and SIM."""
        known = self._contacts[contact.number]
        index = next(index for index, one in enumerate(known) if one.sim == contact.sim)
        self._discount(known[index])
        known[index] = contact
        self._count(contact)

    def remove_contact(self, contact: Contact) -> None:
        """Remove it."""
        known = self._contacts[contact.number]
        known.remove(contact)
        if not known:
            del self._contacts[contact.number]
        self._sims[contact.sim].recipients -= 1
        self._discount(contact)

    def _count(self, contact: Contact) -> None:
        times = self._changed(contact.sim)
        if contact.at:
            _add(times.at, contact.at)
        if contact.planned:
            _add(times.planned, contact.planned)

    def _discount(self, contact: Contact) -> None:
        times = self._changed(contact.sim)
        _discard(times.at, contact.at)
        _discard(times.planned, contact.planned)

    def rooms(self, sims: Sequence[Sim], queue: Queue) -> Sequence[Room]:
        """The room of each SIM; see `SimRecords.rooms`."""
        return [self._rooms[queue].get(sim._name) or self._room(sim, queue) for sim in sims]

    def _room(self, sim: Sim, queue: Queue) -> Room:
        room = self._rooms[queue][sim._name] = _room(sim, self._sims[sim._name], queue)
        return room

    def _changed(self, sim: str) -> _SimTimes:
        """The times of a SIM, to change them. What `rooms` has found holds no more."""
        for rooms in self._rooms:
            rooms.pop(sim, None)
        return self._sims[sim]

    def places(self) -> Iterable[Place]:
        """All places."""
        return list(self._places.values())

    def all_contacts(self) -> Iterable[Contact]:
        """All contacts."""
        return [contact for known in self._contacts.values() for contact in known]


def _room(sim: Sim, times: _SimTimes, queue: Queue) -> Room:
    places = times.places[queue]
    contacts = times.at if queue is Queue.LEFT else times.planned
    return Room.of_limits(
        _freed(places, sim.per_minute, MINUTE),
        _freed(places, sim.per_day, DAY),
        _freed(contacts, sim.recipients_per_month, MONTH),
        times.recipients,
    )


def _freed(times: Sequence[float], limit: int | None, period: float) -> float:
    return NEVER if limit is None or len(times) < limit else times[-limit] + period


def _add(times: list[float], at: float) -> None:
    if not times or times[-1] <= at:
        times.append(at)
    else:
        insort(times, at)


def _discard(times: list[float], at: float) -> None:
    """Remove a time, unless it was purged."""
    index = bisect_left(times, at)
    if index < len(times) and times[index] == at:
        del times[index]
