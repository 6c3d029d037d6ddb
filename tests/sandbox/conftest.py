"""What the sandbox's tests share: a sandbox, a caller that speaks plain HTTP to it, a clock, a receiver."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from smsmobile.sandbox import Clock, Sandbox

PHONE = "+33639985678"
TIMEOUT = 30


class Caller:
    """Somebody with the API key and `requests`."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, path: str, **params: Any) -> requests.Response:
        params = {"apikey": self.box.api_key, **params}
        return self.session.get(self.box.url + path, params=params, timeout=TIMEOUT)

    def post(self, path: str, **form: Any) -> requests.Response:
        form = {"apikey": self.box.api_key, **form}
        return self.session.post(self.box.url + path, data=form, timeout=TIMEOUT)

    def send(self, recipients: str = PHONE, message: str = "hello", **more: Any) -> dict[str, Any]:
        response = self.post("/sendsms/", recipients=recipients, message=message, **more)
        assert response.status_code == 200, response.text
        return response.json()["result"]

    def log(self, **filters: Any) -> list[dict[str, Any]]:
        response = self.get("/log/sent/sms/", **filters)
        assert response.status_code == 200, response.text
        return response.json()["result"]["sms"]

    def inbox(self, **filters: Any) -> list[dict[str, Any]]:
        response = self.get("/getsms/", **filters)
        assert response.status_code == 200, response.text
        return response.json()["result"]["sms"]

    def token(self, **form: Any) -> requests.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.box.client_id,
            "client_secret": self.box.client_secret,
            **form,
        }
        return self.session.post(self.box.url + "/oauth2/token", data=form, timeout=TIMEOUT)

    def with_token(self, token: str, path: str = "/log/sent/sms/", **params: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return self.session.get(self.box.url + path, params=params, headers=headers, timeout=TIMEOUT)


class PageCaller:
    """Somebody who does what the phone page does, over plain HTTP."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.session = requests.Session()
        self.session.trust_env = False

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.session.request(method, f"{self.box.url}/_sandbox{path}", timeout=TIMEOUT, **more)

    def get(self, path: str, /, **params: Any) -> Any:
        return self._json(self.ask("GET", path, params=params))

    def post(self, path: str, /, **body: Any) -> Any:
        return self._json(self.ask("POST", path, json=body))

    def delete(self, path: str) -> Any:
        return self._json(self.ask("DELETE", path))

    def refused(self, status: int, method: str, path: str, **more: Any) -> str:
        """The sentence with which something is refused."""
        response = self.ask(method, path, **more)
        assert response.status_code == status, response.text
        assert list(response.json()) == ["error"]
        return response.json()["error"]

    def _json(self, response: requests.Response) -> Any:
        assert response.ok, f"{response.status_code} {response.text}"
        return response.json()


@dataclass
class Received:
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A webhook receiver that records, and answers as it is told."""

    url: str = ""
    requests: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    """Answers for the next requests; 202 once there is none left."""
    answer: bytes = b""
    """The body of each answer."""
    release: threading.Event = field(default_factory=threading.Event)
    """While cleared, no request is answered."""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append(Received(dict(self.headers), body))
                receiver.release.wait(TIMEOUT)
                status = receiver.statuses.pop(0) if receiver.statuses else 202
                try:
                    self.send_response(status)
                    if 300 <= status < 400:
                        self.send_header("Location", receiver.url + "/elsewhere")
                    self.end_headers()
                    self.wfile.write(receiver.answer)
                except OSError:
                    pass  # the sandbox had stopped waiting

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        return Handler


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def api(box: Sandbox) -> Iterator[Caller]:
    caller = Caller(box)
    with caller.session:
        yield caller


@pytest.fixture
def page(box: Sandbox) -> Iterator[PageCaller]:
    caller = PageCaller(box)
    with caller.session:
        yield caller


@pytest.fixture
def clock(box: Sandbox) -> Clock:
    box.clock.move_to(datetime(2026, 3, 20, 21, 7, 44, 100_000, tzinfo=timezone.utc))
    return box.clock


@pytest.fixture
def make_receiver() -> Iterator[Callable[[], Receiver]]:
    running: list[tuple[Receiver, ThreadingHTTPServer, threading.Thread]] = []

    def make() -> Receiver:
        receiver = Receiver()
        receiver.release.set()
        server = ThreadingHTTPServer(("127.0.0.1", 0), receiver.handler())
        server.daemon_threads = False  # so that server_close() waits for them
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        running.append((receiver, server, thread))
        return receiver

    yield make
    for receiver, server, thread in running:
        receiver.release.set()
        server.shutdown()
        thread.join(TIMEOUT)
        server.server_close()


@pytest.fixture
def receiver(make_receiver: Callable[[], Receiver]) -> Receiver:
    return make_receiver()


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.002)

    return wait
