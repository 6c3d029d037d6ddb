"""The webhook behind other servers: uvicorn, which speaks ASGI, and Django's runserver."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from ..deliveries import received
from ..live import PATIENCE
from .live_project import Project, huge, sqlite_in, write_project

pytestmark = pytest.mark.long

COMMANDS = {
    "uvicorn": ("uvicorn", "django.core.asgi:get_asgi_application", "--factory", "--lifespan=off", "--port={port}"),
    "runserver": ("django", "runserver", "--noreload", "127.0.0.1:{port}"),
}


@pytest.fixture(params=COMMANDS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    environment = write_project(tmp_path, sqlite_in(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [word.format(port=port) for word in COMMANDS[request.param]]
    with (tmp_path / "log").open("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=tmp_path, env=environment, stdout=log, stderr=log
        )
    running = Project(tmp_path, f"http://127.0.0.1:{port}/sms/webhook", environment)
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            assert process.poll() is None, running.log()
            assert time.monotonic() < deadline, running.log()
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
            except OSError:
                time.sleep(0.05)
        yield running
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def test_an_event_is_handled_once(server: Project) -> None:
    assert [server.status("one"), server.status("one")] == [202, 200]
    assert [server.status("two", "fail"), server.status("two"), server.status("two")] == [500, 202, 200]
    assert server.answers() == {"one": 1, "two": 1}


def test_what_is_no_delivery_is_refused(server: Project) -> None:
    assert huge(server, chunked=False) == 413
    body, headers = received("", "one")
    assert requests.get(server.url, headers={"Connection": "close"}, timeout=PATIENCE).status_code == 405
    assert requests.post(server.url, data=body + b" ", headers=headers, timeout=PATIENCE).status_code == 401
    assert server.answers() == {}


def test_a_chunked_body_is_read_or_refused(server: Project) -> None:
    body, headers = received("", "one")
    answer = requests.post(server.url, data=iter([body[:50], body[50:]]), headers=headers, timeout=PATIENCE)
    assert answer.status_code in {202, 400}  # runserver cannot read it
    assert server.answers() == ({"one": 1} if answer.status_code == 202 else {})
