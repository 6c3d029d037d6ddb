"""A careful client for SMSMobileAPI. This file holds the public names and nothing else.

The names are imported on first use, so that `import smsmobile` costs nothing where only a part is needed.
"""

from __future__ import annotations

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

_HOMES = {
    "auth": ("ApiKeyAuth", "OAuth2ClientCredentials", "Token", "TokenStore"),
    "channels.sms": ("DeletedSMS", "LoggedSMS", "ReceivedSMS", "ResentSMS", "SMSStatus", "SentSMS"),
    "client": ("SMSMobileClient",),
    "config": ("Settings",),
    "errors": (
        "APIError",
        "AuthenticationError",
        "ConfigurationError",
        "ConnectionFailed",
        "DeviceOffline",
        "InvalidRequestError",
        "MalformedPayload",
        "NotFound",
        "RateLimited",
        "ResponseTimeout",
        "SMSMobileError",
        "SendOutcomeUnknown",
        "ServerError",
        "SignatureMismatch",
        "SubscriptionExpired",
        "TimestampOutOfTolerance",
        "UnexpectedResponse",
        "WebhookError",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [  # noqa: PLE0604, RUF022 - the names above, in their homes' order
    "__version__",
    *_HOME_OF,
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
