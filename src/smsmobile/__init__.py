"""A careful client for SMSMobileAPI. This file holds the public names and nothing else.

The names are imported on first use, so that `import smsmobile` costs nothing where only a part is needed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .auth import ApiKeyAuth, OAuth2ClientCredentials, Token, TokenStore
    from .channels.sms import DeletedSMS, LoggedSMS, ReceivedSMS, ResentSMS, SentSMS, SMSStatus
    from .client import SMSMobileClient
    from .config import Settings
    from .errors import (
        APIError,
        AuthenticationError,
        ConfigurationError,
        ConnectionFailed,
        DeviceOffline,
        InvalidRequestError,
        MalformedPayload,
        NotFound,
        RateLimited,
        ResponseTimeout,
        SendOutcomeUnknown,
        ServerError,
        SignatureMismatch,
        SMSMobileError,
        SubscriptionExpired,
        TimestampOutOfTolerance,
        UnexpectedResponse,
        WebhookError,
    )

__all__ = [
    "APIError",
    "ApiKeyAuth",
    "AuthenticationError",
    "ConfigurationError",
    "ConnectionFailed",
    "DeletedSMS",
    "DeviceOffline",
    "InvalidRequestError",
    "LoggedSMS",
    "MalformedPayload",
    "NotFound",
    "OAuth2ClientCredentials",
    "RateLimited",
    "ReceivedSMS",
    "ResentSMS",
    "ResponseTimeout",
    "SMSMobileClient",
    "SMSMobileError",
    "SMSStatus",
    "SendOutcomeUnknown",
    "SentSMS",
    "ServerError",
    "Settings",
    "SignatureMismatch",
    "SubscriptionExpired",
    "TimestampOutOfTolerance",
    "Token",
    "TokenStore",
    "UnexpectedResponse",
    "WebhookError",
    "__version__",
]

_HOMES = ("errors", "auth", "channels.sms", "config", "client")  # from the bottom up


def __getattr__(name: str) -> object:
    if name in __all__:
        for home in _HOMES:
            module = import_module(f"{__name__}.{home}")
            if hasattr(module, name):
                return globals().setdefault(name, getattr(module, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
