"""The list of opt-outs in the database of the project."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from django.db import router
from django.db.models import QuerySet

from ..._confidential import safe_repr
from ..._input.country_codes import with_plus
from ...delivery.suppression import digits_on_list, spelled_source
from ._steps import read, run_within
from .models import SuppressedNumber

__all__ = ["DjangoSuppression"]


def __dir__() -> list[str]:
    return __all__


_READ_AT_ONCE = 1000


class DjangoSuppression:
    """A `Suppression` in a PostgreSQL or SQLite database, shared by all processes and machines that use the database.

    Inside of `transaction.atomic()` a change is a part of that transaction: an opt-out that a receiver of
    `sms_received` records is committed together with the event.
    """

    def __init__(self, using: str | None = None) -> None:
        """Nothing is connected yet.

        using: the alias of the database; None for the one where the routers put the table.

        The methods raise StorageError if the database cannot be used, and InvalidRequestError for what is no number.
        """
        self._using = using or router.db_for_write(SuppressedNumber)

    @property
    def _rows(self) -> QuerySet[SuppressedNumber]:
        return SuppressedNumber.objects.using(self._using)

    def add(self, number: str, *, source: str = "") -> bool:
        """Put a number on the list; see `Suppression.add`."""
        row = SuppressedNumber(number=as_stored(number), source=spelled_source(source))

        def step() -> bool:
            # An insert first: a query before it would let SQLite fail if others have changed the file since.
            self._rows.bulk_create([row], ignore_conflicts=True)
            stored = self._rows.filter(number=row.number).values_list("pk", "source").first()
            return stored is not None and (stored[0] == row.pk or stored[1] == row.source != "")

        return run_within(step, using=self._using)

    def remove(self, number: str) -> bool:
        """Take a number off the list; see `Suppression.remove`."""
        row = self._rows.filter(number=as_stored(number))
        return run_within(lambda: row.delete()[0] == 1, using=self._using)

    def __contains__(self, number: object) -> bool:
        return read(self._rows.filter(number=as_stored(number)).exists, using=self._using)

    def __iter__(self) -> Iterator[str]:
        last = ""
        while chunk := self._after(last):
            yield from (number.removeprefix("+") for number in chunk)
            last = chunk[-1]

    def _after(self, last: str) -> list[str]:
        numbers = self._rows.filter(number__gt=last).order_by("number").values_list("number", flat=True)
        return read(partial(list, numbers[:_READ_AT_ONCE]), using=self._using)

    @safe_repr
    def __repr__(self) -> str:
        return f"<DjangoSuppression: database {self._using!r}>"


def as_stored(number: object) -> str:
    """A number as the table has it: as messages are sent to it. Raises InvalidRequestError for what is no number."""
    return with_plus(digits_on_list(number))
