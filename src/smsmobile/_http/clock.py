"""How far the service's clock is ahead of this machine's, by the `Date` header of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timezone


def clock_offset(headers: Mapping[str, str], received_at: float) -> float | None:
    """Seconds, precise to about one. `received_at` is Unix time; None if there is no readable `Date`."""
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(headers.get("Date", ""))
        return (date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp() - received_at
    except (TypeError, ValueError, OverflowError):
        return None
