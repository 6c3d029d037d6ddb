"""Real databases with the tables of the project, which many threads and processes can share: SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from typing import Any

from django.core.management import call_command
from django.db import connections
from django.db.backends.signals import connection_created

from smsmobile.contrib.django.models import HandledEvent, IncomingMessage, JournalMessage, OutgoingSMS, SuppressedNumber

from ...stores.postgresql import USER, PostgreSQLServer

MODELS = (HandledEvent, IncomingMessage, JournalMessage, OutgoingSMS, SuppressedNumber)


@contextmanager
def connections_of_threads_closed() -> Iterator[None]:
    """Closes the connections that threads have left open. Django leaves that to each thread."""
    here, opened = get_ident(), []

    def keep(connection: Any, **_: object) -> None:
        if get_ident() != here:
            opened.append(connection)

    connection_created.connect(keep)
    yield
    connection_created.disconnect(keep)
    for connection in opened:
        connection.inc_thread_sharing()
        connection.close()


class Router:
    """Sends everything to one database: `DATABASE_ROUTERS = [Router(alias)]`."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def db_for_read(self, model: object, **hints: object) -> str:
        return self._alias

    db_for_write = db_for_read


class Database:
    """A database under an alias of its own, for as long as it is open."""

    def __init__(self, alias: str, values: dict[str, Any], environment: dict[str, str]) -> None:
        self.alias = alias
        self.environment = environment
        """For the settings of a process that uses the database, too."""
        connections.settings[alias] = {**connections.settings["default"], "OPTIONS": {}, **values}
        call_command("migrate", "smsmobile", database=alias, verbosity=0)

    def clear(self) -> None:
        """Empty the tables."""
        for model in MODELS:
            model._base_manager.using(self.alias).all().delete()

    def close(self) -> None:
        """Forget the database. The threads have closed their connections."""
        connections[self.alias].close()
        del connections[self.alias], connections.settings[self.alias]


def sqlite(folder: Path) -> Database:
    path = folder / "shared.sqlite"
    return Database("file", {"ENGINE": "django.db.backends.sqlite3", "NAME": path}, {"TEST_SQLITE": str(path)})


def postgresql(server: PostgreSQLServer) -> Database:
    name = server.new_schema()
    server.execute(f"CREATE DATABASE {name}")
    values = {"HOST": "127.0.0.1", "PORT": str(server.port), "NAME": name, "USER": USER, "PASSWORD": server.password}
    environment = {f"TEST_POSTGRESQL_{key}": str(values[key]) for key in ("PORT", "NAME", "PASSWORD")}
    return Database("server", {"ENGINE": "django.db.backends.postgresql", **values}, environment)
