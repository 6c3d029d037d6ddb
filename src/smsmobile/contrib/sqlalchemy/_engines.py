"""The engine of a store: which ones are accepted, and what happens to their connections when the process forks."""

from __future__ import annotations

import os
from weakref import WeakSet

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from ..._input.arguments import shown
from ...errors import ConfigurationError

_EXPECTED = (
    "expected a SQLAlchemy Engine, or a URL such as 'postgresql+psycopg://user:password@host/database' or "
    "'sqlite:////folder/file.sqlite'"
)


def check_engine(engine: object) -> Engine:
    """The engine, or a new one for a URL. Raises ConfigurationError for what the stores do not work with."""
    if isinstance(engine, (str, URL)):
        engine = _made(engine)
    if not isinstance(engine, Engine):
        raise ConfigurationError(f"engine is of type {type(engine).__name__}; {_EXPECTED}.")
    name = engine.dialect.name
    if name not in {"postgresql", "sqlite"}:
        raise ConfigurationError(f"engine is for {shown(name)}; these stores work with PostgreSQL and SQLite alone.")
    if engine.dialect.is_async:
        raise ConfigurationError(
            "engine is asynchronous; expected one with a synchronous driver, such as 'postgresql+psycopg://…'."
        )
    if name == "sqlite" and _is_in_memory(engine.url):
        raise ConfigurationError(
            "engine is for a database in memory, which ends with the process; expected a file, or use a store of "
            "smsmobile that is in memory."
        )
    _engines.add(engine)
    return engine


def _is_in_memory(url: URL) -> bool:
    return ":memory:" in (url.database or ":memory:") or url.query.get("mode") == "memory"


def _made(url: str | URL) -> Engine:
    try:
        # Without the values of statements in logs and errors.
        return create_engine(make_url(url), hide_parameters=True)
    except ImportError as error:
        refused = f"its driver is not installed ({error.name})"
    except NoSuchModuleError:
        refused = "SQLAlchemy knows no such database"
    except (ArgumentError, ValueError, TypeError):
        refused = "SQLAlchemy cannot read it"
    raise ConfigurationError(f"The URL of the engine cannot be used: {refused}; {_EXPECTED}.")


def database_of(engine: Engine) -> str:
    """What to call the database in texts. The rest of the URL may hold a password."""
    kind = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}[engine.dialect.name]
    where = f" at {engine.url.host}" if engine.url.host else ""
    return f"{kind} database {engine.url.database or ''!r}{where}"


# Forks. A child must not use the connections of its parent. PostgreSQL's are left to the parent. SQLite's have to be
# closed before: a child cannot trust any connection to a file that was open during the fork (see _storage.py).

_engines: WeakSet[Engine] = WeakSet()


def _before() -> None:
    for engine in list(_engines):
        if engine.dialect.name == "sqlite":
            engine.dispose()


def _in_child() -> None:
    for engine in list(_engines):
        engine.dispose(close=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_child=_in_child)
