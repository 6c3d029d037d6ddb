"""Promise 1: a read is repeated after a temporary failure; a send only where the first try never left."""

from __future__ import annotations

import io
from collections.abc import Callable
from http.client import RemoteDisconnected
from typing import Any

import pytest
import requests
import responses
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from responses.registries import OrderedRegistry
from urllib3 import HTTPResponse
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError, ProxyError, ReadTimeoutError
from urllib3.util.retry import Retry

from smsmobile import (
    ApiKeyAuth,
    ConnectionFailed,
    OAuth2ClientCredentials,
    RateLimited,
    ResponseTimeout,
    SendOutcomeUnknown,
    ServerError,
    SMSMobileClient,
    SMSMobileError,
    UnexpectedResponse,
)
from smsmobile._http.retries import retry_policy
from smsmobile._http.transport import Transport

from ..cases import each_once

Operation = Callable[[SMSMobileClient], Any]
SENDS: dict[str, Operation] = {
    "send": lambda client: client.sms.send("+33639985678", "Bonjour"),
    "resend": lambda client: client.sms.resend("guid-1"),
    "send by WhatsApp": lambda client: client.whatsapp.send("+33639985678", "Bonjour"),
    "resend by WhatsApp": lambda client: client.whatsapp.resend("guid-1"),
    "notify": lambda client: client.notifications.send("SID-1", "Bonjour"),
    "send e-mail": lambda client: client.email.send(
        "a@b.example", "Hi", "Bonjour", sender_email="c@d.example", sender_name="C", mailbox_key="a mailbox's key"
    ),
}
READS: dict[str, Operation] = {
    "log": lambda client: client.sms.log(),
    "received": lambda client: client.sms.received(),
    "delete": lambda client: client.sms.delete("guid-1"),
    "missed calls": lambda client: client.calls.missed(),
    "WhatsApp window": lambda client: client.whatsapp.synchronise(),
}
OPERATIONS = {**SENDS, **READS}
every_send = pytest.mark.parametrize("operation", SENDS)
every_read = pytest.mark.parametrize("operation", READS)
any_operation = pytest.mark.parametrize("operation", ["send", "notify", "log"])
any_read = pytest.mark.parametrize("operation", ["log", "delete"])

NEVER_LEFT = ["will_refuse_the_connection", "will_time_out_connecting"]
MAY_HAVE_ARRIVED = ["will_reset", "will_time_out_reading"]


def failure(operation: str, client: SMSMobileClient) -> SMSMobileError:
    with pytest.raises(SMSMobileError) as failed:
        OPERATIONS[operation](client)
    return failed.value


# --- how often --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("operation", "fails"), each_once(OPERATIONS, NEVER_LEFT))
def test_what_never_left_is_tried_again(network: Any, client: SMSMobileClient, operation: str, fails: str) -> None:
    getattr(network, fails)()
    getattr(network, fails)()
    network.will_accept()
    OPERATIONS[operation](client)
    assert len(network.requests) == 3


@pytest.mark.parametrize(("operation", "fails"), each_once(OPERATIONS, NEVER_LEFT))
def test_what_never_left_is_given_up_as_a_failed_connection(
    network: Any, client: SMSMobileClient, operation: str, fails: str
) -> None:
    for _ in range(4):
        getattr(network, fails)()
    error = failure(operation, client)
    assert type(error) is ConnectionFailed
    assert "Nothing was sent." in str(error)
    assert len(network.requests) == 4


@any_operation
def test_a_wrong_certificate_is_told_at_once_since_it_will_not_get_better(
    network: Any, client: SMSMobileClient, operation: str
) -> None:
    network.will_show_a_wrong_certificate()
    error = failure(operation, client)
    assert type(error) is ConnectionFailed
    assert "certificate verify failed" in str(error)
    assert len(network.requests) == 1


@pytest.mark.parametrize(("operation", "fails"), each_once(READS, MAY_HAVE_ARRIVED))
def test_a_read_is_repeated_after_a_broken_answer(
    network: Any, client: SMSMobileClient, operation: str, fails: str
) -> None:
    getattr(network, fails)()
    network.will_accept()
    OPERATIONS[operation](client)
    assert len(network.requests) == 2


@pytest.mark.parametrize(("operation", "fails"), each_once(SENDS, MAY_HAVE_ARRIVED))
def test_a_send_that_may_have_arrived_is_in_doubt_after_one_request(
    network: Any, client: SMSMobileClient, operation: str, fails: str
) -> None:
    getattr(network, fails)()
    assert type(failure(operation, client)) is SendOutcomeUnknown
    assert len(network.requests) == 1


@pytest.mark.parametrize(("operation", "fails"), each_once(SENDS, MAY_HAVE_ARRIVED))
def test_a_send_that_may_have_arrived_after_one_that_never_left_is_in_doubt(
    network: Any, client: SMSMobileClient, operation: str, fails: str
) -> None:
    network.will_refuse_the_connection()
    getattr(network, fails)()
    assert type(failure(operation, client)) is SendOutcomeUnknown
    assert len(network.requests) == 2


@any_read
def test_a_read_that_is_never_answered_is_a_timeout(network: Any, client: SMSMobileClient, operation: str) -> None:
    for _ in range(4):
        network.will_time_out_reading()
    assert type(failure(operation, client)) is ResponseTimeout
    assert len(network.requests) == 4


@any_read
def test_a_read_whose_connection_always_breaks_is_a_failed_connection(
    network: Any, client: SMSMobileClient, operation: str
) -> None:
    for _ in range(4):
        network.will_reset()
    error = failure(operation, client)
    assert type(error) is ConnectionFailed
    assert "Connection reset by peer" in str(error)
    assert "Nothing was sent" not in str(error)


@pytest.mark.parametrize(("operation", "status"), each_once(READS, [429, 500, 502, 503, 504]))
def test_a_read_is_repeated_after_a_passing_status(
    network: Any, client: SMSMobileClient, operation: str, status: int
) -> None:
    network.will_answer(status).will_accept()
    OPERATIONS[operation](client)
    assert len(network.requests) == 2


@pytest.mark.parametrize(("operation", "status"), each_once(READS, [500, 502, 503, 504]))
def test_a_read_gives_up_after_three_repetitions_and_tells_the_status(
    network: Any, client: SMSMobileClient, operation: str, status: int
) -> None:
    for _ in range(4):
        network.will_answer(status)
    error = failure(operation, client)
    assert isinstance(error, ServerError)
    assert error.status == status
    assert len(network.requests) == 4


@pytest.mark.parametrize(("operation", "status"), each_once(OPERATIONS, [400, 403, 404, 408, 413, 425]))
def test_a_refusal_is_never_repeated(network: Any, client: SMSMobileClient, operation: str, status: int) -> None:
    network.will_answer(status, b'{"success": false, "error": "no"}')
    failure(operation, client)
    assert len(network.requests) == 1


@pytest.mark.parametrize(
    ("status", "operation", "headers"),
    each_once([500, 501, 502, 503, 504, 507, 520], SENDS, [{}, {"Retry-After": "1"}]),
)
def test_a_send_is_not_repeated_after_a_5xx_not_even_when_asked_to(
    network: Any, client: SMSMobileClient, operation: str, status: int, headers: dict[str, str]
) -> None:
    network.will_answer(status, b"", headers)
    assert type(failure(operation, client)) is SendOutcomeUnknown
    assert len(network.requests) == 1


@every_send
def test_a_send_is_repeated_after_a_429_which_was_not_accepted(
    network: Any, client: SMSMobileClient, operation: str
) -> None:
    network.will_answer(429, b"", {"Retry-After": "2"}).will_answer(429).will_accept()
    OPERATIONS[operation](client)
    assert len(network.requests) == 3


@any_operation
def test_a_rate_limit_that_stays_is_told_after_three_repetitions(
    network: Any, client: SMSMobileClient, operation: str
) -> None:
    for _ in range(4):
        network.will_answer(429, b'{"error": "rate"}', {"Retry-After": "3"})
    error = failure(operation, client)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 3.0
    assert len(network.requests) == 4


@every_read
def test_a_read_is_repeated_when_the_answer_breaks_off(network: Any, client: SMSMobileClient, operation: str) -> None:
    network.will_answer(200, b'{"result": {"err', {"Content-Length": "500"}).will_accept()
    OPERATIONS[operation](client)
    assert len(network.requests) == 2


@any_read
def test_a_read_whose_answer_always_breaks_off_gives_up(network: Any, client: SMSMobileClient, operation: str) -> None:
    for _ in range(4):
        network.will_answer(200, b'{"result": {"err', {"Content-Length": "500"})
    error = failure(operation, client)
    assert type(error) is ConnectionFailed
    assert "broke before the answer was there" in str(error)
    assert len(network.requests) == 4


@every_send
def test_a_send_whose_answer_breaks_off_is_in_doubt_after_one_request(
    network: Any, client: SMSMobileClient, operation: str
) -> None:
    network.will_answer(200, b'{"result": {"err', {"Content-Length": "500"})
    assert type(failure(operation, client)) is SendOutcomeUnknown
    assert len(network.requests) == 1


@any_read
def test_answers_that_break_off_count_among_the_other_failures(
    network: Any, client: SMSMobileClient, operation: str
) -> None:
    for _ in range(2):
        network.will_answer(503).will_answer(200, b"{", {"Content-Length": "500"})
    network.will_accept()
    failure(operation, client)
    assert len(network.requests) == 4


@any_operation
def test_an_answer_that_cannot_be_read_is_not_asked_for_again(
    network: Any, client: SMSMobileClient, operation: str
) -> None:
    network.will_answer(200, b"<html>")
    failure(operation, client)
    assert len(network.requests) == 1


@any_operation
def test_with_max_retries_0_nothing_is_ever_repeated(network: Any, operation: str) -> None:
    with SMSMobileClient(api_key="a-key-of-the-tests", max_retries=0) as client:
        for fails in (*NEVER_LEFT, *MAY_HAVE_ARRIVED):
            getattr(network, fails)()
            failure(operation, client)
        network.will_answer(429)
        failure(operation, client)
        network.will_answer(200, b"{", {"Content-Length": "500"})
        failure(operation, client)
    assert len(network.requests) == 6


def call_once(name: str, auth: AuthBase) -> SMSMobileError:
    """The failure that a caller with its own retry loop gets."""
    transport = Transport()
    transport.auth = auth
    with pytest.raises(SMSMobileError) as failed:
        transport.call(name, {"guid": "guid-1"}, repeat=False)
    return failed.value


@pytest.mark.parametrize("name", ["sms.resend", "sms.log"])
def test_a_caller_with_its_own_loop_gets_each_failure_at_once(network: Any, name: str, pauses: list[float]) -> None:
    auth = ApiKeyAuth("a-key-of-the-tests")
    for fails in (*NEVER_LEFT, *MAY_HAVE_ARRIVED):
        getattr(network, fails)()
        call_once(name, auth)
    network.will_answer(429, b"", {"Retry-After": "9"})
    assert isinstance(call_once(name, auth), RateLimited)
    network.will_answer(200, b"{", {"Content-Length": "500"})
    call_once(name, auth)
    assert len(network.requests) == 6
    assert pauses == []


def test_a_request_for_a_token_is_not_repeated_for_such_a_caller_either(network: Any) -> None:
    network.will_refuse_the_connection()
    assert isinstance(call_once("sms.log", OAuth2ClientCredentials("id", "a-secret")), ConnectionFailed)
    assert len(network.requests) == 1


def test_nor_is_the_request_for_a_new_token_after_a_401(network: Any) -> None:
    network.will_answer(200, b'{"access_token": "token-1"}').will_answer(401).will_refuse_the_connection()
    assert isinstance(call_once("sms.log", OAuth2ClientCredentials("id", "a-secret")), ConnectionFailed)
    assert len(network.requests) == 3


@pytest.mark.parametrize(("max_retries", "requests_made"), [(1, 2), (5, 6)])
def test_max_retries_counts_repetitions_of_all_kinds_together(
    network: Any, max_retries: int, requests_made: int
) -> None:
    for _ in range(3):
        network.will_refuse_the_connection().will_answer(503)
    with SMSMobileClient(api_key="a-key-of-the-tests", max_retries=max_retries) as client:
        failure("log", client)
    assert len(network.requests) == requests_made


@any_operation
def test_a_repetition_is_the_same_request(network: Any, client: SMSMobileClient, operation: str) -> None:
    network.will_refuse_the_connection().will_answer(429).will_accept()
    OPERATIONS[operation](client)
    first, *others = network.requests
    assert others == [first, first]
    assert "".join(first).count("apikey=") == 1


@pytest.mark.parametrize(("operation", "count"), [("send", 1), ("log", 4)])
def test_responses_of_the_ecosystem_see_the_same_policies(client: SMSMobileClient, operation: str, count: int) -> None:
    with responses.RequestsMock(registry=OrderedRegistry, assert_all_requests_are_fired=False) as service:
        for method, path in [("POST", "/sendsms/")] if count == 1 else [("GET", "/log/sent/sms/")] * 4:
            service.add(method, f"https://api.smsmobileapi.com{path}", status=503)
        failure(operation, client)
        assert len(service.calls) == count


def client_with_hook(hook: Callable[..., Any]) -> SMSMobileClient:
    session = requests.Session()
    session.hooks["response"].append(hook)
    return SMSMobileClient(api_key="a-key-of-the-tests", session=session)


@pytest.mark.parametrize(("operation", "status"), [("send", 429), ("log", 429), ("log", 503)])
def test_a_hook_that_raises_for_the_status_prevents_no_repetition(
    network: Any, pauses: list[float], operation: str, status: int
) -> None:
    network.will_answer(status, b"", {"Retry-After": "7"}).will_accept()
    OPERATIONS[operation](client_with_hook(lambda response, **_: response.raise_for_status()))
    assert len(network.requests) == 2
    assert pauses == [7]


def test_what_another_service_tells_a_hook_says_nothing_about_the_send(network: Any) -> None:
    elsewhere = requests.Response()
    elsewhere.status_code, elsewhere.raw = 429, HTTPResponse(io.BytesIO(), status=429, preload_content=False)
    network.will_accept()
    doubt = failure("send", client_with_hook(lambda response, **_: elsewhere.raise_for_status()))
    assert type(doubt) is SendOutcomeUnknown
    assert len(network.requests) == 1


def through_a_proxy(reason: Exception) -> requests.exceptions.ProxyError:
    """As requests raises it; urllib3 calls everything so that fails before it has seen the proxy answer once."""
    error = ProxyError("Unable to connect to proxy", reason)
    return requests.exceptions.ProxyError(MaxRetryError(None, "/sendsms/", error))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (NewConnectionError(None, "Connection refused"), ConnectionFailed),  # type: ignore[arg-type]
        (ConnectionResetError(104, "Connection reset by peer"), SendOutcomeUnknown),
        (RemoteDisconnected("Remote end closed connection without response"), SendOutcomeUnknown),
    ],
)
def test_behind_a_proxy_only_a_connection_that_was_never_made_proves_that_nothing_left(
    service: responses.RequestsMock, client: SMSMobileClient, reason: Exception, kind: type[SMSMobileError]
) -> None:
    reads_the_body = (lambda request: (bool(request.body), ""),)  # as an adapter that sends it does
    service.post("https://api.smsmobileapi.com/sendsms/", body=through_a_proxy(reason), match=reads_the_body)
    assert type(failure("send", client)) is kind


class PoolThatIsClosedMeanwhile(HTTPAdapter):
    """Another thread calls close() between the choice of the pool and the choice of a connection."""

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        self.close()
        pool.close()
        return pool


def test_a_client_that_is_closed_before_it_has_a_connection_sent_nothing() -> None:
    session = requests.Session()
    session.mount("https://", PoolThatIsClosedMeanwhile())
    client = SMSMobileClient(api_key="a-key-of-the-tests", session=session)
    assert type(failure("send", client)) is ConnectionFailed


def test_a_client_that_is_closed_in_that_moment_can_be_used_again(
    network: Any, monkeypatch: pytest.MonkeyPatch, client: SMSMobileClient
) -> None:
    choose = HTTPAdapter.get_connection_with_tls_context

    def choose_and_close(*args: Any, **kwargs: Any) -> Any:
        pool = choose(*args, **kwargs)
        client.close()
        return pool

    with monkeypatch.context() as patch:
        patch.setattr(HTTPAdapter, "get_connection_with_tls_context", choose_and_close)
        assert type(failure("send", client)) is ConnectionFailed
    network.will_accept()
    client.sms.send("+33639985678", "Bonjour")


# --- how long ---------------------------------------------------------------------------------------------


def test_retry_after_is_waited_for(network: Any, client: SMSMobileClient, pauses: list[float]) -> None:
    network.will_answer(429, b"", {"Retry-After": "7"}).will_answer(503, b"", {"Retry-After": "60"}).will_accept()
    client.sms.log()
    assert pauses == [7, 60]


@pytest.mark.parametrize(("operation", "seconds"), [("send", "61"), ("log", "61"), ("log", "86400")])
def test_a_retry_after_over_a_minute_is_told_at_once(
    network: Any, client: SMSMobileClient, pauses: list[float], operation: str, seconds: str
) -> None:
    network.will_answer(429, b'{"error": "rate"}', {"Retry-After": seconds})
    error = failure(operation, client)
    assert isinstance(error, RateLimited)
    assert error.retry_after == float(seconds)
    assert len(network.requests) == 1
    assert pauses == []


def test_a_read_does_not_wait_for_a_service_that_is_away_for_an_hour(
    network: Any, client: SMSMobileClient, pauses: list[float]
) -> None:
    network.will_answer(503, b"", {"Retry-After": "3600"})
    assert type(failure("log", client)) is ServerError
    assert len(network.requests) == 1
    assert pauses == []


@pytest.mark.parametrize("garbage", ["soon", "", "-", "9" * 5000, "Mon, 99 Jan 99999 99:99:99 GMT"])
def test_a_retry_after_that_is_garbage_is_a_usual_pause(
    network: Any, client: SMSMobileClient, pauses: list[float], garbage: str
) -> None:
    network.will_answer(429, b"", {"Retry-After": garbage}).will_accept()
    client.sms.log()
    assert len(pauses) == 1
    assert 0.25 <= pauses[0] <= 0.5


def test_pauses_grow_to_eight_seconds_and_no_further() -> None:
    retry = retry_policy(sends=False, max_retries=10)
    for longest in (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0):
        retry = retry.increment("GET", "/", error=ProtocolError())
        drawn = [retry.get_backoff_time() for _ in range(50)]
        assert all(longest / 2 <= pause <= longest for pause in drawn)


def test_pauses_have_jitter_from_the_first_repetition_on() -> None:
    retry = retry_policy(sends=False, max_retries=3).increment("GET", "/", error=ProtocolError())
    assert len({retry.get_backoff_time() for _ in range(20)}) > 1


def test_nothing_waits_before_the_first_try() -> None:
    assert retry_policy(sends=False, max_retries=3).get_backoff_time() == 0


def test_a_body_that_breaks_off_is_asked_for_again_after_a_pause(
    network: Any, client: SMSMobileClient, pauses: list[float]
) -> None:
    network.will_answer(200, b"{", {"Content-Length": "500"}).will_accept()
    client.sms.log()
    assert len(pauses) == 1
    assert 0.25 <= pauses[0] <= 0.5


# --- a session of the user's own --------------------------------------------------------------------------

EAGER = Retry(total=5, allowed_methods=None, status_forcelist=[429, 500, 502, 503], raise_on_status=False)


@pytest.mark.parametrize(
    ("operation", "fails"), each_once(SENDS, ["will_reset", "will_time_out_reading", 500, 502, 503])
)
def test_a_session_that_retries_everything_makes_no_send_go_twice(
    network: Any, operation: str, fails: str | int
) -> None:
    session = requests.Session()
    session.mount("https://", HTTPAdapter(max_retries=EAGER))
    _ = network.will_answer(fails) if isinstance(fails, int) else getattr(network, fails)()
    assert (
        type(failure(operation, SMSMobileClient(api_key="a-key-of-the-tests", session=session))) is SendOutcomeUnknown
    )
    assert len(network.requests) == 1


def test_the_users_own_calls_over_that_session_keep_the_users_retries(network: Any) -> None:
    session = requests.Session()
    session.mount("https://", HTTPAdapter(max_retries=EAGER))
    SMSMobileClient(api_key="a-key-of-the-tests", session=session)
    network.will_answer(500).will_answer(500).will_answer(200)
    assert session.get("https://elsewhere.example/").status_code == 200
    assert len(network.requests) == 3


# --- answers that hurt ------------------------------------------------------------------------------------


class Scripted(HTTPAdapter):
    """An adapter of the user's own, whose answers do what `read` does."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        super().__init__()
        self.read = read
        self.sent: list[requests.PreparedRequest] = []  # the client works with copies that share it

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self.sent.append(request)
        adapter = self

        class Raw(HTTPResponse):
            def read(self, *args: Any, **kwargs: Any) -> bytes:
                return adapter.read()

        return self.build_response(request, Raw(io.BytesIO(), status=200, preload_content=False))


def client_of(adapter: HTTPAdapter) -> SMSMobileClient:
    session = requests.Session()
    session.mount("https://", adapter)
    return SMSMobileClient(api_key="a-key-of-the-tests", session=session, max_retries=1)


@pytest.mark.parametrize(
    ("operation", "kind"), [*((send, SendOutcomeUnknown) for send in SENDS), ("log", UnexpectedResponse)]
)
def test_an_answer_without_end_is_refused_in_bounded_memory(operation: str, kind: type[SMSMobileError]) -> None:
    piece = b" " * 65_536
    pieces = 0

    def read() -> bytes:
        nonlocal pieces
        pieces += 1
        return piece

    adapter = Scripted(read)
    error = failure(operation, client_of(adapter))
    assert type(error) is kind
    assert "larger than 32 MiB" in str(error)
    assert pieces == 32 * 1024 * 1024 // len(piece) + 1
    assert len(adapter.sent) == 1


def raises(error: Exception) -> Callable[[], bytes]:
    def read() -> bytes:
        raise error

    return read


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ReadTimeoutError(None, "", "Read timed out."), ResponseTimeout),  # type: ignore[arg-type]
        (ProtocolError("Connection broken", ConnectionResetError(104, "reset by peer")), ConnectionFailed),
    ],
)
def test_a_failure_while_the_answer_is_read_is_repeated_for_a_read_and_in_doubt_for_a_send(
    error: Exception, kind: type[SMSMobileError]
) -> None:
    reading, sending = Scripted(raises(error)), Scripted(raises(error))
    assert type(failure("log", client_of(reading))) is kind
    assert type(failure("send", client_of(sending))) is SendOutcomeUnknown
    assert (len(reading.sent), len(sending.sent)) == (2, 1)


@pytest.mark.parametrize("operation", ["send", "log"])
def test_an_adapter_that_is_not_requests_own_is_used_as_it_is(operation: str) -> None:
    class Foreign(requests.adapters.BaseAdapter):
        def __init__(self) -> None:
            super().__init__()
            self.sent = 0

        def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
            self.sent += 1
            body = io.BytesIO(b'{"result": {"error": 0, "sent": "1", "sms": []}}')
            return HTTPAdapter().build_response(request, HTTPResponse(body, status=200, preload_content=False))

        def close(self) -> None: ...

    session = requests.Session()
    session.adapters.clear()
    adapter = Foreign()
    session.mount("https://", adapter)
    OPERATIONS[operation](SMSMobileClient(api_key="a-key-of-the-tests", session=session))
    assert adapter.sent == 1
