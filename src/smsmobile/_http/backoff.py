"""Backoff for loops that ask the service repeatedly: how long to wait, and which failures are temporary."""

from __future__ import annotations

import random
from collections.abc import Iterator

from ..errors import (
    ConnectionFailed,
    DeviceOffline,
    RateLimited,
    ResponseTimeout,
    ServerError,
    SMSMobileError,
    UnexpectedResponse,
)

_TEMPORARY = (ConnectionFailed, ResponseTimeout, RateLimited, ServerError, DeviceOffline, UnexpectedResponse)
_FACTOR = 1.5
_SHORTEST = 0.1
LONGEST_RETRY_AFTER = 3600.0
"""Seconds. The longest wait that is granted, even if the service asks for more."""


def is_temporary(error: SMSMobileError) -> bool:
    """Whether a read that failed like this may succeed later: the network, the service or the phone is away.

    An unreadable answer is temporary, since the service sometimes sends an HTML page instead (O). A redirect is not: it
    means a wrong address.
    """
    return isinstance(error, _TEMPORARY) and getattr(error, "code", None) != "redirect"


def backoff_intervals(first: float, longest: float) -> Iterator[float]:
    """Seconds between attempts, without end: they grow from `first` to `longest`, or stay at `first` if that is more.

    Each is up to a quarter shorter at random, so that many clients do not come back at the same moment.
    """
    interval = first
    while True:
        yield interval * random.uniform(0.75, 1.0)  # noqa: S311
        interval = min(max(interval, _SHORTEST) * _FACTOR, max(first, longest))


def respecting_retry_after(interval: float, failure: SMSMobileError | None) -> float:
    """The interval, or the failure's `Retry-After` if that is longer: at most `LONGEST_RETRY_AFTER`."""
    return max(interval, min(getattr(failure, "retry_after", None) or 0.0, LONGEST_RETRY_AFTER))
