"""The guard: no client reaches another machine while it is on, whatever session, proxy or adapter it has."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pook
import pytest
import requests
import requests_mock
import responses
import urllib3
import vcr
from requests.adapters import BaseAdapter, HTTPAdapter

from smsmobile import ConnectionFailed, OAuth2ClientCredentials, SendOutcomeUnknown, SMSMobileClient, SMSMobileError
from smsmobile._http import guard
from smsmobile.contrib._offline import RecordedSMS, offline_client
from smsmobile.delivery import SendStatus, send_once
from smsmobile.sandbox import Sandbox
from smsmobile.testing import NetworkBlocked

from ..faults.raw_server import SUCCESS, TEXT, TO, RawServer, accepted

KEY = "0123456789abcdef" * 3
HOST = "api.smsmobileapi.com"
BASE_URL = f"https://{HOST}"


def blocked(client: SMSMobileClient) -> NetworkBlocked:
    with client, pytest.raises(NetworkBlocked) as caught:
        client.sms.send(TO, TEXT)
    return caught.value


@pytest.mark.parametrize(
    "session",
    [None, requests.Session],
    ids=["our session", "a session of the user's"],
)
def test_a_client_of_the_service_is_stopped_before_any_name_is_resolved(
    guarded: None, lookups: list[object], session: Callable[[], requests.Session] | None
) -> None:
    blocked(SMSMobileClient(api_key=KEY, session=session and session()))
    assert lookups == []


def test_the_error_says_that_nothing_was_sent_and_what_to_do(guarded: None) -> None:
    text = str(blocked(SMSMobileClient(api_key=KEY)))
    for part in (HOST, "Nothing was sent", "sms_sandbox", "@pytest.mark.smsmobile_allow_network"):
        assert part in text


def test_the_error_is_none_that_an_application_handles_as_a_failed_send() -> None:
    assert not issubclass(NetworkBlocked, (SMSMobileError, OSError, requests.RequestException))


def test_no_frame_of_the_error_holds_the_key_or_the_message(guarded: None) -> None:
    error = blocked(SMSMobileClient(api_key=KEY))
    frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack
    inside = "".join(frames.from_list(list(frames)[1:]).format())
    assert KEY not in inside
    assert KEY not in str(error)


def test_a_read_is_stopped_too(guarded: None) -> None:
    with SMSMobileClient(api_key=KEY) as client, pytest.raises(NetworkBlocked):
        client.sms.received()


def test_a_request_for_a_token_is_stopped(guarded: None, lookups: list[object]) -> None:
    blocked(SMSMobileClient(client_id="an-id", client_secret="a-secret-of-the-tests"))
    assert lookups == []


def test_an_authentication_of_the_users_does_not_turn_it_into_another_error(guarded: None) -> None:
    class Mine(OAuth2ClientCredentials):
        pass

    blocked(SMSMobileClient(auth=Mine("an-id", "a-secret-of-the-tests")))


def test_a_proxy_on_this_machine_is_not_asked(guarded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer() as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        blocked(SMSMobileClient(api_key=KEY))
        session = requests.Session()
        session.proxies = {"https": f"http://127.0.0.1:{proxy.port}"}
        blocked(SMSMobileClient(api_key=KEY, session=session))
    assert proxy.requests == []


def test_a_proxy_on_another_machine_is_not_asked_for_this_one(guarded: None, lookups: list[object]) -> None:
    session = requests.Session()
    session.proxies = {"http": "http://proxy.example.test:3128"}
    error = blocked(SMSMobileClient(api_key=KEY, base_url="http://127.0.0.1:1", session=session))
    assert "proxy.example.test" in str(error)
    assert lookups == []


def test_a_connection_that_is_still_open_is_not_used(unguarded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer((SUCCESS,)) as server, server.client() as client:
        client.sms.send(TO, TEXT)
        monkeypatch.setattr("smsmobile._http.addresses.is_loopback", lambda _: False)
        with guard.switched(True), pytest.raises(NetworkBlocked):
            client.sms.send(TO, TEXT)
        assert server.messages == 1


class InAThread(HTTPAdapter):
    """Sends in another thread, as adapters with a time limit of their own do."""

    def send(self, *args: Any, **kwargs: Any) -> Any:
        results: list[Any] = []

        def run() -> None:
            try:
                results.append(super(InAThread, self).send(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 - raised again below
                results.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if isinstance(results[0], Exception):
            raise results[0]
        return results[0]


class WithConnectionsOfItsOwn(BaseAdapter):
    """Does not use the connections of requests."""

    def send(self, request: requests.PreparedRequest, **_: Any) -> Any:  # type: ignore[override]
        with urllib3.PoolManager(retries=False) as pools:
            return pools.request("POST", str(request.url), body=request.body)

    def close(self) -> None:
        pass


@pytest.mark.parametrize("kind", [InAThread, WithConnectionsOfItsOwn])
def test_an_adapter_of_the_users_does_not_lead_out(
    guarded: None, lookups: list[object], kind: type[BaseAdapter]
) -> None:
    session = requests.Session()
    session.mount("https://", kind())
    blocked(SMSMobileClient(api_key=KEY, session=session))
    assert lookups == []


def test_vcrpy_does_not_record_a_send(guarded: None, lookups: list[object], tmp_path: Path) -> None:
    with vcr.use_cassette(str(tmp_path / "cassette.yaml")):
        blocked(SMSMobileClient(api_key=KEY))
    assert lookups == []


def test_a_client_of_this_machine_sends(guarded: None) -> None:
    with RawServer((SUCCESS,)) as server, server.client() as client:
        assert client.sms.send(TO, TEXT).accepted
        assert server.messages == 1


def test_a_session_of_the_sandbox_answers_at_every_address(guarded: None) -> None:
    box = Sandbox()
    with SMSMobileClient(api_key=box.api_key, session=box.session()) as client:
        client.sms.send(TO, TEXT)
    assert len(box.phone.outbox) == 1
    box.close()


def test_a_client_that_only_records_is_not_stopped(guarded: None) -> None:
    recorded: list[RecordedSMS] = []
    with offline_client(recorded.append) as client:
        client.sms.send(TO, TEXT)
    assert len(recorded) == 1


def test_a_key_stays_free_if_its_message_was_stopped(guarded: None, tmp_path: Path) -> None:
    journal = str(tmp_path / "sent.sqlite")
    with SMSMobileClient(api_key=KEY) as client:
        with pytest.raises(NetworkBlocked):
            send_once(client, journal, key="order-1", to=TO, text=TEXT)
        with by_responses():
            assert send_once(client, journal, key="order-1", to=TO, text=TEXT).status is SendStatus.SENT


def test_a_webhook_of_a_sandbox_to_another_machine_fails(guarded: None) -> None:
    with Sandbox(allow_remote=True) as box:
        box.add_webhook("http://shop.example.test/sms/webhook", secret="a-secret-of-the-tests")
        box.phone.receive(TO, TEXT)
        box.wait_for(lambda: box.deliveries)
        assert box.deliveries[0].error == "NetworkBlocked"


@contextmanager
def by_responses() -> Any:
    with responses.RequestsMock() as mock:
        mock.post(f"{BASE_URL}/sendsms/", json=accepted("intercepted"))
        yield


@contextmanager
def by_requests_mock() -> Any:
    with requests_mock.Mocker() as mock:
        mock.post(f"{BASE_URL}/sendsms/", json=accepted("intercepted"))
        yield


@contextmanager
def by_pook() -> Any:
    with pook.use():
        pook.post(f"{BASE_URL}/sendsms/").reply(200).json(accepted("intercepted"))
        yield


@pytest.mark.parametrize("interceptor", [by_responses, by_requests_mock, by_pook], ids=lambda it: it.__name__)
@pytest.mark.parametrize("session", [None, requests.Session], ids=["our session", "a session of the user's"])
def test_an_interceptor_answers_above_the_guard(
    guarded: None, interceptor: Callable[[], Any], session: Callable[[], requests.Session] | None
) -> None:
    with interceptor(), SMSMobileClient(api_key=KEY, session=session and session()) as client:
        assert client.sms.send(TO, TEXT).guid == "intercepted"


CASSETTE = f"""
version: 1
interactions:
- request: {{body: null, headers: {{}}, method: POST, uri: '{BASE_URL}/sendsms/'}}
  response:
    body: {{string: '{{"result": {{"error": 0, "sent": "1", "id": "intercepted"}}}}'}}
    headers: {{Content-Type: [application/json]}}
    status: {{code: 200, message: OK}}
"""


def test_vcrpy_replays_a_send_above_the_guard(guarded: None, tmp_path: Path) -> None:
    (tmp_path / "cassette.yaml").write_text(CASSETTE, "utf-8")
    with (
        vcr.use_cassette(str(tmp_path / "cassette.yaml"), record_mode="none"),
        SMSMobileClient(api_key=KEY) as client,
    ):
        assert client.sms.send(TO, TEXT).guid == "intercepted"


def test_an_interceptor_that_lets_a_request_pass_leads_to_the_guard(guarded: None, lookups: list[object]) -> None:
    with responses.RequestsMock() as mock:
        mock.add_passthru(BASE_URL)
        blocked(SMSMobileClient(api_key=KEY))
    assert lookups == []


def test_a_hook_that_looks_at_an_answer_may_resolve_names(guarded: None, lookups: list[object]) -> None:
    def tell_the_metrics(*_: object, **__: object) -> None:
        with pytest.raises(requests.ConnectionError):
            requests.get("http://metrics.example.test", timeout=1)

    session = requests.Session()
    session.hooks["response"].append(tell_the_metrics)
    with by_responses_for(session) as client:
        client.sms.send(TO, TEXT)
    assert lookups == ["metrics.example.test"]


@contextmanager
def by_responses_for(session: requests.Session) -> Any:
    with ExitStack() as stack:
        mock = stack.enter_context(responses.RequestsMock())
        mock.post(f"{BASE_URL}/sendsms/", json=accepted("intercepted"))
        mock.add_passthru("http://metrics.example.test")
        yield stack.enter_context(SMSMobileClient(api_key=KEY, session=session))


def test_a_hook_that_is_stopped_after_the_message_has_left_leaves_it_unknown(guarded: None) -> None:
    def forward(*_: object, **__: object) -> None:
        with SMSMobileClient(api_key=KEY) as another:
            another.sms.log()

    session = requests.Session()
    session.hooks["response"].append(forward)
    with RawServer((SUCCESS,)) as server, server.client(session=session) as client:
        with pytest.raises(SendOutcomeUnknown) as doubt:
            client.sms.send(TO, TEXT)
        assert isinstance(doubt.value.__cause__, NetworkBlocked)
        assert server.messages == 1


def test_other_programs_resolve_names_as_always(guarded: None, lookups: list[object]) -> None:
    blocked(SMSMobileClient(api_key=KEY))
    with pytest.raises(requests.ConnectionError):
        requests.get("http://elsewhere.example.test", timeout=1)
    assert lookups == ["elsewhere.example.test"]


def test_nothing_is_stopped_while_it_is_off(unguarded: None, lookups: list[object]) -> None:
    with SMSMobileClient(api_key=KEY, max_retries=0) as client, pytest.raises(ConnectionFailed):
        client.sms.send(TO, TEXT)
    assert lookups == [HOST]
