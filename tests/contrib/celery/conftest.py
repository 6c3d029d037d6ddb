"""An app of Celery with a sandbox, and a worker in a thread that takes its messages from memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import Celery
from celery.contrib.testing.tasks import ping
from celery.contrib.testing.worker import start_worker
from celery.result import allow_join_result
from celery.signals import setup_logging
from celery.worker import WorkController, state

from smsmobile.contrib.celery import _setup
from smsmobile.delivery import MemoryJournal
from smsmobile.sandbox import Sandbox

TRANSPORT = {"visibility_timeout": 1.0, "polling_interval": 0.01}
PATIENCE = 30.0
KEY = "order-4711"
NUMBER, TEXT = "+33639981234", "Your order is on its way."


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox() as box:
        yield box


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture(scope="session")
def shop() -> Iterator[Celery]:
    """Its pauses are a quarter of a second at most."""
    app = Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.update(
        broker_transport_options=TRANSPORT,
        worker_hijack_root_logger=False,
    )
    yield app
    app.close()


@pytest.fixture(scope="session")
def working(shop: Celery) -> Iterator[WorkController]:
    """A worker. One serves all tests, since it takes seconds to stop."""
    with start_worker(shop, pool="solo", perform_ping_check=False, loglevel="ERROR") as working:
        yield working


def _leave_nothing(app: Celery, working: WorkController) -> None:
    """Drop the tasks that wait and let the others end: in the next test they would find its settings."""
    for _ in range(100):
        left = app.control.purge() + len(working.timer.queue)
        working.timer.clear()
        with allow_join_result():
            app.tasks[ping.name].delay().get(timeout=PATIENCE, interval=0.01)
        if not (left or app.control.purge() or working.timer.queue or state.active_requests):
            return
        time.sleep(0.01)
    raise AssertionError(f"Tasks that do not end: {[request.name for request in state.active_requests]}")


def _leave_logging_alone(**_: object) -> None:
    """While somebody listens to this signal, a worker does not set the level of the root logger."""


setup_logging.connect(_leave_logging_alone)


@pytest.fixture
def app(shop: Celery, box: Sandbox, journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch) -> Celery:
    # Tests of Django may have run in this process.
    monkeypatch.setattr(_setup, "_is_in_django", lambda: False)
    shop.set_current()
    _setup._setups.pop(shop, None)
    shop.conf.update(
        smsmobile={"API_KEY": box.api_key, "BASE_URL": box.url, "JOURNAL": journal},
        task_always_eager=False,
        broker_transport_options=TRANSPORT,
    )
    return shop


@pytest.fixture
def eager(app: Celery) -> Celery:
    """The tasks run where they are called, and raise there."""
    app.conf.update(task_always_eager=True, task_eager_propagates=True, task_store_eager_result=True)
    return app


@pytest.fixture
def worker(app: Celery, working: WorkController) -> Iterator[Celery]:
    """The app, with a worker that takes its messages."""
    yield app
    _leave_nothing(app, working)


@pytest.fixture
def configured(app: Celery) -> Callable[..., Celery]:
    """Changes the settings of the app; None removes one."""

    def configured(**settings: Any) -> Celery:
        given = {**app.conf.smsmobile, **settings}
        app.conf.smsmobile = {name: value for name, value in given.items() if value is not None}
        _setup._setups.pop(app, None)
        return app

    return configured
