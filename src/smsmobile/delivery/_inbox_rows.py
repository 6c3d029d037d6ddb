"""The rows of an inbox's look: all pages of them, their order, and the key by which each message is remembered."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .._sent_log.comparison import comparable
from .._wire.values import EARLIEST, read_int

if TYPE_CHECKING:
    from ..channels.sms import ReceivedSMS

ROUND = 50
"""An answer with a multiple of so many rows may have been cut: nothing documents that the service returns all, and its
other lists have pages of 50, 100, 200 or 500 (D)."""

_ONE_SECOND = timedelta(seconds=1)


def all_received(
    read: Callable[..., list[ReceivedSMS]], after: datetime, device: str | None
) -> tuple[list[ReceivedSMS], bool]:
    """The rows later than `after`, and whether they may be only the newest of them.

    If an answer may have been cut, those behind its newest row are asked for: the service may return the oldest first.
    """
    rows = page = read(after=after, device=device)
    is_cut = _may_be_cut(rows)
    while _may_be_cut(page):
        newest = max((row.received_at for row in page if row.received_at is not None), default=after)
        if newest <= after:
            break
        # From that second on, or behind it if the answer has nothing but rows of that second.
        after = newest - _ONE_SECOND if newest - _ONE_SECOND > after else newest
        page = read(after=after, device=device)
        if more := _without(page, rows):
            rows, is_cut = [*rows, *more], False
    return rows, is_cut


def keyed(rows: list[ReceivedSMS]) -> dict[str, ReceivedSMS]:
    """The rows by key, oldest first: the GUID and a hash of the text, or a hash of sender, text and second."""
    by_key: dict[str, ReceivedSMS] = {}
    copies: Counter[str] = Counter()
    for row in _oldest_first(rows):
        if row.guid is not None:
            text = comparable(row.message, without_links=False)
            key = f"{row.guid} {_hash(text)[:16]}"  # a GUID with another text is another message
        else:
            key = content_key(row)
            copies[key] += 1
            key = copy_of(key, copies[key])  # the same text from the same sender twice in one second
        by_key.setdefault(key, row)
    return by_key


def content_key(row: ReceivedSMS) -> str:
    """The key of a row without a GUID. Two rows may have the same one, see `copy_of`."""
    if row.received_at is None:
        when = f"None {(row.model_extra or {}).get('id', '')}"
    else:
        when = str(row.received_at.replace(microsecond=0))  # some of the service's formats are no more precise
    return "sha256:" + _hash(f"{row.sender}\0{row.message}\0{when}")


def copy_of(key: str, number: int) -> str:
    """The key of the so-manyth row with one content."""
    return key if number == 1 else f"{key}:{number}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _may_be_cut(page: list[ReceivedSMS]) -> bool:
    return len(page) > 0 and len(page) % ROUND == 0


def _without(page: list[ReceivedSMS], rows: list[ReceivedSMS]) -> list[ReceivedSMS]:
    """The rows of a page that are not among these, counted: two messages may look the same."""
    known = Counter(map(_identity, rows))
    more = []
    for row in page:
        if known[_identity(row)]:
            known[_identity(row)] -= 1
        else:
            more.append(row)
    return more


def _identity(row: ReceivedSMS) -> Hashable:
    return row.guid, row.sender, row.message, row.received_at


def _oldest_first(rows: list[ReceivedSMS]) -> list[ReceivedSMS]:
    """Sort by time, then by the service's row id, then in reverse order, since it sends the newest first (A).

    Rows without a time come first: they must be handled before the start of the next look moves on.
    """
    moments = [row.received_at for row in rows if row.received_at is not None]
    is_oldest_first = bool(moments) and moments[0] < moments[-1]
    return sorted(
        rows if is_oldest_first else reversed(rows),
        key=lambda row: (row.received_at or EARLIEST, read_int((row.model_extra or {}).get("id")) or 0),
    )
