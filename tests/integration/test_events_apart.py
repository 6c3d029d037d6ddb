"""No event makes another one a duplicate, whatever its id looks like."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

import pytest

from smsmobile.webhooks import MemoryEventStore, WebhookEndpoint, WebhookReceiver, sign

SECRET = "whsec_of_the_tests_0123456789"
TOKEN = "the-token-of-the-tests-0123456789"
SMS = {"type": "sms.received", "data": {"guid": "SMS-GUID-1", "from": "+12025550167", "message": "Hello"}}
V1 = {"message": "Hello", "number": "+12025550167", "guid": "SMS-GUID-1"}
HASHED = "hash:" + hashlib.sha256("é".encode()).hexdigest()


@pytest.fixture
def endpoint() -> WebhookEndpoint:
    return WebhookEndpoint(WebhookReceiver(SECRET), MemoryEventStore(), url_token=TOKEN)


def deliver(endpoint: WebhookEndpoint, event_id: str, **keys: Any) -> int:
    """Deliver a signed event, a missed call unless told otherwise. Returns the status."""
    envelope = {"id": event_id, "type": "call.missed", "data": {}, "api_version": "2026-09-22"}
    envelope |= dict.fromkeys(("created_at", "occurred_at"), "2026-09-23T12:00:00Z")
    body, timestamp = json.dumps(envelope | keys).encode(), int(time.time())
    headers = {"X-SMSMobileAPI-Timestamp": str(timestamp), "X-SMSMobileAPI-Signature": sign(body, SECRET, timestamp)}
    return endpoint.answer("POST", body, headers).status


@pytest.mark.parametrize("odd", ["SMS-GUID-1", "sms:SMS-GUID-1", "sms.received:SMS-GUID-1", "event:one"])
def test_an_id_that_looks_like_the_guid_of_an_sms_hides_no_sms(endpoint: WebhookEndpoint, odd: str) -> None:
    assert deliver(endpoint, odd) == 202
    assert deliver(endpoint, "one", **SMS) == 202


@pytest.mark.parametrize("odd", ["unsigned:SMS-GUID-1", "unsigned:sms:SMS-GUID-1", "unsigned:sms.received:SMS-GUID-1"])
def test_an_id_that_looks_unsigned_hides_no_unsigned_event(endpoint: WebhookEndpoint, odd: str) -> None:
    assert deliver(endpoint, odd) == 202
    assert endpoint.answer("POST", json.dumps(V1).encode(), {}, url_token=TOKEN).status == 202


def test_an_id_that_looks_like_the_hash_of_another_hides_no_event(endpoint: WebhookEndpoint) -> None:
    assert deliver(endpoint, HASHED) == 202
    assert deliver(endpoint, "é") == 202
