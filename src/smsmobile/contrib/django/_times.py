"""Times as the columns have them: aware with USE_TZ, else naive in the zone of the project. Elsewhere all are aware."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.utils import timezone


def to_column(at: datetime | None) -> datetime | None:
    """An aware time as a column takes it."""
    return at if at is None or settings.USE_TZ else timezone.make_naive(at)


def from_column(at: datetime | None) -> datetime | None:
    """The time of a column, aware."""
    return at if at is None or timezone.is_aware(at) else timezone.make_aware(at)
