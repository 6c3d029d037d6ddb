"""Configures Django in the process of the tests, so that the fixtures of pytest-django work.

The project is in the folder `django_project`. Its database is a SQLite file.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from django.conf import settings

from smsmobile.contrib._offline import RecordedSMS

from ...stores.postgresql import PostgreSQLServer
from .django_project import settings as project

FOLDER = Path(tempfile.mkdtemp(prefix="smsmobile-django-"))
"""Of the database. pytest has no folder yet when this file is read."""
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
# The tests in a browser leave an event loop in the thread of the tests, and Django then takes it for one of its own.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

if not settings.configured:
    settings.configure(
        **{name: value for name, value in vars(project).items() if name.isupper()}
        | {
            "DATABASES": {
                "default": {
                    "ENGINE": "django.db.backends.sqlite3",
                    "NAME": FOLDER / "project.sqlite",
                    "TEST": {"NAME": FOLDER / "test.sqlite"},  # a file, which threads can share
                }
            }
        }
    )
    django.setup()

from . import databases  # noqa: E402 - Django is set up
from .django_project import urls  # noqa: E402 - Django is set up

sys.modules[settings.ROOT_URLCONF] = urls


@pytest.fixture(autouse=True)
def fresh_client() -> Iterator[None]:
    from smsmobile.contrib.django.conf import reset_client

    reset_client()  # tests of other folders may have made one
    yield
    reset_client()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[RecordedSMS]:
    """What the backend locmem has sent."""
    messages: list[RecordedSMS] = []
    monkeypatch.setattr("smsmobile.contrib.django.conf._record", messages.append)
    return messages


@pytest.fixture(scope="session")
def server() -> Iterator[PostgreSQLServer]:
    running = PostgreSQLServer()
    yield running
    running.stop()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shared_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any
) -> Iterator[databases.Database]:
    with django_db_blocker.unblock():
        if request.param == "sqlite":
            database = databases.sqlite(tmp_path_factory.mktemp("sqlite"))
        else:
            database = databases.postgresql(request.getfixturevalue("server"))
        yield database
        database.close()


@pytest.fixture
def database(shared_database: databases.Database, settings: Any) -> Iterator[databases.Database]:
    """A real database with empty tables, to which all models go; for tests with threads and processes."""
    settings.DATABASE_ROUTERS = [databases.Router(shared_database.alias)]
    shared_database.clear()
    with databases.connections_of_threads_closed():
        yield shared_database
