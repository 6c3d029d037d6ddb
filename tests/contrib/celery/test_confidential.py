"""Numbers and texts are in the body of a message, and nowhere else: looked for with a real broker and worker."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, chain, group
from celery.events import EventReceiver
from celery.exceptions import TaskRevokedError
from kombu import Message
from redis import Redis

from smsmobile import InvalidRequestError
from smsmobile.contrib.celery import ConfidentialTask, send_sms
from smsmobile.contrib.celery._request import ConfidentialRequest
from smsmobile.sandbox import Sandbox

from ...stores.redis_server import RedisServer
from .conftest import NUMBER, TEXT
from .workers import Worker, settings_of

DIGITS = NUMBER.lstrip("+")
SECRETS = (DIGITS, TEXT, "Your order")
PATIENCE = 30.0


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis", persistence=False)
    yield server
    server.stop()


@pytest.fixture
def shop_on_redis(redis: RedisServer, app: Celery) -> Iterator[Celery]:
    """An app with the tasks of shop.py, as the program that sends has it."""
    pytest.importorskip("redis", minversion="6.1", reason="Celery's transport for Redis needs redis-py 6.1")
    shop = Celery("shop", broker=redis.url, set_as_current=False)
    shop.conf.update(task_send_sent_event=True)

    @shop.task(base=ConfidentialTask, name="shop.fail", shared=False)
    def fail(number: str, text: str) -> None: ...

    shop.set_current()
    yield shop
    app.set_current()
    shop.close()


def ways(shop: Celery) -> list[Any]:
    """All ways to make the message of a task."""
    sms = send_sms.s(NUMBER, TEXT)
    return [
        send_sms.delay(NUMBER, TEXT, key="a"),
        send_sms.apply_async((NUMBER,), {"text": TEXT}, argsrepr=repr(NUMBER), task_id="b"),
        sms.set(task_id="c").apply_async(),
        chain(sms.clone().set(task_id="d"), send_sms.si(NUMBER, TEXT, "e")).apply_async(),
        group(send_sms.s(NUMBER, TEXT, "f"), send_sms.s(NUMBER, TEXT, "g")).apply_async(),
        shop.tasks["shop.fail"].delay(NUMBER, TEXT),
    ]


def test_no_way_to_send_a_message_shows_the_arguments_in_its_headers(shop_on_redis: Celery, redis: RedisServer) -> None:
    ways(shop_on_redis)
    messages = [json.loads(each) for each in Redis.from_url(redis.url).lrange("celery", 0, -1)]
    assert len(messages) == 7
    for message in messages:
        headers = json.dumps({**message, "body": ""})
        assert not [secret for secret in SECRETS if secret in headers]
        assert "(hidden)" in headers


@pytest.mark.long
def test_events_logs_results_and_inspection_show_nothing(
    shop_on_redis: Celery, redis: RedisServer, box: Sandbox, tmp_path: Path
) -> None:
    smsmobile = {"API_KEY": box.api_key, "BASE_URL": box.url, "JOURNAL": str(tmp_path / "sent.sqlite")}
    environment = settings_of(
        redis.url, smsmobile, result_extended=True, broker_transport_options={"visibility_timeout": 4}
    )
    seen: list[dict[str, Any]] = []
    results: list[Any] = []
    asked = ""
    box.faults.add("phone_offline", times=1)  # one retry
    box.faults.add("latency", path="/sendsms/", seconds=0.5)
    worker = Worker("one", tmp_path, environment, "--concurrency=2", "--loglevel=DEBUG", "--task-events")
    try:
        worker.wait_until_ready()
        with shop_on_redis.connection() as connection:
            receiver = EventReceiver(connection, handlers={"*": seen.append}, app=shop_on_redis)
            for _ in receiver.itercapture(timeout=PATIENCE, wakeup=True):  # the first one is a heartbeat
                results = results or ways(shop_on_redis)
                if "smsmobile.send_sms" not in asked:  # none is active yet, or none any more
                    asked = json.dumps(shop_on_redis.control.inspect(timeout=1).active())
                if sum(event["type"] in {"task-succeeded", "task-failed"} for event in seen) >= 8:
                    break
        assert "smsmobile.send_sms" in asked
    finally:
        worker.stop()
    kinds = {event["type"] for event in seen}
    assert {"task-sent", "task-received", "task-retried", "task-succeeded", "task-failed"} <= kinds
    stored = Redis.from_url(redis.url)
    kept = [stored.get(key) for key in stored.scan_iter("celery-task-meta-*")]
    assert len(kept) >= 8
    places = {
        "events": json.dumps(seen, default=repr),
        "inspect": asked,
        "log": worker.log.read_text(),
        "results": repr(kept),
    }
    assert "TaskPool: Apply" in places["log"]
    assert "as ordered" in places["results"]
    shown = [(place, secret) for place, text in places.items() for secret in SECRETS if secret in text]
    assert shown == []


def test_the_result_of_a_message_that_came_too_late_shows_nothing(worker: Celery, box: Sandbox) -> None:
    worker.conf.result_extended = True
    try:
        past = datetime.now(timezone.utc) - timedelta(hours=1)
        result = send_sms.apply_async((NUMBER,), {"text": TEXT}, expires=past)
        with pytest.raises(TaskRevokedError):
            result.get(timeout=PATIENCE, interval=0.02)
    finally:
        worker.conf.result_extended = False
    stored = worker.backend.get_task_meta(result.id)
    assert (stored["args"], stored["kwargs"]) == ("(hidden)", "{hidden}")


def test_a_message_that_is_made_again_from_a_hidden_request_has_its_arguments(app: Celery) -> None:
    message = Message(
        json.dumps([[NUMBER], {"text": TEXT}, {}]),
        headers={"id": "a", "task": send_sms.name},
        properties={},
        delivery_info={},
        content_type="application/json",
        content_encoding="utf-8",
    )
    request = ConfidentialRequest(message, app=app, task=send_sms, decoded=False)
    assert (request._context.args, request._context.kwargs) == ("(hidden)", "{hidden}")
    again = send_sms.signature_from_request(request._context)
    assert (tuple(again.args), again.kwargs) == ((NUMBER,), {"text": TEXT})


@pytest.mark.parametrize("way", ["map", "starmap", "chunks"])
def test_what_would_show_the_arguments_is_refused(app: Celery, way: str) -> None:
    with pytest.raises(InvalidRequestError, match="Use a group of signatures"):
        getattr(send_sms, way)([(NUMBER, TEXT)])


@pytest.mark.parametrize(("name", "is_shown"), [("shop.other", True), ("smsmobile.send_sms", False)])
def test_the_pool_logs_the_messages_of_other_tasks_only(
    app: Celery, caplog: pytest.LogCaptureFixture, name: str, is_shown: bool
) -> None:
    app.finalize()
    message = repr((name, '[["x"], "it\'s"]'))
    with caplog.at_level(logging.DEBUG, logger="celery.pool"):
        logging.getLogger("celery.pool").debug("TaskPool: Apply %s (args:%s kwargs:%s)", print, message, "{}")
    assert (message in caplog.text) is is_shown
