"""RedisJournal: the journal of any number of machines. What each step does is in journal.lua."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any, cast

from ..._confidential import Unpicklable, safe_repr, without_frames
from ..._input.arguments import check_seconds
from ..._leases import LEASE
from ...delivery.journals import ClaimState, JournalEntry, MessageClaim, SendStatus
from ...errors import ConfigurationError
from ._persistence import check_allowed, check_persistence
from ._server import PREFIX, Server, check_prefix, decoded, encoded

if TYPE_CHECKING:
    from ..._sent_log.comparison import Precision
    from ._server import Client

_AT_ONCE = 500
"""Messages of one page of a report: Redis does nothing else while it reads them."""
_SCRIPT = resources.files("smsmobile.contrib.redis").joinpath("journal.lua").read_text(encoding="utf-8")


class RedisJournal(Unpicklable):
    """A journal in Redis 7 or Valkey, shared by any number of processes and machines.

        journal = RedisJournal("redis://localhost:6379/0")

    Redis has to keep its data on disk, with an append-only file. With `appendonly yes` and `appendfsync always`, what
    the journal recorded survives a power failure. With `appendfsync everysec`, a kill of Redis loses nothing while the
    disk keeps up, but a power failure can lose about the last second (and while the disk is busy, either can lose two):
    a message that was sent in that time may be sent again. Snapshots (RDB) lose minutes. A failover to a replica can
    lose the last writes in any case, since Redis answers before its replicas have them. Where that is too much, use a
    SQL database.

    The first use refuses a Redis without an append-only file, and one that evicts keys which have no expiry time
    (`maxmemory-policy allkeys-…`): a message that is forgotten would be sent again.

    Entries have no expiry time and stay until `forget`. All keys are in one slot of a cluster.

    client: a client of redis-py (`redis.Redis` or `redis.RedisCluster`), or an address. Let the client have a
        `socket_timeout`: without one, a sender waits for as long as Redis does not answer. An address gets one of 10 s.
    lease: seconds until a claim that is not renewed is over.
    prefix: what the names of all keys begin with; one for each journal in a Redis.
    allow_data_loss: use Redis as it is: without a disk, with eviction, or where the service does not say which. For
        tests, or where it does no harm to send again what was sent before a restart.

    Raises ConfigurationError for a wrong argument; the methods raise it for a Redis that forgets, and StorageError
    for one that cannot be used. An answer that is lost is such an error: the message must not leave.
    """

    _instead = "build it where it is needed, with the same client or address"

    @without_frames
    def __init__(
        self, client: Client | str, *, lease: float = LEASE, prefix: str = PREFIX, allow_data_loss: bool = False
    ) -> None:
        self._lease = check_seconds("lease", lease, above_zero=True, error=ConfigurationError)
        self._prefix = check_prefix(prefix)
        self._server = Server(client, "the journal")
        self._script = self._server.script(_SCRIPT)
        self._is_checked = check_allowed(allow_data_loss)

    def claim(self, entries: Sequence[JournalEntry]) -> list[MessageClaim]:
        """Claim messages; see `Journal.claim`."""
        arguments: list[str] = []
        for entry in entries:
            arguments += map(encoded, (entry.key, entry.number, entry.fingerprint, entry.precision, entry.look))
            arguments += [_seconds(entry.attempted_at), _seconds(entry.until), encoded(entry.token), _nonce()]
        return [_claim(entry, answer) for entry, answer in zip(entries, self._do("claim", *arguments), strict=True)]

    def start(self, entry: JournalEntry, at: float) -> bool:
        """The request leaves now; see `Journal.start`."""
        return bool(self._do("start", encoded(entry.key), encoded(entry.token), _nonce(), _seconds(at)))

    def settle(
        self, entry: JournalEntry, outcome: SendStatus, *, guid: str | None = None, reason: str | None = None
    ) -> bool:
        """Record an outcome; see `Journal.settle`."""
        values = (outcome.value, _optional(guid), _optional(reason))
        return bool(self._do("settle", encoded(entry.key), encoded(entry.token), _nonce(), *values))

    def keep_back(self, entry: JournalEntry, outcome: SendStatus, reason: str) -> bool:
        """Record that a planned message is not sent; see `Journal.keep_back`."""
        values = (outcome.value, encoded(reason))
        return bool(self._do("keep_back", encoded(entry.key), encoded(entry.token), _nonce(), *values))

    def withdraw(self, entries: Iterable[JournalEntry]) -> None:
        """Remove claims of messages that were not sent."""
        self._do("withdraw", *_claims(entries))

    def renew(self, entries: Iterable[JournalEntry]) -> None:
        """Begin leases anew."""
        self._do("renew", *_claims(entries))

    def release(self, entries: Iterable[JournalEntry]) -> None:
        """End leases now."""
        self._do("release", *_claims(entries))

    def abandoned(self, limit: int) -> list[JournalEntry]:
        """Started messages whose lease is over; see `Journal.abandoned`."""
        return _entries(self._do("abandoned", str(limit)))

    def unknown(self, since: float = 0.0) -> list[JournalEntry]:
        """Messages with the outcome unknown, attempted since then."""
        return _entries(self._do("unknown", _seconds(since)))

    def get(self, key: str) -> JournalEntry | None:
        """The message with this key; None if there is none."""
        return next(map(_entry, self._do("get", encoded(key))), None)

    def entries(self) -> Iterator[JournalEntry]:
        """All messages, in any order; see `Journal.entries`."""
        last = "-"
        while page := [_entry(row) for row in self._do("page", last, str(_AT_ONCE))]:
            yield from page
            last = f"({encoded(page[-1].key)}"

    def forget(self, key: str) -> bool:
        """Remove a message; see `Journal.forget`."""
        token = self._do("settled", encoded(key))
        if token is None:
            return False
        self._do("forget", encoded(key), token)
        return True

    def has(self, number: str, guid: str) -> bool:
        """Whether a message to this number has this GUID."""
        return bool(self._do("has", encoded(number), encoded(guid)))

    def without_guid(self, number: str, since: float) -> list[JournalEntry]:
        """Messages to this number that may have a row but no known GUID; see `Journal.without_guid`."""
        return _entries(self._do("without_guid", encoded(number), _seconds(since)))

    def _do(self, step: str, *arguments: str) -> Any:
        slot = f"{{{self._prefix}}}"
        if not self._is_checked:
            harm = "what it forgets will be sent again"
            check_persistence(self._server, slot, kept="entries of the journal", harm=harm)
            self._is_checked = True
        return self._script(keys=[slot], args=[step, repr(self._lease), *arguments])

    @safe_repr
    def __repr__(self) -> str:
        return f"<RedisJournal: prefix {self._prefix!r}, lease={self._lease:g} s>"


def _nonce() -> str:
    """Names one call of a step. If redis-py repeats the call because the answer was lost, the nonce is the same."""
    return secrets.token_urlsafe(6)


def _seconds(time: float) -> str:
    return repr(float(time))


def _optional(text: str | None) -> str:
    return "" if text is None else "=" + encoded(text)


def _claims(entries: Iterable[JournalEntry]) -> list[str]:
    return [encoded(text) for entry in entries for text in (entry.key, entry.token)]


def _claim(entry: JournalEntry, answer: Sequence[str | bytes | None]) -> MessageClaim:
    """The answer to one claim: a state, the seconds that are left of a lease, and the message in the way, if any."""
    state, left, *fields = answer
    return MessageClaim(ClaimState(decoded(state or "")), _entry(fields) if fields else entry, float(left or 0))


def _entries(rows: list[list[str | bytes | None]]) -> list[JournalEntry]:
    """In the order of their attempts, which is also that of the rows in the sent log."""
    return sorted(map(_entry, rows), key=lambda entry: entry.attempted_at)


def _entry(row: Sequence[str | bytes | None]) -> JournalEntry:
    """An entry from its fields, in the order of journal.lua."""
    key, state, number, fingerprint, precision, look, at, until, token, guid, reason = (
        None if value is None else decoded(value) for value in row
    )
    outcome = None if state in {"planned", "started"} else SendStatus(state)
    # Only the last two can be None.
    texts = cast("tuple[str, str, str, Precision, str]", (key, number, fingerprint, precision, look))
    return JournalEntry(*texts, float(at or 0), float(until or 0), token or "", outcome, guid, reason)
