"""The sandbox's time: it runs as usual, from a moment that tests choose.

Who wakes up when it moves is set by box.py.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from .validation import END, check_moment, is_number


class Clock:
    """The time by which the sandbox lives: schedules, delays, tokens, webhook retries.

    Moving it forward makes everything happen at once that would have happened in between. Only the timestamp that a
    webhook is signed with is this machine's own time, since the receiver compares it with its own. It can be moved to
    any moment of the years 1980 to 2099.
    """

    def __init__(self, move: Callable[[timedelta], None]) -> None:
        """`move` sets how far it is ahead, and wakes everybody."""
        self.ahead = timedelta(0)
        """How far it is ahead of this machine's clock. Setting it wakes nobody; the methods below do."""
        self._move = move

    def now(self) -> datetime:
        """The time in the sandbox: aware, UTC."""
        return datetime.now(timezone.utc) + self.ahead

    def forward(self, by: timedelta | float) -> None:
        """Let this much time pass at once: a timedelta, or seconds.

        Raises ValueError where it is negative, or more than there is until the year 2100.
        """
        seconds = by.total_seconds() if isinstance(by, timedelta) else by
        if is_number(seconds) and seconds < 0:
            raise ValueError("Time passes forward only here: to go back to a chosen moment, use move_to().")
        if not (is_number(seconds) and seconds >= 0):  # NaN neither
            raise ValueError(f"by is {by!r}; expected a timedelta, or a number of seconds.")
        now = self.now()
        beyond = (END - now).total_seconds() + 1
        step = timedelta(seconds=min(seconds, beyond))  # a timedelta cannot hold every number
        check_moment(now + step)
        self._move(self.ahead + step)

    def move_to(self, moment: datetime) -> None:
        """Make it `moment`, an aware datetime, in the past or the future.

        Raises ValueError for a naive one, and for one before 1980 or after 2099.
        """
        check_moment(moment)
        self._move(moment - datetime.now(timezone.utc))

    def reset(self) -> None:
        """Go by this machine's clock again."""
        self._move(timedelta(0))
