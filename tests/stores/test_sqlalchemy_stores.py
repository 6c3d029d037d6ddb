"""The stores in a SQL database pass the tests that every store passes, on PostgreSQL and on SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from sqlalchemy import Engine, Table, create_engine, delete, insert, select, update

from smsmobile.contrib.sqlalchemy import SQLEventStore, SQLJournal, SQLSimUsage, SQLTokenStore, metadata

from .event_rules import LEASE, TTL, EventRules
from .journal_rules import JournalRules
from .postgresql import PostgreSQLServer
from .sim_usage_rules import SimUsageRules
from .token_rules import TokenLockRules

MESSAGES, EVENTS, LOCKS = (metadata.tables[f"smsmobile_{name}"] for name in ("messages", "events", "token_locks"))


@pytest.fixture(scope="module", params=["postgresql", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('sqlite')}/stores.sqlite"
    server: PostgreSQLServer = request.getfixturevalue("server")
    server.start()
    return server.url(server.new_schema())


@pytest.fixture(scope="module")
def database(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(database: Engine) -> Engine:
    """An engine whose tables are empty."""
    for table in metadata.tables.values():
        clear(database, table)
    return database


def clear(engine: Engine, table: Table) -> None:
    with engine.begin() as connection:
        connection.execute(delete(table))


def make_earlier(engine: Engine, table: Table, seconds: float, *columns: str) -> None:
    """Let time pass for what is recorded in these columns."""
    with engine.begin() as connection:
        connection.execute(update(table).values({name: table.c[name] - seconds for name in columns}))


class SQLJournals:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def journal(self) -> SQLJournal:
        return SQLJournal(self._engine, lease=LEASE)

    def let_pass(self, seconds: float) -> None:
        make_earlier(self._engine, MESSAGES, seconds, "leased_at", "lease_end")

    def clear(self) -> None:
        clear(self._engine, MESSAGES)


class TestSQLJournal(JournalRules):
    @pytest.fixture
    def journals(self, engine: Engine) -> SQLJournals:
        return SQLJournals(engine)


class SQLEvents:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def store(self) -> SQLEventStore:
        return SQLEventStore(self._engine, lease=LEASE, ttl=TTL)

    def let_pass(self, seconds: float) -> None:
        make_earlier(self._engine, EVENTS, seconds, "claimed_at", "expires_at")


class TestSQLEventStore(EventRules):
    @pytest.fixture
    def events(self, engine: Engine) -> SQLEvents:
        return SQLEvents(engine)


class SQLTokens:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def store(self) -> SQLTokenStore:
        return SQLTokenStore(self._engine)

    def die_with_the_lock(self, key: str) -> None:
        with self.store().lock(key), self._engine.connect() as connection:
            row = connection.execute(select(LOCKS)).mappings().one()
        with self._engine.begin() as connection:
            connection.execute(insert(LOCKS).values(**row))
        make_earlier(self._engine, LOCKS, 30.0, "locked_at", "expires_at")


class TestSQLTokenStore(TokenLockRules):
    @pytest.fixture
    def tokens(self, engine: Engine) -> SQLTokens:
        return SQLTokens(engine)


class TestSQLSimUsage(SimUsageRules):
    @pytest.fixture
    def usages(self, engine: Engine) -> Callable[[], SQLSimUsage]:
        return partial(SQLSimUsage, engine)
