"""A fixed clock, and deliveries as the service makes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from smsmobile.webhooks import WebhookReceiver, receiver, sign

NOW = 1_790_164_801  # 2026-09-23T12:00:01Z
SECRET = "whsec_of_the_tests_0123456789"

RECEIVED = {
    "guid": "SMS-GUID-1001",
    "from": "+12025550167",
    "message": "Can you call me back?",
    "received_at": "2026-09-23T12:00:00Z",
    "alias": "Taylor",
    "device_id": "office-phone-1",
}


@pytest.fixture(scope="session")
def secret() -> str:
    return SECRET


@pytest.fixture(scope="session")
def now() -> int:
    return NOW


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the receiver takes for the time: set `clock.now`."""
    clock = SimpleNamespace(now=float(NOW))
    monkeypatch.setattr(receiver, "time", SimpleNamespace(time=lambda: clock.now))
    return clock


@pytest.fixture(scope="session")
def envelope() -> Callable[..., dict[str, Any]]:
    """The contract's example. A keyword replaces a key; `...` leaves it out."""

    def make(**keys: Any) -> dict[str, Any]:
        whole = {
            "id": "8e9a1207-e3a4-4550-a4af-3dad6cff5108",
            "type": "sms.received",
            "api_version": "2026-09-22",
            "created_at": "2026-09-23T12:00:01Z",
            "occurred_at": "2026-09-23T12:00:00Z",
            "data": dict(RECEIVED),
            **keys,
        }
        return {key: value for key, value in whole.items() if value is not ...}

    return make


@pytest.fixture(scope="session")
def headers_for() -> Callable[..., dict[str, str]]:
    """The documented headers of a delivery of these bytes."""

    def make(body: bytes, secret: str | bytes = SECRET, timestamp: int | str = NOW) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "X-SMSMobileAPI-Event": "sms.received",
            "X-SMSMobileAPI-Timestamp": str(timestamp),
            "X-SMSMobileAPI-Signature": sign(body, secret, timestamp),
        }

    return make


@pytest.fixture
def receive(clock: SimpleNamespace, headers_for: Callable[..., dict[str, str]]) -> Callable[[object], Any]:
    """Deliver something, correctly signed: bytes as they are, the rest as JSON."""
    webhooks = WebhookReceiver(secrets=[SECRET])

    def deliver(payload: object) -> Any:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return webhooks.receive(body, headers_for(body))

    return deliver
