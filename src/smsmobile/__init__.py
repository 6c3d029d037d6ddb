"""A careful client for SMSMobileAPI. This file holds the public names and nothing else.

The names are imported on first use, so that `import smsmobile` costs nothing where only a part is needed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ._version import __version__

if TYPE_CHECKING:
    from .auth import ApiKeyAuth, OAuth2ClientCredentials, Token, TokenStore
    from .channels.calls import Call
    from .channels.conversations import Conversation, ConversationSMS
    from .channels.devices import Device, DeviceCapacity
    from .channels.email import ReceivedEmail, SentEmail
    from .channels.notifications import ListedNotification, SentNotification
    from .channels.sms import DeletedSMS, HandSentSMS, LoggedSMS, ReceivedSMS, ResentSMS, SentSMS, SMSStatus
    from .channels.whatsapp import (
        NumberCheck,
        ReceivedWhatsApp,
        ResentWhatsApp,
        SentWhatsApp,
        WhatsAppRetrieval,
        WhatsAppWindow,
    )
    from .client import SMSMobileClient
    from .config import Settings
    from .errors import (
        APIError,
        AuthenticationError,
        BulkPaused,
        ConfigurationError,
        ConnectionFailed,
        DeliveryPending,
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
        StorageError,
        SubscriptionExpired,
        TimestampOutOfTolerance,
        UnexpectedResponse,
        WebhookError,
    )

__all__ = [
    "APIError",
    "ApiKeyAuth",
    "AuthenticationError",
    "BulkPaused",
    "Call",
    "ConfigurationError",
    "ConnectionFailed",
    "Conversation",
    "ConversationSMS",
    "DeletedSMS",
    "DeliveryPending",
    "Device",
    "DeviceCapacity",
    "DeviceOffline",
    "HandSentSMS",
    "InvalidRequestError",
    "ListedNotification",
    "LoggedSMS",
    "MalformedPayload",
    "NotFound",
    "NumberCheck",
    "OAuth2ClientCredentials",
    "RateLimited",
    "ReceivedEmail",
    "ReceivedSMS",
    "ReceivedWhatsApp",
    "ResentSMS",
    "ResentWhatsApp",
    "ResponseTimeout",
    "SMSMobileClient",
    "SMSMobileError",
    "SMSStatus",
    "SendOutcomeUnknown",
    "SentEmail",
    "SentNotification",
    "SentSMS",
    "SentWhatsApp",
    "ServerError",
    "Settings",
    "SignatureMismatch",
    "StorageError",
    "SubscriptionExpired",
    "TimestampOutOfTolerance",
    "Token",
    "TokenStore",
    "UnexpectedResponse",
    "WebhookError",
    "WhatsAppRetrieval",
    "WhatsAppWindow",
    "__version__",
]

# From the bottom up, but for the channels that the client itself loads on first use only.
_HOMES = (
    *("errors", "auth", "channels.sms", "config", "client"),
    *("channels.whatsapp", "channels.devices", "channels.calls", "channels.notifications", "channels.email"),
    "channels.conversations",
)


def __getattr__(name: str) -> object:
    if name in __all__:
        for home in _HOMES:
            module = import_module(f"{__name__}.{home}")
            if hasattr(module, name):
                return globals().setdefault(name, getattr(module, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
