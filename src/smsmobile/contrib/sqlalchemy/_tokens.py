"""The token store in a SQL database: machines that share it need one token request together."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError
from sqlalchemy import URL, Connection, Engine, delete, or_, select

from ..._confidential import Unpicklable, safe_repr, without_frames
from ..._leases import CORRECTION
from ...auth import Token
from ...errors import StorageError
from ._database import Database
from ._tables import token_locks, tokens
from ._texts import fitted
from ._upsert import upsert

log = logging.getLogger("smsmobile")

_LEASE = 30.0
"""Seconds until a lock is over whose holder is gone. A token request takes less."""
_PATIENCE = 35.0
"""Seconds that the lock is waited for. A second token request does no harm, so it is made then."""
_PAUSE = 0.1
"""Seconds between two attempts."""


class SQLTokenStore(Unpicklable):
    """Keeps OAuth2 tokens in a PostgreSQL or SQLite database, for all processes and machines that use the database.

    The tokens are in plain text in the table `smsmobile_tokens`: whoever can read it can send.
    """

    @without_frames
    def __init__(self, engine: Engine | URL | str, *, create: bool = True) -> None:
        """Nothing is connected yet.

        engine: an engine of SQLAlchemy, whose pool is used; or a URL, for an engine of the store's own.
        create: whether to create missing tables at the first use. Pass False if migrations make them.

        Raises ConfigurationError if `engine` cannot be used: another database than PostgreSQL and SQLite, a database in
        memory, an asynchronous driver, or one that is not installed.
        """
        self._database = Database(engine, [tokens, token_locks], create=create)

    def create_tables(self) -> None:
        """Create the two tables that are missing. Raises StorageError if that fails."""
        self._database.create_tables()

    @without_frames
    def get(self, key: str) -> Token | None:
        """Return the token with this key, or None. Raises StorageError if the database cannot be used."""
        find = select(tokens.c.token).where(tokens.c.key == fitted(key))
        text = self._database.run(lambda connection: connection.execute(find).scalar_one_or_none(), in_one=True)
        try:
            return None if text is None else Token.model_validate_json(text)
        except ValidationError:
            # As if there were none: another is fetched, and replaces it.
            log.warning("A token in the %s could not be read, and is not used.", self._database.name)
            return None

    @without_frames
    def set(self, key: str, token: Token) -> None:
        """Save the token. Raises StorageError if the database cannot be used."""
        row = {"key": fitted(key), "token": token.model_dump_json()}
        self._database.run(lambda connection: upsert(connection, tokens, row))

    def delete(self, key: str) -> None:
        """Delete the token, if there is one. Raises StorageError if the database cannot be used."""
        remove = delete(tokens).where(tokens.c.key == fitted(key))
        self._database.run(lambda connection: connection.execute(remove).rowcount)

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """A context manager that one of all who share the store is in at a time, to fetch the token with this key.

        It is no guarantee, since a second token request does no harm. After 35 seconds of waiting, or if the database
        cannot be used, the block is entered without the lock. A lock that is held for more than 30 seconds is over.
        """
        holder = secrets.token_hex(16)
        self._wait_for_lock(fitted(key), holder)
        try:
            yield
        finally:
            is_own = (token_locks.c.key == fitted(key)) & (token_locks.c.holder == holder)
            try:
                self._database.run(lambda connection: connection.execute(delete(token_locks).where(is_own)).rowcount)
            except StorageError as error:
                log.debug("The lock of a token was not given back, and ends by itself: %s", error)

    def _wait_for_lock(self, key: str, holder: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        try:
            while not self._take(key, holder) and time.monotonic() < deadline:
                time.sleep(_PAUSE)
        except StorageError as error:
            log.debug("There is no lock for the token: %s", error)

    def _take(self, key: str, holder: str) -> bool:
        c = token_locks.c

        def step(connection: Connection) -> bool:
            now = self._database.now()
            is_over = or_(c.expires_at <= now, c.locked_at > now + CORRECTION, c.holder == holder)
            row = {"key": key, "holder": holder, "locked_at": now, "expires_at": now + _LEASE}
            return upsert(connection, token_locks, row, where=is_over)

        return self._database.run(step)

    @safe_repr
    def __repr__(self) -> str:
        return f"<SQLTokenStore: {self._database.name}>"
