"""A Redis server as the stores see it: texts that any client can carry, and errors that show no address."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

import redis
from redis.exceptions import RedisClusterException

from ..._confidential import Unpicklable, without_frames
from ...errors import ConfigurationError, StorageError

Client: TypeAlias = "redis.Redis | redis.RedisCluster"

PREFIX = "smsmobile"
"""What the names of all keys begin with, unless a store is made with another prefix."""

_PATIENCE = 10.0
"""Seconds that a client made from an address waits for the server, unless the address says otherwise."""
_FAILURES = (redis.RedisError, RedisClusterException, OSError, UnicodeError)
_CODE = re.compile(r"[A-Z]{3,}(?= )")
"""The word with which Redis begins an error, such as OOM or READONLY."""


class Server(Unpicklable):
    """A client of redis-py, which may be shared by threads and used before and after a fork."""

    def __init__(self, client: Client | str, what: str) -> None:
        """`what`, with its article, is named in errors: "the journal".

        Raises ConfigurationError if `client` is neither a client nor a valid address.
        """
        self._client = _connected(client)
        self._what = what

    def script(self, source: str) -> Callable[..., Any]:
        """A Lua script. It is loaded again where the server does not know it, as after a restart.

        The function takes `keys` and `args`.
        """
        run = self.client.register_script(source)

        def called(keys: list[str], args: list[str | bytes]) -> Any:
            return self.call(run, keys=keys, args=args)

        return called

    @without_frames
    def call(self, command: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Execute a command of the client. Raises StorageError if it fails, or if its answer is lost."""
        try:
            return command(*args, **options)
        except _FAILURES as error:
            code = _CODE.match(str(error)) if isinstance(error, redis.ResponseError) else None
            failure = f"{type(error).__name__}, {code[0]}" if code else type(error).__name__
        raise StorageError(
            f"The Redis of {self._what} cannot be used ({failure}): check that it runs, that its address and password "
            "are right, and that it may be written to."
        )

    @property
    def client(self) -> Any:
        """Untyped: redis-py's signatures are those of its asynchronous clients as well."""
        return self._client


def _connected(client: object) -> Client:
    if isinstance(client, (redis.Redis, redis.RedisCluster)):
        return client
    if not isinstance(client, str):
        raise ConfigurationError(
            f"client is of type {type(client).__name__}; expected a client of redis-py (redis.Redis, not "
            "redis.asyncio.Redis), or an address such as 'redis://localhost:6379/0'."
        )
    try:
        made = redis.Redis.from_url(client, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE)
        pool = made.connection_pool
        pool.connection_class(**pool.connection_kwargs)  # checks the options of the address, and does not connect
    except (ValueError, TypeError, AttributeError, redis.RedisError):
        pass
    else:
        return made
    # What redis-py says may contain the address, and the address a password.
    raise ConfigurationError(
        "client is no address that redis-py can read; expected one such as 'redis://localhost:6379/0', or "
        "'rediss://user:password@host:6379/0' with special characters of the password percent-encoded."
    )


def check_prefix(prefix: object) -> str:
    """Raises ConfigurationError unless `prefix` is a text that a cluster hashes as one."""
    if not isinstance(prefix, str):
        raise ConfigurationError(f"prefix is of type {type(prefix).__name__}; expected a text.")
    if not prefix or not prefix.isprintable() or not prefix.isascii() or set(prefix) & set("{}\\ "):
        raise ConfigurationError("prefix has to be one printable ASCII word without braces and backslashes.")
    return prefix


def encoded(text: str) -> str:
    """A text as ASCII, whichever characters it has: clients that decode answers, or use another encoding, keep it."""
    return text.encode("unicode_escape").decode("ascii")


def decoded(answer: str | bytes) -> str:
    """The text that `encoded` was given."""
    raw = answer.encode("ascii") if isinstance(answer, str) else answer
    return raw.decode("unicode_escape")
