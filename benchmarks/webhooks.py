"""The time to verify and parse a webhook, against the bare hmac and json.loads."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator

from smsmobile.webhooks import WebhookReceiver, sign

from .measure import Result, ratio

SECRET = "whsec_0123456789abcdef0123456789abcdef"
BODY = json.dumps(
    {
        "id": "8e9a1207-e3a4-4550-a4af-3dad6cff5108",
        "type": "sms.received",
        "api_version": "2026-09-22",
        "created_at": "2026-09-23T12:00:01Z",
        "occurred_at": "2026-09-23T12:00:00Z",
        "data": {
            "guid": "SMS-GUID-1001",
            "from": "+12025550167",
            "message": "Can you call me back?",
            "received_at": "2026-09-23T12:00:00Z",
            "alias": "Taylor",
            "device_id": "office-phone-1",
        },
    }
).encode()


def run() -> Iterator[Result]:
    """One row."""
    timestamp = str(int(time.time()))
    headers = {
        "Host": "example.org",
        "Content-Type": "application/json",
        "X-SMSMobileAPI-Event": "sms.received",
        "X-SMSMobileAPI-Timestamp": timestamp,
        "X-SMSMobileAPI-Signature": sign(BODY, SECRET, timestamp),
    }
    receiver = WebhookReceiver(secrets=[SECRET])

    def bare() -> object:
        signed = timestamp.encode() + b"." + BODY
        expected = "v1=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, headers["X-SMSMobileAPI-Signature"]):
            raise ValueError
        return json.loads(BODY)

    yield Result(
        "verify and parse one version 2 webhook",
        "hmac + json.loads of the same body",
        ratio(lambda: receiver.receive(BODY, headers), bare, laps=25, calls=2000),
        1.3,
    )
