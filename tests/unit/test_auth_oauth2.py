"""OAuth2: threads share one token, a token is refreshed before it expires, and a 401 fetches another one once."""

from __future__ import annotations

import copy
import json
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timezone
from functools import partial
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
import responses
from requests.auth import AuthBase, HTTPBasicAuth
from urllib3.exceptions import MaxRetryError, NewConnectionError, ReadTimeoutError

from smsmobile import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    OAuth2ClientCredentials,
    RateLimited,
    ResponseTimeout,
    SendOutcomeUnknown,
    ServerError,
    SMSMobileClient,
    SMSMobileError,
    StorageError,
    SubscriptionExpired,
    Token,
    TokenStore,
    UnexpectedResponse,
)
from smsmobile._http.request import Request
from smsmobile.auth import LockingTokenStore, MemoryTokenStore

from .cases import each_once

BASE = "https://api.smsmobileapi.com"
TOKEN_URL = f"{BASE}/oauth2/token"
CLIENT_ID = "client-id-of-the-tests"
CLIENT_SECRET = "client+secret/of&the=tests"
NOW = 1_790_000_000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=NOW)
    monkeypatch.setattr("smsmobile.auth._oauth2.time", SimpleNamespace(time=lambda: clock.now))
    return clock


class Account:
    """The service: gives tokens `token-1`, `token-2` …, and takes only those that it has not revoked."""

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.given = 0
        self.grants: list[dict[str, str]] = []
        self.revoked: set[str] = set()
        self.lifetime: dict[str, object] = {"expires_in": 3600}
        self.calls: list[str] = []
        self.busy = 0
        self.asked = 0
        self.is_down = False
        self.pause = 0.0
        self.while_giving: Callable[[], object] = lambda: None
        self.lock = threading.Lock()
        mock.add_callback("POST", TOKEN_URL, callback=self.give_token)
        for method, path in (("POST", "/sendsms/"), ("GET", "/getsms/"), ("GET", "/log/sent/sms/")):
            mock.add_callback(method, BASE + path, callback=self.answer)

    def give_token(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        self.while_giving()
        time.sleep(self.pause)
        with self.lock:
            self.asked += 1
            if self.is_down:
                return 503, {}, ""
            self.given += 1
            self.grants.append(dict(parse_qsl(str(request.body))))
            assert "Authorization" not in request.headers
            answer = {"access_token": f"token-{self.given}", "token_type": "Bearer", **self.lifetime}
        return 200, {}, json.dumps(answer)

    def answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        scheme, _, token = request.headers["Authorization"].partition(" ")
        assert scheme == "Bearer"
        assert "apikey" not in f"{request.url} {request.body}"
        with self.lock:
            self.calls.append(token)
        if token in self.revoked:
            return 401, {}, '{"success": false, "error": "invalid_token"}'
        if self.busy:
            self.busy -= 1
            return 429, {}, ""
        return 200, {}, '{"result": {"error": 0, "sent": "1", "id": "g", "sms": []}}'


@pytest.fixture
def account(service: responses.RequestsMock) -> Account:
    return Account(service)


@pytest.fixture
def client() -> Iterator[SMSMobileClient]:
    with SMSMobileClient(client_id=CLIENT_ID, client_secret=CLIENT_SECRET) as client:
        yield client


def at_once(threads: int, run: Callable[[], object]) -> list[object]:
    """Run in so many threads that all start together."""
    barrier = threading.Barrier(threads)

    def start() -> object:
        barrier.wait(30)
        return run()

    with ThreadPoolExecutor(threads) as pool:
        return [future.result() for future in [pool.submit(start) for _ in range(threads)]]


# --- tokens and their time --------------------------------------------------------------------------------


def test_building_a_client_fetches_no_token(account: Account, client: SMSMobileClient) -> None:
    assert account.given == 0


def test_a_token_is_asked_for_as_the_service_documents_it(account: Account, client: SMSMobileClient) -> None:
    client.sms.received()
    assert account.grants == [
        {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    ]
    assert account.calls == ["token-1"]


def test_one_token_serves_many_calls(account: Account, client: SMSMobileClient) -> None:
    client.sms.received()
    client.sms.send("+33639985678", "Bonjour")
    client.sms.log()
    assert account.given == 1
    assert account.calls == ["token-1"] * 3


def test_32_threads_that_start_at_once_fetch_one_token(account: Account, client: SMSMobileClient) -> None:
    at_once(32, client.sms.received)
    assert account.given == 1
    assert account.calls == ["token-1"] * 32


def test_32_threads_that_all_found_no_token_fetch_one(account: Account, request: pytest.FixtureRequest) -> None:
    request.addfinalizer(partial(sys.setswitchinterval, sys.getswitchinterval()))
    sys.setswitchinterval(1e-6)  # so that threads which may run side by side do

    class Held(MemoryTokenStore):
        """Lets nobody go before all have looked and found nothing."""

        barrier = threading.Barrier(32)
        looked: set[int] = set()  # noqa: RUF012 - there is one of these

        def get(self, key: str) -> Token | None:
            token = super().get(key)
            if len(self.looked) < 32 and threading.get_ident() not in self.looked:
                self.looked.add(threading.get_ident())
                self.barrier.wait(30)
            return token

    client = oauth2_client(Held())
    at_once(32, client.sms.received)
    assert account.given == 1
    assert account.calls == ["token-1"] * 32


def test_a_token_is_refreshed_a_minute_ahead_of_its_end(
    account: Account, client: SMSMobileClient, clock: SimpleNamespace
) -> None:
    client.sms.received()
    clock.now = NOW + 3600 - 61
    client.sms.received()
    assert account.given == 1
    clock.now = NOW + 3600 - 60
    client.sms.received()
    assert account.given == 2
    assert account.calls == ["token-1", "token-1", "token-2"]


def test_a_short_lived_token_is_used_for_half_its_life(
    account: Account, client: SMSMobileClient, clock: SimpleNamespace
) -> None:
    account.lifetime = {"expires_in": "30"}
    client.sms.received()
    clock.now = NOW + 14.9
    client.sms.received()
    assert account.given == 1
    clock.now = NOW + 15
    client.sms.received()
    assert account.given == 2


def test_a_token_that_is_still_valid_is_used_while_no_other_can_be_fetched(
    account: Account, client: SMSMobileClient, clock: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    client.sms.received()
    account.is_down = True
    clock.now = NOW + 3600 - 30
    client.sms.received()
    client.sms.send("+33639985678", "Bonjour")
    assert account.calls == ["token-1"] * 3
    assert account.asked == 2, "a token service that is away is asked once a minute, and not again and again"
    assert "The OAuth2 token was not replaced, and is used until it expires" in caplog.text
    clock.now = NOW + 3600
    with pytest.raises(ServerError):
        client.sms.received()


def test_after_a_failed_refresh_the_next_token_is_fetched_as_usual(
    account: Account, client: SMSMobileClient, clock: SimpleNamespace
) -> None:
    client.sms.received()
    account.is_down = True
    clock.now = NOW + 3600 - 60
    client.sms.received()
    account.is_down = False
    clock.now = NOW + 3600
    client.sms.received()
    assert account.calls == ["token-1", "token-1", "token-2"]


@pytest.mark.parametrize("lifetime", [10**12, 10**400, "9" * 5000, 1e300], ids=["12", "400", "5000", "300"])
def test_a_token_that_lives_for_ever_is_fetched_once(
    account: Account, client: SMSMobileClient, clock: SimpleNamespace, lifetime: object
) -> None:
    account.lifetime = {"expires_in": lifetime}
    client.sms.received()
    clock.now = NOW + 5 * 365 * 86_400
    client.sms.received()
    assert account.calls == ["token-1", "token-1"]


@pytest.mark.parametrize("kind", ["bearer", "Bearer", "BEARER", "", None])
def test_a_bearer_token_is_used_however_its_type_is_written(
    account: Account, client: SMSMobileClient, kind: object
) -> None:
    account.lifetime = {"token_type": kind}
    client.sms.received()
    assert account.calls == ["token-1"]


@pytest.mark.parametrize("kind", ["mac", "DPoP", ["Bearer"], 1])
def test_a_token_of_another_type_is_refused(account: Account, client: SMSMobileClient, kind: object) -> None:
    account.lifetime = {"token_type": kind}
    with pytest.raises(AuthenticationError, match="another type than Bearer"):
        client.sms.received()
    assert account.calls == []


@pytest.mark.parametrize(
    "lifetime",
    [{}, {"expires_in": None}, {"expires_in": ""}, {"expires_in": 0}, {"expires_in": "never"}, {"expires_in": -5}],
)
def test_without_an_end_a_token_is_kept_until_a_401(
    account: Account, client: SMSMobileClient, clock: SimpleNamespace, lifetime: dict[str, object]
) -> None:
    account.lifetime = lifetime
    client.sms.received()
    clock.now = NOW + 10 * 365 * 86_400
    client.sms.received()
    assert account.given == 1
    account.revoked = {"token-1"}
    client.sms.received()
    assert account.calls == ["token-1", "token-1", "token-1", "token-2"]


def test_a_token_is_saved_on_purpose_alone() -> None:
    token = Token(access_token="very-secret")
    with pytest.raises(TypeError, match=r"cannot be pickled or copied; a store saves model_dump_json\(\)"):
        pickle.dumps(token)
    assert Token.model_validate_json(token.model_dump_json()) == token


def test_a_token_says_when_it_ends_but_not_what_it_is() -> None:
    token = Token(access_token="very-secret", expires_at=datetime(2026, 1, 1, tzinfo=timezone.utc))
    for text in (str(token), repr(token), f"{token}", f"{[token]}", str({"t": token})):
        assert "very-secret" not in text
        assert "2026" in text
    assert Token.model_validate_json(token.model_dump_json()) == token
    assert "other" not in repr(Token.model_validate({"access_token": "very-secret", "refresh_token": "other"}))


# --- 401 --------------------------------------------------------------------------------------------------


def test_a_401_fetches_a_new_token_and_repeats_the_call_once(account: Account, client: SMSMobileClient) -> None:
    account.revoked = {"token-1"}
    assert client.sms.received() == []
    assert account.calls == ["token-1", "token-2"]


def test_a_send_is_repeated_too_since_a_401_was_not_accepted(account: Account, client: SMSMobileClient) -> None:
    account.revoked = {"token-1"}
    assert client.sms.send("+33639985678", "Bonjour").guid == "g"
    assert account.calls == ["token-1", "token-2"]


def test_what_is_repeated_after_a_401_is_repeated_with_the_new_token(account: Account, client: SMSMobileClient) -> None:
    account.revoked = {"token-1"}
    account.busy = 2
    client.sms.send("+33639985678", "Bonjour")
    assert account.calls == ["token-1", "token-2", "token-2", "token-2"]


@pytest.mark.parametrize("run", [lambda c: c.sms.received(), lambda c: c.sms.send("+33639985678", "Bonjour")])
def test_a_second_401_is_an_authentication_error(
    account: Account, client: SMSMobileClient, run: Callable[[SMSMobileClient], object]
) -> None:
    account.revoked = {"token-1", "token-2"}
    with pytest.raises(AuthenticationError) as refused:
        run(client)
    assert refused.value.status == 401
    assert account.calls == ["token-1", "token-2"]
    assert account.given == 2


def test_after_two_401s_the_next_call_tries_again(account: Account, client: SMSMobileClient) -> None:
    account.revoked = {"token-1", "token-2"}
    with pytest.raises(AuthenticationError):
        client.sms.received()
    assert client.sms.received() == []
    assert account.calls == ["token-1", "token-2", "token-2", "token-3"]


def test_32_threads_with_a_401_fetch_one_new_token(account: Account, client: SMSMobileClient) -> None:
    client.sms.received()
    account.revoked = {"token-1"}
    at_once(32, lambda: client.sms.send("+33639985678", "Bonjour"))
    assert account.given == 2
    assert account.calls.count("token-2") == 32


def test_who_was_refused_a_token_does_not_take_it_from_a_thread_that_has_just_found_it(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    leads = threading.Event()
    gate: Any = SimpleNamespace(waiting=threading.Semaphore(0))
    Counted.gate = gate
    monkeypatch.setattr("smsmobile.auth._oauth2.Future", Counted)

    class Late(Shelf):
        """The first look finds nothing, the second one what another process has saved meanwhile."""

        looks = 0

        def get(self, key: str) -> Token | None:
            self.looks += 1
            if self.looks == 1:
                return None
            if self.looks == 2:
                leads.set()
                assert gate.waiting.acquire(timeout=30)
            return super().get(key) if self.deleted else Token(access_token="token-of-another-process")

    auth = OAuth2ClientCredentials(CLIENT_ID, CLIENT_SECRET, store=Late())
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(auth._token, repeat=True)
        assert leads.wait(30)
        second = pool.submit(auth._token, repeat=True, refused="Bearer token-of-another-process")
        assert first.result().access_token == "token-of-another-process"
        assert second.result().access_token == "token-1"


class Shared(MemoryTokenStore):
    """A store in which another process can put a token in the place of one that is there."""

    def replace(self, access_token: str) -> None:
        for key in self.keys:
            self.set(key, Token(access_token=access_token))

    def __init__(self) -> None:
        super().__init__()
        self.keys: set[str] = set()

    def set(self, key: str, token: Token) -> None:
        self.keys.add(key)
        super().set(key, token)


def test_a_late_401_for_the_old_token_does_not_drop_the_new_one(service: responses.RequestsMock) -> None:
    account, store = Account(service), Shared()
    client = SMSMobileClient(OAuth2ClientCredentials(CLIENT_ID, CLIENT_SECRET, store=store))
    answer = account.answer

    def renewed_meanwhile(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        store.replace("token-of-another-process")
        return answer(request)

    service.replace(responses.CallbackResponse("GET", f"{BASE}/getsms/", callback=renewed_meanwhile))
    account.revoked = {"token-1"}
    assert client.sms.received() == []
    assert account.calls == ["token-1", "token-of-another-process"]
    assert account.given == 1


def test_services_that_share_a_store_never_get_each_others_token(service: responses.RequestsMock) -> None:
    sandbox, store = "http://127.0.0.1:8420", MemoryTokenStore()
    clients, got = [], []
    for base_url, token in ((BASE, "token-of-the-service"), (sandbox, "token-of-the-sandbox")):
        service.post(f"{base_url}/oauth2/token", json={"access_token": token, "expires_in": 3600})
        service.get(f"{base_url}/getsms/", json={"success": True, "data": []})
        auth = OAuth2ClientCredentials(CLIENT_ID, CLIENT_SECRET, store=store)
        clients.append(SMSMobileClient(auth, base_url=base_url))
    for client in (*clients, *clients):
        client.sms.received()
        got.append(service.calls[-1].request.headers["Authorization"])
    assert got == ["Bearer token-of-the-service", "Bearer token-of-the-sandbox"] * 2


# --- threads and processes --------------------------------------------------------------------------------


class Gate:
    """A service that lets the first token request wait until the others are there, and then does not answer it."""

    def __init__(self, mock: responses.RequestsMock, waiting: int, error: type[BaseException] | None = None) -> None:
        self.asked = 0
        self.error = error
        self.waiting = threading.Semaphore(0)
        self.expected = waiting
        self.is_asked = threading.Event()
        mock.add_callback("POST", TOKEN_URL, callback=self.give_token)
        mock.post(f"{BASE}/sendsms/", json={"result": {"error": 0, "sent": "1", "id": "g"}})

    def give_token(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        self.asked += 1
        if self.asked > 1:
            return 200, {}, '{"access_token": "token-2"}'
        self.is_asked.set()
        for _ in range(self.expected):
            assert self.waiting.acquire(timeout=30)
        if self.error:
            raise self.error
        return 503, {}, ""


class Counted(Future[Token]):
    """An outcome that says who waits for it."""

    gate: Gate

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self.gate.waiting.release()
        return super().exception(timeout)


def test_threads_that_waited_for_a_token_share_its_failure(
    service: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Counted.gate = Gate(service, waiting=7)
    monkeypatch.setattr("smsmobile.auth._oauth2.Future", Counted)

    def send() -> object:
        try:
            return client.sms.send("+33639985678", "Bonjour")
        except ServerError as error:
            return error

    with SMSMobileClient(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, max_retries=0) as client:
        failures = at_once(8, send)
    assert all(isinstance(failure, ServerError) for failure in failures)
    assert len(set(map(id, failures))) == 8, "each thread raises its own"
    assert gate.asked == 1


@pytest.mark.parametrize(("interrupt", "raised"), [(None, ServerError), (KeyboardInterrupt, KeyboardInterrupt)])
def test_a_thread_does_not_share_an_interrupt_nor_the_failure_of_a_request_that_it_would_have_repeated(
    service: responses.RequestsMock,
    client: SMSMobileClient,
    monkeypatch: pytest.MonkeyPatch,
    interrupt: type[BaseException] | None,
    raised: type[BaseException],
) -> None:
    gate = Counted.gate = Gate(service, waiting=1, error=interrupt)
    monkeypatch.setattr("smsmobile.auth._oauth2.Future", Counted)
    auth = client._transport.auth
    assert auth is not None
    once = Request()
    once.prepare("POST", BASE)
    once.repeat = False
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(auth, once)
        assert gate.is_asked.wait(30)
        second = pool.submit(auth, requests.Request("POST", BASE).prepare())
        assert isinstance(first.exception(), raised)
        assert second.result().headers["Authorization"] == "Bearer token-2"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("moment", ["while a token is fetched", "while the store is used"])
def test_a_child_that_was_forked_meanwhile_fetches_its_own_token(service: responses.RequestsMock, moment: str) -> None:
    busy, go_on = threading.Event(), threading.Event()
    parent = os.getpid()

    def wait() -> None:
        if os.getpid() == parent:
            busy.set()
            assert go_on.wait(30)

    def give_token(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        if moment == "while a token is fetched":
            wait()
        return 200, {}, '{"access_token": "token-1"}'

    class Slow(MemoryTokenStore):
        def set(self, key: str, token: Token) -> None:
            if moment == "while the store is used":
                wait()
            super().set(key, token)

    service.add_callback("POST", TOKEN_URL, callback=give_token)
    service.get(f"{BASE}/getsms/", json={"result": {"sms": []}})
    client = oauth2_client(Slow())
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(client.sms.received)
        assert busy.wait(30)
        child = os.fork()
        if child == 0:
            signal.alarm(20)  # a child that hangs is ended
            code = 1
            try:
                code = len(client.sms.received())
            finally:
                os._exit(code)
        try:
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        finally:
            go_on.set()
        assert other.result() == []


# --- refusals of the token request ------------------------------------------------------------------------

TOKEN_REFUSALS: list[tuple[int, object, type[SMSMobileError]]] = [
    (401, {"error": "invalid_client"}, AuthenticationError),
    (400, {"error": "invalid_client", "error_description": "Unknown client"}, AuthenticationError),
    (400, {"error": "invalid_grant"}, AuthenticationError),
    (400, {"error": "unauthorized_client"}, AuthenticationError),
    (400, {"error": "unsupported_grant_type"}, AuthenticationError),
    (403, {"success": False, "error": "api_expired"}, SubscriptionExpired),
    (200, {"result": {"error": 1}}, AuthenticationError),
    (200, {"success": True}, AuthenticationError),
    (200, {"access_token": ""}, AuthenticationError),
    (200, {"access_token": None}, AuthenticationError),
    (200, {"access_token": ["a"]}, AuthenticationError),
    (200, {"access_token": "two words"}, AuthenticationError),
    (200, {"access_token": "secret\r\nX-Evil: 1"}, AuthenticationError),
    (200, {"access_token": "secret…"}, AuthenticationError),
    (200, "<html>", UnexpectedResponse),
    (429, {"error": "slow_down"}, RateLimited),
    (500, {"error": "server_error"}, ServerError),
    (503, "", ServerError),
    (302, "", UnexpectedResponse),
]


CALLS = [lambda c: c.sms.received(), lambda c: c.sms.send("+33639985678", "Bonjour")]


def test_a_refused_token_request_is_told_as_what_it_is_and_nothing_else_is_asked(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for refusal, run in each_once(TOKEN_REFUSALS, CALLS):
        with subtests.test(refusal=refusal):
            service.reset()
            status, body, kind = refusal
            content = body if isinstance(body, str) else json.dumps(body)
            service.post(
                TOKEN_URL, status=status, body=content, headers={"Location": "/elsewhere"} if status == 302 else {}
            )
            with pytest.raises(SMSMobileError) as refused:
                run(client)
            assert type(refused.value) is kind
            assert "secret" not in str(refused.value).replace("client id and secret", "")
            assert {call.request.url for call in service.calls} == {TOKEN_URL}


def test_the_description_of_a_refusal_is_told(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    service.post(TOKEN_URL, status=400, json={"error": "invalid_client", "error_description": "Unknown client"})
    with pytest.raises(AuthenticationError, match=r"client id and secret.* error invalid_client") as refused:
        client.sms.received()
    assert (refused.value.code, refused.value.note) == ("invalid_client", "Unknown client")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (requests.ConnectionError(MaxRetryError(None, "", NewConnectionError(None, "refused"))), ConnectionFailed),  # type: ignore[arg-type]
        (requests.ReadTimeout(ReadTimeoutError(None, "", "Read timed out.")), ResponseTimeout),  # type: ignore[arg-type]
        (requests.ConnectionError(ConnectionResetError(104, "reset")), ConnectionFailed),
    ],
)
def test_a_token_service_that_is_away_during_a_send_leaves_nothing_in_doubt(
    service: responses.RequestsMock, client: SMSMobileClient, error: Exception, kind: type[SMSMobileError]
) -> None:
    service.post(TOKEN_URL, body=error)
    with pytest.raises(SMSMobileError) as failed:
        client.sms.send("+33639985678", "Bonjour")
    assert type(failed.value) is kind
    assert not isinstance(failed.value, SendOutcomeUnknown)


def test_a_token_service_that_is_away_after_a_401_leaves_nothing_in_doubt(
    service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    service.post(TOKEN_URL, json={"access_token": "token-1"})
    service.post(TOKEN_URL, status=503)
    service.post(f"{BASE}/sendsms/", status=401)
    with pytest.raises(ServerError):
        client.sms.send("+33639985678", "Bonjour")


def test_a_token_request_is_repeated_like_a_read(network: Any, client: SMSMobileClient, pauses: Any) -> None:
    network.will_answer(503).will_reset().will_answer(200, b'{"access_token": "token-1"}').will_accept()
    client.sms.send("+33639985678", "Bonjour")
    assert [path for _, path, _ in network.requests] == ["/oauth2/token"] * 3 + ["/sendsms/"]


def test_a_token_that_begins_with_the_client_id_arrives_whole(
    service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    service.post(TOKEN_URL, json={"access_token": f"{CLIENT_ID}.abc"})
    service.get(f"{BASE}/getsms/", json={"result": {"sms": []}})
    client.sms.received()
    assert service.calls[-1].request.headers["Authorization"] == f"Bearer {CLIENT_ID}.abc"


# --- stores -----------------------------------------------------------------------------------------------


class Shelf:
    """A store as a user would write one: text under a key."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.deleted: list[str] = []

    def get(self, key: str) -> Token | None:
        return Token.model_validate_json(self.texts[key]) if key in self.texts else None

    def set(self, key: str, token: Token) -> None:
        self.texts[key] = token.model_dump_json()

    def delete(self, key: str) -> None:
        self.deleted.append(key)
        self.texts.pop(key, None)


def oauth2_client(store: TokenStore, client_id: str = CLIENT_ID) -> SMSMobileClient:
    return SMSMobileClient(OAuth2ClientCredentials(client_id, CLIENT_SECRET, store=store))


@pytest.mark.parametrize("store", [Shelf(), MemoryTokenStore()], ids=["a user's", "ours"])
def test_two_clients_of_one_store_share_a_token(account: Account, store: TokenStore) -> None:
    assert isinstance(store, TokenStore)
    oauth2_client(store).sms.received()
    oauth2_client(store).sms.received()
    assert account.given == 1
    assert account.calls == ["token-1", "token-1"]


def test_a_401_takes_the_token_out_of_the_store(account: Account) -> None:
    store = Shelf()
    account.revoked = {"token-1"}
    oauth2_client(store).sms.received()
    assert len(store.deleted) == 1
    assert "token-2" in "".join(store.texts.values())


def test_a_token_that_has_ended_in_the_store_is_not_used(account: Account, clock: SimpleNamespace) -> None:
    store = Shelf()
    oauth2_client(store).sms.received()
    clock.now = NOW + 3600
    oauth2_client(store).sms.received()
    assert account.calls == ["token-1", "token-2"]


def test_two_accounts_in_one_store_do_not_mix(account: Account) -> None:
    store = Shelf()
    oauth2_client(store).sms.received()
    oauth2_client(store, "another-client-id").sms.received()
    assert account.given == 2
    assert len(store.texts) == 2


class Failing(MemoryTokenStore):
    """A store in which one method raises what it has in its hands."""

    def __init__(self, method: str, error: type[Exception] = OSError) -> None:
        super().__init__()
        self.method, self.error = method, error

    def get(self, key: str) -> Token | None:
        token = super().get(key)
        if self.method == "get":
            raise self.error("token-1")
        return token

    def set(self, key: str, token: Token) -> None:
        if self.method == "set":
            raise self.error(token.access_token)
        super().set(key, token)

    def delete(self, key: str) -> None:
        if self.method == "delete":
            raise self.error("token-1")
        super().delete(key)


@pytest.mark.parametrize(("method", "error"), [("get", KeyError), ("set", OSError), ("delete", requests.Timeout)])
def test_a_store_that_fails_is_named_without_its_text_and_nothing_was_sent(
    account: Account, method: str, error: type[Exception]
) -> None:
    account.revoked = {"token-1"}
    with pytest.raises(StorageError) as failed:
        oauth2_client(Failing(method, error)).sms.send("+33639985678", "Bonjour")
    assert str(failed.value).startswith(f"{method}() of the token store Failing raised {error.__name__}. Nothing was")
    printed = "".join(traceback.TracebackException.from_exception(failed.value, capture_locals=True).format())
    assert "token-1" not in printed.replace("revoked = {'token-1'}", "")
    assert account.calls in ([], ["token-1"])


@pytest.mark.parametrize("found", ["token-1", {"access_token": "token-1"}])
def test_a_store_that_returns_something_else_than_a_token_is_named(account: Account, found: Any) -> None:
    class Loose(MemoryTokenStore):
        def get(self, key: str) -> Token | None:
            return found  # type: ignore[no-any-return]

    with pytest.raises(StorageError, match=rf"Loose returned an object of type {type(found).__name__}; expected") as e:
        oauth2_client(Loose()).sms.received()
    assert "token-1" not in str(e.value)


@pytest.mark.parametrize("store", [{}, object(), MemoryTokenStore, "store"])
def test_a_store_has_three_methods(store: Any) -> None:
    with pytest.raises(ConfigurationError, match="expected an object with the methods get, set and delete"):
        OAuth2ClientCredentials(CLIENT_ID, CLIENT_SECRET, store=store)


# --- stores with a lock ------------------------------------------------------------------------------------


def test_8_clients_that_start_at_once_on_one_store_fetch_one_token(account: Account) -> None:
    store = MemoryTokenStore()
    barrier = threading.Barrier(8)

    def start() -> None:
        client = oauth2_client(store)
        barrier.wait(30)
        client.sms.received()

    account.pause = 0.05
    at_once(8, start)
    assert account.given == 1
    assert account.calls == ["token-1"] * 8


def test_8_clients_of_one_store_whose_token_is_refused_fetch_one_new_token(account: Account) -> None:
    store = MemoryTokenStore()
    clients = [oauth2_client(store) for _ in range(8)]
    for client in clients:
        client.sms.received()
    account.revoked = {"token-1"}
    account.pause = 0.05
    at_once(8, lambda: clients.pop().sms.send("+33639985678", "Bonjour"))
    assert account.given == 2
    assert account.calls.count("token-2") == 8


def test_clients_of_two_accounts_do_not_wait_for_each_other(account: Account) -> None:
    store = MemoryTokenStore()
    together = threading.Barrier(2)  # broken if one token request waits for the other one
    account.while_giving = lambda: together.wait(10)
    clients = [oauth2_client(store), oauth2_client(store, "another-client-id")]
    at_once(2, lambda: clients.pop().sms.send("+33639985678", "Bonjour"))
    assert account.given == 2


class Locking(Shelf):
    """A user's store whose lock does what a test wants."""

    def __init__(self, lock: Callable[[], AbstractContextManager[object]]) -> None:
        super().__init__()
        self.make = lock
        self.asked = 0

    def lock(self, key: str) -> AbstractContextManager[object]:
        assert CLIENT_ID in key
        self.asked += 1
        return self.make()


def test_a_store_with_a_lock_is_a_locking_token_store() -> None:
    for store in (MemoryTokenStore(), Locking(nullcontext)):
        assert isinstance(store, LockingTokenStore)
    assert isinstance(Shelf(), TokenStore)
    assert not isinstance(Shelf(), LockingTokenStore)


def test_a_token_is_looked_up_fetched_and_saved_under_the_lock_and_in_its_thread(account: Account) -> None:
    mine = threading.RLock()  # get() and set() would wait for ever for it in another thread than the one that holds it

    class Careful(Locking):
        def get(self, key: str) -> Token | None:
            with mine:
                return super().get(key)

        def set(self, key: str, token: Token) -> None:
            assert not free()
            super().set(key, token)

    def free() -> bool:
        with ThreadPoolExecutor(1) as other:
            return other.submit(mine.acquire, blocking=False).result()

    oauth2_client(Careful(lambda: mine)).sms.received()
    assert account.calls == ["token-1"]
    assert free()


def test_a_token_that_is_there_is_used_without_the_lock(account: Account) -> None:
    store = Locking(nullcontext)
    for _ in range(3):
        oauth2_client(store).sms.received()
    assert store.asked == 1


class Refusing(AbstractContextManager[object]):
    """A lock that fails, and says whose it is."""

    def __init__(self, moment: str) -> None:
        self.moment = moment

    def __enter__(self) -> object:
        if self.moment == "enter":
            raise OSError(CLIENT_ID)
        return self

    def __exit__(self, *_: object) -> None:
        if self.moment == "exit":
            raise OSError(CLIENT_ID)


def no_lock() -> AbstractContextManager[object]:
    raise OSError(CLIENT_ID)


@pytest.mark.parametrize(
    ("lock", "consequence"),
    [
        (no_lock, "The token is fetched without it."),
        (lambda: Refusing("enter"), "The token is fetched without it."),
        (lambda: Refusing("exit"), "It may be held for longer than needed."),
    ],
    ids=["lock", "enter", "exit"],
)
def test_a_lock_that_fails_is_logged_without_its_text_and_the_message_goes_out(
    account: Account,
    caplog: pytest.LogCaptureFixture,
    lock: Callable[[], AbstractContextManager[object]],
    consequence: str,
) -> None:
    assert oauth2_client(Locking(lock)).sms.send("+33639985678", "Bonjour").guid == "g"
    assert account.calls == ["token-1"]
    warning = f"The lock of the token store Locking raised OSError. {consequence}"
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [warning]
    assert CLIENT_ID not in caplog.text


def test_a_lock_that_hangs_stops_no_message_and_is_not_waited_for_again(
    account: Account, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsmobile.auth._store_lock.LONGEST_WAIT", 0.05)
    taken = threading.Lock()
    taken.acquire()
    store = Locking(lambda: taken)
    client = oauth2_client(store)
    client.sms.send("+33639985678", "Bonjour")
    assert "The lock of the token store Locking was not free within 0.05 s." in caplog.text
    account.revoked = {"token-1"}
    client.sms.send("+33639985678", "Bonjour")
    assert account.calls == ["token-1", "token-1", "token-2"]
    assert store.asked == 1

    taken.release()  # now the thread that still waits gets it, has nothing to do any more, and gives it back
    for thread in threading.enumerate():
        if thread.name == "smsmobile-token-lock":
            thread.join(30)
    assert not taken.locked()
    assert account.given == 2


def test_a_program_without_threads_fetches_its_token_without_the_lock(
    account: Account, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_more(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_more)
    oauth2_client(MemoryTokenStore()).sms.received()
    assert account.calls == ["token-1"]
    assert "needs a thread" in caplog.text


def test_an_attribute_of_a_store_that_only_is_called_lock_is_left_alone(
    account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    store = Shelf()
    store.lock = threading.Lock()  # type: ignore[attr-defined]
    oauth2_client(store).sms.received()
    assert account.calls == ["token-1"]
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_a_failed_token_request_gives_the_lock_back_and_shows_no_secret(account: Account) -> None:
    account.is_down = True
    taken = threading.Lock()
    client = oauth2_client(Locking(lambda: taken))
    with pytest.raises(ServerError) as failed:
        client.sms.send("+33639985678", "Bonjour")
    assert not taken.locked()
    printed = "".join(traceback.TracebackException.from_exception(failed.value, capture_locals=True).format())
    assert CLIENT_SECRET not in printed
    account.is_down = False
    client.sms.received()
    assert account.calls == ["token-1"]


def test_an_interrupt_of_who_waits_for_the_lock_passes_and_the_token_is_not_fetched(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            raise KeyboardInterrupt

    taken = threading.Lock()
    taken.acquire()
    monkeypatch.setattr("smsmobile.auth._store_lock.Event", Interrupted)
    client = oauth2_client(Locking(lambda: taken))
    with pytest.raises(KeyboardInterrupt):
        client.sms.received()
    taken.release()
    for thread in threading.enumerate():
        if thread.name == "smsmobile-token-lock":
            thread.join(30)
    assert account.given == 0


# --- where, and what else ---------------------------------------------------------------------------------


def test_tokens_can_come_from_another_address(service: responses.RequestsMock) -> None:
    service.post("https://id.example/token/", json={"access_token": "token-1"})
    service.get(f"{BASE}/getsms/", json={"result": {"sms": []}})
    auth = OAuth2ClientCredentials(CLIENT_ID, CLIENT_SECRET, token_url="https://id.example/token/")
    SMSMobileClient(auth).sms.received()
    assert [call.request.url for call in service.calls] == ["https://id.example/token/", f"{BASE}/getsms/"]


def test_the_token_path_can_be_replaced(service: responses.RequestsMock) -> None:
    service.post(f"{BASE}/v2/token", json={"access_token": "token-1"})
    service.get(f"{BASE}/getsms/", json={"result": {"sms": []}})
    paths = {"oauth2.token": "/v2/token"}
    SMSMobileClient(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, paths=paths).sms.received()


@pytest.mark.parametrize("url", ["http://id.example/token", "ftp://id.example/", "", "/oauth2/token"])
def test_a_token_address_that_would_show_the_secret_is_refused_by_name(url: str) -> None:
    with pytest.raises(ConfigurationError, match="token_url"):
        OAuth2ClientCredentials(CLIENT_ID, CLIENT_SECRET, token_url=url)


def test_it_works_with_plain_requests(account: Account) -> None:
    auth = OAuth2ClientCredentials(CLIENT_ID, CLIENT_SECRET)
    assert requests.get(f"{BASE}/getsms/", auth=auth, timeout=1).status_code == 200
    account.revoked = {"token-1"}
    assert requests.get(f"{BASE}/getsms/", auth=auth, timeout=1).status_code == 200
    assert account.calls == ["token-1", "token-1", "token-2"]


def test_one_strategy_serves_one_service() -> None:
    auth = OAuth2ClientCredentials(CLIENT_ID, CLIENT_SECRET)
    SMSMobileClient(auth)
    SMSMobileClient(auth)
    with pytest.raises(ConfigurationError, match=r"already serves https://api\.smsmobileapi\.com"):
        SMSMobileClient(auth, base_url="https://other.example")


@pytest.mark.parametrize(("value", "name"), each_once(["", "  ", "a\nb", None, 7], ["client_id", "client_secret"]))
def test_credentials_that_cannot_be_ones_are_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{name}\b"):
        OAuth2ClientCredentials(**{"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, name: value})


def test_it_shows_no_secret_and_is_not_pickled_or_copied() -> None:
    for holder in (OAuth2ClientCredentials(CLIENT_ID, CLIENT_SECRET), MemoryTokenStore()):
        assert CLIENT_SECRET not in repr(holder)
        assert CLIENT_ID not in repr(holder)
        for leak in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="holds secrets and cannot be pickled or copied"):
                leak(holder)


# --- strategies of the ecosystem --------------------------------------------------------------------------


def test_any_strategy_of_requests_can_be_used(service: responses.RequestsMock) -> None:
    service.get(f"{BASE}/getsms/", json={"result": {"sms": []}})
    SMSMobileClient(HTTPBasicAuth("user", "word")).sms.received()
    assert service.calls[0].request.headers["Authorization"] == "Basic dXNlcjp3b3Jk"
    assert "apikey" not in (service.calls[0].request.url or "")


def test_a_strategy_of_five_lines_can_be_used(service: responses.RequestsMock) -> None:
    class HeaderAuth(AuthBase):
        def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers["X-Key"] = "secret"
            return request

    service.post(f"{BASE}/sendsms/", json={"result": {"sent": "1"}})
    SMSMobileClient(auth=HeaderAuth()).sms.send("+33639985678", "Bonjour")
    assert service.calls[0].request.headers["X-Key"] == "secret"
    assert service.calls[0].request.body == "recipients=%2B33639985678&message=Bonjour"
