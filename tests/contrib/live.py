"""An application behind a real server with two workers, for the tests of all frameworks.

The text of an SMS says what its first handling does; later ones just end. A handler writes what it did into a file.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from smsmobile.webhooks.events import MAX_BODY_BYTES

from .deliveries import SECRET, Delivery, received

PATIENCE = 60.0
"""Seconds after which a test fails that waits for something."""

HANDLING = """
import os, signal, time
from pathlib import Path

folder, secret, lease = Path(os.environ["FOLDER"]), os.environ["SECRET"], float(os.environ["LEASE"])


def note(word, event):
    notes = os.open(folder / "notes", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.write(notes, f"{word} {event.data.guid}\\n".encode())
    os.close(notes)


def begin(event):
    note("began", event)
    try:
        (folder / f"{event.data.guid}.seen").touch(exist_ok=False)
    except FileExistsError:
        return ""
    return event.data.message


def handle(event):
    order = begin(event)
    if order == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    while order == "wait and fail" and not (folder / "may-fail").exists():
        time.sleep(0.01)
    if "fail" in order:
        raise ValueError("as ordered")
    note("ended", event)
"""
"""The beginning of an application: its settings and a handler."""


@dataclass(frozen=True)
class Server:
    """A running server."""

    folder: Path
    url: str

    def post(self, it: Delivery) -> requests.Response | None:
        """Deliver something; None if the worker dies meanwhile."""
        try:
            headers = {**it.headers, "Connection": "close"}
            return requests.post(self.url, data=it.body, headers=headers, timeout=PATIENCE)
        except requests.RequestException:
            return None

    def status(self, guid: str, order: str = "") -> int | None:
        """The status of one delivery of an SMS."""
        answer = self.post(received(order, guid))
        return None if answer is None else answer.status_code

    def deliver(self, guid: str, order: str = "") -> list[int | None]:
        """Deliver an SMS again and again until it is acknowledged. Returns all statuses."""
        statuses: list[int | None] = []
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            statuses.append(self.status(guid, order))
            if statuses[-1] in {200, 202}:
                return statuses
            time.sleep(0.05)
        pytest.fail(f"an event was not acknowledged: {Counter(statuses)}\n{self.log()}")

    def log(self) -> str:
        """What the server has printed."""
        return (self.folder / "log").read_text()

    def words(self, guid: str) -> list[str]:
        """What the handlers wrote of one event."""
        file = self.folder / "notes"
        notes = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
        return [word for word, noted in notes if noted == guid]

    def wait_for_handler(self, guid: str) -> None:
        """Wait until the handling of an event has begun."""
        deadline = time.monotonic() + PATIENCE
        while not self.words(guid):
            assert time.monotonic() < deadline, "no handler was called"
            time.sleep(0.01)

    def answer_to_an_unfinished_body(self, *, chunked: bool) -> int:
        """The status for a body that never ends, of which a little more has come than is accepted."""
        address = urlsplit(self.url)
        body = b"x" * (MAX_BODY_BYTES + 65536)  # servers read ahead
        head = [f"POST {address.path} HTTP/1.1", f"Host: {address.netloc}"]
        head += ["Transfer-Encoding: chunked"] if chunked else [f"Content-Length: {2 * len(body)}"]
        start = "\r\n".join([*head, "", ""]).encode() + (f"{len(body):x}\r\n".encode() if chunked else b"")
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=PATIENCE) as connection:
            connection.sendall(start)
            with suppress(OSError):  # it may have answered and hung up
                connection.sendall(body + b"\r\n")
            return int(connection.makefile("rb").readline().split()[1])


@contextmanager
def running(words: list[str], application: str, folder: Path, *, lease: float) -> Iterator[Server]:
    """Run a server that has its application in `application.py`. Its words are those of `serving`.

    lease: seconds after which the event of a worker that was killed is handled again.
    """
    (folder / "application.py").write_text(HANDLING + application)
    environment = {**os.environ, "FOLDER": str(folder), "SECRET": SECRET, "LEASE": str(lease)}
    with serving(words, folder, environment) as url:
        yield Server(folder, url)


@contextmanager
def serving(words: list[str], folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """Run a module of Python that takes the socket `{fd}` in its words. Gives the URL of the webhook."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener, (folder / "log").open("w+") as log:
        fd = listener.fileno()
        command = [sys.executable, "-m", *(word.replace("{fd}", str(fd)) for word in words)]
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, pass_fds=[fd], start_new_session=True
        )
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/sms/webhook"
            assert server.poll() is None, (folder / "log").read_text()
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait(10)
