"""Exceptions that come from outside while a call is on its way: a task queue's time limit, a signal handler, no memory.

Where the message may have left, they become SendOutcomeUnknown, so that `except Exception` does not read as "not sent".
"""

from __future__ import annotations

import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from requests.auth import AuthBase

from smsmobile import (
    ConfigurationError,
    ConnectionFailed,
    OAuth2ClientCredentials,
    SendOutcomeUnknown,
    SMSMobileClient,
    SMSMobileError,
    StorageError,
)

from .conftest import SECRETS
from .raw_server import API_KEY, PATIENT, SUCCESS, TEXT, TO, Connection, RawServer, answer, head, stall
from .test_nothing_sent import full_backlog  # noqa: F401

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no such signals")


class SoftTimeLimitExceeded(Exception):
    """As Celery's: an Exception that a signal handler raises."""


@pytest.fixture
def interrupting() -> Iterator[Callable[[BaseException], Callable[..., None]]]:
    """Makes a step of a server's script that lets a signal handler of this process raise an exception."""
    before = signal.getsignal(signal.SIGUSR1)

    def make(error: BaseException) -> Callable[..., None]:
        def handler(*_: object) -> None:
            raise error

        signal.signal(signal.SIGUSR1, handler)

        def interrupt(*_: object) -> None:
            # Whenever it arrives: the client has sent the whole request, and can do nothing but wait for the answer.
            threading.Event().wait(0.05)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

        return interrupt

    yield make
    signal.signal(signal.SIGUSR1, before)


def raised_by(call: Callable[..., Any], *arguments: Any) -> BaseException:
    """What the call raises. Its frames show no secret, nor do those of its causes."""
    try:
        call(*arguments)
    except BaseException as error:  # noqa: BLE001
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        assert not any(secret in shown for secret in SECRETS), shown
        assert "urllib3" not in shown
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    "foreign", [SoftTimeLimitExceeded(), MemoryError(), TimeoutError("job"), KeyError("x")], ids=repr
)
def test_an_exception_from_outside_after_the_message_has_left_makes_it_unknown(
    raw_server: Callable[..., RawServer], interrupting: Any, foreign: Exception
) -> None:
    with raw_server((interrupting(foreign), stall)) as server:
        error = raised_by(server.client(max_retries=3).sms.send, TO, TEXT)
    assert isinstance(error, SendOutcomeUnknown), repr(error)
    assert error.__cause__ is foreign
    assert type(foreign).__name__ in str(error)
    assert (error.to, error.message, error.attempted_at is not None) == (TO, TEXT, True)
    assert pickle.loads(pickle.dumps(error)).to == TO
    assert server.messages == 1


def test_it_makes_it_unknown_in_the_middle_of_the_answer_too(interrupting: Any) -> None:
    foreign = SoftTimeLimitExceeded()
    with RawServer((SUCCESS[:-20], interrupting(foreign), stall)) as server:
        error = raised_by(server.client().sms.send, TO, TEXT)
    assert isinstance(error, SendOutcomeUnknown), repr(error)
    assert error.__cause__ is foreign


@pytest.mark.parametrize("foreign", [SoftTimeLimitExceeded(), TimeoutError("job")], ids=repr)
def test_a_read_passes_it_on_as_it_is_and_is_not_repeated(
    raw_server: Callable[..., RawServer], interrupting: Any, pauses: list[float], foreign: Exception
) -> None:
    with raw_server((interrupting(foreign), stall)) as server:
        error = raised_by(server.client(max_retries=3).sms.log)
    assert error is foreign
    assert len(server.requests) == 1
    assert pauses == []


@pytest.mark.parametrize("foreign", [KeyboardInterrupt(), SystemExit(3)], ids=repr)
def test_what_ends_a_program_passes_as_it_is(interrupting: Any, foreign: BaseException) -> None:
    with RawServer((interrupting(foreign), stall)) as server:
        assert raised_by(server.client().sms.send, TO, TEXT) is foreign


# urllib3 does not close the socket then.
@pytest.mark.usefixtures("closed_sockets")
@pytest.mark.parametrize("foreign", [SoftTimeLimitExceeded(), TimeoutError("job")], ids=repr)
def test_while_connecting_nothing_has_left_and_it_passes_as_it_is(
    full_backlog: int,  # noqa: F811
    interrupting: Any,
    pauses: list[float],
    foreign: Exception,
) -> None:
    interrupt = interrupting(foreign)
    with SMSMobileClient(api_key=API_KEY, base_url=f"http://127.0.0.1:{full_backlog}", timeout=PATIENT) as client:
        thread = threading.Thread(target=interrupt)
        thread.start()
        assert raised_by(client.sms.send, TO, TEXT) is foreign
        thread.join()
    assert pauses == []


def test_between_two_tries_nothing_is_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = SoftTimeLimitExceeded()

    def interrupt(_: float) -> None:
        raise foreign

    monkeypatch.setattr("urllib3.util.retry.time.sleep", interrupt)
    with RawServer((answer({"error": "rate"}, "429 Too Many Requests"),)) as server:
        assert raised_by(server.client(max_retries=3).sms.send, TO, TEXT) is foreign


class Vault(AuthBase):
    """An authentication of the user's that fails."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        key = API_KEY  # noqa: F841 - in a frame that must not be shown
        raise self.error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (KeyError("SMS_KEY"), ConfigurationError),
        (ConnectionRefusedError(111, "refused"), ConnectionFailed),
        (requests.ConnectionError(f"https://vault.example/?token={API_KEY}"), ConnectionFailed),
    ],
    ids=repr,
)
def test_an_authentication_that_raises_has_sent_nothing(error: Exception, kind: type[SMSMobileError]) -> None:
    with RawServer((SUCCESS,)) as server:
        failure = raised_by(server.client(auth=Vault(error)).sms.send, TO, TEXT)
    assert type(failure) is kind
    assert str(failure) == f"The authentication Vault raised {type(error).__name__}. Nothing was sent."
    assert failure.__cause__ is failure.__context__ is None
    assert server.connections == 0


@pytest.mark.parametrize("error", [StorageError("the file is locked"), KeyboardInterrupt()], ids=repr)
def test_what_says_enough_by_itself_passes_an_authentication_as_it_is(error: BaseException) -> None:
    with RawServer((SUCCESS,)) as server:
        assert raised_by(server.client(auth=Vault(error)).sms.send, TO, TEXT) is error


@pytest.mark.parametrize("after_a_401", [False, True])
@pytest.mark.parametrize("foreign", [SoftTimeLimitExceeded(), MemoryError(), TimeoutError("job")], ids=repr)
def test_while_a_token_is_fetched_nothing_has_left_and_it_passes_as_it_is(
    interrupting: Any, pauses: list[float], foreign: Exception, after_a_401: bool
) -> None:
    granted = (answer({"access_token": "access-token-one-77aa", "expires_in": 3600}),)
    refused = (answer({"error": "invalid_token"}, "401 Unauthorized"),)
    before = (granted, refused) if after_a_401 else ()
    with RawServer(*before, (interrupting(foreign), stall)) as server:
        auth = OAuth2ClientCredentials("id", "oauth-secret-0a1b2c3d4e5f")
        assert raised_by(server.client(auth=auth, max_retries=3).sms.send, TO, TEXT) is foreign
    assert len(server.requests) == len(before) + 1
    assert pauses == []


class BrokenStore:
    """A store of tokens that loses its connection after the first token."""

    def __init__(self) -> None:
        self.kept: Any = None

    def get(self, key: str) -> Any:
        return self.kept

    def set(self, key: str, token: Any) -> None:
        self.kept = token

    def delete(self, key: str) -> None:
        raise StorageError("the store is away")


def test_a_store_that_fails_after_a_401_leaves_nothing_unknown() -> None:
    granted = answer({"access_token": "access-token-one-77aa", "expires_in": 3600})
    with RawServer((granted,), (answer({"error": "invalid_token"}, "401 Unauthorized"),)) as server:
        auth = OAuth2ClientCredentials("id", "oauth-secret-0a1b2c3d4e5f", store=BrokenStore())
        failure = raised_by(server.client(auth=auth).sms.send, TO, TEXT)
    assert type(failure) is StorageError, repr(failure)


def test_headers_that_cannot_be_read_bring_no_echo_into_the_log(outcome_of: Callable[..., Any]) -> None:
    """urllib3 logs them with the exception. A server, or what stands before it, may echo the request there."""

    def echo_in_headers(connection: Connection) -> None:
        lines = connection.request.replace(b"\r\n\r\n", b"\r\n").replace(b": ", b" ")
        connection.send(head("200 OK", "X: y")[:-2] + lines + b"\r\nContent-Length: 2\r\n\r\n{}")
        connection.close()

    with RawServer((echo_in_headers,)) as server:
        outcome_of(server.client(max_retries=0).sms.log)
        outcome_of(server.client(max_retries=0).sms.send, TO, TEXT)
