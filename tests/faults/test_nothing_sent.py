"""Promise 1 where it is certain that nothing left: ConnectionFailed, which invites to try again, and no message."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from time import monotonic
from typing import Any

import pytest

from smsmobile import ConnectionFailed, SendOutcomeUnknown, SentSMS, SMSMobileClient

from .raw_server import (
    API_KEY,
    GUID,
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
    drip,
    head,
    reset,
    stall,
    upgrade,
)

Try = Callable[..., Any]


def test_a_refused_connection_means_that_nothing_was_sent(
    raw_server: Callable[..., RawServer], outcome_of: Try, pauses: list[float]
) -> None:
    with raw_server((SUCCESS,), late=True) as server:
        failure = outcome_of(server.client(max_retries=3).sms.send, TO, TEXT)
        again = outcome_of(server.client(max_retries=3).sms.resend, GUID)
    assert type(failure) is type(again) is ConnectionFailed, repr((failure, again))
    assert "Nothing was sent" in str(failure)
    assert server.messages == 0
    assert len(pauses) == 6


def test_a_connection_refused_twice_is_made_at_the_third_try(
    raw_server: Callable[..., RawServer], outcome_of: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    with raw_server((SUCCESS,), late=True) as server:
        waits = iter([lambda: None, server.listen])
        monkeypatch.setattr("urllib3.util.retry.time.sleep", lambda _: next(waits)())
        sent = outcome_of(server.client(max_retries=3).sms.send, TO, TEXT)
    assert isinstance(sent, SentSMS), repr(sent)
    assert server.messages == server.connections == 1


def test_a_refusal_before_and_a_reset_after_the_request_are_told_apart(
    raw_server: Callable[..., RawServer], outcome_of: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    with raw_server((reset,), late=True) as server:
        monkeypatch.setattr("urllib3.util.retry.time.sleep", lambda _: server.listen())
        doubt = outcome_of(server.client(max_retries=3).sms.send, TO, TEXT)
    assert isinstance(doubt, SendOutcomeUnknown), repr(doubt)
    assert server.messages == 1


def test_what_failed_before_in_the_callers_program_says_nothing_about_the_send(
    raw_server: Callable[..., RawServer],
) -> None:
    """An alert by SMS is sent where something else has just failed: that failure is not the send's."""
    import requests

    with raw_server((reset,)) as server, socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        client = server.client()
        try:
            requests.get(f"http://127.0.0.1:{deaf.getsockname()[1]}/", timeout=PATIENT)
        except requests.ConnectionError:
            with pytest.raises(SendOutcomeUnknown):
                client.sms.send(TO, TEXT)
    assert server.messages == 1


@pytest.fixture
def full_backlog() -> Iterator[int]:
    """A port whose queue is full: connecting to it is never answered."""
    with ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_a_connection_that_is_never_made_times_out_with_nothing_sent(
    full_backlog: int, outcome_of: Try, pauses: list[float]
) -> None:
    with SMSMobileClient(
        api_key=API_KEY, base_url=f"http://127.0.0.1:{full_backlog}", timeout=(QUICK, PATIENT), max_retries=1
    ) as client:
        failure = outcome_of(client.sms.send, TO, TEXT)
    assert type(failure) is ConnectionFailed, repr(failure)
    assert len(pauses) == 1


@pytest.mark.parametrize("listening", ["silently", "and hangs up", "and resets", "and speaks something else"])
def test_a_tls_handshake_that_does_not_complete_leaves_nothing_sent(
    trusted: None, outcome_of: Try, pauses: list[float], listening: str
) -> None:
    class Deaf(RawServer):
        def _serve(self, sock: socket.socket) -> None:
            sock.settimeout(PATIENT)
            if listening == "silently":
                self.stopping.wait(PATIENT)
            elif listening == "and resets":
                sock.recv(65536)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            elif listening == "and speaks something else":
                sock.sendall(SUCCESS)
                sock.recv(65536)
            sock.close()

    with Deaf() as server:
        client = server.client((QUICK, PATIENT), base_url=f"https://127.0.0.1:{server.port}", max_retries=1)
        failure = outcome_of(client.sms.send, TO, TEXT)
    assert type(failure) is ConnectionFailed, repr(failure)
    assert "Nothing was sent" in str(failure)
    assert server.connections == 2
    assert len(pauses) == 1


def test_tls_to_a_port_without_tls_leaves_nothing_sent(trusted: None, outcome_of: Try, pauses: list[float]) -> None:
    with RawServer((SUCCESS,)) as server:
        client = server.client((1.0, PATIENT), base_url=f"https://127.0.0.1:{server.port}", max_retries=0)
        failure = outcome_of(client.sms.send, TO, TEXT)
    assert type(failure) is ConnectionFailed, repr(failure)
    assert server.requests == []


def test_an_untrusted_certificate_is_refused_at_once(
    tls: ssl.SSLContext, outcome_of: Try, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with RawServer((SUCCESS,), tls=tls) as server:
        failure = outcome_of(server.client(max_retries=3).sms.send, TO, TEXT)
    assert type(failure) is ConnectionFailed, repr(failure)
    assert "CERTIFICATE_VERIFY_FAILED" in str(failure)
    assert server.messages == 0
    assert server.connections == 1
    assert pauses == []


def test_a_certificate_for_another_name_is_refused_at_once(
    tls_for: Callable[[str], ssl.SSLContext], trusted: None, outcome_of: Try, pauses: list[float]
) -> None:
    with RawServer((SUCCESS,), tls=tls_for("somebody.example")) as server:
        failure = outcome_of(server.client(max_retries=3).sms.send, TO, TEXT)
    assert type(failure) is ConnectionFailed, repr(failure)
    assert server.messages == 0
    assert server.connections == 1
    assert pauses == []


@pytest.mark.smsmobile_allow_network
def test_a_name_that_does_not_resolve_leaves_nothing_sent(
    outcome_of: Try, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with SMSMobileClient(api_key=API_KEY, max_retries=2) as client:
        failure = outcome_of(client.sms.send, TO, TEXT)
    assert type(failure) is ConnectionFailed, repr(failure)
    assert "api.smsmobileapi.com" in str(failure)
    assert len(pauses) == 2


BEHIND = "https://sms.example.test"
TUNNEL: Script = (head("200 Connection established"), upgrade)


@pytest.fixture
def through(monkeypatch: pytest.MonkeyPatch, _clean_environment: None) -> Callable[[RawServer], None]:
    """Make this server the proxy of clients made from now on."""

    def use(proxy: RawServer) -> None:
        for scheme in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(scheme, f"http://someone:{PROXY_PASSWORD}@127.0.0.1:{proxy.port}")

    return use


REFUSALS: dict[str, Script] = {
    "403": (answer(b"no", "403 Forbidden"),),
    "407": (answer(b"who?", "407 Proxy Authentication Required", "Proxy-Authenticate: Basic"),),
    "502": (answer(b"", "502 Bad Gateway"), close),
    "closes": (close,),
    "resets": (reset,),
    "stalls": (stall,),
    "drips": (drip(head("200 Connection established", "X-Padding: " + "x" * 500)),),
    "is no proxy": (b"SSH-2.0-OpenSSH_9.6\r\n", close),
    "hangs up after connecting": (head("200 Connection established"), close),
    "speaks no TLS": (head("200 Connection established"), SUCCESS, close),
}


@pytest.mark.smsmobile_allow_network
@pytest.mark.parametrize("script", REFUSALS.values(), ids=REFUSALS)
def test_a_proxy_that_does_not_connect_leaves_nothing_sent(
    through: Callable[[RawServer], None], outcome_of: Try, pauses: list[float], script: Script
) -> None:
    with RawServer(script) as proxy:
        through(proxy)
        started = monotonic()
        failure = outcome_of(proxy.client((QUICK, PATIENT), base_url=BEHIND, max_retries=1).sms.send, TO, TEXT)
        assert monotonic() - started < PATIENT / 2
    assert type(failure) is ConnectionFailed, repr(failure)
    assert [request.method for request in proxy.requests] == ["CONNECT"] * 2
    assert len(pauses) == 1


@pytest.mark.smsmobile_allow_network
def test_a_proxy_that_is_not_there_leaves_nothing_sent(
    through: Callable[[RawServer], None], outcome_of: Try, pauses: list[float]
) -> None:
    with RawServer(TUNNEL, late=True) as proxy:
        through(proxy)
        failure = outcome_of(proxy.client(base_url=BEHIND, max_retries=2).sms.send, TO, TEXT)
    assert type(failure) is ConnectionFailed, repr(failure)
    assert len(pauses) == 2


@pytest.mark.smsmobile_allow_network
@pytest.mark.parametrize("end", [reset, close, stall], ids=lambda step: step.__name__)
def test_a_message_that_went_through_a_tunnel_and_was_not_acknowledged_is_unknown(
    through: Callable[[RawServer], None],
    tls_for: Callable[[str], ssl.SSLContext],
    trusted: None,
    outcome_of: Try,
    pauses: list[float],
    end: Callable[..., None],
) -> None:
    with RawServer(TUNNEL, (SUCCESS,), (end,), proxy=True, tls=tls_for("sms.example.test")) as proxy:
        through(proxy)
        client = proxy.client(1.0, base_url=BEHIND, max_retries=3)
        sent = outcome_of(client.sms.send, TO, TEXT)
        doubt = outcome_of(client.sms.send, TO, TEXT)
    assert isinstance(sent, SentSMS), repr(sent)
    assert isinstance(doubt, SendOutcomeUnknown), repr(doubt)
    assert proxy.paths == ["sms.example.test:443", "/sendsms/", "/sendsms/"]
    assert not any(API_KEY in str(request) for request in proxy.requests[:1])
    assert pauses == []


@pytest.mark.parametrize("end", [reset, close, stall], ids=lambda step: step.__name__)
def test_a_message_that_a_proxy_took_and_did_not_acknowledge_is_unknown(
    through: Callable[[RawServer], None], outcome_of: Try, pauses: list[float], end: Callable[..., None]
) -> None:
    with RawServer((SUCCESS,), (end,)) as proxy:
        through(proxy)
        client = proxy.client(1.0, base_url="http://localhost:1", max_retries=3)
        sent = outcome_of(client.sms.send, TO, TEXT)
        doubt = outcome_of(client.sms.send, TO, TEXT)
    assert isinstance(sent, SentSMS), repr(sent)
    assert isinstance(doubt, SendOutcomeUnknown), repr(doubt)
    assert proxy.messages == 2
    assert pauses == []
