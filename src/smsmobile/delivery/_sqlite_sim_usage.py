"""SIM usage in a file, for the threads and processes of one machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from .._confidential import safe_repr
from .._locks import ForkSafeLock
from .._storage import SQLiteFile, checked_path
from ._sim import Sim
from ._sim_usage import DAY, MINUTE, MONTH, Contact, Place, Queue, Room, SimRecords

if TYPE_CHECKING:
    import sqlite3

T = TypeVar("T")

APPLICATION_ID = 0x736D7375
"""In the file's header: `smsu`."""
VERSION = 1

_WHAT = "a file of SIM usage"
_FLUSH_SECONDS = 1.0
"""How much of the usage a power failure may lose. A message does not wait for the disk each time."""
_SCHEMA = (
    "CREATE TABLE clock (seen REAL NOT NULL)",
    "INSERT INTO clock VALUES (0.0)",
    "CREATE TABLE sims (sim TEXT NOT NULL PRIMARY KEY, recipients INTEGER NOT NULL) WITHOUT ROWID",
    """
    CREATE TABLE places (
        key TEXT NOT NULL PRIMARY KEY,
        sim TEXT NOT NULL,
        number TEXT NOT NULL,
        at REAL NOT NULL,
        queue INTEGER NOT NULL,  -- 0: it has departed; the others: it waits
        before REAL NOT NULL
    )
    """,
    "CREATE INDEX places_by_time ON places (sim, at, queue)",
    "CREATE INDEX waiting ON places (at) WHERE queue > 0",
    """
    CREATE TABLE contacts (
        number TEXT NOT NULL,
        sim TEXT NOT NULL,
        at REAL NOT NULL,
        planned REAL NOT NULL,
        departures INTEGER NOT NULL,
        bookings INTEGER NOT NULL,
        is_home INTEGER NOT NULL,
        PRIMARY KEY (number, sim)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX contacts_by_time ON contacts (sim, at)",
    "CREATE INDEX contacts_by_plan ON contacts (sim, planned)",
)
_PLACE = "key, sim, number, at, queue, before"
_CONTACT = "number, sim, at, planned, departures, bookings, is_home"


class SQLiteSimUsage:
    """SIM usage in a file. The processes of one machine share it, each with an object of its own or not.

    What a step has recorded survives a kill of the process at once, and a power failure after a second.

    path: created with mode 0600 when it is first used, if it is missing; its folder has to exist. Use a local disk.

    Raises StorageError if `path` is empty or `":memory:"`. `run` raises StorageError if the file is of another kind, is
    damaged, was removed, or cannot be read or written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = checked_path(path, _WHAT)
        self._file: SQLiteFile | None = None
        self._flushed_at = 0.0
        self._opening = ForkSafeLock()

    def run(self, step: Callable[[SimRecords], T]) -> T:
        """Do a step; see `SimUsage.run`."""
        now = time.monotonic()
        flush = abs(now - self._flushed_at) >= _FLUSH_SECONDS
        with self._opened.transaction(flush=flush) as connection:
            result = step(_Records(connection))
        if flush:
            self._flushed_at = now
        return result

    @safe_repr
    def __repr__(self) -> str:
        return f"<SQLiteSimUsage {self._path}>"

    @property
    def _opened(self) -> SQLiteFile:
        if self._file is None:
            with self._opening:
                if self._file is None:
                    self._file = SQLiteFile(
                        self._path,
                        application_id=APPLICATION_ID,
                        version=VERSION,
                        schema=_SCHEMA,
                        what=_WHAT,
                        shared=True,
                        irreplaceable=True,
                    )
        return self._file


class _Records:
    """The rows of the file; see `SimRecords`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def seen(self) -> float:
        """The time that was last noted."""
        return float(self._execute("SELECT seen FROM clock").fetchone()[0])

    def see(self, now: float) -> None:
        """Note the time."""
        self._execute("UPDATE clock SET seen = ?", (now,))

    def place(self, key: str) -> Place | None:
        """The place under a key."""
        return next(map(Place.of_row, self._execute(f"SELECT {_PLACE} FROM places WHERE key = ?", (key,))), None)  # noqa: S608

    def put_place(self, place: Place) -> None:
        """Add a place, or replace the one under its key."""
        self._execute(f"REPLACE INTO places ({_PLACE}) VALUES (?, ?, ?, ?, ?, ?)", place)  # noqa: S608

    def remove_place(self, place: Place) -> None:
        """Remove it."""
        self._execute("DELETE FROM places WHERE key = ?", (place.key,))

    def lapsed(self, before: float, limit: int) -> Sequence[Place]:
        """Some of the places that wait, and whose time is before this."""
        found = self._execute(f"SELECT {_PLACE} FROM places WHERE queue > 0 AND at < ? LIMIT ?", (before, limit))  # noqa: S608
        return list(map(Place.of_row, found))

    def purge(self, before: float) -> None:
        """Remove the departures before this time."""
        self._execute("DELETE FROM places WHERE queue = 0 AND at < ?", (before,))

    def contacts(self, number: str) -> Sequence[Contact]:
        """Those with this number: the home first, then the latest."""
        found = self._execute(
            f"SELECT {_CONTACT} FROM contacts WHERE number = ? ORDER BY is_home DESC, at DESC",  # noqa: S608
            (number,),
        )
        return list(map(_contact, found))

    def add_contact(self, contact: Contact) -> None:
        """Add a recipient of a SIM."""
        self._execute(f"INSERT INTO contacts ({_CONTACT}) VALUES (?, ?, ?, ?, ?, ?, ?)", contact)  # noqa: S608
        self._execute(
            "INSERT INTO sims VALUES (?, 1) ON CONFLICT (sim) DO UPDATE SET recipients = recipients + 1", (contact.sim,)
        )

    def change_contact(self, contact: Contact) -> None:
        """Replace the one with its number and SIM."""
        self._execute(
            "UPDATE contacts SET at = ?, planned = ?, departures = ?, bookings = ?, is_home = ? "
            "WHERE number = ? AND sim = ?",
            (*contact[2:], contact.number, contact.sim),
        )

    def remove_contact(self, contact: Contact) -> None:
        """Remove it."""
        self._execute("DELETE FROM contacts WHERE number = ? AND sim = ?", contact[:2])
        self._execute("UPDATE sims SET recipients = recipients - 1 WHERE sim = ?", (contact.sim,))

    def rooms(self, sims: Sequence[Sim], queue: Queue) -> Sequence[Room]:
        """The room of each SIM; see `SimRecords.rooms`."""
        statement, values = _question(tuple(sims), queue)
        found = self._execute(statement, values).fetchone()
        return [Room.of_limits(*found[start : start + 4]) for start in range(0, len(found), 4)]

    def places(self) -> Iterable[Place]:
        """All places."""
        return map(Place.of_row, self._execute(f"SELECT {_PLACE} FROM places"))  # noqa: S608

    def all_contacts(self) -> Iterable[Contact]:
        """All contacts."""
        return map(_contact, self._execute(f"SELECT {_CONTACT} FROM contacts"))  # noqa: S608


@lru_cache(maxsize=256)
def _question(sims: tuple[Sim, ...], queue: Queue) -> tuple[str, list[object]]:
    """A statement that asks for the rooms of these SIMs, four columns each."""
    columns: list[str] = []
    values: list[object] = []
    time = "at" if queue is Queue.LEFT else "planned"
    of_places = "(SELECT at FROM places WHERE sim = ? AND queue <= ? ORDER BY at DESC LIMIT 1 OFFSET ?)"
    of_contacts = f"(SELECT {time} FROM contacts WHERE sim = ? ORDER BY {time} DESC LIMIT 1 OFFSET ?)"  # noqa: S608
    for sim in sims:
        for limit, period in ((sim.per_minute, MINUTE), (sim.per_day, DAY)):
            if limit is None:
                columns.append("NULL")
            else:
                columns.append(f"{of_places} + ?")
                values += [sim._name, int(queue), limit - 1, period]
        if sim.recipients_per_month is None:
            columns.append("NULL")
        else:
            columns.append(f"{of_contacts} + ?")
            values += [sim._name, sim.recipients_per_month - 1, MONTH]
        columns.append("(SELECT recipients FROM sims WHERE sim = ?)")
        values.append(sim._name)
    return f"SELECT {', '.join(columns)}", values


def _contact(row: Sequence[Any]) -> Contact:
    *fields, is_home = row
    return Contact(*fields, is_home=bool(is_home))  # type: ignore[misc]  # as the schema has them
