"""RedisEventStore: the event ids of any number of workers and machines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..._confidential import Unpicklable, safe_repr, without_frames
from ..._input.arguments import check_seconds
from ..._leases import LEASE
from ...errors import ConfigurationError
from ...webhooks._claims import ONE_WEEK, OwnClaims, new_token, spelled
from ...webhooks.stores import Claim
from ._server import PREFIX, Server, check_prefix, decoded

if TYPE_CHECKING:
    from ._server import Client

_DONE = "done"
# A claim that finds its own token was repeated by redis-py, since the answer was lost.
_CLAIM = """
local stored = redis.call('GET', KEYS[1])
if stored == 'done' then return 'done' end
if stored and stored ~= ARGV[1] then return 'busy' end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 'new'
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


class RedisEventStore(Unpicklable):
    """Keeps event ids in Redis or Valkey, shared by any number of processes and machines.

    What Redis forgets, since it has no append-only file or evicts keys, is handled again if the service repeats it.

    client: a client of redis-py (`redis.Redis` or `redis.RedisCluster`), or an address such as
        `redis://localhost:6379/0`. Let the client have a `socket_timeout`; an address gets one of 10 s.
    lease: seconds until a claim that is neither done nor released is over.
    ttl: seconds for which a handled event is remembered.
    prefix: what the names of all keys begin with.

    Raises ConfigurationError for a wrong argument; the methods raise StorageError if Redis cannot be used.
    """

    _instead = "build it where it is needed, with the same client or address"

    @without_frames
    def __init__(
        self, client: Client | str, *, lease: float = LEASE, ttl: float = ONE_WEEK, prefix: str = PREFIX
    ) -> None:
        self._lease = check_seconds("lease", lease, above_zero=True, error=ConfigurationError)
        self._ttl = check_seconds("ttl", ttl, above_zero=True, error=ConfigurationError)
        self._prefix = check_prefix(prefix)
        self._server = Server(client, "the event store")
        self._claim = self._server.script(_CLAIM)
        self._release = self._server.script(_RELEASE)
        self._own = OwnClaims()

    def claim(self, event_id: str) -> Claim:
        """Claim an event; see `EventStore.claim`. Raises TypeError if `event_id` is not an id."""
        name = self._name(event_id)
        token = new_token()
        state = Claim(decoded(self._claim(keys=[name], args=[token, _milliseconds(self._lease)])))
        if state is Claim.NEW:
            self._own.keep(name, token)
        return state

    def done(self, event_id: str) -> None:
        """The event is handled; see `EventStore.done`."""
        name = self._name(event_id)
        self._server.call(self._server.client.set, name, _DONE, px=_milliseconds(self._ttl))
        self._own.drop(name)

    def release(self, event_id: str) -> None:
        """The event could not be handled; see `EventStore.release`. Raises TypeError if `event_id` is not an id."""
        name = self._name(event_id)
        token = self._own.token(name) or self._stored(name)
        if token not in {None, _DONE}:
            self._release(keys=[name], args=[token])
        self._own.drop(name)

    def _stored(self, name: str) -> str | None:
        # Read before the script: if redis-py repeats that, it does not end a claim that was made in between.
        stored = self._server.call(self._server.client.get, name)
        return None if stored is None else decoded(stored)

    def _name(self, event_id: object) -> str:
        return f"{self._prefix}:event:{spelled(event_id)}"

    @safe_repr
    def __repr__(self) -> str:
        return f"<RedisEventStore: prefix {self._prefix!r}, lease={self._lease:g} s, ttl={self._ttl:g} s>"


def _milliseconds(seconds: float) -> int:
    return math.ceil(seconds * 1000)
