"""The SIMs of a pool in a forecast: which one sends a message, and when its limits let it.

It decides as _booking.py does, for messages that all leave in their slots. That takes a few microseconds a message,
where a pool records each of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ._messages import OutgoingSMS
from ._sim import Sim
from ._sim_usage import DAY, MINUTE, MONTH
from .sims import SimPool


class PlayedSlot(NamedTuple):
    """When a SIM may send a message, and which limit decides that; empty if none does."""

    sim: PlayedSim
    at: float
    cause: str


class PlayedSim:
    """A SIM, and what it has sent and will send."""

    def __init__(self, sim: Sim) -> None:
        self.sim = sim
        self.recipients = 0
        self.at, self.cause = 0.0, ""
        """When it may send one more message, and by which limit."""
        self.new_at, self.new_cause = 0.0, ""
        """The same, for a new recipient."""
        self._minute: deque[float] = deque(maxlen=sim.per_minute or 0)
        self._day: deque[float] = deque(maxlen=sim.per_day or 0)
        self._month: dict[str, float] = {}
        """The latest recipients, as many as it may have in a month, and when it last writes to each."""

    def book(self, number: str, at: float) -> None:
        """Let it send a message at this time."""
        sim = self.sim
        self.at, self.cause = 0.0, ""
        if sim.per_minute is not None:
            self._minute.append(at)
            if len(self._minute) == sim.per_minute:
                self.at, self.cause = self._minute[0] + MINUTE, "per_minute"
        if sim.per_day is not None:
            self._day.append(at)
            if len(self._day) == sim.per_day and self._day[0] + DAY >= self.at:
                self.at, self.cause = self._day[0] + DAY, "per_day"
        self._write_to(number, at)

    def know(self, number: str, at: float) -> None:
        """It wrote to this number long ago."""
        self.recipients += 1
        self._write_to(number, at)

    def _write_to(self, number: str, at: float) -> None:
        limit, month = self.sim.recipients_per_month, self._month
        self.new_at, self.new_cause = self.at, self.cause
        if limit is None:
            return
        month.pop(number, None)
        month[number] = at
        if len(month) > limit:
            del month[next(iter(month))]
        if len(month) == limit and (freed_at := next(iter(month.values())) + MONTH) >= self.new_at:
            self.new_at, self.new_cause = freed_at, "recipients_per_month"

    def knows(self, number: str, at: float) -> bool:
        """Whether the number is no new recipient then."""
        return self._month.get(number, 0.0) > at - MONTH


class PlayedSims:
    """The SIMs of a pool, with what they have sent so far. Nothing is recorded in the pool."""

    def __init__(self, pool: SimPool, starts_at: float) -> None:
        """Raises StorageError if the usage cannot be read."""
        self._sims = [PlayedSim(sim) for sim in pool._sims]
        self._homes: dict[str, PlayedSim] = {}
        """The SIM of each recipient."""
        named = {sim.sim._name: sim for sim in self._sims}
        places, contacts = pool._usage.run(lambda records: (list(records.places()), list(records.all_contacts())))
        for contact in sorted(contacts, key=lambda contact: contact.at):
            if contact.sim in named:
                named[contact.sim].know(contact.number, max(contact.at, contact.planned))
                if contact.is_home:
                    self._homes[contact.number] = named[contact.sim]
        for place in sorted(places, key=lambda place: place.at):
            if place.sim in named and place.at > starts_at - DAY:
                named[place.sim].book(place.number, place.at)

    def slot(
        self, number: str, message: OutgoingSMS, now: float, opens_at: Callable[[float], float]
    ) -> PlayedSlot | None:
        """The slot of a message; `book` it. None if no SIM of the pool is meant. `opens_at`: when the window opens."""
        sims: Sequence[PlayedSim] = self._sims
        if message.device is not None or message.sim is not None:
            device = None if message.device is None else message.device.strip()
            sims = [sim for sim in sims if sim.sim._takes(device, message.sim)]
            if not sims:
                return None
        sim = self._homes.get(number)
        if sim is None or (sims is not self._sims and sim not in sims):
            sim = _earliest(sims, now)
        if sim.new_at <= now or sim.new_at <= sim.at:
            at, cause = sim.new_at, sim.new_cause
        else:
            at, cause = sim.at, sim.cause
            if not sim.knows(number, opens_at(max(at, now))):
                at, cause = sim.new_at, sim.new_cause
        return PlayedSlot(sim, now, "") if at <= now else PlayedSlot(sim, opens_at(at), cause)

    def book(self, slot: PlayedSlot, number: str) -> None:
        """The message will leave in this slot."""
        if number not in self._homes:
            self._homes[number] = slot.sim
            slot.sim.recipients += 1
        slot.sim.book(number, slot.at)


def _earliest(sims: Sequence[PlayedSim], now: float) -> PlayedSim:
    """The SIM that may write to a new recipient first; of several, the one with the fewest recipients."""
    best, best_at = sims[0], float("inf")
    for sim in sims:
        at = sim.new_at if sim.new_at > now else now  # noqa: FURB136 - twice as fast as max()
        if at < best_at or (at == best_at and sim.recipients < best.recipients):
            best, best_at = sim, at
    return best
