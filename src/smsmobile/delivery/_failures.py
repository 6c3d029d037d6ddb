"""What a failure says of a message that was not sent: whether it is about this message alone, and may pass."""

from __future__ import annotations

from ..errors import (
    APIError,
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    DeviceOffline,
    NotFound,
    RateLimited,
    ResponseTimeout,
    ServerError,
    SubscriptionExpired,
    UnexpectedResponse,
)

_MAY_PASS = (ConnectionFailed, RateLimited, ResponseTimeout, ServerError)
"""A send raises the last two only if no token could be fetched: else it is in doubt."""
_CONCERNS_ALL = (
    *(AuthenticationError, SubscriptionExpired, DeviceOffline, NotFound, UnexpectedResponse, ConfigurationError),
    *_MAY_PASS,
)


def may_pass(failure: Exception) -> bool:
    """Whether another attempt may succeed."""
    return isinstance(failure, _MAY_PASS)


def refuses_one(failure: Exception) -> bool:
    """Whether the service has refused this message, for a reason that other messages would not meet."""
    return isinstance(failure, APIError) and not isinstance(failure, _CONCERNS_ALL)
