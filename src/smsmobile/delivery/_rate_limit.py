"""When the next request may leave: the caller's rate, kept by the `limits` library, and pauses the service asks for."""

from __future__ import annotations

import time
from threading import Event, Lock
from typing import TYPE_CHECKING, cast

from ..errors import ConfigurationError, InvalidRequestError, StorageError

if TYPE_CHECKING:
    from limits.storage import Storage

_SHARED_NAME = "smsmobile-bulk"
"""Under which all processes with one storage find the same count."""
_SHORTEST = 0.005
_LONGEST = 60.0
"""Seconds between two questions to the storage: others may have used what was expected, or the clock was set."""


class Pace:
    """One for all workers of a run, and with a shared storage for the runs of many processes."""

    def __init__(self, rate: str | None, storage: str | Storage) -> None:
        """Raises ConfigurationError without the `limits` library, InvalidRequestError for a rate that is none."""
        self._turn = Lock()
        self._held_until = 0.0
        self._limiter = None
        if rate is None:
            return
        try:
            import limits
            from limits import storage as storages
            from limits import strategies
        except ImportError:
            raise ConfigurationError(
                "A rate needs the limits library: pip install 'smsmobile[bulk]', or leave the rate out."
            ) from None
        try:
            (self._rate,) = limits.parse_many(rate)
        except (ValueError, TypeError):
            raise InvalidRequestError(
                f"rate is {str(rate)[:40]!r}, which cannot be read; expected one such as '20/minute', '500/day' "
                "or '1 per 5 seconds'."
            ) from None
        if self._rate.amount < 1 or self._rate.get_expiry() < 1:
            raise InvalidRequestError(f"rate is {rate!r}: nothing would ever be sent; expected 1 or more.")
        refused = ""
        try:
            if isinstance(storage, str):
                storage = cast("Storage", storages.storage_from_string(storage, wrap_exceptions=True))
            self._limiter = strategies.MovingWindowRateLimiter(storage)
        except (limits.errors.ConfigurationError, NotImplementedError, TypeError, ValueError) as error:
            # Its text may hold the address, and that a password.
            refused = type(error).__name__
        if self._limiter is None:
            raise ConfigurationError(
                f"rate_storage cannot be used ({refused}): expected an address such as 'redis://localhost:6379/0', "
                "with the library for it installed (pip install 'smsmobile[redis]'), or a storage of the limits "
                "library that has moving windows."
            )

    def wait(self, stopping: Event) -> bool:
        """Wait until a request may leave, and count it. False where `stopping` was set before.

        Raises StorageError where the shared storage cannot be reached.
        """
        if self._limiter is None and self._held_until <= time.monotonic():
            return not stopping.is_set()
        with self._turn:  # one asks, the others stand in line
            while not stopping.is_set():
                pause = self._held_until - time.monotonic()
                if pause <= 0:
                    pause = self._ask()
                    if pause <= 0:
                        return True
                stopping.wait(min(pause, _LONGEST))
        return False

    def hold(self, seconds: float) -> None:
        """Let nothing leave for so many seconds from now."""
        self._held_until = max(self._held_until, time.monotonic() + seconds)

    def _ask(self) -> float:
        """Seconds until it may be asked again; 0 where the request may leave."""
        if self._limiter is None:
            return 0.0
        failure = ""
        try:
            if self._limiter.hit(self._rate, _SHARED_NAME):
                return 0.0
            again = self._limiter.get_window_stats(self._rate, _SHARED_NAME).reset_time
        except Exception as error:  # noqa: BLE001 - of whatever storage it is
            failure = type(error).__name__
        if failure:
            raise StorageError(
                f"The storage of the rate limit cannot be reached ({failure}): nothing is sent without it."
            )
        return max(again - time.time(), _SHORTEST)
