"""What the stores in a SQL database do when the server is killed, an answer is lost, or others are in the way."""

from __future__ import annotations

import itertools
import logging
import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import pytest
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text

from smsmobile import StorageError
from smsmobile.auth import Token
from smsmobile.contrib.sqlalchemy import SQLEventStore, SQLJournal, SQLTokenStore, metadata
from smsmobile.contrib.sqlalchemy import _database as database_module
from smsmobile.contrib.sqlalchemy._database import Database
from smsmobile.delivery import ClaimState, JournalEntry, SendStatus
from smsmobile.webhooks import Claim

from .postgresql import PostgreSQLServer

NUMBER, OTHER_NUMBER = "33639985678", "33639985432"
SECRET = "not-to-be-seen"
_tokens = map("token {}".format, itertools.count())


def entry(key: str, number: str = NUMBER, look: str = "") -> JournalEntry:
    return JournalEntry(key, number, "print", "text", look or f"look of {key}", 1000.0, 1000.0, next(_tokens))


def state(journal: SQLJournal, message: JournalEntry) -> ClaimState:
    return journal.claim([message])[0].state


@pytest.fixture
def url(server: PostgreSQLServer) -> str:
    """An empty schema of a server that runs."""
    server.start()
    return server.url(server.new_schema())


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    made = create_engine(url)
    yield made
    made.dispose()


@pytest.fixture
def journal(engine: Engine) -> SQLJournal:
    return SQLJournal(engine)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/stores.sqlite"


@pytest.fixture(params=["postgresql", "sqlite"])
def either_url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue("url" if request.param == "postgresql" else "sqlite_url")
    return found


@pytest.fixture
def sqlite_engine(sqlite_url: str) -> Iterator[Engine]:
    made = create_engine(sqlite_url, connect_args={"timeout": 0.05})
    yield made
    made.dispose()


# --- the server is killed -----------------------------------------------------------------------------------


def test_a_server_killed_between_claim_and_start_does_not_stop_the_message(
    server: PostgreSQLServer, journal: SQLJournal
) -> None:
    message = entry("a")
    assert state(journal, message) is ClaimState.NEW
    server.kill()
    server.start()
    assert journal.start(message, 2000.0)
    assert state(journal, entry("a")) is ClaimState.BUSY


def test_without_its_server_nothing_starts_and_afterwards_it_does(
    server: PostgreSQLServer, journal: SQLJournal
) -> None:
    message = entry("a")
    assert state(journal, message) is ClaimState.NEW
    server.kill()
    with pytest.raises(StorageError, match=r"'postgres' at 127\.0\.0\.1 cannot be reached: check that it runs"):
        journal.start(message, 2000.0)
    with pytest.raises(StorageError, match="cannot be reached"):
        journal.claim([entry("b")])
    server.start()
    assert journal.start(message, 2000.0)


def test_a_server_killed_between_answer_and_settle_still_gets_the_outcome(
    server: PostgreSQLServer, url: str, journal: SQLJournal
) -> None:
    message = entry("a")
    assert state(journal, message) is ClaimState.NEW
    assert journal.start(message, 2000.0)
    server.kill()
    server.start()
    assert journal.settle(message, SendStatus.SENT, guid="g")
    (answer,) = SQLJournal(url).claim([entry("a")])  # another machine
    assert (answer.state, answer.entry.outcome, answer.entry.guid) == (ClaimState.DONE, SendStatus.SENT, "g")


def test_a_claim_and_a_start_survive_a_crash_where_commits_do_not_wait_for_the_disk(
    server: PostgreSQLServer, engine: Engine
) -> None:
    with engine.connect() as connection:
        role = connection.execute(text("SELECT current_user")).scalar_one()
    server.execute(f"ALTER ROLE {role} SET synchronous_commit = off")
    try:
        engine.dispose()
        journal = SQLJournal(engine)
        journal.create_tables()
        server.execute("CHECKPOINT")
        planned, flying, settled = entry("planned"), entry("flying"), entry("settled")
        journal.claim([planned, flying, settled])
        assert journal.start(settled, 2000.0)
        assert journal.settle(settled, SendStatus.SENT)
        assert journal.start(flying, 2000.0)
        server.kill()
        server.start()
        assert not journal.start(flying, 3000.0)
        answers = journal.claim([entry("planned"), entry("flying"), entry("settled")])
        assert [answer.state for answer in answers] == [ClaimState.BUSY, ClaimState.BUSY, ClaimState.DONE]
        assert answers[1].entry.attempted_at == 2000.0
    finally:
        server.execute(f"ALTER ROLE {role} RESET synchronous_commit")


def test_events_and_tokens_survive_a_kill_of_the_server(server: PostgreSQLServer, engine: Engine) -> None:
    events, tokens = SQLEventStore(engine), SQLTokenStore(engine)
    assert [events.claim("handled"), events.claim("being handled")] == [Claim.NEW, Claim.NEW]
    events.done("handled")
    tokens.set("key", Token(access_token="t"))
    server.kill()
    server.start()
    assert [events.claim("handled"), events.claim("being handled")] == [Claim.DONE, Claim.BUSY]
    assert tokens.get("key") == Token(access_token="t")
    events.release("being handled")
    assert events.claim("being handled") is Claim.NEW


# --- the answer of the server is lost -----------------------------------------------------------------------


@pytest.fixture
def lose_answer(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the connection break after the server has done something, so that nobody knows whether it has."""

    def lose(what: str, times: int = 1) -> None:
        method = "do_commit" if what == "COMMIT" else "do_execute"
        original = getattr(engine.dialect, method)
        left = itertools.count(times, -1)

        def done_but_lost(*arguments: Any, **options: Any) -> None:
            original(*arguments, **options)
            is_meant = what == "COMMIT" or str(arguments[1]).startswith(what)
            if is_meant and next(left) > 0:
                connection = arguments[0].dbapi_connection if what == "COMMIT" else arguments[0].connection
                connection.close()
                raise psycopg.OperationalError("the connection is lost")

        monkeypatch.setattr(engine.dialect, method, done_but_lost)

    return lose


def test_a_claim_whose_answer_is_lost_is_still_ones_own(journal: SQLJournal, lose_answer: Callable[..., None]) -> None:
    journal.create_tables()
    lose_answer("COMMIT")
    message, twin = entry("a", look="x"), entry("b", look="x")
    answers = journal.claim([message, twin])
    assert [answer.state for answer in answers] == [ClaimState.NEW, ClaimState.BUSY]
    assert journal.start(message, 2000.0)


def test_a_start_whose_answer_is_lost_is_looked_at_again(journal: SQLJournal, lose_answer: Callable[..., None]) -> None:
    message, other = entry("a"), entry("b")
    journal.claim([message, other])
    assert journal.start(other, 2000.0)
    lose_answer("UPDATE")
    assert journal.start(message, 2000.0)
    assert journal.claim([entry("a")])[0].entry.attempted_at == 2000.0
    lose_answer("UPDATE")
    assert not journal.start(other, 3000.0)


def test_a_start_whose_answers_are_all_lost_raises(journal: SQLJournal, lose_answer: Callable[..., None]) -> None:
    message = entry("a")
    journal.claim([message])
    lose_answer("UPDATE", times=2)
    with pytest.raises(StorageError, match="cannot be reached"):
        journal.start(message, 2000.0)


def test_an_outcome_whose_answer_is_lost_is_recorded(journal: SQLJournal, lose_answer: Callable[..., None]) -> None:
    message = entry("a")
    journal.claim([message])
    assert journal.start(message, 2000.0)
    lose_answer("UPDATE")
    assert journal.settle(message, SendStatus.SENT, guid="g")
    assert not journal.settle(message, SendStatus.REFUSED)
    assert journal.has(NUMBER, "g")


def test_a_message_is_kept_back_also_if_the_answer_is_lost(
    journal: SQLJournal, lose_answer: Callable[..., None]
) -> None:
    message = entry("a")
    journal.claim([message])
    lose_answer("UPDATE")
    assert journal.keep_back(message, SendStatus.EXPIRED, "why")
    lose_answer("UPDATE")
    assert not journal.keep_back(message, SendStatus.SUPPRESSED, "why")
    lose_answer("COMMIT")
    assert state(journal, entry("a")) is ClaimState.NEW


def test_a_removal_whose_answer_is_lost_is_one(journal: SQLJournal, lose_answer: Callable[..., None]) -> None:
    message = entry("a")
    journal.claim([message])
    assert journal.start(message, 2000.0)
    assert journal.settle(message, SendStatus.UNKNOWN)
    lose_answer("COMMIT")
    assert journal.forget("a")
    assert not journal.forget("a")


def test_an_event_whose_answer_is_lost_is_new(engine: Engine, lose_answer: Callable[..., None]) -> None:
    events = SQLEventStore(engine)
    events.create_tables()
    lose_answer("COMMIT")
    assert [events.claim("a"), events.claim("a")] == [Claim.NEW, Claim.BUSY]


# --- others are in the way ----------------------------------------------------------------------------------


def test_clocks_of_machines_do_not_count(journal: SQLJournal, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    events = SQLEventStore(engine)
    planned, flying = entry("planned"), entry("flying")
    journal.claim([planned, flying])
    assert journal.start(flying, 2000.0)
    assert events.claim("event") is Claim.NEW
    now = time.time
    for wrong in (90.0, -90.0):
        monkeypatch.setattr(time, "time", lambda wrong=wrong: now() + wrong)
        other = SQLJournal(engine)
        assert [answer.state for answer in other.claim([entry("planned"), entry("flying")])] == [ClaimState.BUSY] * 2
        assert other.abandoned(10) == []
        assert SQLEventStore(engine).claim("event") is Claim.BUSY


def test_a_key_claimed_for_two_numbers_at_one_time_is_new_once(
    journal: SQLJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They take different locks, and meet at the key."""
    journal.create_tables()
    stored, may_commit = threading.Event(), threading.Event()
    original = SQLJournal._store

    def slow(self: SQLJournal, *arguments: Any) -> None:
        original(self, *arguments)
        if not stored.is_set():
            stored.set()
            may_commit.wait(20)

    monkeypatch.setattr(SQLJournal, "_store", slow)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(journal.claim, [entry("a", NUMBER)])
        stored.wait(20)
        second = pool.submit(journal.claim, [entry("a", OTHER_NUMBER)])
        time.sleep(0.1)
        may_commit.set()
        assert first.result()[0].state is ClaimState.NEW
        assert second.result()[0].state is ClaimState.BUSY


def test_a_key_that_was_kept_back_is_not_taken_from_one_who_claims_it_meanwhile(
    journal: SQLJournal, engine: Engine
) -> None:
    """With another number, so that no lock keeps them apart; and before whichever statement it comes."""

    def claim_and_start(message: JournalEntry) -> bool:
        return state(journal, message) is ClaimState.NEW and journal.start(message, 2000.0)

    for place in range(1, 10):
        key, places = f"key {place}", itertools.count(1)
        kept, mine, other = entry(key), entry(key), entry(key, OTHER_NUMBER)
        journal.claim([kept])
        assert journal.keep_back(kept, SendStatus.EXPIRED, "why")
        with ThreadPoolExecutor(1) as pool:
            racing: list[Future[bool]] = []
            me = threading.get_ident()

            def race(*_: Any, **__: Any) -> None:
                if threading.get_ident() == me and next(places) == place:  # noqa: B023 - it is removed below
                    racing.append(pool.submit(claim_and_start, other))  # noqa: B023
                    wait(racing, timeout=0.2)  # noqa: B023 - it may have to wait for this transaction

            event.listen(engine, "before_cursor_execute", race)
            is_mine = state(journal, mine) is ClaimState.NEW
            event.remove(engine, "before_cursor_execute", race)
            is_others = racing[0].result() if racing else False
        found = journal.get(key)
        assert found is not None
        assert (is_mine, is_others) == (found.token == mine.token, found.token == other.token), f"statement {place}"
        assert is_mine or is_others
    assert not racing, "a claim has fewer statements"


def test_a_late_start_and_a_claim_that_ends_it_do_not_both_succeed(
    journal: SQLJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = entry("a")
    journal.claim([late])
    journal.release([late])
    decided, is_late = threading.Event(), threading.Event()
    original = SQLJournal._store

    def slow(self: SQLJournal, *arguments: Any) -> None:
        decided.set()
        is_late.wait(0.3)  # as long as the start waits for this transaction, it cannot end
        original(self, *arguments)

    monkeypatch.setattr(SQLJournal, "_store", slow)
    with ThreadPoolExecutor(1) as pool:
        claiming = pool.submit(journal.claim, [entry("a")])
        decided.wait(20)
        has_started = journal.start(late, 2000.0)
        is_late.set()
        (answer,) = claiming.result()
    assert (has_started, answer.state) == (False, ClaimState.NEW)


def test_a_machine_that_stops_in_a_transaction_does_not_keep_its_locks(
    journal: SQLJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.create_tables()
    shorter = (
        str(database_module._PREPARE).replace("30s", "200ms").replace("lock_timeout', '200ms'", "lock_timeout', '20s'")
    )
    monkeypatch.setattr(database_module, "_PREPARE", text(shorter))
    stored, goes_on = threading.Event(), threading.Event()
    original = SQLJournal._store

    def stop(self: SQLJournal, *arguments: Any) -> None:
        original(self, *arguments)
        if not stored.is_set():
            stored.set()
            goes_on.wait(20)

    monkeypatch.setattr(SQLJournal, "_store", stop)
    with ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(journal.claim, [entry("a")])
        stored.wait(20)
        assert state(journal, entry("a")) is ClaimState.NEW
        goes_on.set()
        assert stopped.result()[0].state is ClaimState.BUSY


def test_a_lock_that_is_held_for_long_is_an_error(
    journal: SQLJournal, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.create_tables()
    monkeypatch.setattr(database_module, "_PREPARE", text(str(database_module._PREPARE).replace("30s", "200ms")))
    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE smsmobile_messages"))
        with pytest.raises(StorageError, match="is locked by another transaction for long: end that"):
            journal.claim([entry("a")])
    assert state(journal, entry("a")) is ClaimState.NEW


def test_a_sqlite_file_that_is_locked_is_waited_for(sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = SQLJournal(sqlite_engine)
    journal.create_tables()
    pauses = []
    with sqlite3.connect(str(sqlite_engine.url.database), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 2:
                other.execute("COMMIT")

        monkeypatch.setattr(database_module.time, "sleep", pause)
        assert state(journal, entry("a")) is ClaimState.NEW
        assert len(pauses) == 2
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="locked by another program for long"):
            journal.claim([entry("b")])
        other.execute("ROLLBACK")
    other.close()


def test_a_sqlite_commit_waits_for_the_disk_and_the_setting_of_the_user_stays(sqlite_engine: Engine) -> None:
    seen = []
    journal = SQLJournal(sqlite_engine)
    journal.create_tables()

    @event.listens_for(sqlite_engine, "connect")
    def fast(connection: sqlite3.Connection, record: object) -> None:
        connection.execute("PRAGMA synchronous = OFF")

    @event.listens_for(sqlite_engine, "before_cursor_execute")
    def look(connection: Connection, cursor: Any, statement: str, *rest: object) -> None:
        if statement.startswith(("INSERT", "UPDATE")):
            seen.append(cursor.connection.execute("PRAGMA synchronous").fetchone()[0])

    sqlite_engine.dispose()
    message = entry("a")
    assert state(journal, message) is ClaimState.NEW
    assert journal.start(message, 2000.0)
    assert seen == [2, 2]
    with sqlite_engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 0


def begins(engine: Engine) -> None:
    """The recipe of SQLAlchemy's documentation for transactions in SQLite."""
    event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))


@pytest.mark.parametrize("level", ["AUTOCOMMIT", "SERIALIZABLE"])
def test_an_engine_may_have_any_isolation_level(either_url: str, level: str) -> None:
    check_a_few_steps(create_engine(either_url, isolation_level=level))


def test_an_engine_may_begin_transactions_itself(sqlite_url: str) -> None:
    engine = create_engine(sqlite_url)
    begins(engine)
    check_a_few_steps(engine)
    with engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM smsmobile_messages")).scalar_one() == 8
    engine.dispose()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sqlite3 has this setting since Python 3.12")
@pytest.mark.parametrize("autocommit", [True, False])
def test_an_engine_may_have_any_autocommit_of_sqlite3(sqlite_url: str, autocommit: bool) -> None:
    check_a_few_steps(create_engine(sqlite_url, connect_args={"autocommit": autocommit}))


def check_a_few_steps(engine: Engine) -> None:
    """Eight threads, one twin and one key at a time; then the messages start and end."""
    journal = SQLJournal(engine)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: journal.claim([entry(f"key {i}", look="x")])[0], range(8)))
        assert sorted(answer.state for answer in answers) == [ClaimState.BUSY] * 7 + [ClaimState.NEW]
        journal.withdraw([answer.entry for answer in answers if answer.state is ClaimState.NEW])
        messages = [entry(f"{i}") for i in range(8)]
        for step in (journal.claim, lambda one: journal.start(one[0], 2.0)):
            assert all(pool.map(step, [[message] for message in messages]))
        assert all(pool.map(lambda message: journal.settle(message, SendStatus.SENT), messages))
    with pytest.raises(ZeroDivisionError):
        journal._database.run(lambda connection: journal._store(connection, _Added()) or 1 / 0)
    assert not journal.forget("never committed")
    engine.dispose()


class _Added:
    removed: tuple[str, ...] = ()
    renewed: tuple[str, ...] = ()
    added: ClassVar = [entry("never committed")._replace(outcome=SendStatus.SENT)]


# --- what is missing, and what is shown ---------------------------------------------------------------------


def test_tables_are_made_at_the_first_use_unless_migrations_make_them(either_url: str) -> None:
    engine = create_engine(either_url)
    journal = SQLJournal(engine, create=False)
    with pytest.raises(StorageError, match=r"has no table for this: call create_tables\(\), or run your migrations"):
        journal.claim([entry("a")])
    assert state(SQLJournal(engine), entry("a")) is ClaimState.NEW
    assert state(journal, entry("b")) is ClaimState.NEW
    assert inspect(engine).get_table_names() == ["smsmobile_messages"]
    metadata.create_all(engine)
    assert sorted(inspect(engine).get_table_names()) == sorted(metadata.tables)
    engine.dispose()


def test_several_can_make_the_tables_at_one_time(either_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All have seen that there is none."""
    seen = threading.Barrier(4)
    original = Database._has_tables

    def together(self: Database, connection: Connection) -> bool:
        found = original(self, connection)
        connection.rollback()  # SQLite's transaction would keep the others out
        seen.wait(20)
        return found

    monkeypatch.setattr(Database, "_has_tables", together)
    journals = [SQLJournal(either_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda journal: state(journal, entry("a")), journals))
    assert sorted(answers) == [ClaimState.BUSY] * 3 + [ClaimState.NEW]


def test_the_tables_can_be_in_another_schema(server: PostgreSQLServer, url: str) -> None:
    schema = server.new_schema()
    engine = create_engine(url).execution_options(schema_translate_map={None: schema})
    for _ in range(2):
        assert state(SQLJournal(engine), entry("a")) in {ClaimState.NEW, ClaimState.BUSY}
    assert inspect(engine).get_table_names(schema=schema) == ["smsmobile_messages"]
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_a_user_without_rights_is_told(server: PostgreSQLServer, url: str, journal: SQLJournal) -> None:
    server.execute("CREATE ROLE weak LOGIN PASSWORD 'weak'")
    server.execute(f"GRANT USAGE ON SCHEMA {url.rpartition('%3D')[2]} TO weak")
    weak = create_engine(url.replace("smsmobile:" + server.password, "weak:weak"))
    with pytest.raises(StorageError, match="does not allow this to its user: grant the rights"):
        SQLJournal(weak).claim([entry("a")])
    weak.dispose()
    assert state(journal, entry("a")) is ClaimState.NEW


def test_no_password_number_or_token_is_shown(
    server: PostgreSQLServer, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = url.replace(server.password, SECRET)
    tokens = SQLTokenStore(wrong)
    caplog.set_level(logging.DEBUG)
    texts = [repr(tokens), repr(SQLJournal(wrong)), repr(SQLEventStore(wrong))]
    for call in (
        lambda: tokens.set("key", Token(access_token=SECRET)),
        lambda: SQLJournal(wrong).claim([entry("a")]),
    ):
        with pytest.raises(StorageError, match=r"refused the user or the password|cannot be reached") as caught:
            call()
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        texts += [str(caught.value), *(str(frame.locals) for frame in shown.stack if "contrib" in frame.filename)]
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
    assert SECRET not in "".join(texts)
    assert NUMBER not in str(caught.value)

    echoing = create_engine(url, echo=True)
    SQLTokenStore(echoing).set("key", Token(access_token=SECRET))
    SQLJournal(echoing).claim([entry("a")])
    with echoing.connect() as connection:
        connection.execute(text("SELECT :shown"), {"shown": "as before"})
    echoing.dispose()
    assert "INSERT INTO smsmobile_tokens" in caplog.text
    assert "as before" in caplog.text
    assert SECRET not in caplog.text
    assert NUMBER not in caplog.text


# --- processes ----------------------------------------------------------------------------------------------

FORKING = """
    import os, sys
    from sqlalchemy import create_engine, text
    from smsmobile.contrib.sqlalchemy import SQLJournal
    from smsmobile.delivery import JournalEntry

    engine = create_engine(sys.argv[1])
    journal = SQLJournal(engine)

    def claim(key):
        return journal.claim([JournalEntry(key, "33639985678", "print", "text", key, 1.0, 1.0, key)])[0].state.value

    def connection():
        with engine.connect() as used:
            return used.connection.dbapi_connection

    print(claim("a"), flush=True)
    of_parent = connection()
    assert connection() is of_parent
    child = os.fork()
    if child == 0:
        print(claim("a"), claim("b"), connection() is of_parent, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    print(claim("b"), claim("c"), flush=True)
    engine.dispose()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_store_can_be_made_before_a_fork(either_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(FORKING), either_url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines() == ["new", "busy new False", "busy new"], done.stderr
    assert done.stderr == ""
