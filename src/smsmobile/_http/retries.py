"""Which failures are retried, and after how long: urllib3's `Retry` as the policy of the transport's loop."""

from __future__ import annotations

import random
import sys
from typing import TYPE_CHECKING, Any

from urllib3.exceptions import HTTPError, InvalidHeader, MaxRetryError
from urllib3.util.retry import Retry

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self
    from urllib3 import BaseHTTPResponse
    from urllib3.connectionpool import ConnectionPool

LONGEST_WAIT = 60.0
"""Seconds. If the service asks for a longer wait, the caller gets RateLimited at once."""

_FIRST_BACKOFF = 0.5
_LONGEST_BACKOFF = 8.0


class RetryPolicy(Retry):
    """urllib3's `Retry`, with jitter from the first repetition on. A long `Retry-After` ends the retries."""

    def get_backoff_time(self) -> float:
        """Seconds to wait: 0.5, 1, 2 … 8, each up to half shorter at random."""
        tries = len(self.history)
        if not tries:
            return 0.0
        return random.uniform(0.5, 1.0) * min(_FIRST_BACKOFF * 2.0 ** (tries - 1), _LONGEST_BACKOFF)  # noqa: S311

    def get_retry_after(self, response: Any) -> float | None:
        """Seconds that the service asks to wait; None if it does not say, or not in a readable way."""
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
        """The policy after one more failure. Raises MaxRetryError or the error if there is no further try."""
        if response is not None and (self.get_retry_after(response) or 0) > LONGEST_WAIT:
            raise MaxRetryError(_pool, url or "")  # type: ignore[arg-type]
        return super().increment(method, url, response, error, _pool, _stacktrace)

    def after_answer(self, response: BaseHTTPResponse) -> Self | None:
        """The policy for the next try; None if the answer is final."""
        if not self.is_retry("POST", response.status, "Retry-After" in response.headers):
            return None
        try:
            return self.increment("POST", "/", response)  # neither method nor path matters to these policies
        except MaxRetryError:
            return None

    def after_failure(self, error: HTTPError | None) -> Self | None:
        """The policy for the next try; None if there is none. `error` is the result of `urllib3_cause`."""
        if error is None:
            return None
        try:
            return self.increment("POST", "/", error=error)
        except HTTPError:
            error.with_traceback(None)  # a re-raised error is in its own frames: this cycle would keep the sockets open
            return None


class _SendRetryPolicy(RetryPolicy):
    # urllib3 would also repeat a 503 or 413 that carries Retry-After; a 503 may come after the message was accepted.
    RETRY_AFTER_STATUS_CODES = frozenset({429})


def retry_policy(*, sends: bool, max_retries: int) -> RetryPolicy:
    """At most `max_retries` repetitions. A request that `sends` is repeated only if it provably did not arrive."""
    common: dict[str, Any] = {
        "total": max_retries,
        "other": 0,  # a certificate that does not verify will not verify the next time
        "redirect": 0,
        "allowed_methods": None,  # the endpoint decides, not the HTTP verb: a delete is a POST that may be repeated
        "raise_on_status": False,
        "raise_on_redirect": False,
    }
    policy: RetryPolicy
    if sends:
        policy = _SendRetryPolicy(**common, read=False, status_forcelist={429})
    else:
        policy = RetryPolicy(**common, status_forcelist={429, 500, 502, 503, 504})
    policy.retry_after_max = sys.maxsize  # else urllib3 reports a longer Retry-After as six hours
    return policy


NO_RETRIES = retry_policy(sends=False, max_retries=0)
"""Reads `Retry-After`, and repeats nothing."""
