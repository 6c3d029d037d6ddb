"""Promise 1 with a session of the user's own: what did not leave is never unknown, and what left always is.

The adapters of requests, and classes derived from them, are watched at the socket. Of any other adapter one knows
whether it has read the body.
"""

from __future__ import annotations

import io
import socket
import ssl
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPSConnectionPool
from urllib3.connection import HTTPSConnection

from smsmobile import ConfigurationError, ConnectionFailed, RateLimited, SendOutcomeUnknown, SentSMS, UnexpectedResponse

from .raw_server import (
    API_KEY,
    PATIENT,
    PROXY_PASSWORD,
    QUICK,
    SUCCESS,
    TEXT,
    TO,
    RawServer,
    Script,
    answer,
    close,
    head,
    reset,
    stall,
)
from .test_nothing_sent import BEHIND, REFUSALS, TUNNEL

Try = Callable[..., Any]


class Derived(HTTPAdapter):
    """Changes what adapters of applications change: a default, a header, and how the pools are made."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=ssl.create_default_context())

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.headers["X-Size"] = str(len(request.body or ""))
        return super().send(request, *args, **kwargs)


def session_with(adapter: BaseAdapter, **settings: Any) -> requests.Session:
    session = requests.Session()
    session.adapters.clear()
    session.mount("http", adapter)
    vars(session).update(settings)
    return session


@pytest.fixture(params=[HTTPAdapter, Derived])
def adapter(request: pytest.FixtureRequest) -> HTTPAdapter:
    made: HTTPAdapter = request.param()
    return made


@pytest.mark.parametrize(
    ("script", "kind"), list(zip(REFUSALS.values(), cycle((HTTPAdapter, Derived)), strict=False)), ids=REFUSALS
)
@pytest.mark.smsmobile_allow_network
def test_a_proxy_that_does_not_connect_leaves_nothing_sent(
    outcome_of: Try, pauses: list[float], script: Script, kind: type[HTTPAdapter]
) -> None:
    with RawServer(script) as proxy:
        session = session_with(kind(), proxies={"https": f"http://someone:{PROXY_PASSWORD}@127.0.0.1:{proxy.port}"})
        client = proxy.client((QUICK, PATIENT), base_url=BEHIND, max_retries=1, session=session)
        failure = outcome_of(client.sms.send, TO, TEXT)
    assert type(failure) is ConnectionFailed, repr(failure)
    assert f"through the proxy http://127.0.0.1:{proxy.port}" in str(failure)
    assert [request.method for request in proxy.requests] == ["CONNECT"] * 2
    assert len(pauses) == 1


@pytest.mark.smsmobile_allow_network
@pytest.mark.parametrize("end", [reset, close, stall], ids=lambda step: step.__name__)
def test_a_message_that_went_through_a_tunnel_and_was_not_acknowledged_is_unknown(
    tls_for: Callable[[str], ssl.SSLContext], bundle: Path, outcome_of: Try, pauses: list[float], end: Any
) -> None:
    with RawServer(TUNNEL, (end,), proxy=True, tls=tls_for("sms.example.test")) as proxy:
        session = session_with(HTTPAdapter(), proxies={"https": f"http://127.0.0.1:{proxy.port}"}, verify=str(bundle))
        client = proxy.client(1.0, base_url=BEHIND, max_retries=3, session=session)
        doubt = outcome_of(client.sms.send, TO, TEXT)
    assert isinstance(doubt, SendOutcomeUnknown), repr(doubt)
    assert proxy.paths == ["sms.example.test:443", "/sendsms/"]
    assert pauses == []


def test_a_server_without_tls_leaves_nothing_sent(adapter: HTTPAdapter, outcome_of: Try) -> None:
    with RawServer((SUCCESS,)) as server:
        client = server.client(
            (1.0, PATIENT), base_url=f"https://127.0.0.1:{server.port}", max_retries=0, session=session_with(adapter)
        )
        failure = outcome_of(client.sms.send, TO, TEXT)
    assert type(failure) is ConnectionFailed, repr(failure)
    assert server.requests == []


def test_a_refused_connection_leaves_nothing_sent(adapter: HTTPAdapter, outcome_of: Try, pauses: list[float]) -> None:
    with RawServer((SUCCESS,), late=True) as server:
        failure = outcome_of(server.client(max_retries=2, session=session_with(adapter)).sms.send, TO, TEXT)
    assert type(failure) is ConnectionFailed, repr(failure)
    assert len(pauses) == 2


@pytest.mark.parametrize("end", [reset, close], ids=lambda step: step.__name__)
def test_a_message_that_was_not_acknowledged_is_unknown(
    raw_server: Callable[..., RawServer], adapter: HTTPAdapter, outcome_of: Try, pauses: list[float], end: Any
) -> None:
    with raw_server((SUCCESS,), (end,)) as server:
        client = server.client(max_retries=3, session=session_with(adapter))
        assert isinstance(outcome_of(client.sms.send, TO, TEXT), SentSMS)
        doubt = outcome_of(client.sms.send, TO, TEXT)
    assert isinstance(doubt, SendOutcomeUnknown), repr(doubt)
    assert server.messages == 2
    assert server.connections == 1
    assert pauses == []


def test_the_whole_answer_has_the_timeout(raw_server: Callable[..., RawServer], outcome_of: Try) -> None:
    def dribble(connection: Any) -> None:
        for _ in range(200):
            connection.send(b" ")
            if connection.client_left(within=0.02):
                break
        connection.close()

    with raw_server((head("200 OK", "Content-Length: 1000"), dribble)) as server:
        client = server.client(QUICK, session=session_with(HTTPAdapter()))
        doubt = outcome_of(client.sms.send, TO, TEXT)
    assert isinstance(doubt, SendOutcomeUnknown), repr(doubt)


@pytest.mark.parametrize("own", [True, False], ids=["our session", "a session of the user's"])
@pytest.mark.parametrize("setting", ["verify", "cert"])
def test_a_file_of_certificates_that_does_not_exist_leaves_nothing_sent(
    outcome_of: Try, monkeypatch: pytest.MonkeyPatch, own: bool, setting: str
) -> None:
    session = None
    if not own or setting == "cert":
        session = session_with(HTTPAdapter(), **{setting: "/nowhere/ca.pem"})
    else:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with RawServer((SUCCESS,)) as server:
        client = server.client(base_url=f"https://127.0.0.1:{server.port}", session=session)
        failure = outcome_of(client.sms.send, TO, TEXT)
    assert type(failure) is ConfigurationError, repr(failure)
    assert "/nowhere/ca.pem" in str(failure)
    assert "Nothing was sent" in str(failure)
    assert server.connections == 0


def test_a_file_of_certificates_with_something_else_leaves_nothing_sent(outcome_of: Try, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with RawServer((SUCCESS,)) as server:
        session = session_with(HTTPAdapter(), verify=str(tmp_path / "ca.pem"))
        client = server.client(base_url=f"https://127.0.0.1:{server.port}", session=session, max_retries=0)
        failure = outcome_of(client.sms.send, TO, TEXT)
    assert type(failure) is ConnectionFailed, repr(failure)
    assert server.requests == []


def test_a_socks_proxy_without_its_package_names_it(outcome_of: Try, monkeypatch: pytest.MonkeyPatch) -> None:
    def manager(*_: object, **__: object) -> Any:
        raise requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")

    monkeypatch.setattr("requests.adapters.SOCKSProxyManager", manager)
    monkeypatch.setenv("HTTPS_PROXY", f"socks5://someone:{PROXY_PASSWORD}@127.0.0.1:9")
    with RawServer() as server:
        failure = outcome_of(server.client(base_url=BEHIND).sms.send, TO, TEXT)
    assert type(failure) is ConfigurationError, repr(failure)
    assert "pip install PySocks" in str(failure)


class Unplugged(BaseAdapter):
    """Fails before it looks at the message."""

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        raise ConnectionResetError("the tunnel of this adapter is gone")

    def close(self) -> None: ...


class OverASocket(BaseAdapter):
    """Speaks HTTP by itself, and answers with what is no answer of urllib3."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        body = str(request.body or "").encode()
        with socket.create_connection(("127.0.0.1", self.port), PATIENT) as sock:
            fields = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
            sock.sendall(f"{request.method} {request.path_url} HTTP/1.1\r\n{fields}\r\n".encode() + body)
            received = sock.recv(65536)
        top, _, content = received.partition(b"\r\n\r\n")
        if not top:
            raise ConnectionResetError("no answer")
        response = requests.Response()
        response.status_code = int(top.split(b" ")[1])
        response.headers.update(line.decode().split(": ", 1) for line in top.split(b"\r\n")[1:])
        response.raw = io.BytesIO(content)
        response.request, response.url = request, request.url or ""
        return response

    def close(self) -> None: ...


def test_an_adapter_that_fails_before_it_has_the_body_has_sent_nothing(outcome_of: Try) -> None:
    with RawServer() as server:
        failure = outcome_of(server.client(session=session_with(Unplugged())).sms.send, TO, TEXT)
    assert type(failure) is ConnectionFailed, repr(failure)


def test_an_adapter_that_fails_after_it_has_the_body_leaves_the_send_unknown(outcome_of: Try) -> None:
    with RawServer((close,)) as server:
        failure = outcome_of(server.client(session=session_with(OverASocket(server.port))).sms.send, TO, TEXT)
    assert type(failure) is SendOutcomeUnknown, repr(failure)
    assert server.messages == 1


def test_a_header_of_the_session_that_cannot_be_sent_is_not_shown(outcome_of: Try) -> None:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {API_KEY}\n"
    with RawServer((SUCCESS,)) as server:
        outcome = outcome_of(server.client(session=session).sms.send, TO, TEXT)
    assert type(outcome) is ConfigurationError
    assert server.connections == 0


def test_an_answer_that_is_not_urllib3s_is_read(outcome_of: Try) -> None:
    with RawServer((SUCCESS, close)) as server:
        sent = outcome_of(server.client(session=session_with(OverASocket(server.port))).sms.send, TO, TEXT)
    assert isinstance(sent, SentSMS), repr(sent)


def test_an_answer_that_is_not_urllib3s_can_ask_to_wait(outcome_of: Try, pauses: list[float]) -> None:
    with RawServer((answer({"error": "rate"}, "429 Too Many", "Retry-After: 7"), close)) as server:
        client = server.client(session=session_with(OverASocket(server.port)), max_retries=2)
        failure = outcome_of(client.sms.send, TO, TEXT)
    assert type(failure) is RateLimited, repr(failure)
    assert failure.retry_after == 7
    assert pauses == [7, 7]


def test_an_answer_that_is_not_urllib3s_can_be_too_large(outcome_of: Try, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smsmobile._http.answer.LARGEST_ANSWER", 10)
    with RawServer((answer({"result": {"error": 0, "sms": []}}), close)) as server:
        failure = outcome_of(server.client(session=session_with(OverASocket(server.port))).sms.log)
    assert type(failure) is UnexpectedResponse, repr(failure)


class Persistent(HTTPAdapter):
    """Repeats what fails by itself, which the documentation asks not to do."""

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        try:
            return super().send(*args, **kwargs)
        except requests.ConnectionError:
            return super().send(*args, **kwargs)


def test_a_connection_that_is_refused_after_the_message_has_left_proves_nothing(outcome_of: Try) -> None:
    class Once(RawServer):
        def _serve(self, sock: socket.socket) -> None:
            self._listener.close()
            super()._serve(sock)

    with Once((reset,)) as server:
        failure = outcome_of(server.client(session=session_with(Persistent()), max_retries=0).sms.send, TO, TEXT)
    assert server.messages == 1
    assert type(failure) is SendOutcomeUnknown, repr(failure)


def test_a_hook_that_cannot_connect_elsewhere_makes_no_message_go_twice(outcome_of: Try, pauses: list[float]) -> None:
    with RawServer((SUCCESS,)) as server, socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        session = session_with(HTTPAdapter())

        def report(*_: object, **__: object) -> None:
            requests.post(f"http://127.0.0.1:{deaf.getsockname()[1]}/", timeout=PATIENT)

        session.hooks["response"].append(report)
        failure = outcome_of(server.client(session=session, max_retries=3).sms.send, TO, TEXT)
    assert server.messages == 1
    assert type(failure) is SendOutcomeUnknown, repr(failure)
    assert pauses == []


def test_a_hook_can_read_the_answer_or_raise_for_its_status(outcome_of: Try) -> None:
    session = session_with(HTTPAdapter())
    session.hooks["response"] += [lambda response, **_: print(response.text), lambda r, **_: r.raise_for_status()]
    with RawServer((SUCCESS,), (answer({"error": "no"}, "403 Forbidden"),)) as server:
        client = server.client(session=session)
        assert isinstance(outcome_of(client.sms.send, TO, TEXT), SentSMS)
        failure = outcome_of(client.sms.send, TO, TEXT)
    assert failure.status == 403


class Pinned(HTTPAdapter):
    """Puts connections of its own in place of urllib3's."""

    class Connection(HTTPSConnection):
        made = 0

        def connect(self) -> None:
            Pinned.Connection.made += 1
            super().connect()

    class Pool(HTTPSConnectionPool):
        pass

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.Pool.ConnectionCls = self.Connection
        self.poolmanager.pool_classes_by_scheme = {**self.poolmanager.pool_classes_by_scheme, "https": self.Pool}


def test_connections_of_an_adapters_own_are_used_and_watched(tls: ssl.SSLContext, outcome_of: Try) -> None:
    with RawServer((SUCCESS,), tls=tls) as server, RawServer((SUCCESS,)) as plain:
        client = server.client(session=session_with(Pinned()))
        assert isinstance(outcome_of(client.sms.send, TO, TEXT), SentSMS)
        assert Pinned.Connection.made == 1
        deaf = plain.client(
            (1.0, PATIENT), base_url=f"https://127.0.0.1:{plain.port}", session=session_with(Pinned()), max_retries=0
        )
        assert type(outcome_of(deaf.sms.send, TO, TEXT)) is ConnectionFailed


def test_closing_the_client_closes_its_connections_and_not_the_sessions(outcome_of: Try) -> None:
    with RawServer((SUCCESS,), (answer(b""),)) as server:
        session = session_with(HTTPAdapter())
        client = server.client(session=session)
        outcome_of(client.sms.send, TO, TEXT)
        client.close()
        assert server.has_no_connection(within=PATIENT / 2)
        session.get(server.url, timeout=PATIENT)
        client.close()
        session.get(server.url, timeout=PATIENT)
        session.close()
    assert server.connections == 2
