"""RedisTokenStore: one OAuth2 token for any number of processes and machines."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ..._confidential import Unpicklable, safe_repr, without_frames
from ...auth._tokens import Token
from ...errors import StorageError
from ._server import PREFIX, Server, check_prefix, decoded, encoded

if TYPE_CHECKING:
    from ._server import Client

log = logging.getLogger("smsmobile")

_CLOCKS = 300.0
"""Seconds that a token is kept after its expiry, which its users check themselves: the clocks of machines differ."""
_LOCK_TIMEOUT = 30.0
"""Seconds after which the lock of a process that died is free."""
_LOCK_PATIENCE = 20.0
"""Seconds to wait for the lock."""
_LOCK_PAUSE = 0.05
"""Seconds between two attempts to get it."""


class RedisTokenStore(Unpicklable):
    """Keeps OAuth2 tokens in Redis or Valkey, so that processes and machines share them. It has a lock.

    The tokens are stored as they are: whoever can read this Redis can use them until they expire. Redis
    deletes them some minutes after that.

    client: a client of redis-py (`redis.Redis` or `redis.RedisCluster`), or an address such as
        `redis://localhost:6379/0`. Let the client have a `socket_timeout`; an address gets one of 10 s.
    prefix: what the names of all keys begin with.

    Raises ConfigurationError for a wrong argument; the methods raise StorageError if Redis cannot be used.
    """

    _instead = "build it where it is needed, with the same client or address"

    @without_frames
    def __init__(self, client: Client | str, *, prefix: str = PREFIX) -> None:
        self._prefix = check_prefix(prefix)
        self._server = Server(client, "the token store")

    @without_frames
    def get(self, key: str) -> Token | None:
        """Return the token with this key, or None. What is stored there and is no token counts as None."""
        stored = self._server.call(self._server.client.get, self._name("token", key))
        if stored is None:
            return None
        try:
            return Token.model_validate_json(decoded(stored))
        except ValueError:
            return None

    @without_frames
    def set(self, key: str, token: Token) -> None:
        """Save the token. Redis deletes it some minutes after it has expired."""
        lifetime = None
        if token.expires_at is not None:
            left = (token.expires_at - datetime.now(timezone.utc)).total_seconds()
            lifetime = math.ceil((max(left, 0) + _CLOCKS) * 1000)
        stored = encoded(token.model_dump_json())
        self._server.call(self._server.client.set, self._name("token", key), stored, px=lifetime)

    def delete(self, key: str) -> None:
        """Delete the token, if there is one."""
        self._server.call(self._server.client.delete, self._name("token", key))

    def lock(self, key: str) -> AbstractContextManager[object]:
        """Return a context manager that one of all users of the store is in at a time, for this key.

        It is no guarantee: after 20 seconds of waiting, or where Redis cannot be used, the block is entered without
        the lock, and a lock that is held for more than 30 seconds is free for others. A second token does no harm.
        """
        return self._locked(self._name("lock", key))

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        lock = self._server.client.lock(name, timeout=_LOCK_TIMEOUT, blocking_timeout=_LOCK_PATIENCE, sleep=_LOCK_PAUSE)
        is_mine = self._attempt(lock.acquire)
        try:
            yield
        finally:
            if is_mine:
                self._attempt(lock.release)

    def _attempt(self, step: Callable[[], object]) -> bool:
        try:
            return self._server.call(step) is not False
        except StorageError as error:
            log.debug("Token lock: %s", error)
            return False

    def _name(self, kind: str, key: str) -> str:
        return f"{self._prefix}:{kind}:{encoded(key)}"

    @safe_repr
    def __repr__(self) -> str:
        return f"<RedisTokenStore: prefix {self._prefix!r}>"
