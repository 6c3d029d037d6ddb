"""An app of Celery for workers in processes of their own. The environment has its settings as JSON."""

from __future__ import annotations

import json
import os

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
