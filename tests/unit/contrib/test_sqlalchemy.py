"""What the stores in a SQL database accept, how they keep texts, and what they say of the errors of a database."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import DBAPIError, InvalidRequestError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from smsmobile import ConfigurationError
from smsmobile.contrib._texts import escape, unescape
from smsmobile.contrib.sqlalchemy import SQLEventStore, SQLJournal, SQLTokenStore
from smsmobile.contrib.sqlalchemy._failures import judge
from smsmobile.contrib.sqlalchemy._texts import MOST, fitted

STORES: list[Callable[..., object]] = [SQLJournal, SQLEventStore, SQLTokenStore]
SECRET = "not-to-be-seen"
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=50)
"""With NUL and halves of surrogate pairs."""

# --- engines ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", STORES)
def test_an_engine_or_its_url_is_accepted_and_nothing_is_connected_yet(
    store: Callable[..., object], tmp_path: Path
) -> None:
    address = f"sqlite:///{tmp_path}/stores.sqlite"
    for given_one in (address, make_url(address), create_engine(address)):
        assert "SQLite database" in repr(store(given_one))
    remote = store("postgresql+psycopg://user:word@db.example:5432/app?password=again")
    assert repr(remote).startswith(f"<{type(remote).__name__}: PostgreSQL database 'app' at db.example")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        (None, "engine is of type NoneType; expected a SQLAlchemy Engine, or a URL such as 'postgresql"),
        (7, "engine is of type int"),
        (create_engine, "engine is of type function"),
        (f"postgres://user:{SECRET}@host/app", "SQLAlchemy knows no such database"),
        (f"user:{SECRET}@host", "SQLAlchemy cannot read it"),
        (f"postgresql+psycopg://user:{SECRET}@host:port/app", "SQLAlchemy cannot read it"),
        (f"postgresql+pg8000://user:{SECRET}@host/app", "its driver is not installed (pg8000)"),
        (f"mysql+mock://user:{SECRET}@host/app", "SQLAlchemy knows no such database"),
        (
            f"postgresql+psycopg_async://user:{SECRET}@host/app",
            "engine is asynchronous; expected one with a synchronous driver",
        ),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite:///file::memory:?cache=shared&uri=true", "in memory"),
    ],
)
@pytest.mark.parametrize("store", STORES)
def test_another_engine_is_refused_without_its_password(
    store: Callable[..., object], engine: object, words: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        store(engine)
    assert words in str(caught.value)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    texts = [str(frame.locals) for frame in shown.stack if "smsmobile" in frame.filename and "src" in frame.filename]
    assert SECRET not in "".join([str(caught.value), *texts])
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_another_database_is_refused() -> None:
    class Mock:
        """The driver of a database that is not installed."""

        paramstyle = "format"
        version_info = (1, 4, 0)

    engine = create_engine("mysql+mysqldb://host/app", module=Mock())
    with pytest.raises(ConfigurationError, match="engine is for mysql; these stores work with PostgreSQL and SQLite"):
        SQLJournal(engine)


@pytest.mark.parametrize("wrong", [0, -1, "60", None, float("nan")])
def test_a_wrong_duration_is_refused(wrong: Any, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/stores.sqlite"
    for make in (
        lambda: SQLJournal(url, lease=wrong),
        lambda: SQLEventStore(url, lease=wrong),
        lambda: SQLEventStore(url, ttl=wrong),
    ):
        with pytest.raises(ConfigurationError, match=r"(lease|ttl) .*expected a number of seconds, above 0"):
            make()


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("None", 'needs SQLAlchemy 2: pip install "smsmobile[sqlalchemy]"'),
        ("types.SimpleNamespace(__version__='1.4.54')", "needs SQLAlchemy 2, and 1.4.54 is installed: pip install"),
    ],
)
def test_without_sqlalchemy_2_the_import_says_what_to_install(module: str, words: str) -> None:
    script = f"""
        import sys, types
        sys.modules["sqlalchemy"] = {module}
        try:
            import smsmobile.contrib.sqlalchemy
        except ImportError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60, check=True
    )
    assert words in done.stdout


# --- texts --------------------------------------------------------------------------------------------------


@given(ANY_TEXT)
def test_every_text_comes_back(text: str) -> None:
    stored = escape(text)
    assert "\0" not in stored
    stored.encode()
    assert unescape(stored) == text


@given(ANY_TEXT, ANY_TEXT)
def test_no_two_texts_are_stored_alike(one: str, other: str) -> None:
    assert (escape(one) == escape(other)) == (one == other)


def test_a_long_key_fits_into_an_index_and_is_no_other() -> None:
    assert fitted("k" * MOST) == "k" * MOST
    keys = ["\udc80" * MOST, "\U0001f642" * 5000, "\U0001f642" * 5001, "k" * (MOST + 1)]
    stored = [escape(fitted(key)) for key in keys]
    assert len(set(stored)) == len(keys)
    assert max(len(text.encode()) for text in stored) < 2700


# --- errors of the database ---------------------------------------------------------------------------------


class DriverError(Exception):
    """As a driver raises it: with the values of the statement in its text."""

    def __init__(self, sqlstate: str | None = None, text: str = "Key (number)=(33639985678) exists") -> None:
        super().__init__(text)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "words"),
    [
        ("08006", "cannot be reached: check that it runs"),
        ("28P01", "refused the user or the password"),
        ("3D000", "does not exist: create it"),
        ("3F000", "no such schema"),
        ("42P01", "call create_tables()"),
        ("42703", "run your migrations"),
        ("42501", "grant the rights"),
        ("25006", "connect to the primary"),
        ("53100", "make room"),
        ("55P03", "locked by another transaction"),
        ("57014", "took too long"),
        ("57P03", "is just starting"),
        ("22000", "failed: look into its log"),
        (None, "cannot be reached"),
    ],
)
def test_an_error_says_what_to_do_and_shows_no_value(sqlstate: str | None, words: str) -> None:
    failure = judge(OperationalError("INSERT", {"number": "33639985678"}, DriverError(sqlstate)))
    assert words in failure.text
    assert "33639985678" not in failure.text
    assert (f"SQLSTATE {sqlstate}" in failure.text) is (sqlstate is not None)
    assert (failure.collided, failure.was_lost) == (False, False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no such table: smsmobile_messages", "call create_tables()"),
        ("no such column: look", "run your migrations"),
        ("attempt to write a readonly database", "does not allow this"),
        ("database or disk is full", "make room"),
        ("unable to open database file", "cannot be reached"),
    ],
)
def test_an_error_of_sqlite_says_what_to_do(text: str, words: str) -> None:
    assert words in judge(OperationalError("INSERT", {}, DriverError(text=text))).text


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PoolTimeout("QueuePool limit"), "make it larger (pool_size)"),
        (InvalidRequestError("wrong"), "cannot be used (InvalidRequestError)"),
        (ProgrammingError("INSERT", {}, DriverError()), "failed: look into its log (DriverError)"),
    ],
)
def test_what_is_not_the_databases_fault_is_named(error: Any, words: str) -> None:
    assert words in judge(error).text


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "23505", "42P07"])
def test_a_collision_is_tried_again(sqlstate: str) -> None:
    assert judge(DBAPIError("INSERT", {}, DriverError(sqlstate))).collided
    assert judge(DBAPIError("INSERT", {}, DriverError(text="database is locked"))).collided


def test_a_lost_connection_is_known(tmp_path: Path) -> None:
    assert judge(DBAPIError("INSERT", {}, DriverError("57P01"), connection_invalidated=True)).was_lost
