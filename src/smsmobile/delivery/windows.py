"""`SendWindow`: the hours and days in which messages may leave."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time
from typing import Literal

__all__ = ["SendWindow"]


def __dir__() -> list[str]:
    return __all__


class SendWindow:
    """The hours and days in which messages may leave."""

    def __init__(
        self,
        start: time,
        end: time,
        tz: str,
        days: Iterable[int] = range(7),
        *,
        holidays: Iterable[date] | str = (),
        outside: Literal["wait", "schedule", "expire"] = "wait",
    ) -> None:
        self.outside = outside

    def opens_at(self, moment: float) -> float:
        """When a message that could leave at `moment` may leave: then, or when the window opens next. Unix seconds."""
        return moment
