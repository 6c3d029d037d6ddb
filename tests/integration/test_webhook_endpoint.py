"""The endpoint behind gunicorn with two workers: handlers that are slow, fail, or die with their worker."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from smsmobile.sandbox import Sandbox
from smsmobile.webhooks import sign

from ..contrib.gunicorn_kills import CONFIGURATION, deliver_while_workers_are_killed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="gunicorn does not run on Windows")

SECRET = "whsec_of_the_tests_0123456789"
PATIENCE = 60.0
"""Seconds after which a test fails that waits for something."""

# The text of an SMS says what its first handling does; later ones just end.
APPLICATION = """
import os, signal, time
from http import HTTPStatus
from pathlib import Path
from smsmobile.webhooks import SMSReceived, SQLiteEventStore, WebhookEndpoint, WebhookReceiver

folder, secret, lease = Path(os.environ["FOLDER"]), os.environ["SECRET"], float(os.environ["LEASE"])
endpoint = WebhookEndpoint(WebhookReceiver(secret), SQLiteEventStore(folder / "events.sqlite", lease=lease))


def note(word, guid):
    notes = os.open(folder / "notes", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.write(notes, f"{word} {guid} {os.getpid()}\\n".encode())
    os.close(notes)


@endpoint.on(SMSReceived)
def handle(event):
    guid, order = event.data.guid, event.data.message
    note("began", guid)
    try:
        (folder / f"{guid}.seen").touch(exist_ok=False)
    except FileExistsError:
        order = ""
    if order == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if order == "hang":
        time.sleep(30)
    if order == "wait and fail":
        while not (folder / "may-fail").exists():
            time.sleep(0.01)
    if "fail" in order:
        raise ValueError("as ordered")
    if order.startswith("take "):
        time.sleep(float(order.split()[1]))
    note("ended", guid)


def app(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    answer = endpoint.answer(environ["REQUEST_METHOD"], body, environ)
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(answer.headers.items()))
    return [answer.text.encode()]
"""


class Note(NamedTuple):
    """A line that a handler wrote."""

    word: str
    guid: str
    process: str


class Server(NamedTuple):
    """A running gunicorn."""

    folder: Path
    url: str

    def post(self, guid: str, order: str = "") -> requests.Response | None:
        """Deliver an SMS as the service does; None if the worker dies meanwhile."""
        payload = {
            "id": f"event-{guid}",
            "type": "sms.received",
            "api_version": "2026-09-22",
            "created_at": "2026-09-23T12:00:01Z",
            "occurred_at": "2026-09-23T12:00:00Z",
            "data": {"guid": guid, "from": "+12025550167", "message": order},
        }
        body, timestamp = json.dumps(payload).encode(), int(time.time())
        headers = {
            "X-SMSMobileAPI-Timestamp": str(timestamp),
            "X-SMSMobileAPI-Signature": sign(body, SECRET, timestamp),
            "Connection": "close",
        }
        try:
            return requests.post(self.url, data=body, headers=headers, timeout=PATIENCE)
        except requests.RequestException:
            return None

    def status(self, guid: str, order: str = "") -> int | None:
        """The status of one delivery."""
        answer = self.post(guid, order)
        return None if answer is None else answer.status_code

    def deliver(self, guid: str, order: str = "") -> list[int | None]:
        """Deliver it again and again until it is acknowledged. Returns all statuses."""
        statuses: list[int | None] = []
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            statuses.append(self.status(guid, order))
            if statuses[-1] in {200, 202}:
                return statuses
            time.sleep(0.05)
        pytest.fail(f"an event was not acknowledged: {Counter(statuses)}")

    def notes(self, guid: str = "") -> list[Note]:
        """What the handlers wrote, of one event or of all."""
        file = self.folder / "notes"
        notes = [Note(*line.split()) for line in file.read_text().splitlines()] if file.exists() else []
        return [note for note in notes if guid in {"", note.guid}]

    def words(self, guid: str) -> list[str]:
        """What the handlers wrote of one event, without the processes."""
        return [note.word for note in self.notes(guid)]

    def wait_for_note(self, guid: str) -> None:
        """Wait until the handling of an event has begun."""
        deadline = time.monotonic() + PATIENCE
        while not self.notes(guid):
            assert time.monotonic() < deadline, "no handler was called"
            time.sleep(0.01)


@contextmanager
def gunicorn(folder: Path, *, lease: float, timeout: int = 60) -> Iterator[Server]:
    (folder / "application.py").write_text(APPLICATION)
    (folder / "configuration.py").write_text(CONFIGURATION)
    environment = {**os.environ, "FOLDER": str(folder), "SECRET": SECRET, "LEASE": str(lease)}
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener, (folder / "log").open("w+") as log:
        listening = listener.fileno()
        command = [sys.executable, "-m", "gunicorn", "application:app", "--preload", "--workers=2"]
        command += [f"--bind=fd://{listening}", f"--config={folder / 'configuration.py'}", f"--timeout={timeout}"]
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, pass_fds=[listening], start_new_session=True
        )
        try:
            yield Server(folder, f"http://127.0.0.1:{listener.getsockname()[1]}/webhooks/sms")
            assert server.poll() is None, (folder / "log").read_text()
        finally:
            server.send_signal(signal.SIGQUIT)  # the quick shutdown
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait(10)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With a lease that is not over before the test is."""
    with gunicorn(tmp_path_factory.mktemp("gunicorn"), lease=2 * PATIENCE) as server:
        yield server


def test_deliveries_in_parallel_are_handled_once(server: Server) -> None:
    guids = [f"parallel-{number}" for number in range(5)] * 6
    with ThreadPoolExecutor(6) as pool:
        statuses = [status for each in pool.map(server.deliver, guids) for status in each]
    assert [server.words(guid) for guid in guids[:5]] == [["began", "ended"]] * 5
    assert statuses.count(202) == 5
    assert set(statuses) <= {200, 202, 503}


def test_a_delivery_while_a_slow_handler_runs_that_fails_in_the_end_is_not_acknowledged(server: Server) -> None:
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(server.status, "slow", "wait and fail")
        server.wait_for_note("slow")
        second = server.post("slow")
        assert second is not None
        assert (second.status_code, second.headers["Retry-After"]) == (503, "10")
        (server.folder / "may-fail").touch()
        assert first.result(PATIENCE) == 500
    assert [server.status("slow"), server.status("slow")] == [202, 200]
    assert server.words("slow") == ["began", "began", "ended"]


@pytest.mark.long
def test_the_event_of_a_worker_that_was_killed_is_handled_after_the_lease(tmp_path: Path) -> None:
    """The sandbox delivers it, and repeats what is not acknowledged."""
    with gunicorn(tmp_path, lease=1.0) as server, Sandbox() as box:
        box.add_webhook(server.url, secret=SECRET)
        guid = box.phone.receive("+33639985678", "die")
        box.wait_for_deliveries(PATIENCE)
        statuses = [attempt.status for attempt in box.deliveries]
        assert (statuses[0], statuses[-1]) == (None, 202)
        assert set(statuses[1:-1]) <= {503}
        assert server.words(guid) == ["began", "began", "ended"]
        assert server.status(guid) == 200


@pytest.mark.long
def test_a_worker_that_gunicorn_aborts_releases_its_event(tmp_path: Path) -> None:
    with gunicorn(tmp_path, lease=3600.0, timeout=1) as server:
        assert server.status("hangs", "hang") not in {200, 202, 503}
        assert server.deliver("hangs")[-1] == 202
        assert server.words("hangs") == ["began", "began", "ended"]


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("course", range(2))
def test_whatever_worker_is_killed_no_event_is_lost_and_none_that_was_finished_is_handled_again(
    course: int, tmp_path: Path
) -> None:
    with gunicorn(tmp_path, lease=4.0) as server:
        guids, killed = deliver_while_workers_are_killed(tmp_path, server.deliver, course=course)
        before = server.notes()
        assert {server.status(guid) for guid in guids} == {200}
        assert server.notes() == before

    ended: dict[str, list[str]] = {guid: [] for guid in guids}
    for note in before:
        if note.word == "ended" and note.guid in ended:
            ended[note.guid].append(note.process)
    assert [guid for guid in guids if not ended[guid]] == []
    # Between the end of a handler and `done` a worker can die: then its event is handled again.
    assert [guid for guid in guids if not killed.issuperset(ended[guid][:-1])] == []
