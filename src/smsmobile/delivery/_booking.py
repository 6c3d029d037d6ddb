"""How messages get their slots: the algorithm of `SimPool`, the same for every store.

A message that may leave now departs; any other one gets a slot in the future. The slots only spread the messages, so
that each of many that wait asks again once. The limits are kept when a message departs: what has departed decides then.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from ._sim import Sim
from ._sim_usage import DAY, MONTH, NEVER, Contact, Place, Queue, Room, SimRecords
from .windows import SendWindow

_LAPSE = 60.0
"""A slot that is not taken so many seconds after its time counts no more: its sender is gone."""
_SAME_DEPARTURE = 60.0
"""Seconds in which a message that did not leave yet keeps its departure. It is the shortest period of a limit."""
_SET_BACK = 60.0
"""Seconds. If the clock is behind the time of the last use by more than this, it was set back."""
_TICK = 1.0
"""Seconds from one look at the lapsed slots to the next."""
_PURGE = 3600.0
"""Seconds from one removal of old departures to the next."""
_LAPSED_AT_ONCE = 1000


class Request(NamedTuple):
    """A message that wants a slot."""

    key: str
    number: str
    sims: Sequence[Sim]
    """Those that may send it."""
    moves_from: frozenset[str]
    """The names of others that may send it, but are offline, so that their recipients move."""
    closed: Mapping[str, float]
    """Until when the phones that are offline send nothing: Unix seconds by device."""
    window: SendWindow | None
    scheduled: float
    """When the service is to send it; 0 for at once."""
    again: bool
    """Whether the sender has asked before, and was told to let it leave, but did not do so yet."""


class Booking:
    """What is done in one transaction of the store, at the time `now`."""

    def __init__(self, records: SimRecords, now: float = NEVER) -> None:
        self._records = records
        self._now = now

    def book(self, request: Request) -> tuple[Sim, float]:
        """The SIM of a message, and when it may leave: now, or later."""
        self._tick()
        records = self._records
        held = records.place(request.key)
        contacts = records.contacts(request.number)
        if held is not None and (held.queue is Queue.LEFT or held.number != request.number):
            if (sim := self._still_leaving(held, request)) is not None:
                return sim, self._depart_again(held, contacts)
            self._set_aside(held, request)
            contacts = records.contacts(request.number)
            held = None
        home = _home(contacts, request.sims)
        if held is not None and (home is None or home._name != held.sim):
            self._leave(held)
            contacts = records.contacts(request.number)
            home = _home(contacts, request.sims)
            held = None
        if home is not None and held is not None:
            if held.at > self._now:
                return home, self._keep(held, request, home)
            at = self._time(home, request, contacts, Queue.LEFT)
            if at > self._now:
                at = self._time(home, request, contacts, Queue.LATE)
            return home, self._take(home, at, Queue.LATE, request, contacts, held)
        queue = Queue.FREE if request.window is None else Queue.WINDOW
        if home is None:
            home, at = self._earliest(request, queue)
        else:
            at = self._time(home, request, contacts, queue)
        return home, self._take(home, at, queue, request, contacts, None)

    def left(self, key: str) -> None:
        """A message that was to depart has left only now."""
        place = self._records.place(key)
        if place is not None and place.queue is Queue.LEFT:
            self._depart_again(place, self._records.contacts(place.number))

    def cancel(self, key: str) -> None:
        """A message was not sent."""
        place = self._records.place(key)
        if place is not None:
            self._leave(place)

    def stop_waiting(self, key: str) -> None:
        """Nobody waits for the slot of a message any more. What has left goes on to count."""
        place = self._records.place(key)
        if place is not None and place.queue is not Queue.LEFT:
            self._leave(place)

    def _tick(self) -> None:
        """Forget what counts no more, from time to time."""
        now, seen = self._now, self._records.seen()
        if now < seen - _SET_BACK:
            self._set_back()
        elif now >= seen + _TICK:
            self._records.see(now)
            for place in self._records.lapsed(now - _LAPSE, _LAPSED_AT_ONCE):
                self._leave(place)
            if now // _PURGE != seen // _PURGE:
                self._records.purge(now - DAY - _SAME_DEPARTURE)

    # Which SIM, and when.

    def _earliest(self, request: Request, queue: Queue) -> tuple[Sim, float]:
        """The SIM that may write to a new recipient first, and when. Of several, the one with the fewest recipients."""
        now, closed = self._now, request.closed
        sims = request.sims
        best, best_at, fewest = sims[0], float("inf"), 0
        for sim, room in zip(sims, self._records.rooms(sims, queue), strict=True):
            at = room.new_at if room.new_at > now else now  # noqa: FURB136 - twice as fast as max()
            if closed:
                at = max(at, closed.get(sim.device, now))
            if at < best_at or (at == best_at and room.recipients < fewest):
                best, best_at, fewest = sim, at, room.recipients
        return best, self._fitting(best_at, best, request)

    def _time(self, sim: Sim, request: Request, contacts: Sequence[Contact], queue: Queue) -> float:
        """When the limits of a SIM let a message leave."""
        room: Room = self._records.rooms((sim,), queue)[0]
        contact = _contact(contacts, sim._name)
        at = self._fitting(room.at, sim, request)
        if room.new_at <= at or (contact is not None and contact.at > at - MONTH):
            return at
        new_at = self._fitting(room.new_at, sim, request)
        # Once what is booked for him has departed, he is no new recipient.
        if contact is not None and queue is not Queue.LEFT and self._now < contact.planned < new_at:
            return max(at, contact.planned)
        return new_at

    def _fitting(self, at: float, sim: Sim, request: Request) -> float:
        """The first time from this on at which the phone is online and the window is open."""
        at = max(at, self._now, request.closed.get(sim.device, NEVER))
        if request.window is not None and at >= request.scheduled:
            at = max(at, request.window.opens_at(at))
        return at

    # What is recorded.

    def _still_leaving(self, held: Place, request: Request) -> Sim | None:
        """The SIM of a message that has departed just now, and is asked for again before it leaves."""
        if not request.again or held.number != request.number or self._now - held.at >= _SAME_DEPARTURE:
            return None
        return next((sim for sim in request.sims if sim._name == held.sim), None)

    def _depart_again(self, held: Place, contacts: Sequence[Contact]) -> float:
        """It leaves now. No limit can be in the way: within each that it counts for, it takes its own place."""
        at = max(held.at, self._now)
        contact = _contact(contacts, held.sim)
        if at > held.at and contact is not None:
            before = held.before if contact.at == held.at else contact.at  # others may have departed meanwhile
            self._records.put_place(held._replace(at=at, before=before))
            self._records.change_contact(contact._replace(at=max(contact.at, at), planned=max(contact.planned, at)))
        return self._now

    def _set_aside(self, held: Place, request: Request) -> None:
        """Free a key whose place is that of another message, or of an earlier time. What has left goes on to count."""
        if held.queue is not Queue.LEFT or (request.again and held.number == request.number):
            self._leave(held)
            return
        self._records.remove_place(held)
        key = f"{held.key}\n{held.at!r}"  # no other key has two lines
        while self._records.place(key) is not None:
            key += "'"
        self._records.put_place(held._replace(key=key))

    def _keep(self, held: Place, request: Request, sim: Sim) -> float:
        """The slot of a message that asks before its time. It is later if the phone is offline by then."""
        closed = request.closed.get(sim.device, NEVER)
        if closed > held.at:
            held = held._replace(at=self._fitting(closed, sim, request), queue=Queue.LATE)
            self._records.put_place(held)
        return held.at

    def _take(  # noqa: PLR0917 - what it records
        self, sim: Sim, at: float, queue: Queue, request: Request, contacts: Sequence[Contact], held: Place | None
    ) -> float:
        """Record that a message departs now, or has a slot later. `held`: its earlier slot with the same SIM."""
        departs = at <= self._now
        name = sim._name
        moved = _moved(contacts, request.moves_from) if request.moves_from else None
        if moved is not None:
            self._records.change_contact(moved._replace(is_home=False))
        is_home = moved is not None or not contacts
        contact = _contact(contacts, name)
        before = NEVER if contact is None else contact.at
        self._records.put_place(Place(request.key, name, request.number, at, Queue.LEFT if departs else queue, before))
        if contact is None:
            left_at = at if departs else NEVER
            self._records.add_contact(
                Contact(request.number, name, left_at, at, int(departs), int(not departs), is_home)
            )
            return at
        bookings = contact.bookings + (not departs) - (held is not None)
        left_at = max(before, at) if departs else before
        planned = max(left_at, at, contact.planned) if bookings else left_at
        self._records.change_contact(
            Contact(
                *(request.number, name, left_at, planned),
                *(contact.departures + departs, bookings, contact.is_home or is_home),
            )
        )
        return at

    def _leave(self, place: Place) -> None:
        """A place counts no more."""
        self._records.remove_place(place)
        contacts = self._records.contacts(place.number)
        contact = _contact(contacts, place.sim)
        if contact is None:
            return
        if place.queue is Queue.LEFT:
            at = place.before if contact.at == place.at else contact.at
            changed = contact._replace(departures=contact.departures - 1, at=at)
        else:
            changed = contact._replace(bookings=contact.bookings - 1)
        if changed.departures <= 0 and changed.bookings <= 0:
            self._records.remove_contact(contact)
            others = [one for one in contacts if one.sim != contact.sim]
            if contact.is_home and others:
                self._records.change_contact(others[0]._replace(is_home=True))
            return
        self._records.change_contact(
            changed._replace(planned=max(changed.at, changed.planned) if changed.bookings > 0 else changed.at)
        )

    def _set_back(self) -> None:
        """The clock was set back: what lies in the future has just departed. What waits asks anew for its slot."""
        now, records = self._now, self._records
        for place in list(records.places()):
            if place.queue is not Queue.LEFT:
                self._leave(place)
            elif place.at > now:
                records.put_place(place._replace(at=now, before=min(place.before, now)))
        for contact in list(records.all_contacts()):
            if contact.planned > now:
                records.change_contact(contact._replace(at=min(contact.at, now), planned=min(contact.planned, now)))
        records.see(now)


def _contact(contacts: Sequence[Contact], sim: str) -> Contact | None:
    for contact in contacts:
        if contact.sim == sim:
            return contact
    return None


def _moved(contacts: Sequence[Contact], sims: Collection[str]) -> Contact | None:
    """The home of a recipient, if it is one of these SIMs, and he moves."""
    return next((contact for contact in contacts if contact.is_home and contact.sim in sims), None)


def _home(contacts: Sequence[Contact], sims: Sequence[Sim]) -> Sim | None:
    """The SIM that a recipient gets his messages from."""
    for contact in contacts:
        for sim in sims:
            if sim._name == contact.sim:
                return sim
    return None
