"""The messages of the workers' tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def message(number: int) -> dict[str, Any]:
    """Each fifth one looks in the sent log like the one before it."""
    one = number - 1 if number % 5 == 4 else number
    return {"to": f"+3363998{one:04}", "text": f"Reminder {one}", "key": f"key-{number}"}


def reminders(first: int, end: int) -> Iterator[dict[str, Any]]:
    """The source of a campaign."""
    return map(message, range(first, end))
