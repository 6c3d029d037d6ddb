"""RedisSuppression: the suppression list of any number of machines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..._confidential import Unpicklable, safe_repr, without_frames
from ...delivery.suppression import digits_on_list, spelled_source
from ._persistence import check_allowed, check_persistence
from ._server import PREFIX, Server, check_prefix, decoded

if TYPE_CHECKING:
    from ._server import Client

_AT_ONCE = 500
"""About how many numbers are read at once."""
_ADD = """
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 1 then return 1 end
return ARGV[2] ~= '' and redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] and 1 or 0
"""


class RedisSuppression(Unpicklable):
    """A suppression list in Redis or Valkey, shared by any number of processes and machines.

    Redis has to keep its data on disk, with an append-only file, as for `RedisJournal`: a number that it forgets gets
    messages again. With `appendfsync always`, a change survives a power failure; with `appendfsync everysec`, a power
    failure can lose the last second or two, and so can a failover to a replica in any case. Where that is too much, use
    a SQL database. The first use refuses a Redis without an append-only file, and one that evicts keys which have no
    expiry time (`maxmemory-policy allkeys-…`).

    The list is one hash. While it is read, a number can come twice, if others change the list.

    client: a client of redis-py (`redis.Redis` or `redis.RedisCluster`), or an address such as
        `redis://localhost:6379/0`. Let the client have a `socket_timeout`; an address gets one of 10 s.
    prefix: what the name of the key begins with; one for each list in a Redis.
    allow_data_loss: use Redis as it is: without a disk, with eviction, or where the service does not say which. For
        tests.

    Raises ConfigurationError for a wrong argument; the methods raise it for a Redis that forgets, and StorageError if
    Redis cannot be used.
    """

    _instead = "build it where it is needed, with the same client or address"

    @without_frames
    def __init__(self, client: Client | str, *, prefix: str = PREFIX, allow_data_loss: bool = False) -> None:
        self._prefix = check_prefix(prefix)
        self._name = f"{self._prefix}:suppressed"
        self._server = Server(client, "the suppression list")
        self._add = self._server.script(_ADD)
        self._is_checked = check_allowed(allow_data_loss)

    def add(self, number: str, *, source: str = "") -> bool:
        """Put a number on the list; see `Suppression.add`."""
        digits, source = digits_on_list(number), spelled_source(source)
        self._check()
        return bool(self._add(keys=[self._name], args=[digits, source]))

    def remove(self, number: str) -> bool:
        """Take a number off the list; see `Suppression.remove`."""
        return bool(self._call("hdel", digits_on_list(number)))

    def __contains__(self, number: object) -> bool:
        return bool(self._call("hexists", digits_on_list(number)))

    def __iter__(self) -> Iterator[str]:
        cursor = 0
        while True:
            cursor, numbers = self._call("hscan", cursor, count=_AT_ONCE)
            yield from map(decoded, numbers)
            if not cursor:
                return

    def _call(self, command: str, *args: object, **options: object) -> Any:
        self._check()
        return self._server.call(getattr(self._server.client, command), self._name, *args, **options)

    def _check(self) -> None:
        if not self._is_checked:
            harm = "those who asked for no more messages get some again"
            check_persistence(self._server, self._name, kept="numbers of the suppression list", harm=harm)
            self._is_checked = True

    @safe_repr
    def __repr__(self) -> str:
        return f"<RedisSuppression: prefix {self._prefix!r}>"
