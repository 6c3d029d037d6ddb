"""Leases: for how long a claim of an event or a message lasts, and when it is over."""

LEASE = 60.0
"""Seconds that a claim lasts, unless a store is made with another lease."""

CORRECTION = 1.0
"""Seconds. A clock that is corrected by less than this has not been set back."""


def seconds_left(begin: float, end: float, now: float) -> float:
    """Seconds until a lease is over; 0 if it is. It is over, too, if the clock was set back to before its begin.

    All three are seconds of one clock.
    """
    return max(end - now, 0.0) if now >= begin - CORRECTION else 0.0
