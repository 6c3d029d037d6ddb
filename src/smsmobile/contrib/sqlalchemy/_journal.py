"""The journal in a SQL database: every machine that can reach it shares it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import (
    ARRAY,
    URL,
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    Text,
    Update,
    and_,
    any_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    update,
)

from ..._confidential import safe_repr, without_frames
from ..._input.arguments import check_seconds
from ..._leases import CORRECTION, LEASE, seconds_left
from ...delivery._claiming import Claiming, Record
from ...delivery.journals import KEPT_BACK, JournalEntry, MessageClaim, SendStatus
from ...errors import ConfigurationError
from .._texts import escape
from ._database import Database
from ._tables import IN_FLIGHT, IS_STARTED, IS_UNKNOWN, PLANNED, STARTED, messages
from ._texts import fitted

_LOCKED_GROUPS = 64
"""Claims take a lock for each group of numbers. PostgreSQL reckons with 64 locks a transaction."""
_CHANGING = [PLANNED, STARTED, *sorted(status.value for status in KEPT_BACK)]
"""The states of a message whose row a claim may remove, whatever its number is."""
_AT_ONCE = 500
"""Messages of one page of a report."""

_c = messages.c


class SQLJournal:
    """A journal in a PostgreSQL or SQLite database, shared by all processes and machines that use the database.

    Each step is a transaction of its own. A claim and a start wait for the disk, also where the database has
    `synchronous_commit = off`. Leases follow the clock of PostgreSQL. SQLite has
    none, and uses that of its one machine.

    If the database is stopped, or the connection to it is lost, a step is tried once more and then raises StorageError:
    - A claim that raised may have been recorded. Nothing was sent, and its lease ends by itself.
    - A message whose start raised must not leave. It is looked up when its lease is over.
    - An outcome that could not be settled is looked up when the lease of its message is over.
    """

    @without_frames
    def __init__(self, engine: Engine | URL | str, *, lease: float = LEASE, create: bool = True) -> None:
        """Nothing is connected yet.

        engine: an engine of SQLAlchemy, whose pool is used; or a URL, for an engine of the journal's own.
        lease: seconds until a claim that is not renewed is over.
        create: whether to create missing tables at the first use. Pass False if migrations make them.

        Raises ConfigurationError if `lease` is not a number above 0, or if `engine` cannot be used: another database
        than PostgreSQL and SQLite, a database in memory, an asynchronous driver, or one that is not installed.
        """
        self._lease = check_seconds("lease", lease, above_zero=True, error=ConfigurationError)
        self._database = Database(engine, [messages], create=create)

    def create_tables(self) -> None:
        """Create the table with its indexes if it is missing. Raises StorageError if that fails."""
        self._database.create_tables()

    def claim(self, entries: Sequence[JournalEntry]) -> list[MessageClaim]:
        """Claim messages; see `Journal.claim`. Raises StorageError."""
        if not entries:
            return []

        def step(connection: Connection, repeated: bool = False) -> list[MessageClaim]:
            # Nobody else claims a message to these numbers meanwhile.
            self._database.lock(connection, [_group(entry.number) for entry in entries])
            rows = self._concerned(connection, entries)
            # Asked after the rows are locked, which may have taken a while.
            now = connection.execute(select(self._database.now())).scalar_one() if rows else 0.0
            claiming = Claiming((_record(row, now) for row in rows), lease=self._lease, repeated=repeated)
            answers = claiming.claim(entries)
            self._store(connection, claiming)
            return answers

        return self._database.run(step, again=partial(step, repeated=True))

    def _concerned(self, connection: Connection, entries: Sequence[JournalEntry]) -> list[Row[Any]]:
        """What has these keys, and what is in flight to these numbers.

        It stays as it is until the commit, except for what is done: sent, refused, unknown.
        """
        keys = {fitted(entry.key) for entry in entries}
        rows = select(messages).order_by(_c.key)
        numbers = {entry.number for entry in entries}
        in_flight = rows.where(IN_FLIGHT, self._is_one_of(_c.number, numbers)).with_for_update()
        found = list(connection.execute(in_flight))
        seen = {row.key for row in found}
        same_key = connection.execute(rows.where(self._is_one_of(_c.key, keys - seen))) if keys - seen else ()
        done = [row for row in same_key if row.state not in _CHANGING]
        # What is left was kept back, or has another number than it is claimed with now.
        left = keys - seen - {row.key for row in done}
        changing = rows.where(_c.state.in_(_CHANGING), self._is_one_of(_c.key, left)).with_for_update()
        others = list(connection.execute(changing)) if left else []
        return found + done + others

    def _store(self, connection: Connection, claiming: Claiming) -> None:
        if claiming.removed:
            keys = {fitted(entry.key) for entry in claiming.removed}
            connection.execute(delete(messages).where(self._is_one_of(_c.key, keys)))
        if claiming.renewed:
            keys = {fitted(entry.key) for entry in claiming.renewed}
            connection.execute(update(messages).where(self._is_one_of(_c.key, keys)).values(self._new_lease()))
        if claiming.added:
            rows = [_values(entry) for entry in sorted(claiming.added)]
            connection.execute(insert(messages).values(self._new_lease()), rows)

    def start(self, entry: JournalEntry, at: float) -> bool:
        """The request leaves now; see `Journal.start`. Raises StorageError: then it must not leave."""
        begin = (
            update(messages)
            .where(*_is_claim(entry), _c.state == PLANNED, self._database.durable())
            .values(state=STARTED, attempted_at=at, until=case((_c.until < at, at), else_=_c.until))
            .values(self._new_lease())
        )
        # Only the holder of the token could have started it, and that is who asks.
        begun = select(func.count()).where(*_is_claim(entry), _c.state == STARTED, _c.attempted_at == at)

        return self._change(begin, begun)

    def settle(
        self, entry: JournalEntry, outcome: SendStatus, *, guid: str | None = None, reason: str | None = None
    ) -> bool:
        """Record an outcome; see `Journal.settle`. Raises StorageError."""
        record = (
            update(messages)
            .where(
                *_is_claim(entry),
                _c.state.in_([STARTED, SendStatus.UNKNOWN.value]),
                _c.state != outcome.value,
                self._database.durable(),
            )
            .values(state=outcome.value, guid=guid, reason=reason)
        )
        recorded = select(func.count()).where(
            *_is_claim(entry), _c.state == outcome.value, _c.guid.is_not_distinct_from(guid)
        )

        return self._change(record, recorded)

    def keep_back(self, entry: JournalEntry, outcome: SendStatus, reason: str) -> bool:
        """Record that a planned message is not sent; see `Journal.keep_back`. Raises StorageError."""
        record = (
            update(messages)
            .where(*_is_claim(entry), _c.state == PLANNED, self._database.durable())
            .values(state=outcome.value, reason=reason)
        )
        # Only the holder of the token could have recorded it, and that is who asks.
        recorded = select(func.count()).where(*_is_claim(entry), _c.state == outcome.value)

        return self._change(record, recorded)

    def _change(self, change: Update, is_changed: Select[Any]) -> bool:
        """Change one row. If an earlier try may have done so, look whether it has."""

        def step(connection: Connection) -> bool:
            return connection.execute(change).rowcount == 1

        def again(connection: Connection) -> bool:
            return step(connection) or bool(connection.execute(is_changed).scalar_one())

        return self._database.run(step, again=again, in_one=True)

    def withdraw(self, entries: Iterable[JournalEntry]) -> None:
        """Remove claims of messages that were not sent; see `Journal.withdraw`. Raises StorageError."""
        self._for_each_claim(delete(messages), entries, PLANNED, STARTED, SendStatus.UNKNOWN.value)

    def renew(self, entries: Iterable[JournalEntry]) -> None:
        """Begin leases anew. Raises StorageError."""
        self._for_each_claim(update(messages).values(self._new_lease()), entries, PLANNED, STARTED)

    def release(self, entries: Iterable[JournalEntry]) -> None:
        """End leases now. Raises StorageError."""
        self._for_each_claim(update(messages).values(leased_at=0.0, lease_end=0.0), entries, PLANNED, STARTED)

    def _for_each_claim(self, change: Any, entries: Iterable[JournalEntry], *states: str) -> None:
        is_alive = or_(
            *(_c.state == state for state in states)
        )  # no IN, which SQLAlchemy does not repeat for many rows
        statement = change.where(_c.key == bindparam("its_key"), _c.token == bindparam("its_token"), is_alive)
        # In the order in which claims lock rows, so that no two wait for each other.
        claims = [
            {"its_key": key, "its_token": token} for key, token in sorted({(fitted(e.key), e.token) for e in entries})
        ]

        def step(connection: Connection) -> None:
            connection.execute(statement, claims)

        if claims:
            self._database.run(step)

    def abandoned(self, limit: int) -> list[JournalEntry]:
        """Started messages whose lease is over; see `Journal.abandoned`. Raises StorageError."""

        def step(connection: Connection) -> list[JournalEntry]:
            now = self._database.now()
            is_over = or_(_c.lease_end <= now, _c.leased_at > now + CORRECTION)
            over = select(messages).where(IS_STARTED, is_over).order_by(_c.lease_end, _c.key).limit(limit)
            rows = connection.execute(over.with_for_update(skip_locked=True)).all()
            keys = [row.key for row in rows]
            connection.execute(update(messages).where(self._is_one_of(_c.key, keys)).values(self._new_lease()))
            return list(map(_entry, rows))

        return self._database.run(step)

    def unknown(self, since: float = 0.0) -> list[JournalEntry]:
        """Messages with the outcome unknown, attempted since then (Unix seconds). Raises StorageError."""
        return self._entries(IS_UNKNOWN, _c.attempted_at >= since)

    def get(self, key: str) -> JournalEntry | None:
        """The message with this key; None if there is none. Raises StorageError."""
        return next(iter(self._entries(_c.key == fitted(key))), None)

    def entries(self) -> Iterator[JournalEntry]:
        """All messages, in the order of their keys; see `Journal.entries`. Raises StorageError."""
        page = self._page()
        while page:
            yield from page
            page = self._page(_c.key > fitted(page[-1].key))

    def _page(self, *conditions: Any) -> list[JournalEntry]:
        return self._select(select(messages).where(*conditions).order_by(_c.key).limit(_AT_ONCE))

    def forget(self, key: str) -> bool:
        """Remove a message; see `Journal.forget`. Raises StorageError."""
        is_decided = and_(_c.key == fitted(key), not_(_c.state.in_([PLANNED, STARTED])))
        was_there = False

        def step(connection: Connection) -> bool:
            nonlocal was_there
            was_there = was_there or connection.execute(select(func.count()).where(is_decided)).scalar_one() == 1
            connection.execute(delete(messages).where(is_decided))
            return was_there

        return self._database.run(step)

    def has(self, number: str, guid: str) -> bool:
        """Whether a message to this number has this GUID. Raises StorageError."""
        find = select(func.count()).where(_c.number == number, _c.guid == guid)
        return self._database.run(lambda connection: bool(connection.execute(find).scalar_one()), in_one=True)

    def without_guid(self, number: str, since: float) -> list[JournalEntry]:
        """Messages to this number that may have a row but no known GUID; see `Journal.without_guid`.

        Raises StorageError.
        """
        is_open = _c.state.in_([STARTED, SendStatus.UNKNOWN.value])
        is_recent = and_(_c.state.in_([SendStatus.SENT.value, SendStatus.REFUSED.value]), _c.until >= since)
        return self._entries(_c.number == number, _c.guid.is_(None), or_(is_open, is_recent))

    def _entries(self, *conditions: Any) -> list[JournalEntry]:
        return self._select(select(messages).where(*conditions).order_by(_c.attempted_at, _c.key))

    def _select(self, statement: Select[Any]) -> list[JournalEntry]:
        def step(connection: Connection) -> list[JournalEntry]:
            return list(map(_entry, connection.execute(statement)))

        return self._database.run(step, in_one=True)

    def _new_lease(self) -> dict[str, ColumnElement[float]]:
        return {"leased_at": self._database.now(), "lease_end": self._database.now() + self._lease}

    def _is_one_of(self, column: ColumnElement[str], texts: Iterable[str]) -> ColumnElement[bool]:
        """A condition whose text does not depend on how many there are, and which has no limit for them."""
        stored = sorted(map(escape, texts))
        if self._database.is_postgresql:
            return column == any_(literal(stored, ARRAY(Text)))
        return column.in_(select(func.json_each(json.dumps(stored)).table_valued("value").c.value))

    @safe_repr
    def __repr__(self) -> str:
        return f"<SQLJournal: {self._database.name}, lease={self._lease:g} s>"


def _is_claim(entry: JournalEntry) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _c.key == fitted(entry.key), _c.token == entry.token


def _group(number: str) -> int:
    return hashlib.sha256(number.encode("utf-8", "surrogatepass")).digest()[0] % _LOCKED_GROUPS


def _values(entry: JournalEntry) -> dict[str, object]:
    """A row of a message that is planned."""
    key = fitted(entry.key)
    return {
        "key": key,
        "long_key": entry.key if entry.key != key else None,
        "state": PLANNED,
        "number": entry.number,
        "fingerprint": entry.fingerprint,
        "precision": entry.precision,
        "look": entry.look,
        "attempted_at": entry.attempted_at,
        "until": entry.until,
        "token": entry.token,
    }


def _entry(row: Row[Any]) -> JournalEntry:
    return JournalEntry(
        key=row.key if row.long_key is None else row.long_key,
        number=row.number,
        fingerprint=row.fingerprint,
        precision=row.precision,
        look=row.look,
        attempted_at=row.attempted_at,
        until=row.until,
        token=row.token,
        outcome=None if row.state in {PLANNED, STARTED} else SendStatus(row.state),
        guid=row.guid,
        reason=row.reason,
    )


def _record(row: Row[Any], now: float) -> Record:
    return Record(_entry(row), row.state == STARTED, partial(seconds_left, row.leased_at, row.lease_end, now))
