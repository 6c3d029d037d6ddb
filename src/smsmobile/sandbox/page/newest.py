"""Rows of one kind, the newest first, from anywhere in the middle."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any, Generic, TypeVar

from ..ledger import Ledger, Rows
from ..rows import Delivery, RecordedRequest, Row
from .lines import Line

RowT = TypeVar("RowT", RecordedRequest, Delivery)


class Newest(Generic[RowT]):
    """An index over the rows of one table. Whoever asks holds the ledger's lock."""

    def __init__(self, ledger: Ledger, table: Rows[RowT]) -> None:
        self._line: Line[int, RowT] = Line()
        self._name = table.name
        with ledger.lock:
            for row in table:
                self._line.put(row.id, row)
            ledger.watchers.append(self._watch)

    def page(
        self, before: int | None, limit: int, is_wanted: Callable[[RowT], bool] | None = None
    ) -> tuple[list[RowT], bool]:
        """Rows with ids below `before` that are wanted, and whether there are older ones."""
        page = list(islice(filter(is_wanted, self._line.downwards(before)), limit + 1))
        return page[:limit], len(page) > limit

    def _watch(self, table: Rows[Any], before: Row | None, after: Row | None) -> None:
        if table.name != self._name:
            return
        if after is not None:
            self._line.put(after.id, after)
        elif before is not None:
            self._line.remove(before.id)
