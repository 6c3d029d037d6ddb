"""The page about queues: its blocks run with the real packages, a queue in memory, and a sandbox for the service."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import dramatiq
import pytest
from celery import Celery
from dramatiq.brokers.stub import StubBroker
from rq import SimpleWorker

from smsmobile.delivery import MemoryJournal
from smsmobile.sandbox import Sandbox
from smsmobile.webhooks import SQLiteEventStore

from ...stores.redis_server import RedisServer
from ..deliveries import SECRET, received

pytestmark = pytest.mark.long

PAGE = Path(__file__).parents[3] / "docs" / "queues.md"
PHONE = "+33639981234"
SHOP = {
    "redis://redis.example:6379/0": "memory://",
    "redis://redis.example:6379/1": "cache+memory://",
    "postgresql+psycopg://app@db.example/app": f"{__name__}:journal",
    "your-webhook-secret": SECRET,
}

journal = MemoryJournal()

Load = Callable[..., dict[str, Any]]


@pytest.fixture
def load(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Executes the blocks of a section, as the module that they say they are. Gives their names."""
    monkeypatch.setenv("SMSMOBILEAPI_API_KEY", box.api_key)
    monkeypatch.setenv("SMSMOBILEAPI_BASE_URL", box.url)

    def load(
        section: str, module: str, replaced: dict[str, str], after_first: Callable[..., None] | None = None
    ) -> Any:
        [text] = re.findall(rf"^## {section}$(.*?)(?=^## |\Z)", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        for shown, real in replaced.items():
            text = text.replace(shown, real)
        loaded = ModuleType(module)
        monkeypatch.setitem(sys.modules, module, loaded)
        for number, block in enumerate(re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)):
            exec(compile(block, f"{PAGE} {section} {number}", "exec", dont_inherit=True), loaded.__dict__)
            if number == 0 and after_first is not None:
                after_first(loaded)
        return loaded.__dict__

    return load


def sent(box: Sandbox) -> list[tuple[str, str]]:
    return [(message.recipient, message.message) for message in box.phone.outbox]


def test_the_page_about_celery_does_what_it_says(
    load: Load, app: Celery, box: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    def in_eager_mode(module: Any) -> None:
        module.app.conf.update(task_always_eager=True, task_store_eager_result=True)
        module.app.set_current()

    try:
        page = load("Celery", "shop", SHOP, in_eager_mode)
        assert capsys.readouterr().out.splitlines() == ["sent", "duplicate sent", "DONE 120 {'sent': 120}"]
        assert len(box.phone.outbox) == 121

        it = received("Hello", "guid-1")
        for name in ("events-1.sqlite", "events-2.sqlite"):  # the endpoint forgets, and hands the event over again
            page["endpoint"]._store = SQLiteEventStore(name)
            assert page["endpoint"].answer("POST", it.body, it.headers).status == 202
        assert capsys.readouterr().out.splitlines() == ["A message came in."]
        page["app"].close()
    finally:
        app.set_current()


def test_the_recipe_for_rq(load: Load, box: Sandbox, tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "redis", persistence=False)
    try:
        page = load("RQ", "jobs", {"redis://redis.example:6379/0": server.url})
        page["queue"].enqueue(page["confirm"], 4711)  # the broker has it twice
        SimpleWorker([page["queue"]], connection=page["queue"].connection).work(burst=True, logging_level="ERROR")
        page["queue"].connection.close()
    finally:
        server.stop()
    assert sent(box) == [(PHONE, "Order 4711 is on its way.")]


def test_the_recipe_for_dramatiq(load: Load, box: Sandbox) -> None:
    broker = StubBroker()
    dramatiq.set_broker(broker)
    page = load("Dramatiq", "actors", {})
    page["confirm"].send(4711)
    box.faults.add("phone_offline", times=1)
    worker = dramatiq.Worker(broker, worker_timeout=50)
    worker.start()
    try:
        broker.join("default", timeout=20_000)
        worker.join()
    finally:
        worker.stop()
        broker.close()
    assert sent(box) == [(PHONE, "Order 4711 is on its way.")]
