"""The rate limit of a bulk sender, kept by the `limits` library, and the pauses that the service asks for."""

from __future__ import annotations

import time
from threading import Event, Lock
from typing import TYPE_CHECKING, cast

from ..errors import ConfigurationError, InvalidRequestError, StorageError

if TYPE_CHECKING:
    from limits.storage import Storage

_SHARED_NAME = "smsmobile-bulk"
"""The name of the count in the storage: the same for all processes that share it."""
_SHORTEST_WAIT = 0.005
_LONGEST_WAIT = 60.0
"""Seconds between two requests to the storage: other processes use it too, and the clock may be set."""


class RateLimiter:
    """One for all workers of a campaign, and with a shared storage for the campaigns of many processes."""

    def __init__(self, rate: str | None, storage: str | Storage) -> None:
        """Raises ConfigurationError without the `limits` library, InvalidRequestError for an unreadable rate."""
        self._lock = Lock()
        self._paused_until = 0.0
        self._limiter = None
        if rate is None:
            return
        try:
            import limits
            from limits import storage as storages
            from limits import strategies
            from limits.errors import ConfigurationError as UnusableStorage
        except ImportError:
            raise ConfigurationError(
                "A rate needs the limits library: pip install 'smsmobile[bulk]', or omit the rate."
            ) from None
        try:
            (self._rate,) = limits.parse_many(rate)
        except (ValueError, TypeError):
            raise InvalidRequestError(
                f"rate is {str(rate)[:40]!r}, which cannot be read; expected one such as '20/minute', '500/day' "
                "or '1 per 5 seconds'."
            ) from None
        if self._rate.amount < 1 or self._rate.get_expiry() < 1:
            raise InvalidRequestError(f"rate is {rate!r}: with it nothing would ever be sent; expected 1 or more.")
        refused = ""
        try:
            if isinstance(storage, str):
                storage = cast("Storage", storages.storage_from_string(storage, wrap_exceptions=True))
            self._limiter = strategies.MovingWindowRateLimiter(storage)
        except (UnusableStorage, NotImplementedError, TypeError, ValueError) as error:
            # The text of the error may hold the address, and the address a password.
            refused = type(error).__name__
        if self._limiter is None:
            raise ConfigurationError(
                f"rate_storage cannot be used ({refused}): expected an address such as 'redis://localhost:6379/0', "
                "with the library for it installed (pip install 'smsmobile[redis]'), or a storage of the limits "
                "library that has moving windows."
            )

    def acquire(self, stopping: Event) -> bool:
        """Wait until a request may leave, and count it. Returns False if `stopping` was set before that.

        Raises StorageError if the shared storage cannot be reached.
        """
        if self._limiter is None and self._paused_until <= time.monotonic():
            return not stopping.is_set()
        with self._lock:  # one worker asks, the others wait for it
            while not stopping.is_set():
                seconds = self._paused_until - time.monotonic()
                if seconds <= 0:
                    seconds = self._ask()
                    if seconds <= 0:
                        return True
                stopping.wait(min(seconds, _LONGEST_WAIT))
        return False

    def pause(self, seconds: float) -> None:
        """Let no request leave for this many seconds from now."""
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def _ask(self) -> float:
        """Seconds until the storage should be asked again; 0 if the request may leave."""
        if self._limiter is None:
            return 0.0
        try:
            if self._limiter.hit(self._rate, _SHARED_NAME):
                return 0.0
            reset = self._limiter.get_window_stats(self._rate, _SHARED_NAME).reset_time
        except Exception as error:  # noqa: BLE001 - each storage has its own
            failure = type(error).__name__
        else:
            return max(reset - time.time(), _SHORTEST_WAIT)
        raise StorageError(f"The storage of the rate limit cannot be reached ({failure}): without it, nothing is sent.")
