"""Deliveries of webhooks as the service makes them now, for the tests of all frameworks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import uuid4

from smsmobile.webhooks import sign

from ..unit.webhooks.test_endpoint_published import PUBLISHED

__all__ = ["ANSWERS", "PUBLISHED", "SECRET", "TOKEN", "VERSION_1", "Delivery", "delivery", "received"]

SECRET = "whsec_of_the_tests_0123456789"
TOKEN = "the-token-of-the-tests-0123456789"
VERSION_1 = {
    "date": "2026-09-23",
    "hour": "12:00:10",
    "time_received": "2026-09-23 12:00:00",
    "message": "Hello, this is a test.",
    "number": "+12025550167",
    "guid": "abcde12345",
}
"""The payload that the service publishes for version 1."""


class Delivery(NamedTuple):
    """The body and the headers of a request."""

    body: bytes
    headers: dict[str, str]


def delivery(type_: str, data: dict[str, Any], *, secret: str = SECRET, age: int = 0, **keys: Any) -> Delivery:
    """A signed delivery of version 2, with all headers that are documented. `age` is in seconds."""
    envelope = {
        "id": str(uuid4()),
        "type": type_,
        "api_version": "2026-09-22",
        "created_at": "2026-09-23T12:00:01Z",
        "occurred_at": "2026-09-23T12:00:00Z",
        "data": data,
        **keys,
    }
    body, timestamp = json.dumps(envelope, indent=2).encode(), int(time.time()) - age
    headers = {
        "Content-Type": "application/json",
        "X-SMSMobileAPI-Event": type_,
        "X-SMSMobileAPI-Event-ID": envelope["id"],
        "X-SMSMobileAPI-Delivery": str(uuid4()),
        "X-SMSMobileAPI-Timestamp": str(timestamp),
        "X-SMSMobileAPI-Signature": sign(body, secret, timestamp),
        "Idempotency-Key": envelope["id"],
    }
    return Delivery(body, headers)


def received(message: str = "Can you call me back?", guid: str | None = None, **how: Any) -> Delivery:
    """An SMS that somebody has sent to the phone."""
    data = {"guid": guid or str(uuid4()), "from": "+12025550167", "message": message}
    return delivery("sms.received", data, **how)


ANSWERS: dict[str, tuple[Callable[[], Delivery], int]] = {
    "another secret": (lambda: received(secret="another secret"), 401),
    "old": (lambda: received(age=3600), 401),
    "unsigned": (lambda: Delivery(b'{"type": "sms.received"}', {}), 401),
    "incomplete": (lambda: delivery("sms.received", {"guid": "without the rest"}), 400),
    "unknown event": (lambda: delivery("fax.received", {"pages": 3}), 202),
}
"""Deliveries, and the status of the endpoint's answer. Each is signed when it is posted, or it may be too old then."""
