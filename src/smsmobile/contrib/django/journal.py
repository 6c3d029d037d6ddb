"""The journal in the database of the project: it remembers each message under its key, from before it leaves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from django.db import router
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest

from ..._confidential import safe_repr
from ..._input.arguments import check_seconds
from ..._leases import CORRECTION, LEASE, seconds_left
from ...delivery._claiming import Claiming, Record
from ...delivery.journals import KEPT_BACK, JournalEntry, MessageClaim, SendStatus
from ...errors import ConfigurationError
from ...webhooks._claims import spelled
from ._steps import Clock, read, run
from .models import JournalMessage

__all__ = ["DjangoJournal"]


def __dir__() -> list[str]:
    return __all__


PLANNED, STARTED, UNKNOWN = "planned", "started", SendStatus.UNKNOWN.value
IN_FLIGHT = (PLANNED, STARTED)
"""The states of a message without an outcome. The others are the values of SendStatus."""
_CHANGING = (*IN_FLIGHT, *(status.value for status in KEPT_BACK))
"""The states of a message whose row a claim may remove, whatever its number is."""
_AT_ONCE = 500
"""Messages of one page of a report."""
_LOCKED_GROUPS = 64
"""Claims take a lock for each group of numbers."""


class DjangoJournal:
    """A journal in a PostgreSQL or SQLite database, shared by all processes and machines that use the database.

    Each step is a transaction of its own: inside of `transaction.atomic()` it raises RuntimeError. Leases follow the
    clock of PostgreSQL; SQLite has none, and uses that of its one machine.
    """

    def __init__(self, using: str | None = None, *, lease: float = LEASE) -> None:
        """Nothing is connected yet.

        using: the alias of the database; None for the one where the routers put the table.
        lease: seconds until a claim that is not renewed is over.

        Raises ConfigurationError if `lease` is not a number above 0. The methods raise it for another database.
        """
        self._using = using or router.db_for_write(JournalMessage)
        self._lease = check_seconds("lease", lease, above_zero=True, error=ConfigurationError)

    @property
    def _rows(self) -> QuerySet[JournalMessage]:
        return JournalMessage.objects.using(self._using)

    def claim(self, entries: Sequence[JournalEntry]) -> list[MessageClaim]:
        """Claim messages; see `Journal.claim`. Raises StorageError."""

        def step(clock: Clock) -> list[MessageClaim]:
            rows = self._concerned(entries)
            now = clock()  # after the rows are locked, which may have taken a while
            claiming = Claiming((_record(row, now) for row in rows), lease=self._lease)
            answers = claiming.claim(entries)
            self._rows.filter(pk__in=_ids(claiming.removed)).delete()
            self._lease_anew(self._rows.filter(pk__in=_ids(claiming.renewed)), now)
            self._rows.bulk_create(_row(entry, now, self._lease) for entry in sorted(claiming.added))
            return answers

        if not entries:
            return []
        # Nobody else claims a message to these numbers meanwhile.
        return run(step, using=self._using, locks=[_group(entry.number) for entry in entries])

    def _concerned(self, entries: Sequence[JournalEntry]) -> list[JournalMessage]:
        """What has these keys, and what is in flight to these numbers.

        It stays as it is until the commit, except for what is done: sent, refused, unknown.
        """
        has_key, numbers = Q(pk__in=_ids(entries)), {entry.number for entry in entries}
        changing = Q(has_key, state__in=_CHANGING) | Q(number__in=numbers, state__in=IN_FLIGHT)
        found = list(self._rows.filter(changing).order_by("pk").select_for_update())
        return found + list(self._rows.filter(has_key).exclude(state__in=_CHANGING))

    def start(self, entry: JournalEntry, at: float) -> bool:
        """The request leaves now; see `Journal.start`. Raises StorageError: then it must not leave."""

        def step(clock: Clock) -> bool:
            now = clock()
            lease = {"leased_at": now, "lease_end": now + self._lease}
            planned = self._claim(entry, PLANNED)
            return planned.update(state=STARTED, attempted_at=at, until=Greatest(F("until"), at), **lease) == 1

        return run(step, using=self._using)

    def settle(
        self, entry: JournalEntry, outcome: SendStatus, *, guid: str | None = None, reason: str | None = None
    ) -> bool:
        """Record an outcome; see `Journal.settle`. Raises StorageError."""

        def step(_: Clock) -> bool:
            started = self._claim(entry, *({STARTED, UNKNOWN} - {outcome.value}))
            return started.update(state=outcome.value, guid=guid, reason=reason) == 1

        return run(step, using=self._using)

    def keep_back(self, entry: JournalEntry, outcome: SendStatus, reason: str) -> bool:
        """Record that a planned message is not sent; see `Journal.keep_back`. Raises StorageError."""
        planned = self._claim(entry, PLANNED)
        return run(lambda _: planned.update(state=outcome.value, reason=reason) == 1, using=self._using)

    def withdraw(self, entries: Iterable[JournalEntry]) -> None:
        """Remove claims of messages that were not sent; see `Journal.withdraw`. Raises StorageError."""
        self._for_each(entries, [*IN_FLIGHT, UNKNOWN], lambda row, _: row.delete())

    def renew(self, entries: Iterable[JournalEntry]) -> None:
        """Begin leases anew. Raises StorageError."""
        self._for_each(entries, IN_FLIGHT, self._lease_anew)

    def release(self, entries: Iterable[JournalEntry]) -> None:
        """End leases now. Raises StorageError."""
        self._for_each(entries, IN_FLIGHT, lambda row, _: row.update(leased_at=0.0, lease_end=0.0))

    def _for_each(
        self,
        entries: Iterable[JournalEntry],
        states: Sequence[str],
        change: Callable[[QuerySet[JournalMessage], float], object],
    ) -> None:
        """Change the row of each claim that has one of these states."""
        claims = sorted({(id_of(entry.key), entry.token) for entry in entries})

        def step(clock: Clock) -> None:
            now = clock()
            for key, token in claims:  # in one order, so that no two wait for each other
                change(self._rows.filter(pk=key, token=token, state__in=states), now)

        if claims:
            run(step, using=self._using)

    def abandoned(self, limit: int) -> list[JournalEntry]:
        """Started messages whose lease is over; see `Journal.abandoned`. Raises StorageError."""

        def step(clock: Clock) -> list[JournalEntry]:
            now = clock()
            over = self._rows.filter(Q(lease_end__lte=now) | Q(leased_at__gt=now + CORRECTION), state=STARTED)
            rows = list(over.order_by("lease_end", "pk").select_for_update(skip_locked=True)[:limit])
            self._lease_anew(self._rows.filter(pk__in=[row.pk for row in rows]), now)
            return [_entry(row) for row in rows]

        return run(step, using=self._using)

    def unknown(self, since: float = 0.0) -> list[JournalEntry]:
        """Messages with the outcome unknown, attempted since then (Unix seconds). Raises StorageError."""
        return self._entries(Q(state=UNKNOWN, attempted_at__gte=since))

    def get(self, key: str) -> JournalEntry | None:
        """The message with this key; None if there is none. Raises StorageError."""
        return next(iter(self._entries(Q(pk=id_of(key)))), None)

    def entries(self) -> Iterator[JournalEntry]:
        """All messages, in any order; see `Journal.entries`. Raises StorageError."""
        last = ""
        while page := self._page(last):
            yield from map(_entry, page)
            last = page[-1].pk

    def _page(self, after: str) -> list[JournalMessage]:
        rows = self._rows.filter(pk__gt=after).order_by("pk")[:_AT_ONCE]
        return read(lambda: list(rows), using=self._using)

    def forget(self, key: str) -> bool:
        """Remove a message; see `Journal.forget`. Raises StorageError."""
        decided = self._rows.filter(pk=id_of(key)).exclude(state__in=IN_FLIGHT)
        return run(lambda _: decided.delete()[0] == 1, using=self._using)

    def has(self, number: str, guid: str) -> bool:
        """Whether a message to this number has this GUID. Raises StorageError."""
        return read(self._rows.filter(number=number, guid=guid).exists, using=self._using)

    def without_guid(self, number: str, since: float) -> list[JournalEntry]:
        """Messages to this number that may have a row but no known GUID; see `Journal.without_guid`.

        Raises StorageError.
        """
        is_open = Q(state__in=[STARTED, UNKNOWN])
        is_recent = Q(state__in=[SendStatus.SENT.value, SendStatus.REFUSED.value], until__gte=since)
        return self._entries(Q(is_open | is_recent, number=number, guid=None))

    def _entries(self, condition: Q) -> list[JournalEntry]:
        rows = self._rows.filter(condition).order_by("attempted_at", "key")
        return read(lambda: [_entry(row) for row in rows], using=self._using)

    def _claim(self, entry: JournalEntry, *states: str) -> QuerySet[JournalMessage]:
        """Its row, if it has this token and one of these states."""
        return self._rows.filter(pk=id_of(entry.key), token=entry.token, state__in=states)

    def _lease_anew(self, rows: QuerySet[JournalMessage], now: float) -> None:
        rows.update(leased_at=now, lease_end=now + self._lease)

    @safe_repr
    def __repr__(self) -> str:
        return f"<DjangoJournal: database {self._using!r}, lease={self._lease:g} s>"


def id_of(key: str) -> str:
    """The primary key of a message: its key, or a hash of it if that is long or has unusual characters."""
    return spelled(f"key:{key}")


def _ids(entries: Iterable[JournalEntry]) -> set[str]:
    return {id_of(entry.key) for entry in entries}


def _group(number: str) -> int:
    return hashlib.sha256(number.encode("utf-8", "surrogatepass")).digest()[0] % _LOCKED_GROUPS


def _row(entry: JournalEntry, now: float, lease: float) -> JournalMessage:
    """The row of a message that is planned."""
    return JournalMessage(
        id=id_of(entry.key),
        key=entry.key,
        state=PLANNED,
        number=entry.number,
        fingerprint=entry.fingerprint,
        precision=entry.precision,
        look=entry.look,
        attempted_at=entry.attempted_at,
        until=entry.until,
        token=entry.token,
        leased_at=now,
        lease_end=now + lease,
    )


def _entry(row: JournalMessage) -> JournalEntry:
    return JournalEntry(
        key=row.key,
        number=row.number,
        fingerprint=row.fingerprint,
        precision=row.precision,  # type: ignore[arg-type]  # as `_row` has stored it
        look=row.look,
        attempted_at=row.attempted_at,
        until=row.until,
        token=row.token,
        outcome=None if row.state in IN_FLIGHT else SendStatus(row.state),
        guid=row.guid,
        reason=row.reason,
    )


def _record(row: JournalMessage, now: float) -> Record:
    return Record(_entry(row), row.state == STARTED, partial(seconds_left, row.leased_at, row.lease_end, now))
