"""The tasks of Celery in a Django project: they use its client, its journal and its rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery

from smsmobile import ConfigurationError
from smsmobile.contrib._offline import RecordedSMS
from smsmobile.contrib.celery import send_sms
from smsmobile.contrib.django import queue_sms, worker
from smsmobile.contrib.django.conf import reset_client
from smsmobile.contrib.django.models import OutgoingSMS, State

from .databases import Database

NUMBER, TEXT = "+33639980001", "Your order is here."


@pytest.fixture
def app() -> Iterator[Celery]:
    reset_client()  # a worker of other tests may have made one
    app = Celery("shop", broker="memory://", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.update(task_always_eager=True, task_eager_propagates=True)
    app.set_current()
    yield app
    app.close()


def test_a_task_and_the_outbox_send_one_message_for_a_key(
    database: Database, app: Celery, sent: list[RecordedSMS]
) -> None:
    assert send_sms.delay(NUMBER, TEXT, key="order-1").get()["status"] == "sent"
    row = queue_sms(NUMBER, TEXT, key="order-1")
    worker.send_one(row.pk)
    row.refresh_from_db()
    assert (row.state, len(sent)) == (State.ACCEPTED, 1)
    assert OutgoingSMS.objects.count() == 1


def test_a_task_obeys_the_rules_of_the_project(database: Database, app: Celery, sent: list[RecordedSMS]) -> None:
    from smsmobile.contrib.django.suppression import DjangoSuppression

    DjangoSuppression().add(NUMBER)
    assert send_sms.delay(NUMBER, TEXT, key="order-1").get()["status"] == "suppressed"
    assert sent == []


def test_what_django_has_as_a_setting_is_no_setting_of_celery(
    database: Database, settings: Any, app: Celery, sent: list[RecordedSMS]
) -> None:
    settings.CELERY_SMSMOBILE = {"JOURNAL": "sent.sqlite"}
    with pytest.raises(ConfigurationError, match="has the key 'JOURNAL'; expected some of RATE, RATE_STORAGE; in a"):
        send_sms.delay(NUMBER, TEXT, key="order-1")
    assert sent == []
