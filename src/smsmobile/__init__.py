"""A Python client for SMSMobileAPI, which turns your own phone into an SMS gateway.

    from smsmobile import SMSMobileClient

    with SMSMobileClient.from_env() as client:
        sent = client.sms.send("+33639980011", "Bonjour")

Docstrings say where a fact about the service comes from: (D) is documented by the vendor, (O) was observed in
production, (A) is assumed. This file holds the public names; each is imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._lazy import lazy_names
from ._version import __version__

if TYPE_CHECKING:
    from ._input.phone_numbers import normalize_number
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
        SendInFlight,
        SendOutcomeUnknown,
        SendPostponed,
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
    "SendInFlight",
    "SendOutcomeUnknown",
    "SendPostponed",
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
    "normalize_number",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "_input.phone_numbers": ["normalize_number"],
            "auth": ["ApiKeyAuth", "OAuth2ClientCredentials", "Token", "TokenStore"],
            "client": ["SMSMobileClient"],
            "config": ["Settings"],
            "channels.calls": ["Call"],
            "channels.conversations": ["Conversation", "ConversationSMS"],
            "channels.devices": ["Device", "DeviceCapacity"],
            "channels.email": ["ReceivedEmail", "SentEmail"],
            "channels.notifications": ["ListedNotification", "SentNotification"],
            "channels.sms": [
                *("DeletedSMS", "HandSentSMS", "LoggedSMS", "ReceivedSMS", "ResentSMS", "SentSMS", "SMSStatus"),
            ],
            "channels.whatsapp": [
                *("NumberCheck", "ReceivedWhatsApp", "ResentWhatsApp", "SentWhatsApp"),
                *("WhatsAppRetrieval", "WhatsAppWindow"),
            ],
            "errors": [
                *("APIError", "AuthenticationError", "BulkPaused", "ConfigurationError", "ConnectionFailed"),
                *("DeliveryPending", "DeviceOffline", "InvalidRequestError", "MalformedPayload", "NotFound"),
                *(
                    "RateLimited",
                    "ResponseTimeout",
                    "SendInFlight",
                    "SendOutcomeUnknown",
                    "SendPostponed",
                    "ServerError",
                ),
                *("SignatureMismatch", "SMSMobileError", "StorageError", "SubscriptionExpired"),
                *("TimestampOutOfTolerance", "UnexpectedResponse", "WebhookError"),
            ],
        },
    )
