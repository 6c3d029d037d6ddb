"""Time limits of a real worker strike while a message is on its way: it is looked up, and not sent a second time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from celery import Celery

from smsmobile.contrib.celery import send_sms
from smsmobile.contrib.sqlalchemy import SQLJournal
from smsmobile.delivery import SendStatus
from smsmobile.sandbox import Sandbox

from ...stores.redis_server import RedisServer
from .conftest import KEY, NUMBER, TEXT
from .workers import Worker, settings_of

PATIENCE = 60.0


@pytest.mark.long
@pytest.mark.parametrize("limit", ["soft_time_limit", "time_limit"])
def test_a_time_limit_during_a_send_sends_nothing_twice(app: Celery, box: Sandbox, tmp_path: Path, limit: str) -> None:
    server = RedisServer(tmp_path / "redis", persistence=False)
    url = f"sqlite:///{tmp_path}/sent.db"
    smsmobile = {"API_KEY": box.api_key, "BASE_URL": box.url, "JOURNAL": "shop:journal"}
    environment = settings_of(server.url, smsmobile, broker_transport_options={"visibility_timeout": 8})
    worker = Worker("one", tmp_path, environment | {"JOURNAL": url, "LEASE": "2"}, "--concurrency=1")
    try:
        shop = Celery("shop", broker=server.url, set_as_current=False)
        shop.set_current()
        box.faults.add("latency", path="/sendsms/", seconds=4, times=1)
        send_sms.apply_async((NUMBER, TEXT, KEY), **{limit: 2})
        journal = SQLJournal(url)
        deadline = time.monotonic() + PATIENCE
        while (entry := journal.get(KEY)) is None or entry.outcome is not SendStatus.SENT:
            assert time.monotonic() < deadline, f"{entry and entry.outcome}\n{worker.log.read_text()}"
            time.sleep(0.1)
        shop.close()
    finally:
        app.set_current()
        worker.stop()
        server.stop()
    assert "time limit (2s) exceeded" in worker.log.read_text()
    assert [(message.recipient, message.message) for message in box.phone.outbox] == [(NUMBER, TEXT)]
