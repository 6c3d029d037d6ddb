"""Which failure may be tried again: the READ and the SEND policy, as urllib3 `Retry` objects. The loop is urllib3's.

Who has a loop of its own does without it: `tried_once`.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from urllib3.exceptions import InvalidHeader, MaxRetryError
from urllib3.util.retry import Retry

from .._wire.endpoints import Policy

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self
    from urllib3 import BaseHTTPResponse
    from urllib3.connectionpool import ConnectionPool

LONGEST_WAIT = 60.0
"""Seconds. Where the service asks for more, the caller is told instead of kept waiting."""

_FIRST_BACKOFF = 0.5
_LONGEST_BACKOFF = 8.0

_repeats: ContextVar[bool] = ContextVar("smsmobile_repeats", default=True)


@contextmanager
def tried_once() -> Iterator[None]:
    """In the block, and in this thread, no client repeats a request, one for a token included.

    For who asks again and again anyway, with pauses that can be ended. Not to be left open over a `yield`.
    """
    token = _repeats.set(False)
    try:
        yield
    finally:
        _repeats.reset(token)


def may_repeat() -> bool:
    """Whether requests may be repeated here; not within `tried_once`."""
    return _repeats.get()


class _Retry(Retry):
    """urllib3's, with jitter from the first repetition on, and `Retry-After` believed up to a cap."""

    def get_backoff_time(self) -> float:
        tries = len(self.history)
        if not tries:
            return 0.0
        return random.uniform(0.5, 1.0) * min(_FIRST_BACKOFF * 2.0 ** (tries - 1), _LONGEST_BACKOFF)  # noqa: S311

    def get_retry_after(self, response: Any) -> float | None:
        try:
            return super().get_retry_after(response)
        except (InvalidHeader, ValueError, OverflowError):  # dates and numbers that Python cannot hold
            return None

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        if response is not None and (self.get_retry_after(response) or 0) > LONGEST_WAIT:
            raise MaxRetryError(_pool, url or "")  # type: ignore[arg-type]  # urllib3 then hands over the answer itself
        again = super().increment(method, url, response, error, _pool, _stacktrace)
        if response is not None:
            response.close()  # urllib3 would first read the rest of it, however much that is
        return again


class _SendRetry(_Retry):
    # urllib3 would also repeat a 503 or 413 that carries Retry-After; a 503 may come after the message was accepted.
    RETRY_AFTER_STATUS_CODES = frozenset({429})


def retry_for(policy: Policy, max_retries: int) -> Retry:
    """The policy as urllib3 understands it, for at most `max_retries` repetitions."""
    common: dict[str, Any] = {
        "total": max_retries,
        "other": 0,  # a certificate that does not verify will not verify the next time
        "redirect": 0,
        "allowed_methods": None,  # the policy decides, not the HTTP verb: a delete is a POST that may be repeated
        "raise_on_status": False,
        "raise_on_redirect": False,
    }
    retry: _Retry
    if policy is Policy.SEND:
        retry = _SendRetry(**common, read=False, status_forcelist={429})
    else:
        retry = _Retry(**common, status_forcelist={429, 500, 502, 503, 504})
    retry.retry_after_max = sys.maxsize  # urllib3 would call a day six hours
    return retry
