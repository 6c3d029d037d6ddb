"""What one SIM sends in a forecast: when its rate lets messages leave, and what they wait for."""

from __future__ import annotations

from collections import defaultdict, deque
from datetime import datetime
from itertools import repeat
from typing import NamedTuple

from .._wire.values import UTC
from ._rate_limit import RateLimit

UNLIMITED = "none"
WINDOW, RATE = "window", "rate"
"""What a message waits for."""
_END_OF_TIME = 253370764800.0
"""Unix seconds: the year 9999."""


class SimForecast(NamedTuple):
    """What one SIM sends."""

    device: str | None
    """The SID of the phone; None for messages that name none."""
    sim: int | None
    """The SIM slot, 1 or 2; None if the phone chooses."""
    messages: int
    """How many it sends."""
    ends_at: datetime | None
    """When the last of them leaves, in UTC; None if that is after the year 9998."""


class Line:
    """The messages that one SIM sends, which the rate counts together."""

    def __init__(self, device: str | int, slot: str | int, rate: RateLimit | None, starts_at: float) -> None:
        """`device`, `slot`: the parameters of its requests, empty for none."""
        self._device, self._slot = device, slot
        self._rate = rate
        self._counted: deque[float] = deque(maxlen=None if rate is None else rate.amount)
        """When the latest units were counted by the rate."""
        self._next_at = starts_at
        """When the next one may leave."""
        self._waited: defaultdict[str, float] = defaultdict(float)
        """The seconds in which nothing left, by cause."""
        self.messages = 0
        self.last_at = starts_at
        """When the last message left."""
        self.last_cause = ""
        """What the last message waited for, of those that waited for something else than the window."""

    def leave(self, at: float, units: int) -> float:
        """When a message leaves that waits for the rate from this time on. It is counted."""
        rate = self._rate
        if rate is None:
            return at
        at = max(at, self._next_at)
        if rate.is_paced:
            self._next_at = at + units * rate.seconds / rate.amount
            return at
        units = min(units, rate.amount)
        index = len(self._counted) + units - rate.amount - 1
        if index >= 0:
            at = max(at, self._counted[index] + rate.seconds)
        self._counted.extend(repeat(at, units))
        self._next_at = at
        return at

    def depart(self, at: float, cause: str) -> None:
        """Note that a message has left, and what it waited for."""
        if cause and at > self.last_at:
            self._waited[cause] += at - self.last_at
            if cause != WINDOW:
                self.last_cause = cause
        self.messages += 1
        self.last_at = max(self.last_at, at)

    @property
    def bottleneck(self) -> str:
        """What delays its messages most."""
        name = max(self._waited, key=lambda name: self._waited[name], default=UNLIMITED)
        if name in {WINDOW, UNLIMITED}:
            return name
        slot = f"SIM {self._slot} of " if self._slot else ""
        whose = f" of {slot}phone {self._device}" if self._device else (f" of SIM {self._slot}" if self._slot else "")
        what = f"rate {self._rate.text}" if name == RATE and self._rate is not None else name
        return f"{what}{whose}"

    @property
    def forecast(self) -> SimForecast:
        """What it sends."""
        return SimForecast(
            str(self._device) if self._device else None,
            int(self._slot) if self._slot else None,
            self.messages,
            to_datetime(self.last_at),
        )


def to_datetime(at: float) -> datetime | None:
    """A moment in UTC; None for one that is too late for a datetime."""
    return datetime.fromtimestamp(at, UTC) if at < _END_OF_TIME else None
