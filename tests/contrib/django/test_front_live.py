"""A project behind gunicorn with two workers, on SQLite and PostgreSQL: receivers that are slow, fail, or are killed.

The receiver inserts a row for each event: there is one in the end, whatever happened.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from smsmobile.sandbox import Sandbox

from ...stores.postgresql import PostgreSQLServer
from ..deliveries import SECRET, received
from ..gunicorn_kills import CONFIGURATION, deliver_while_workers_are_killed
from ..live import PATIENCE, serving
from .live_project import Project, huge, sqlite_in, write_project

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform == "win32", reason="gunicorn does not run on Windows"),
    pytest.mark.parametrize("server", ["sqlite", "postgresql"], indirect=True),
]

COMMAND = ["gunicorn", "django.core.wsgi:get_wsgi_application()", "--preload", "--bind=fd://{fd}"]
COMMAND += ["--workers=2", "--timeout=60"]


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQLServer]:
    server = PostgreSQLServer()
    yield server
    server.stop()


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    database = sqlite_in(tmp_path)
    if request.param == "postgresql":
        postgresql: PostgreSQLServer = request.getfixturevalue("postgresql")
        database = {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": "127.0.0.1",
            "PORT": postgresql.port,
            "NAME": "postgres",
            "USER": "smsmobile",
            "PASSWORD": postgresql.password,
            "OPTIONS": {"options": f"-c search_path={postgresql.new_schema()}"},
        }
    (tmp_path / "gunicorn.conf.py").write_text(CONFIGURATION)
    environment = write_project(tmp_path, database)
    with serving(COMMAND, tmp_path, environment) as url:
        yield Project(tmp_path, url, environment)


def test_deliveries_in_parallel_are_handled_once(server: Project) -> None:
    guids = [f"parallel-{number}" for number in range(6)] * 8
    with ThreadPoolExecutor(8) as pool:
        statuses = [status for each in pool.map(server.deliver, sorted(guids)) for status in each]
    assert server.answers() == dict.fromkeys(guids, 1)
    assert statuses.count(202) == 6
    assert set(statuses) <= {200, 202, 503}


def test_a_delivery_while_a_slow_receiver_runs_that_fails_is_not_acknowledged_before_it_is_handled(
    server: Project,
) -> None:
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(server.status, "slow", "wait and fail")
        server.wait_for_receiver("slow")
        second = pool.submit(server.status, "slow")
        time.sleep(0.2)  # so that it is under way; if it is not, this test sees less
        (server.folder / "may-fail").touch()
        assert first.result(PATIENCE) == 500
        # On PostgreSQL it sees that the event is being handled. On SQLite it waits for the first one to end.
        assert second.result(PATIENCE) in {503, 202}
    assert server.deliver("slow")[-1] in {202, 200}
    assert server.status("slow") == 200
    assert server.answers() == {"slow": 1}


def test_the_event_of_a_worker_that_was_killed_is_handled_at_the_next_delivery(server: Project) -> None:
    """The sandbox delivers it, and repeats what is not acknowledged."""
    with Sandbox() as box:
        box.add_webhook(server.url, secret=SECRET)
        guid = box.phone.receive("+33639985678", "die")
        box.wait_for_deliveries(PATIENCE)
        assert [attempt.status for attempt in box.deliveries] == [None, 202]
    assert server.status(guid) == 200
    assert server.answers() == {guid: 1}


def test_the_event_of_a_worker_that_gunicorn_aborts_is_handled_at_the_next_delivery(server: Project) -> None:
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(server.status, "hangs", "hang")
        os.kill(server.wait_for_receiver("hangs"), signal.SIGABRT)  # which gunicorn sends after its timeout
        assert first.result(PATIENCE) not in {200, 202, 503}
    assert server.deliver("hangs")[-1] == 202
    assert server.answers() == {"hangs": 1}


def test_chunked_and_huge_bodies(server: Project) -> None:
    body, headers = received("", "chunked")
    pieces = [body[:50], body[50:]]
    assert requests.post(server.url, data=iter(pieces), headers=headers, timeout=PATIENCE).status_code == 202
    assert server.status("chunked") == 200
    assert huge(server, chunked=False) == 413
    assert huge(server, chunked=True) == 413


@pytest.mark.timeout(600)
def test_whatever_worker_is_killed_each_event_is_handled_exactly_once(server: Project) -> None:
    guids, _ = deliver_while_workers_are_killed(server.folder, server.deliver)
    assert {server.status(guid) for guid in guids} == {200}
    assert server.answers() == dict.fromkeys([*guids, "warm"], 1)
