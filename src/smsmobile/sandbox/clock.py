"""The sandbox's time: it runs as usual, from a moment that tests choose.

Who wakes up when it moves is set by box.py.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone


class Clock:
    """The time by which the sandbox lives: schedules, delays, tokens, webhook retries.

    Moving it forward makes everything happen at once that would have happened in between. Only the timestamp that a
    webhook is signed with is this machine's own time, since the receiver compares it with its own.
    """

    def __init__(self, moved: Callable[[], None] = lambda: None) -> None:
        self.ahead = timedelta(0)
        """How far it is ahead of this machine's clock. Setting it wakes nobody; the methods below do."""
        self._moved = moved

    def now(self) -> datetime:
        """The time in the sandbox: aware, UTC."""
        return datetime.now(timezone.utc) + self.ahead

    def forward(self, by: timedelta | float) -> None:
        """Let this much time pass at once: a timedelta, or seconds. Raises ValueError where it is negative."""
        step = by if isinstance(by, timedelta) else timedelta(seconds=by)
        if step < timedelta(0):
            raise ValueError("Time passes forward only here: to go back to a chosen moment, use move_to().")
        self.ahead += step
        self._moved()

    def move_to(self, moment: datetime) -> None:
        """Make it `moment`, an aware datetime, in the past or the future. Raises ValueError for a naive one."""
        if moment.tzinfo is None:
            raise ValueError("`moment` must be an aware datetime: without a timezone it could be any moment.")
        self.ahead = moment - datetime.now(timezone.utc)
        self._moved()

    def reset(self) -> None:
        """Go by this machine's clock again."""
        self.ahead = timedelta(0)
        self._moved()
