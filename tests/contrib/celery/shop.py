"""An app of Celery for workers in processes of their own. The environment has its settings as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from celery import Celery

from smsmobile.contrib.celery import ConfidentialTask

app = Celery("shop", include=["smsmobile.contrib.celery"], set_as_current=True)
app.conf.update(json.loads(os.environ["SHOP"]))

if lease := os.environ.get("LEASE"):
    from smsmobile.contrib.sqlalchemy import SQLJournal

    journal = SQLJournal(os.environ["JOURNAL"], lease=float(lease))


@app.task(base=ConfidentialTask, name="shop.fail")
def fail(number: str, text: str) -> None:
    """A task of the user's own, that fails."""
    raise ValueError("as ordered")


def message(number: int) -> dict[str, Any]:
    """Each fifth one looks in the sent log like the one before it."""
    one = number - 1 if number % 5 == 4 else number
    return {"to": f"+3363998{one:04}", "text": f"Reminder {one}", "key": f"key-{number}"}


def reminders(first: int, end: int) -> Iterator[dict[str, Any]]:
    """The source of a campaign."""
    return map(message, range(first, end))
