"""The suppression list in a SQL database: every machine that can reach it shares it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import URL, Engine, and_, delete, exists, select

from ..._confidential import safe_repr, without_frames
from ...delivery.suppression import digits_on_list, spelled_source
from ._database import Database
from ._tables import suppressed
from ._upsert import upsert

_AT_ONCE = 500
"""Numbers that are read at once."""

_c = suppressed.c


class SQLSuppression:
    """A suppression list in a PostgreSQL or SQLite database, for all processes and machines that use the database.

    A change waits for the disk, also where the database has `synchronous_commit = off`.
    """

    @without_frames
    def __init__(self, engine: Engine | URL | str, *, create: bool = True) -> None:
        """Nothing is connected yet.

        engine: an engine of SQLAlchemy, whose pool is used; or a URL, for an engine of the list's own.
        create: whether to create the missing table at the first use. Pass False if migrations make it.

        Raises ConfigurationError if `engine` cannot be used: another database than PostgreSQL and SQLite, a database in
        memory, an asynchronous driver, or one that is not installed.
        """
        self._database = Database(engine, [suppressed], create=create)

    def create_tables(self) -> None:
        """Create the table if it is missing. Raises StorageError if that fails."""
        self._database.create_tables()

    def add(self, number: str, *, source: str = "") -> bool:
        """Put a number on the list; see `Suppression.add`. Raises StorageError."""
        row = {"number": digits_on_list(number), "source": spelled_source(source)}
        is_its_own = and_(_c.source == row["source"], _c.source != "")
        return self._database.run(lambda connection: upsert(connection, suppressed, row, where=is_its_own))

    def remove(self, number: str) -> bool:
        """Take a number off the list; see `Suppression.remove`. Raises StorageError."""
        remove = delete(suppressed).where(_c.number == digits_on_list(number))
        return self._database.run(lambda connection: connection.execute(remove).rowcount > 0)

    def __contains__(self, number: object) -> bool:
        find = select(exists().where(_c.number == digits_on_list(number)))
        return self._database.run(lambda connection: bool(connection.execute(find).scalar_one()), in_one=True)

    def __iter__(self) -> Iterator[str]:
        after = ""
        while numbers := self._read(after):
            yield from numbers
            after = numbers[-1]

    def _read(self, after: str) -> list[str]:
        some = select(_c.number).where(_c.number > after).order_by(_c.number).limit(_AT_ONCE)
        return self._database.run(lambda connection: list(connection.execute(some).scalars()), in_one=True)

    @safe_repr
    def __repr__(self) -> str:
        return f"<SQLSuppression: {self._database.name}>"
