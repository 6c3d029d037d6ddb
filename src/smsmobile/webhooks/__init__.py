"""Webhooks of the service, both versions, as verified and typed events. This file holds the public names."""

from ..errors import MalformedPayload, SignatureMismatch, TimestampOutOfTolerance, WebhookError
from ._url_tokens import new_url_token
from .endpoint import WebhookAnswer, WebhookEndpoint
from .events import (
    AnyEvent,
    CallIncoming,
    CallMissed,
    CallMissedData,
    CallOutgoing,
    EmailReceived,
    EmailSent,
    EventData,
    KnownEvent,
    SMSFailed,
    SMSReceived,
    SMSReceivedData,
    SMSSent,
    SMSSentByHand,
    SMSSubmitted,
    UnknownEvent,
    WebhookEvent,
    WhatsAppFailed,
    WhatsAppReceived,
    WhatsAppReceivedData,
    WhatsAppSent,
    WhatsAppSubmitted,
    WhatsAppVoiceTranscribed,
    WhatsAppVoiceTranscribedData,
)
from .receiver import WebhookReceiver
from .signatures import sign
from .stores import Claim, EventStore, MemoryEventStore, SQLiteEventStore
from .v1 import parse_v1

__all__ = [
    "AnyEvent",
    "CallIncoming",
    "CallMissed",
    "CallMissedData",
    "CallOutgoing",
    "Claim",
    "EmailReceived",
    "EmailSent",
    "EventData",
    "EventStore",
    "KnownEvent",
    "MalformedPayload",
    "MemoryEventStore",
    "SMSFailed",
    "SMSReceived",
    "SMSReceivedData",
    "SMSSent",
    "SMSSentByHand",
    "SMSSubmitted",
    "SQLiteEventStore",
    "SignatureMismatch",
    "TimestampOutOfTolerance",
    "UnknownEvent",
    "WebhookAnswer",
    "WebhookEndpoint",
    "WebhookError",
    "WebhookEvent",
    "WebhookReceiver",
    "WhatsAppFailed",
    "WhatsAppReceived",
    "WhatsAppReceivedData",
    "WhatsAppSent",
    "WhatsAppSubmitted",
    "WhatsAppVoiceTranscribed",
    "WhatsAppVoiceTranscribedData",
    "new_url_token",
    "parse_v1",
    "sign",
]


def __dir__() -> list[str]:
    return __all__
