"""Webhook events in tasks: `hand_over` leaves an event to a task, which gets the same event again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from smsmobile import MalformedPayload
from smsmobile.contrib.celery import ConfidentialTask, event_of, hand_over
from smsmobile.webhooks import MemoryEventStore, WebhookEndpoint, WebhookReceiver
from smsmobile.webhooks.events import EVENT_TYPES, AnyEvent

from ..deliveries import SECRET, delivery, received

handled: list[AnyEvent] = []


@pytest.fixture(autouse=True)
def _nothing_handled() -> None:
    handled.clear()


def on_event(payload: dict[str, Any]) -> None:
    handled.append(event_of(payload))


@pytest.fixture
def task(app: Celery) -> Any:
    return app.task(base=ConfidentialTask, name="shop.on_event", shared=False)(on_event)


def endpoint(task: Any) -> WebhookEndpoint:
    return WebhookEndpoint(WebhookReceiver([SECRET]), MemoryEventStore(), handler=hand_over(task))


@pytest.mark.parametrize("type_", [*EVENT_TYPES, "battery.low"])
def test_a_task_gets_the_event_that_was_delivered(eager: Celery, task: Any, type_: str) -> None:
    data = {"message": "Hello", "from": "+12025550167", "guid": "abc", "level": {"now": [3]}}
    data |= {"number": "+12025550101", "sender": "+12025550102"}  # other spellings, and not the same
    seen: list[AnyEvent] = []
    it = delivery(type_, data, received_at="2026-09-23T12:00:00Z")
    both = WebhookEndpoint(WebhookReceiver([SECRET]), MemoryEventStore(), handler=seen.append)
    assert both.answer("POST", it.body, it.headers).status == 202
    assert endpoint(task).answer("POST", it.body, it.headers).status == 202
    assert handled == seen
    assert type(handled[0]) is type(seen[0])
    assert handled[0].signed


def test_an_event_is_json_in_the_message(eager: Celery, task: Any) -> None:
    given: list[Any] = []

    class Task:
        def apply_async(self, args: Any, **options: Any) -> None:
            given.append((json.loads(json.dumps(args)), options))

    it = received("Hello", "guid-1")
    assert endpoint(Task()).answer("POST", it.body, it.headers).status == 202
    [(arguments, options)] = given
    assert event_of(arguments[0]).data.guid == "guid-1"
    assert options == {"argsrepr": "(hidden)", "kwargsrepr": "{hidden}"}


def test_without_a_broker_the_service_delivers_the_event_again() -> None:
    class Task:
        def apply_async(self, *_: Any, **__: Any) -> None:
            raise OperationalError

    it = received("Hello", "guid-1")
    assert endpoint(Task()).answer("POST", it.body, it.headers).status == 500


@pytest.mark.parametrize(
    "payload", [None, [], {}, {"event": {"type": "sms.received"}}, {"event": {"type": "x"}, "data": "+12025550167"}]
)
def test_what_is_no_event_is_refused_without_its_contents(payload: Any) -> None:
    with pytest.raises(MalformedPayload) as refused:
        event_of(payload)
    assert "0167" not in str(refused.value)
    assert refused.value.__context__ is None
