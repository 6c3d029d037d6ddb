"""The rate limit of a bulk sender, kept by the `limits` library, and the pauses that the service asks for."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from math import gcd
from threading import Event, Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, cast

from .._input.arguments import check_bool, check_choice, shown
from ..errors import ConfigurationError, InvalidRequestError, StorageError
from ._segments import count_segments

if TYPE_CHECKING:
    from limits.storage import Storage

RateUnit: TypeAlias = Literal["messages", "segments"]

_NO_PARAMS: Final[Mapping[str, str | int]] = MappingProxyType({})
_PREFIX = "smsmobile-bulk"
"""Begins the name of each count in the storage."""
_SHORTEST_WAIT = 0.005
_LONGEST_WAIT = 5.0
"""Seconds between two requests to the storage: other processes use it too, and the clock may be set."""


class RateLimit(NamedTuple):
    """A rate as it was given, and what it means: so many units in so many seconds."""

    text: str
    amount: int
    seconds: float
    unit: RateUnit
    is_paced: bool


class RateLimiter:
    """One for all workers of a campaign, and with a shared storage for the campaigns of many processes.

    It counts the messages of each account, phone and SIM apart. `unit`: what it counts. `paced`: whether they leave
    evenly. `account`: the account's name, without its credentials (see `account_of`).
    """

    def __init__(
        self,
        rate: str | None,
        storage: str | Storage,
        *,
        unit: RateUnit = "messages",
        paced: bool = False,
        account: str = "",
    ) -> None:
        """Raises ConfigurationError without the `limits` library, InvalidRequestError for a wrong rate or unit."""
        self._unit: RateUnit = check_choice("rate_unit", unit, ("messages", "segments"))  # type: ignore[assignment]
        self._is_paced = check_bool("rate_paced", paced)
        self._account = account
        self._rate = None if rate is None else _Rate(rate, storage, evenly=self._is_paced)
        self._counts: dict[tuple[str | int, str | int], _Count] = {}
        self._paused_until = 0.0

    @property
    def limit(self) -> RateLimit | None:
        """The rate; None if there is none."""
        rate = self._rate
        return None if rate is None else RateLimit(rate.text, rate.amount, rate.seconds, self._unit, self._is_paced)

    def acquire(
        self,
        stopping: Event,
        params: Mapping[str, str | int] = _NO_PARAMS,
        *,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> bool:
        """Wait until the request with these parameters may leave, and count it. Returns False if `stopping` is set.

        `meanwhile` is called every few seconds while it waits. Raises StorageError if the shared storage cannot be
        reached, and whatever `meanwhile` raises.
        """
        if self._rate is None and self._paused_until <= time.monotonic():
            return not stopping.is_set()
        count = self._count_of(params)
        units = count_segments(str(params.get("message", ""))).parts if self._unit == "segments" else 1
        while not count.lock.acquire(timeout=_LONGEST_WAIT):  # one worker asks, the others with the same count wait
            meanwhile()
        try:
            while not stopping.is_set():
                seconds = max(self._paused_until, count.next_at) - time.monotonic()
                if seconds <= 0 and self._rate is not None:
                    seconds = self._rate.hit(count.name, units)
                if seconds <= 0:
                    if self._rate is not None and self._is_paced:
                        count.next_at = time.monotonic() + self._rate.interval * units
                    return True
                stopping.wait(min(seconds, _LONGEST_WAIT))
                meanwhile()
        finally:
            count.lock.release()
        return False

    def pause(self, seconds: float) -> None:
        """Let no request leave for this many seconds from now."""
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def _count_of(self, params: Mapping[str, str | int]) -> _Count:
        device, sim = params.get("sIdentifiant", ""), params.get("port", "")
        count = self._counts.get((device, sim))
        if count is None:
            whose = "\n".join((self._account, str(device), str(sim), self._unit))
            name = f"{_PREFIX}-{hashlib.sha256(whose.encode()).hexdigest()[:32]}"
            count = self._counts.setdefault((device, sim), _Count(name))  # another worker may have been quicker
        return count


class _Count:
    """What is counted together: the messages of one account, phone and SIM."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lock = Lock()
        self.next_at = 0.0
        """When the next message may leave, if they are paced, by the monotonic clock."""


class _Rate:
    """A rate, and the storage in which it is counted."""

    def __init__(self, rate: str, storage: str | Storage, *, evenly: bool) -> None:
        """`evenly`: whether it is kept in the smallest whole number of seconds as well: "20/minute" as one in 3 s."""
        try:
            import limits
            from limits import storage as storages
            from limits import strategies
            from limits.errors import ConfigurationError as UnusableStorage
        except ImportError:
            raise ConfigurationError("A rate needs the limits library: pip install limits, or omit the rate.") from None
        try:
            (limit,) = limits.parse_many(rate)
        except (ValueError, TypeError):
            raise InvalidRequestError(
                f"rate is {shown(str(rate))!r}, which cannot be read; expected one such as '20/minute', '500/day' "
                "or '1 per 5 seconds'."
            ) from None
        amount, period = limit.amount, limit.get_expiry()
        if amount < 1 or period < 1:
            raise InvalidRequestError(f"rate is {rate!r}: with it nothing would ever be sent; expected 1 or more.")
        self.text, self.amount, self.seconds = rate, amount, float(period)
        self.interval = period / amount
        """Seconds from one unit to the next, if they are paced."""
        self._limits = [limit]
        limiter, refused = None, ""
        try:
            if isinstance(storage, str):
                storage = cast("Storage", storages.storage_from_string(storage, wrap_exceptions=True))
            limiter = strategies.MovingWindowRateLimiter(storage)
        except (UnusableStorage, NotImplementedError, TypeError, ValueError) as error:
            # The text of the error may hold the address, and the address a password.
            refused = type(error).__name__
        if limiter is None:
            raise ConfigurationError(
                f"rate_storage cannot be used ({refused}): expected an address such as 'redis://localhost:6379/0', "
                "with the library for it installed (for Redis: pip install 'limits[redis]'), or a storage of the "
                "limits library that has moving windows."
            )
        self._window_of = limiter.get_window_stats
        self._questions = [limiter.hit]
        if evenly and (parts := gcd(amount, period)) > 1:
            self._limits.insert(0, limits.RateLimitItemPerSecond(amount // parts, period // parts))
            self._questions.insert(0, limiter.test)  # nothing is counted by one limit while the other one is full

    def hit(self, name: str, units: int) -> float:
        """Count so many units. Returns 0, or after how many seconds to try again; nothing was counted then."""
        try:
            for ask in self._questions:
                for limit in self._limits:
                    cost = min(units, limit.amount)  # a text with more segments than the limit waits for all of it
                    if not ask(limit, name, cost=cost):
                        window = self._window_of(limit, name)
                        seconds = 0.0 if window.remaining >= cost else window.reset_time - time.time()
                        return max(seconds, 0.0) + _SHORTEST_WAIT  # a window is still full at its very end
        except Exception as error:  # noqa: BLE001 - each storage has its own
            failure = type(error).__name__
        else:
            return 0.0
        raise StorageError(f"The storage of the rate limit cannot be reached ({failure}): without it, nothing is sent.")
