"""Runs the steps of a store: each in a transaction of its own, which is durable, bounded in time, and tried again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias, TypeVar
from weakref import finalize

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    Table,
    TextClause,
    cast,
    extract,
    func,
    inspect,
    literal_column,
    text,
)
from sqlalchemy.exc import SQLAlchemyError

from ...errors import StorageError
from ._engines import check_engine, database_of
from ._failures import Failure, judge
from ._tables import metadata

T = TypeVar("T")
Step: TypeAlias = Callable[[Connection], T]
"""What a store does in one transaction."""

_TRIES = 20
_PATIENCE = 30.0
"""Seconds after which a step that collides with others is given up."""
_LONGEST_PAUSE = 0.5
_LOCKS = 0x736D736D
"""PostgreSQL's advisory locks of this library: `smsm` and a number."""
_SQLITE_NOW = "(julianday('now') - 2440587.5) * 86400.0"
_FULL = 2
"""SQLite's `PRAGMA synchronous`: each commit waits for the disk."""

_DURABLE = (
    "set_config('synchronous_commit', "
    "CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, "
    "true)"
)
"""For this transaction: with `off`, PostgreSQL forgets its last commits when the server crashes."""
_PREPARE = text(
    # A machine that loses its power in a transaction must not lock the others out until TCP notices.
    f"SELECT {_DURABLE}, set_config('lock_timeout', '30s', true), "
    "set_config('idle_in_transaction_session_timeout', '30s', true)"
)
_LOCK = text("SELECT pg_advisory_xact_lock(:locks, number) FROM unnest(CAST(:numbers AS integer[])) AS number")


class Database:
    """The database of one store."""

    def __init__(self, engine: object, tables: Sequence[Table], *, create: bool) -> None:
        """Raises ConfigurationError if the engine cannot be used."""
        base = check_engine(engine)
        self._tables = tables
        self._is_created = not create
        self.name = database_of(base)
        self.is_postgresql = base.dialect.name == "postgresql"
        # With the same pool. Its logs and errors hide numbers and tokens; other users of the engine keep their setting.
        self._engine = base.execution_options()
        self._engine.hide_parameters = True
        if base is not engine:  # made for a URL, and for this store alone
            finalize(self, base.dispose)

    def create_tables(self) -> None:
        """Create the tables that are missing. Raises StorageError if that fails."""
        self._try(self._create)
        self._is_created = True

    def run(self, step: Step[T], *, again: Step[T] | None = None, in_one: bool = False) -> T:
        """Do a step in a transaction. Raises StorageError.

        A step that collides with others is tried again. One whose connection broke is tried once more: the connection
        may have been dead before, since the server was restarted. But the answer to a commit may have been lost as
        well, so each step can be repeated without harm.

        again: for the second try, if a step has to be done in another way when it may have been done already.
        in_one: PostgreSQL does it in one round trip. It only reads, or is a single statement with the condition
            `durable()`.
        """
        if not self._is_created:
            if not self._try(self._has_tables):
                self.create_tables()
            self._is_created = True
        return self._try(step, again, in_one)

    def _try(self, step: Step[T], again: Step[T] | None = None, in_one: bool = False) -> T:
        repeated = False
        deadline = time.monotonic() + _PATIENCE
        failure = Failure("")
        for attempt in range(_TRIES):
            try:
                with self._transaction(in_one) as connection:
                    return (again or step)(connection) if repeated else step(connection)
            except SQLAlchemyError as error:
                failure = judge(error)
            if failure.was_lost and not repeated:
                repeated = True
            elif failure.collided and time.monotonic() < deadline:
                time.sleep(random.uniform(0, min(0.01 * 2**attempt, _LONGEST_PAUSE)))  # noqa: S311 - not a secret
            else:
                break
        # Outside of the block, so that the error has no cause: that shows the numbers.
        raise StorageError(f"The {self.name} {failure.text}.")

    def _transaction(self, in_one: bool) -> AbstractContextManager[Connection]:
        return self._postgresql_transaction(in_one) if self.is_postgresql else self._sqlite_transaction()

    @contextmanager
    def _postgresql_transaction(self, in_one: bool) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            # Whatever the engine is set to: at this level, each statement sees what was committed before it.
            connection.execution_options(isolation_level="AUTOCOMMIT" if in_one else "READ COMMITTED")
            with connection.begin():
                if not in_one:
                    connection.execute(_PREPARE)
                yield connection

    @contextmanager
    def _sqlite_transaction(self) -> Iterator[Connection]:
        """A write transaction from its beginning, whose commit waits for the disk.

        sqlite3 itself begins one at the first change, and it could then fail since others have changed the file.
        """
        with self._engine.connect() as connection:
            connection.begin()
            raw = connection.connection.dbapi_connection
            if getattr(raw, "in_transaction", False):  # the engine has an event that begins one
                connection.exec_driver_sql("ROLLBACK")
            flushing = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
            if flushing < _FULL:
                connection.exec_driver_sql(f"PRAGMA synchronous = {_FULL}")
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection
                if getattr(raw, "autocommit", None) is True:  # a connection on which commit() does nothing
                    connection.exec_driver_sql("COMMIT")
                connection.commit()
            finally:
                if flushing < _FULL:
                    self._restore(connection, flushing)

    def _restore(self, connection: Connection, flushing: int) -> None:
        connection.rollback()  # not within the transaction, if that failed
        connection.exec_driver_sql(f"PRAGMA synchronous = {flushing:d}")

    def _has_tables(self, connection: Connection) -> bool:
        schema = (connection.get_execution_options().get("schema_translate_map") or {}).get(None)
        names = inspect(connection)
        return all(names.has_table(table.name, schema=schema) for table in self._tables)

    def _create(self, connection: Connection) -> None:
        metadata.create_all(connection, tables=self._tables, checkfirst=True)

    # For the steps.

    def lock(self, connection: Connection, numbers: Sequence[int]) -> None:
        """Take locks until the transaction ends. SQLite needs none: its transactions take turns."""
        if self.is_postgresql:
            # In one order, so that no two wait for each other.
            connection.execute(_LOCK, {"locks": _LOCKS, "numbers": sorted(set(numbers))})

    def now(self) -> ColumnElement[float]:
        """The time in Unix seconds when the statement is executed, by the database: the clocks of machines differ."""
        if self.is_postgresql:
            return cast(extract("epoch", func.clock_timestamp()), Double)
        return literal_column(_SQLITE_NOW, Double)

    def durable(self) -> TextClause:
        """A condition that is always true, and makes a statement of its own wait for the disk."""
        return text(f"{_DURABLE} IS NOT NULL" if self.is_postgresql else "1 = 1")
