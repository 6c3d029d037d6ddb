"""How long to wait between two looks at the service, and which failures waiting may cure.

What is done meanwhile is said in _sent_log/ and delivery/.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from ..errors import (
    ConnectionFailed,
    DeviceOffline,
    InvalidRequestError,
    RateLimited,
    ResponseTimeout,
    ServerError,
    SMSMobileError,
    UnexpectedResponse,
)

_TEMPORARY = (ConnectionFailed, ResponseTimeout, RateLimited, ServerError, DeviceOffline, UnexpectedResponse)
_FACTOR = 1.5
_SHORTEST = 0.1
LONGEST_BELIEVED = 3600.0
"""Seconds. A service that asks for more is asked again after that all the same."""


def is_temporary(error: SMSMobileError) -> bool:
    """Whether a read that failed so may well succeed later: the network, the service or the phone is away.

    An answer that cannot be read counts, since an HTML page comes instead of it now and then (O). A redirect does not:
    it means a wrong address.
    """
    return isinstance(error, _TEMPORARY) and getattr(error, "code", None) != "redirect"


def growing(first: float, longest: float) -> Iterator[float]:
    """Seconds to wait, time after time: longer and longer, from `first` to `longest` (or `first`, if that is more).

    Up to a quarter less at random, so that many who began at one moment do not ask at one moment ever after.
    """
    pause = first
    while True:
        yield pause * random.uniform(0.75, 1.0)  # noqa: S311
        pause = min(max(pause, _SHORTEST) * _FACTOR, max(first, longest))


def at_least_as_asked(pause: float, failure: SMSMobileError | None) -> float:
    """The pause, or the service's `Retry-After` where that is longer, of which an hour is believed."""
    return max(pause, min(getattr(failure, "retry_after", None) or 0.0, LONGEST_BELIEVED))


def check_seconds(name: str, seconds: object) -> float:
    """A number of seconds, 0 or more; else InvalidRequestError."""
    if isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and 0 <= seconds < math.inf:
        return float(seconds)
    shown = repr(seconds) if isinstance(seconds, (int, float)) else f"of type {type(seconds).__name__}"
    raise InvalidRequestError(f"{name} is {shown}; expected a number of seconds, 0 or more.")
