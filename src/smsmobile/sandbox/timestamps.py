"""How the service spells a moment: the contract's several ways, all from an aware UTC datetime.

And how a test chooses one.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

# Not UTC, so that a client which confuses the two times of an answer is found out.
LOCAL = timezone(timedelta(hours=1))


def iso(moment: datetime) -> str:
    """`2026-03-20T21:07:44Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_local(moment: datetime) -> str:
    """`2026-03-20T22:07:44+01:00`."""
    return moment.astimezone(LOCAL).isoformat(timespec="seconds")


def day(moment: datetime) -> str:
    """`2026-03-20`."""
    return moment.strftime("%Y-%m-%d")


def clock(moment: datetime) -> str:
    """`21:07:44`."""
    return moment.strftime("%H:%M:%S")


def day_and_clock(moment: datetime) -> str:
    """`2026-03-20 21:07:44`."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def seconds(moment: datetime) -> int:
    """`1774040864`: Unix time."""
    return int(moment.timestamp())


def milliseconds(moment: datetime) -> int:
    """`1774040864000`: Unix time, thirteen digits."""
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def chosen(at: datetime | None, now: datetime) -> datetime:
    """The moment that was chosen for something, in UTC, or else now. Raises ValueError for a naive datetime."""
    if at is None:
        return now
    if at.tzinfo is None:
        raise ValueError("`at` must be an aware datetime: without a timezone it could be any moment.")
    return at.astimezone(timezone.utc)
