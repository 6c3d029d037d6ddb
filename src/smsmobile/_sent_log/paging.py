"""Reads the log of sent SMS page by page, backwards. `iter_log`, tracking and the search for one message use it."""

from __future__ import annotations

import logging
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from datetime import datetime, timedelta
from typing import Any, TypeVar

from .._log_row import SentLogRow

log = logging.getLogger("smsmobile")

Before = str | datetime | float | None
RowT = TypeVar("RowT", bound=SentLogRow)


def read_pages(read: Callable[..., list[RowT]], before: Before = None, **filters: Any) -> Iterator[list[RowT]]:
    """The new rows of each page. `read` is `client.sms.log`, or a function with its arguments.

    Each page is requested with the GUID of the row before it as `before`; if that row has none, with its time; if it
    has no time either, with the last GUID of the page. The end is a page without new rows.
    """
    requested = array("q")
    """Sorted hashes: eight bytes for each page."""
    known: set[str] = set()
    repeated = Counter[Hashable]()
    while True:
        page = read(before=before, **filters)
        new = [row for row in page if not _is_known(row, known, repeated)]
        yield new
        if not new:
            return
        before, rest = _end_of(page)
        if before is None:
            log.warning("A page of the sent log has neither GUIDs nor times: older rows cannot be requested.")
            return
        mark = hash(before)
        place = bisect_left(requested, mark)
        if place < len(requested) and requested[place] == mark:
            return
        requested.insert(place, mark)
        known = {row.guid for row in page if row.guid is not None}
        repeated = Counter(map(_identity, rest))


def _end_of(page: list[RowT]) -> tuple[Before, list[RowT]]:
    """The `before` of the next page, and the rows without a GUID that the next page may have once more."""
    last = page[-1]
    if last.guid is not None:
        return last.guid, []
    if last.created_at is not None:
        # Rows of the same second may be on the next page.
        return last.created_at.replace(microsecond=0) + timedelta(seconds=1), [row for row in page if row.guid is None]
    index = max((index for index, row in enumerate(page) if row.guid is not None), default=-1)
    return (page[index].guid if index >= 0 else None), page[index + 1 :]


def _is_known(row: SentLogRow, known: set[str], repeated: Counter[Hashable]) -> bool:
    """Whether the page before has the row. Rows without a GUID count once for each time that they were there."""
    if row.guid is not None:
        return row.guid in known
    identity = _identity(row)
    if repeated[identity] == 0:
        return False
    repeated[identity] -= 1
    return True


def _identity(row: SentLogRow) -> Hashable:
    return row.recipient, row.message, row.created_at
