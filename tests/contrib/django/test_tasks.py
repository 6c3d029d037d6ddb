"""The queues of tasks: a row is handed over by its id, when its transaction is committed."""

from __future__ import annotations

from typing import Any

import django
import pytest
from django.db import transaction
from django.utils.module_loading import import_string

from smsmobile import ConfigurationError
from smsmobile.contrib._offline import RecordedSMS
from smsmobile.contrib.django import queue_sms, tasks, worker
from smsmobile.contrib.django._resending import look_up
from smsmobile.contrib.django.models import OutgoingSMS, State

from .databases import Database

NUMBER, TEXT = "+33639980001", "Your order is here."
needs_tasks = pytest.mark.skipif(django.VERSION < (6, 0), reason="django.tasks came with Django 6.0")


class Queue:
    """A task of Celery, as far as it is used."""

    def __init__(self) -> None:
        self.arguments: list[Any] = []

    def delay(self, *arguments: Any) -> None:
        self.arguments += arguments


@pytest.fixture
def celery(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Queue:
    settings.SMSMOBILE = {"QUEUE": "celery"}
    queue = Queue()
    monkeypatch.setattr(tasks, "celery_task", queue)
    return queue


def test_a_task_gets_the_id_when_the_transaction_is_committed(
    database: Database, celery: Queue, sent: list[RecordedSMS]
) -> None:
    with transaction.atomic(using=database.alias):
        row = queue_sms(NUMBER, TEXT)
        assert celery.arguments == []
    assert celery.arguments == [row.pk]
    worker.send_one(row.pk)
    worker.send_one(row.pk)
    row.refresh_from_db()
    assert (row.state, len(sent)) == (State.ACCEPTED, 1)


def test_no_task_is_started_for_what_is_rolled_back(database: Database, celery: Queue, sent: list[RecordedSMS]) -> None:
    with transaction.atomic(using=database.alias):
        queue_sms(NUMBER, TEXT)
        transaction.set_rollback(True, using=database.alias)
    assert celery.arguments == []


def test_no_task_is_started_for_a_message_that_was_sent(
    database: Database, celery: Queue, sent: list[RecordedSMS]
) -> None:
    worker.send_one(queue_sms(NUMBER, TEXT, key="order-1").pk)
    queue_sms(NUMBER, TEXT, key="order-1")
    assert len(celery.arguments) == 1


def test_a_queue_that_is_down_leaves_the_message_to_the_worker(
    database: Database, celery: Queue, sent: list[RecordedSMS], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(celery, "delay", lambda _: 1 / 0)
    queue_sms(NUMBER, TEXT)
    assert OutgoingSMS.objects.get().state == State.QUEUED


def test_a_queue_that_is_down_leaves_what_the_admin_queues_again_to_the_worker(
    database: Database, celery: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(celery, "delay", lambda _: 1 / 0)
    row = OutgoingSMS.objects.create(to=NUMBER, message=TEXT, state=State.UNKNOWN)
    assert look_up(row) == ""
    assert OutgoingSMS.objects.get().state == State.QUEUED


@pytest.mark.django_db
def test_what_a_task_cannot_send_stays_queued(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.SMSMOBILE = {"BACKEND": "sandbox", "BASE_URL": "http://127.0.0.1:9"}
    row = queue_sms(NUMBER, TEXT)
    worker.send_one(row.pk)
    row.refresh_from_db()
    assert (row.state, row.attempts) == (State.QUEUED, 1)
    assert f"Queued SMS {row.pk} was not sent" in caplog.text
    assert NUMBER not in caplog.text


@pytest.mark.django_db
def test_an_id_that_is_not_there_is_nothing_to_do() -> None:
    worker.send_one(4711)


@pytest.mark.parametrize(("queue", "needs"), [("celery", "Celery"), ("tasks", "Django 6.0")])
def test_a_queue_that_is_not_installed_is_named(
    settings: Any, monkeypatch: pytest.MonkeyPatch, queue: str, needs: str
) -> None:
    settings.SMSMOBILE = {"QUEUE": queue}
    monkeypatch.setattr(tasks, "celery_task", None)
    monkeypatch.setattr(tasks, "send_queued_sms", None)
    with pytest.raises(ConfigurationError, match=needs):
        tasks.hand_over(1)


@needs_tasks
def test_workers_of_django_find_the_task_by_its_name() -> None:
    task: Any = tasks.send_queued_sms
    assert import_string(task.module_path) is task


@needs_tasks
def test_a_task_of_django_sends_the_message(database: Database, settings: Any, sent: list[RecordedSMS]) -> None:
    settings.SMSMOBILE = {"QUEUE": "tasks"}
    settings.TASKS = {"default": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}}
    with transaction.atomic(using=database.alias):
        row = queue_sms(NUMBER, TEXT)
        assert sent == []
    row.refresh_from_db()
    assert (row.state, len(sent)) == (State.ACCEPTED, 1)


def test_celery_has_a_task(database: Database, settings: Any, sent: list[RecordedSMS]) -> None:
    celery = pytest.importorskip("celery")
    settings.SMSMOBILE = {"QUEUE": "celery"}
    app = celery.Celery("project", set_as_current=True)
    app.conf.task_always_eager = True
    row = queue_sms(NUMBER, TEXT)
    row.refresh_from_db()
    assert (row.state, len(sent)) == (State.ACCEPTED, 1)
    assert "smsmobile.send_queued_sms" in app.tasks
