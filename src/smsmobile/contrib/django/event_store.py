"""The event store in the database of the project: an event, and what its handlers change, are one transaction."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import timedelta

from django.db import Error, connections, router, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from ..._confidential import safe_repr
from ..._input.arguments import check_seconds
from ...errors import ConfigurationError
from ...webhooks._claims import ONE_WEEK, spelled
from ...webhooks.stores import Claim
from ._steps import is_collision, storage_error
from .models import HandledEvent

__all__ = ["DjangoEventStore"]


def __dir__() -> list[str]:
    return __all__


_PRUNED_AT_ONCE = 100


class _Claims(threading.local):
    """The claims of this thread: the transaction of each, the innermost last."""

    def __init__(self) -> None:
        self.open: dict[tuple[str, str], ExitStack] = {}
        """By the alias of the database and the id."""


_mine = _Claims()


class DjangoEventStore:
    """Remembers events in the database of the project, for all processes and machines that use it.

    A claim that is NEW opens a transaction. `done` commits it, and with it what the handlers have changed; `release`
    rolls it back. There is no lease: if the process is killed, the database rolls the transaction back, and the next
    delivery is NEW. So whoever claims an event ends the claim in the same thread, and the claim that it made last
    first. On SQLite nobody else can write meanwhile.
    """

    def __init__(self, using: str | None = None, *, ttl: float = ONE_WEEK) -> None:
        """Nothing is connected yet.

        using: the alias of the database; None for the one where the routers put the table.
        ttl: seconds for which a handled event is remembered.

        Raises ConfigurationError if `ttl` is not a number above 0.
        """
        self._using = using or router.db_for_write(HandledEvent)
        self._ttl = timedelta(seconds=check_seconds("ttl", ttl, above_zero=True, error=ConfigurationError))

    @property
    def _rows(self) -> QuerySet[HandledEvent]:
        return HandledEvent.objects.using(self._using)

    def claim(self, event_id: str) -> Claim:
        """Claim an event: NEW for exactly one of all threads, processes and machines.

        Raises TypeError if `event_id` is not an id, StorageError if the database cannot be used.
        """
        key = spelled(event_id)
        if (self._using, key) in _mine.open:
            return Claim.BUSY
        try:
            # Committed at once, so that there is a row to lock. Nobody waits for another here.
            row = HandledEvent(id=key, expires_at=timezone.now() + self._ttl)
            self._rows.bulk_create([row], ignore_conflicts=True)
            with ExitStack() as stack:
                stack.enter_context(transaction.atomic(using=self._using))
                claim = self._look(key)
                if claim is Claim.NEW:
                    _mine.open[self._using, key] = stack.pop_all()
                return claim
        except Error as error:
            failure = error
        if is_collision(failure):  # on SQLite: whoever handles an event now keeps others from writing
            return Claim.BUSY
        raise storage_error(failure, self._using)

    def _look(self, key: str) -> Claim:
        """Lock the row, and say what it means."""
        rows = self._rows.filter(pk=key)
        if not connections[self._using].features.has_select_for_update:
            rows.update(expires_at=F("expires_at"))  # takes SQLite's lock, which a query does not
        row = rows.select_for_update(skip_locked=True).first()
        if row is None:  # somebody else has locked it
            return Claim.BUSY
        is_done = row.handled_at is not None and row.expires_at > timezone.now()
        return Claim.DONE if is_done else Claim.NEW

    def done(self, event_id: str) -> None:
        """The event is handled: commit.

        Raises TypeError if `event_id` is not an id, StorageError if the database cannot be used; then everything is
        rolled back.
        """
        key = spelled(event_id)
        now = timezone.now()
        block = _mine.open.pop((self._using, key), None) or transaction.atomic(using=self._using)
        failure: Error | None = None
        try:
            with block:
                self._prune()
                self._rows.update_or_create(pk=key, defaults={"handled_at": now, "expires_at": now + self._ttl})
        except Error as error:
            failure = error
        if failure is not None:  # outside of the block above, so that the error does not show the database's text
            raise storage_error(failure, self._using)

    def _prune(self) -> None:
        """A few at a time, so that after a long pause no delivery waits for the removal of all expired rows."""
        expired = self._rows.filter(expires_at__lte=timezone.now()).select_for_update(skip_locked=True)
        self._rows.filter(pk__in=list(expired.values_list("pk", flat=True)[:_PRUNED_AT_ONCE])).delete()

    def release(self, event_id: str) -> None:
        """The event could not be handled: roll back. Nothing happens if this thread has not claimed it.

        Raises TypeError if `event_id` is not an id.
        """
        block = _mine.open.pop((self._using, spelled(event_id)), None)
        if block is not None:
            with block:
                transaction.set_rollback(True, using=self._using)

    @safe_repr
    def __repr__(self) -> str:
        return f"<DjangoEventStore: database {self._using!r}, ttl={self._ttl.total_seconds():g} s>"
