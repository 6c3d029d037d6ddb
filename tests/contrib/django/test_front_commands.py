"""The commands `sms_send`, `sms_inbox` and `sms_sandbox`, as they are called at a terminal."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
import requests
from django.core.management import CommandError, call_command

from smsmobile.contrib.django.test import outbox
from smsmobile.sandbox import Sandbox
from smsmobile.webhooks import SMSReceived, WebhookReceiver

from ..deliveries import SECRET
from ..live import PATIENCE
from .live_project import Project, sqlite_in, write_project


def test_sms_send_prints_the_guid() -> None:
    printed = StringIO()
    call_command("sms_send", "+33639981234", "Hello", stdout=printed)
    (sms,) = outbox
    assert (sms.recipient, sms.message) == ("+33639981234", "Hello")
    assert printed.getvalue() == sms.guid + "\n"


def test_sms_send_says_why_nothing_was_sent() -> None:
    with pytest.raises(CommandError, match="InvalidRequestError") as raised:
        call_command("sms_send", "0639981234", "Hello")
    assert "0639981234" not in str(raised.value)


@contextmanager
def running(project: Project, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command of the project, which SIGTERM has to end."""
    with (project.folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-W", "error::ResourceWarning", "-m", "django", *words],
            cwd=project.folder,
            env=project.environment,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0, project.log()
        assert "ResourceWarning" not in project.log()
    finally:
        process.kill()
        process.wait(PATIENCE)


def wait_until(condition: Callable[[], Any], project: Project) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, project.log()
        time.sleep(0.05)
    return found


@pytest.mark.long
def test_sms_inbox_hands_over_each_sms_once_and_what_fails_again(tmp_path: Path) -> None:
    environment = write_project(tmp_path, sqlite_in(tmp_path))
    with Sandbox() as box:
        environment |= {"SMSMOBILEAPI_API_KEY": box.api_key, "SMSMOBILEAPI_BASE_URL": box.url}
        project = Project(tmp_path, "", environment)
        polls = lambda: [request for request in box.requests if request.path == "/getsms/"]  # noqa: E731
        with running(project, "sms_inbox", "--interval=0.1"):
            wait_until(polls, project)
            first, second = box.phone.receive("+33639985678", "fail"), box.phone.receive("+33639985678", "hello")
            wait_until(lambda: project.answers() == {first: 1, second: 1}, project)
        assert (tmp_path / f"{first}.seen").exists()
        third = box.phone.receive("+33639985678", "meanwhile")
        with running(project, "sms_inbox", "--interval=0.1"):
            wait_until(lambda: third in project.answers(), project)
        assert project.answers() == {first: 1, second: 1, third: 1}


@pytest.mark.long
def test_sms_inbox_ends_with_the_error_if_it_cannot_go_on(tmp_path: Path) -> None:
    environment = write_project(tmp_path, sqlite_in(tmp_path))
    with Sandbox() as box:
        environment |= {"SMSMOBILEAPI_API_KEY": "0" * 48, "SMSMOBILEAPI_BASE_URL": box.url}
        done = subprocess.run(
            [sys.executable, "-m", "django", "sms_inbox"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 1
    assert "AuthenticationError" in done.stderr
    assert "0" * 48 not in done.stderr


@pytest.fixture
def deliveries() -> Iterator[tuple[str, SimpleQueue[tuple[str, bytes, Any]]]]:
    """A server in the place of runserver, and what was posted to it."""
    posted: SimpleQueue[tuple[str, bytes, Any]] = SimpleQueue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.put((self.path, self.rfile.read(int(self.headers["Content-Length"])), self.headers))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", posted
        server.shutdown()
        thread.join()


@pytest.mark.long
def test_sms_sandbox_delivers_signed_webhooks_to_the_project(
    tmp_path: Path, deliveries: tuple[str, SimpleQueue[tuple[str, bytes, Any]]]
) -> None:
    url, posted = deliveries
    project = Project(tmp_path, "", write_project(tmp_path, sqlite_in(tmp_path)))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with running(project, "sms_sandbox", f"--port={port}", f"--server={url}"):
        sandbox = f"http://127.0.0.1:{port}/_sandbox/phones"
        wait_until(lambda: "The phone:" in project.log(), project)
        with requests.Session() as page:
            sid = page.get(sandbox, timeout=PATIENCE).json()["phones"][0]["sid"]
            text = {"sender": "+33639985678", "text": "yes"}
            assert page.post(f"{sandbox}/{sid}/messages", json=text, timeout=PATIENCE).status_code == 201
        path, body, headers = posted.get(timeout=PATIENCE)
    assert path == "/sms/webhook"
    event = WebhookReceiver(SECRET).receive(body, headers)
    assert isinstance(event, SMSReceived)
    assert event.data.message == "yes"


def test_sms_sandbox_is_where_the_environment_says_that_messages_go(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    words: list[str] = []
    monkeypatch.setattr("smsmobile.sandbox.__main__.main", words.extend)
    settings.SMSMOBILE = {"BACKEND": "sandbox"}
    monkeypatch.setenv("SMSMOBILEAPI_BASE_URL", "http://127.0.0.1:8455")
    call_command("sms_sandbox", stderr=StringIO())
    assert "--port=8455" in words
