"""Runs steps in transactions: each in one of its own, which is durable, and tried again if it collides."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from django.db import Error, connections, transaction

from ...errors import ConfigurationError, StorageError
from .models import JournalMessage

T = TypeVar("T")
Clock = Callable[[], float]
"""Says the time in Unix seconds: that of PostgreSQL, or of the machine for SQLite, which has none."""

DATABASES = ("postgresql", "sqlite")
"""The vendors of the databases that the journal and the list of opt-outs work with."""

_PATIENCE = 30.0
"""Seconds after which a step that collides with others is given up."""
_LONGEST_PAUSE = 0.5
_COLLISIONS = {"40001", "40P01", "23505"}
"""SQLSTATEs of a transaction that was rolled back since another was in its way."""
_LOCKS = 0x736D646A
"""PostgreSQL's advisory locks of the journal: `smdj` and a number."""
_FULL = 2
_FLUSH = """
    SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')
        WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true)
"""
"""For this transaction: with `off`, PostgreSQL forgets its last commits when the server crashes."""
_PREPARE = f"{_FLUSH}, set_config('lock_timeout', '30s', true)"
_INSIDE = (
    "This call needs a transaction of its own, but is inside of transaction.atomic(): if that is rolled back, nobody "
    "knows that the message was sent, and it is sent again. Use queue_sms, which stores the message in your "
    "transaction."
)


def run(step: Callable[[Clock], T], *, using: str, locks: Iterable[int] = ()) -> T:
    """Do a step in a transaction that survives a crash when this returns.

    step: can be called again, since a step that collides with others is rolled back.
    using: the alias of the database.
    locks: numbers of locks that the step holds. SQLite has one lock, and each step holds it.

    Raises StorageError; RuntimeError inside of another transaction, except for that of a TestCase.
    """
    deadline = time.monotonic() + _PATIENCE
    pause = 0.01
    while True:
        try:
            return _once(step, using, sorted(set(locks)))
        except Error as error:
            failure = error
        if not is_collision(failure) or time.monotonic() > deadline:
            raise storage_error(failure, using) from None
        time.sleep(random.uniform(0, pause))  # noqa: S311 - not a secret
        pause = min(2 * pause, _LONGEST_PAUSE)


def run_within(step: Callable[[], T], *, using: str) -> T:
    """Do a step in the transaction of the caller, if there is one, else as `run` does. Raises StorageError.

    On PostgreSQL that transaction then survives a crash, too. On SQLite it depends on the `PRAGMA synchronous` that it
    began with.
    """
    connection = _connection(using)
    if not connection.in_atomic_block and connection.get_autocommit():
        return run(lambda _: step(), using=using)
    try:
        # With a savepoint, if there can be one: if the step fails, the caller can go on.
        with transaction.atomic(using=using, savepoint=connection.in_atomic_block):
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute(_FLUSH)
            return step()
    except Error as error:
        failure = error
    raise storage_error(failure, using)


def read(query: Callable[[], T], *, using: str) -> T:
    """The result of a query that changes nothing. Raises StorageError."""
    try:
        return query()
    except Error as error:
        failure = error
    raise storage_error(failure, using)


def _once(step: Callable[[Clock], T], using: str, locks: list[int]) -> T:
    connection = _connection(using)
    is_outermost = not connection.in_atomic_block
    if is_outermost and not connection.get_autocommit():
        raise RuntimeError(_INSIDE)
    with ExitStack() as stack:
        if is_outermost and connection.vendor == "sqlite":
            stack.enter_context(_flushing(connection))
        try:
            stack.enter_context(transaction.atomic(using=using, durable=True))
        except RuntimeError:
            raise RuntimeError(_INSIDE) from None
        if connection.vendor == "sqlite":
            # A change, so that the transaction writes from its beginning. Else its first change could fail, since
            # others have changed the file meanwhile.
            JournalMessage.objects.using(using).filter(pk="").update(state="")
            return step(time.time)
        with connection.cursor() as cursor:
            if is_outermost:  # each statement sees what was committed before it, whatever the settings say
                cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            cursor.execute(_PREPARE)
            for number in locks:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCKS, number])

            def clock() -> float:
                cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
                return float(cursor.fetchone()[0])

            return step(clock)


def _connection(using: str) -> Any:
    connection = connections[using]
    if connection.vendor not in DATABASES:
        raise ConfigurationError(
            f"The database {using!r} is of the kind {connection.vendor}; expected PostgreSQL or SQLite, the only ones "
            "that the journal and the list of opt-outs work with."
        )
    return connection


@contextmanager
def _flushing(connection: Any) -> Iterator[None]:
    """Each commit to the SQLite file waits for the disk, also if the settings have a faster `PRAGMA synchronous`."""
    with connection.cursor() as cursor:
        setting = int(cursor.execute("PRAGMA synchronous").fetchone()[0])
        if setting >= _FULL:
            yield
            return
        cursor.execute(f"PRAGMA synchronous = {_FULL}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA synchronous = {setting}")


def is_collision(error: Error) -> bool:
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return state in _COLLISIONS or "is locked" in str(cause)  # SQLite has words only


def storage_error(error: Error, using: str) -> StorageError:
    """Without the error's text, which can show numbers."""
    if is_collision(error):
        return StorageError(f"The database {using!r} is locked by others for long: end that, and try again.")
    return StorageError(
        f"The database {using!r} cannot be used ({type(error).__name__}): check that it runs, and that manage.py "
        "migrate was called."
    )
