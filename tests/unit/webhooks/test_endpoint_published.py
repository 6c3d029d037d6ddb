"""Deliveries with every header and key that the service documents, through the endpoint to a typed event."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from smsmobile.webhooks import (
    CallMissed,
    MemoryEventStore,
    SMSReceived,
    WebhookEndpoint,
    WebhookEvent,
    WebhookReceiver,
    WhatsAppReceived,
    WhatsAppVoiceTranscribed,
    sign,
)

TOKEN = "the-token-of-the-tests-0123456789"
NUMBER = "+12025550167"
PUBLISHED: dict[type[WebhookEvent], dict[str, Any]] = {
    SMSReceived: {
        "guid": "SMS-GUID-1001",
        "from": NUMBER,
        "message": "Can you call me back?",
        "received_at": "2026-09-23T12:00:00Z",
        "alias": "Taylor",
        "device_id": "office-phone-1",
    },
    CallMissed: {
        "guid": "CALL-GUID-2001",
        "number": NUMBER,
        "name": "Morgan",
        "duration_seconds": 0,
        "device_id": "support-phone-1",
        "call_at": "2026-09-23 12:00:00",
    },
    WhatsAppReceived: {
        "guid": "WA-GUID-3001",
        "data_id": "WHATSAPP-DATA-ID-3001",
        "from": NUMBER,
        "contact_name": "Jordan",
        "message": "Is my order ready?",
        "is_voice_message": False,
        "received_at": "2026-09-23T12:00:00Z",
    },
    WhatsAppVoiceTranscribed: {
        "guid": "WA-GUID-3002",
        "data_id": "WHATSAPP-DATA-ID-3002",
        "from": NUMBER,
        "contact_name": "Jordan",
        "transcript": "Please call me when the package is available.",
        "duration_seconds": 6.8,
    },
}
FIELDS = {"from": "sender", "device_id": "device"}
"""Where a field has another name than its key."""
AT_NOON = datetime(2026, 9, 23, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize("kind", PUBLISHED, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("is_rotating", [False, True], ids=["one secret", "rotation"])
def test_a_documented_delivery_is_handled_once_with_all_that_it_says(
    clock: SimpleNamespace,
    now: int,
    secret: str,
    envelope: Callable[..., dict[str, Any]],
    kind: type[WebhookEvent],
    is_rotating: bool,
) -> None:
    data = PUBLISHED[kind]
    payload = envelope(type=kind.model_fields["type"].default, data=data)
    body = json.dumps(payload, indent=2).encode()
    headers = {
        "Content-Type": "application/json",
        "X-SMSMobileAPI-Event": payload["type"],
        "X-SMSMobileAPI-Event-ID": payload["id"],
        "X-SMSMobileAPI-Delivery": "5f0c1a52-71c4-4d57-9d0e-6a0a1f3f8a11",
        "X-SMSMobileAPI-Timestamp": str(now),
        "X-SMSMobileAPI-Signature": sign(body, "the secret before" if is_rotating else secret, now),
        "Idempotency-Key": payload["id"],
    }
    if is_rotating:
        headers["X-SMSMobileAPI-Signature-Next"] = sign(body, secret, now)
    handled: list[Any] = []
    endpoint = WebhookEndpoint(WebhookReceiver([secret]), MemoryEventStore())
    endpoint.on(kind)(handled.append)

    assert [endpoint.answer("POST", body, headers).status for _ in range(2)] == [202, 200]
    (event,) = handled
    assert (event.id, event.occurred_at, event.signed) == (payload["id"], AT_NOON, True)
    found = {key: getattr(event.data, FIELDS.get(key, key)) for key in data}
    assert found == {key: AT_NOON if key.endswith("_at") else value for key, value in data.items()}
    assert event.data.model_extra == {}


def test_the_documented_payload_of_version_1_is_handled_once() -> None:
    payload = {
        "date": "2026-09-23",
        "hour": "12:00:10",
        "time_received": "2026-09-23 12:00:00",
        "message": "Hello, this is a test.",
        "number": NUMBER,
        "guid": "abcde12345",
    }
    handled: list[Any] = []
    endpoint = WebhookEndpoint(None, MemoryEventStore(), handled.append, url_token=TOKEN)
    body = json.dumps(payload).encode()
    headers = {"Content-Type": "application/json"}
    assert [endpoint.answer("POST", body, headers, url_token=TOKEN).status for _ in range(2)] == [202, 200]
    (event,) = handled
    assert (event.data.guid, event.data.sender, event.data.received_at) == ("abcde12345", NUMBER, AT_NOON)
