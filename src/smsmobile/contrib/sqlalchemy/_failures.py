"""What an error of the database means: whether the step can be tried again, and what its user has to do.

The texts of the drivers are not shown: they hold the values of the statement.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

_MEANINGS = {
    "08": "cannot be reached: check that it runs and that this machine may connect, then try again",
    "28": "refused the user or the password: check them",
    "3D": "does not exist: create it",
    "3F": "has no such schema, or does not let its user into it: create it, or grant the right",
    "42P01": "has no table for this: call create_tables(), or run your migrations",
    "42703": "has a table that another version of smsmobile made: run your migrations",
    "42501": "does not allow this to its user: grant the rights, or call create_tables() as a user who has them",
    "25006": "is read-only, as a standby is: connect to the primary",
    "53": "has no room or no connection left: make room, or raise its limits",
    "55P03": "is locked by another transaction for long: end that, and try again",
    "57014": "ended a statement that took too long: check its load, and try again",
    "57": "was stopped, or is just starting: try again",
}
"""By SQLSTATE, or by its beginning: the longest that fits counts."""
_WORDS = {
    "no such table": "42P01",
    "no such column": "42703",
    "no column named": "42703",
    "readonly": "42501",
    "locked": "SQLITE_BUSY",
    "disk is full": "53",
    "unable to open": "08",
}
"""SQLite's errors, by words in them."""
_LOCKED = "SQLITE_BUSY"
_COLLISIONS = {"40001", "40P01", "23505", "42P07", _LOCKED}
"""Another transaction was in the way, and this one is rolled back.

A 23505 is a key that another has just claimed; a 42P07, a table that another has just created.
"""


class Failure(NamedTuple):
    """What is known of an error."""

    text: str
    """Goes on after "The database …"."""
    was_lost: bool = False
    """The connection broke: nobody knows whether the transaction was committed."""
    collided: bool = False
    """The transaction was rolled back, and can be tried again."""


def judge(error: SQLAlchemyError) -> Failure:
    """What an error means."""
    if isinstance(error, PoolTimeout):
        return Failure("has no connection free in the engine's pool: make it larger (pool_size), or use fewer threads")
    if not isinstance(error, DBAPIError):
        return Failure(f"cannot be used ({type(error).__name__}): check the engine's settings")
    code = _code(error)
    if code == _LOCKED:
        text = "is locked by another program for long: end that, and try again"
    elif code in _COLLISIONS:
        text = "was changed by others at the same time, again and again: try again"
    else:
        known = [start for start in _MEANINGS if code.startswith(start)]
        could_not = "08" if isinstance(error, OperationalError) and not code else ""
        meaning = _MEANINGS.get(max(known, key=len, default=could_not), "failed: look into its log")
        text = f"{meaning} ({type(error.orig).__name__}{', SQLSTATE ' + code if len(code) == len('08000') else ''})"
    return Failure(text, was_lost=error.connection_invalidated, collided=code in _COLLISIONS)


def _code(error: DBAPIError) -> str:
    cause = error.orig
    code = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    if isinstance(code, str):
        return code
    message = str(cause)
    return next((_WORDS[words] for words in _WORDS if words in message), "")
