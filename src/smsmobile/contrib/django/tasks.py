"""Sends what is queued by a task of django.tasks or Celery. A task gets the id of a row, never a number or a text."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import django

from ...errors import ConfigurationError
from .conf import get_queue
from .worker import send_one

__all__ = ["celery_task", "hand_over", "send_queued_sms"]


def __dir__() -> list[str]:
    return __all__


if django.VERSION >= (6, 0):
    from django.tasks import task

    @task
    def send_queued_sms(pk: int) -> None:
        """Send one queued message. If it cannot be sent now, it stays queued, for `manage.py sms_worker`."""
        send_one(pk)

else:
    send_queued_sms = None  # type: ignore[assignment]

celery_task: Any = None
"""The same for Celery, under the name `smsmobile.send_queued_sms`; None if Celery is not installed."""
if find_spec("celery") is not None:
    shared_task = import_module("celery").shared_task
    celery_task = shared_task(name="smsmobile.send_queued_sms", ignore_result=True)(send_one)


def hand_over(pk: int) -> None:
    """Hand a row to the task queue that the setting QUEUE names. Raises ConfigurationError if there is none."""
    queue = get_queue()
    if queue == "celery" and celery_task is not None:
        celery_task.delay(pk)
    elif queue == "tasks" and send_queued_sms is not None:
        send_queued_sms.enqueue(pk)
    elif queue != "worker":
        needs = {"celery": "Celery: pip install celery", "tasks": "Django 6.0 or later"}[queue]
        raise ConfigurationError(f"SMSMOBILE['QUEUE'] is {queue!r}, which needs {needs}.")
