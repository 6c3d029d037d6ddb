"""The event store in a SQL database: workers on several machines handle each event once."""

from __future__ import annotations

from sqlalchemy import URL, Connection, Engine, and_, delete, or_, select

from ..._confidential import safe_repr, without_frames
from ..._input.arguments import check_seconds
from ..._leases import CORRECTION, LEASE
from ...errors import ConfigurationError
from ...webhooks._claims import ONE_WEEK, OwnClaims, new_token, spelled
from ...webhooks.stores import Claim
from ._database import Database
from ._tables import events
from ._upsert import upsert

_PRUNED_AT_ONCE = 100

_c = events.c


class SQLEventStore:
    """Remembers events in a PostgreSQL or SQLite database, for all processes and machines that use the database.

    Leases follow the clock of PostgreSQL; SQLite has none, and uses that of its one machine.
    """

    @without_frames
    def __init__(
        self, engine: Engine | URL | str, *, lease: float = LEASE, ttl: float = ONE_WEEK, create: bool = True
    ) -> None:
        """Nothing is connected yet.

        engine: an engine of SQLAlchemy, whose pool is used; or a URL, for an engine of the store's own.
        lease: seconds until a claim that is neither done nor released is over.
        ttl: seconds for which a handled event is remembered.
        create: whether to create missing tables at the first use. Pass False if migrations make them.

        Raises ConfigurationError if `lease` or `ttl` is not a number above 0, or if `engine` cannot be used: another
        database than PostgreSQL and SQLite, a database in memory, an asynchronous driver, or one that is not installed.
        """
        self._lease = check_seconds("lease", lease, above_zero=True, error=ConfigurationError)
        self._ttl = check_seconds("ttl", ttl, above_zero=True, error=ConfigurationError)
        self._database = Database(engine, [events], create=create)
        self._own = OwnClaims()

    def create_tables(self) -> None:
        """Create the table with its index if it is missing. Raises StorageError if that fails."""
        self._database.create_tables()

    def claim(self, event_id: str) -> Claim:
        """Claim an event: NEW for exactly one of all threads, processes and machines.

        Raises TypeError if `event_id` is not an id, StorageError if the database cannot be used.
        """
        key, token = spelled(event_id), new_token()

        def step(connection: Connection) -> Claim:
            now = self._database.now()
            is_over = or_(
                _c.expires_at <= now,
                and_(_c.token.is_not(None), _c.claimed_at > now + CORRECTION),  # the clock was set back
                _c.token == token,  # an earlier try
            )
            row = {"id": key, "token": token, "claimed_at": now, "expires_at": now + self._lease}
            if upsert(connection, events, row, where=is_over):
                self._prune(connection)
                return Claim.NEW
            found = connection.execute(select(_c.token).where(_c.id == key)).one_or_none()
            # One that is gone was released just now: its next delivery is new.
            return Claim.DONE if found is not None and found.token is None else Claim.BUSY

        answer = self._database.run(step)
        if answer is Claim.NEW:
            self._own.keep(key, token)
        return answer

    def _prune(self, connection: Connection) -> None:
        """A few at a time, so that after a long pause no delivery waits for the removal of all expired rows."""
        expired = select(_c.id).where(_c.expires_at <= self._database.now()).limit(_PRUNED_AT_ONCE)
        connection.execute(delete(events).where(_c.id.in_(expired.with_for_update(skip_locked=True))))

    def done(self, event_id: str) -> None:
        """The event is handled.

        Raises TypeError if `event_id` is not an id, StorageError if the database cannot be used.
        """
        key = spelled(event_id)

        def step(connection: Connection) -> None:
            now = self._database.now()
            upsert(connection, events, {"id": key, "token": None, "claimed_at": now, "expires_at": now + self._ttl})

        self._database.run(step)
        self._own.drop(key)

    def release(self, event_id: str) -> None:
        """The event could not be handled; see `EventStore.release`. Nothing happens to one that is done.

        Raises TypeError if `event_id` is not an id, StorageError if the database cannot be used.
        """
        key = spelled(event_id)
        token = self._own.token(key)

        def step(connection: Connection) -> None:
            nonlocal token  # a second try must not end a claim that was made since the first one
            token = token or connection.execute(select(_c.token).where(_c.id == key)).scalar_one_or_none()
            if token is not None:
                connection.execute(delete(events).where(_c.id == key, _c.token == token))

        self._database.run(step)
        self._own.drop(key)

    @safe_repr
    def __repr__(self) -> str:
        return f"<SQLEventStore: {self._database.name}, lease={self._lease:g} s, ttl={self._ttl:g} s>"
