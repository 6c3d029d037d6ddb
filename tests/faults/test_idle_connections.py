"""A connection that was idle for some seconds is not used again: who knows whether the server still remembers it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
import requests

from smsmobile import SentSMS
from smsmobile._http import connections

from .raw_server import SUCCESS, TEXT, TO, Connection, RawServer, reset

MakeServer = Callable[..., RawServer]
Try = Callable[..., Any]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets seconds pass on the clock of the connections."""
    passed = 0.0
    now = connections.monotonic

    def wait(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    monkeypatch.setattr(connections, "monotonic", lambda: now() + passed)
    return wait


@pytest.mark.parametrize("session", [None, requests.Session()], ids=["our session", "a session of the user's"])
def test_a_send_after_a_pause_makes_a_new_connection(
    raw_server: MakeServer, outcome_of: Try, later: Callable[[float], None], session: requests.Session | None
) -> None:
    with raw_server((SUCCESS,)) as server:
        client = server.client(session=session)
        outcome_of(client.sms.send, TO, TEXT)
        later(1.0)
        outcome_of(client.sms.send, TO, TEXT)
        assert server.connections == 1
        later(2.0)
        outcome_of(client.sms.send, TO, TEXT)
        assert server.connections == 2


def test_a_server_that_has_forgotten_an_idle_connection_loses_no_message(
    raw_server: MakeServer, outcome_of: Try, later: Callable[[float], None]
) -> None:
    """As a router that drops its entry: nothing tells the client, and the next packet is answered by a reset."""

    def forget(connection: Connection) -> None:
        connection.send(SUCCESS)
        connection.read_request()
        reset(connection)

    with raw_server((forget,), (SUCCESS,)) as server:
        client = server.client()
        outcome_of(client.sms.send, TO, TEXT)
        later(3.0)
        assert isinstance(outcome_of(client.sms.send, TO, TEXT), SentSMS)
    assert server.messages == 2


def test_a_slow_answer_does_not_count_as_idle(
    raw_server: MakeServer, outcome_of: Try, later: Callable[[float], None]
) -> None:
    with raw_server((lambda _: later(10.0), SUCCESS)) as server:
        client = server.client(timeout=60.0)
        outcome_of(client.sms.send, TO, TEXT)
        outcome_of(client.sms.send, TO, TEXT)
    assert server.connections == 1


def test_a_connection_from_before_sockets_were_replaced_is_not_used(
    outcome_of: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pytest-socket and httpretty replace `socket.socket`, so that nothing gets out."""
    with RawServer((SUCCESS,)) as server:
        client = server.client(max_retries=0)
        outcome_of(client.sms.send, TO, TEXT)

        class Blocked(socket.socket):
            def __new__(cls, *_: object, **__: object) -> Any:
                raise OSError("no sockets in tests")

        with monkeypatch.context() as patch:
            patch.setattr(socket, "socket", Blocked)
            failure = outcome_of(client.sms.send, TO, TEXT)
    assert "no sockets in tests" in str(failure)
    assert server.messages == 1
