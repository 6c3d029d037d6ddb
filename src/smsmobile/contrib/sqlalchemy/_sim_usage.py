"""SIM usage in a SQL database: the pools of several machines share the limits of their SIMs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    Select,
    delete,
    insert,
    literal,
    null,
    select,
    update,
)

from ..._confidential import safe_repr, without_frames
from ...delivery._sim import Sim
from ...delivery._sim_usage import DAY, MINUTE, MONTH, NEVER, Contact, Place, Queue, Room, SimRecords
from ._database import Database
from ._tables import IS_WAITING, sim_contacts, sim_places, sims
from ._texts import MOST, fitted
from ._upsert import upsert

T = TypeVar("T")

_LOCK = 64
"""The journal has those below."""
_LONGEST_KEY = MOST + 64
"""Characters of a key that is fitted."""
_CLOCK = ""
"""The row of the table of SIMs that has the time."""

_s, _p, _c = sims.c, sim_places.c, sim_contacts.c
_PLACE = (_p.key, _p.sim, _p.number, _p.at, _p.queue, _p.before)
_CONTACT = (_c.number, _c.sim, _c.at, _c.planned, _c.departures, _c.bookings, _c.is_home)


class SQLSimUsage:
    """What SIMs have sent, in a PostgreSQL or SQLite database, for all processes and machines that use the database.

        sims = SimPool([Sim("phone-1", 1, per_minute=5)], SQLSimUsage(engine))

    The pools that share it take turns. It uses the clocks of the machines: they may differ by a second or two.
    """

    @without_frames
    def __init__(self, engine: Engine | URL | str, *, create: bool = True) -> None:
        """Nothing is connected yet.

        engine: an engine of SQLAlchemy, whose pool is used; or a URL, for an engine of the store's own.
        create: whether to create missing tables at the first use. Pass False if migrations make them.

        Raises ConfigurationError if `engine` cannot be used: another database than PostgreSQL and SQLite, a database in
        memory, an asynchronous driver, or one that is not installed.
        """
        self._database = Database(engine, [sims, sim_places, sim_contacts], create=create)

    def create_tables(self) -> None:
        """Create the three tables with their indexes that are missing. Raises StorageError if that fails."""
        self._database.create_tables()

    @without_frames
    def run(self, step: Callable[[SimRecords], T]) -> T:
        """Do a step; see `SimUsage.run`. Raises StorageError if the database cannot be used."""

        def locked(connection: Connection) -> T:
            self._database.lock(connection, [_LOCK])
            return step(_Records(connection))

        return self._database.run(locked)

    @safe_repr
    def __repr__(self) -> str:
        return f"<SQLSimUsage: {self._database.name}>"


class _Records:
    """The rows of the database; see `SimRecords`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._execute = connection.execute

    def seen(self) -> float:
        """The time that was last noted."""
        found = self._execute(select(_s.seen).where(_s.sim == _CLOCK)).scalar_one_or_none()
        return NEVER if found is None else found

    def see(self, now: float) -> None:
        """Note the time."""
        upsert(self._connection, sims, {"sim": _CLOCK, "recipients": 0, "seen": now})

    def place(self, key: str) -> Place | None:
        """The place under a key."""
        row = self._execute(select(*_PLACE).where(_p.key == _fitted(key))).one_or_none()
        return None if row is None else Place.of_row(row)

    def put_place(self, place: Place) -> None:
        """Add a place, or replace the one under its key."""
        values = {**place._asdict(), "key": _fitted(place.key), "queue": int(place.queue)}
        upsert(self._connection, sim_places, values)

    def remove_place(self, place: Place) -> None:
        """Remove it."""
        self._execute(delete(sim_places).where(_p.key == _fitted(place.key)))

    def lapsed(self, before: float, limit: int) -> Sequence[Place]:
        """Some of the places that wait, and whose time is before this."""
        return list(map(Place.of_row, self._execute(select(*_PLACE).where(IS_WAITING, _p.at < before).limit(limit))))

    def purge(self, before: float) -> None:
        """Remove the departures before this time."""
        self._execute(delete(sim_places).where(_p.queue == int(Queue.LEFT), _p.at < before))

    def contacts(self, number: str) -> Sequence[Contact]:
        """Those with this number: the home first, then the latest."""
        found = select(*_CONTACT).where(_c.number == number).order_by(_c.is_home.desc(), _c.at.desc())
        return [Contact(*row) for row in self._execute(found)]

    def add_contact(self, contact: Contact) -> None:
        """Add a recipient of a SIM."""
        self._execute(insert(sim_contacts).values(contact._asdict()))
        if not self._count(contact.sim, 1):
            self._execute(insert(sims).values(sim=contact.sim, recipients=1, seen=NEVER))

    def change_contact(self, contact: Contact) -> None:
        """Replace the one with its number and SIM."""
        upsert(self._connection, sim_contacts, contact._asdict())

    def remove_contact(self, contact: Contact) -> None:
        """Remove it."""
        self._execute(delete(sim_contacts).where(_c.number == contact.number, _c.sim == contact.sim))
        self._count(contact.sim, -1)

    def _count(self, sim: str, change: int) -> bool:
        counted = update(sims).where(_s.sim == sim).values(recipients=_s.recipients + change)
        return self._execute(counted).rowcount > 0

    def rooms(self, sims: Sequence[Sim], queue: Queue) -> Sequence[Room]:
        """The room of each SIM; see `SimRecords.rooms`."""
        row = self._execute(_question(tuple(sims), queue)).one()
        return [Room.of_limits(*row[start : start + 4]) for start in range(0, len(row), 4)]

    def places(self) -> Iterable[Place]:
        """All places."""
        return map(Place.of_row, self._execute(select(*_PLACE)))

    def all_contacts(self) -> Iterable[Contact]:
        """All contacts."""
        return (Contact(*row) for row in self._execute(select(*_CONTACT)))


@lru_cache(maxsize=256)
def _question(members: tuple[Sim, ...], queue: Queue) -> Select[Any]:
    """A statement that asks for the rooms of these SIMs, four columns each."""
    columns: list[ColumnElement[Any]] = []
    at = _c.at if queue is Queue.LEFT else _c.planned
    for sim in members:
        places = select(_p.at).where(_p.sim == sim._name, _p.queue <= int(queue)).order_by(_p.at.desc())
        contacts = select(at).where(_c.sim == sim._name).order_by(at.desc())
        for times, limit, period in (
            (places, sim.per_minute, MINUTE),
            (places, sim.per_day, DAY),
            (contacts, sim.recipients_per_month, MONTH),
        ):
            freed = null() if limit is None else times.limit(1).offset(limit - 1).scalar_subquery() + literal(period)
            columns.append(freed)
        columns.append(select(_s.recipients).where(_s.sim == sim._name).scalar_subquery())
    return select(*(column.label(f"c{number}") for number, column in enumerate(columns)))


def _fitted(key: str) -> str:
    """A key as it fits into an index. One that is fitted already stays as it is."""
    return key if len(key) <= _LONGEST_KEY else fitted(key)
