"""Each fault of requests, over a socket and without one: what `requests` sees of it, and what the SDK makes of it."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from urllib3.exceptions import IncompleteRead, ProtocolError

from smsmobile import (
    ConnectionFailed,
    DeviceOffline,
    RateLimited,
    ResponseTimeout,
    SendOutcomeUnknown,
    ServerError,
    SMSMobileClient,
    SMSMobileError,
    SubscriptionExpired,
    UnexpectedResponse,
)
from smsmobile.sandbox import Sandbox, server

TO = "+33639985678"
PATIENT = 10
QUICK = 0.2
LOG = "/log/sent/sms/"
SEND = "/sendsms/"


class Line:
    """A way to the sandbox, for `requests` and for the SDK."""

    def __init__(self, box: Sandbox, session: requests.Session, url: str) -> None:
        self.box = box
        self.session = session
        self.url = url
        self._clients: list[SMSMobileClient] = []

    def get(self, path: str, timeout: float = PATIENT, **params: Any) -> requests.Response:
        return self.session.get(self.url + path, params={"apikey": self.box.api_key, **params}, timeout=timeout)

    def send(self, timeout: float = PATIENT, **form: Any) -> requests.Response:
        form = {"apikey": self.box.api_key, "recipients": TO, "message": "hello", **form}
        return self.session.post(self.url + SEND, data=form, timeout=timeout)

    def client(self, timeout: float = PATIENT, **options: Any) -> SMSMobileClient:
        if "client_id" not in options:
            options = {"api_key": self.box.api_key, **options}
        session = self.session if isinstance(self, Socketless) else None
        client = SMSMobileClient(base_url=self.url, session=session, timeout=(PATIENT, timeout), **options)
        self._clients.append(client)
        return client

    @property
    def texts(self) -> list[str]:
        return [message.message for message in self.box.phone.outbox]

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.session.close()
        self.box.close()


class Socketless(Line):
    pass


@pytest.fixture(params=["socket", "session"])
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    if request.param == "socket":
        box = Sandbox().start()
        line = Line(box, requests.Session(), box.url)
    else:
        box = Sandbox()
        line = Socketless(box, box.session(), "https://api.smsmobileapi.com")
    yield line
    line.close()


def causes(error: BaseException) -> list[BaseException]:
    """Everything that an error of requests was made of."""
    found = [error]
    for link in found:
        parts = [*link.args, getattr(link, "reason", None)]
        found += [part for part in parts if isinstance(part, BaseException) and part not in found]
    return found


# What requests sees


def test_a_late_answer_arrives_whole(line: Line) -> None:
    line.box.faults.add("latency", seconds=0.1)

    answer = line.send()

    assert answer.json()["result"]["sent"] == "1"
    assert line.texts == ["hello"]


def test_what_is_answered_late_is_done_at_once(box: Sandbox, eventually: Callable[..., None]) -> None:
    box.faults.add("latency", seconds=600)
    with ThreadPoolExecutor(1) as thread, requests.Session() as session:
        answer = thread.submit(Line(box, session, box.url).send)
        eventually(lambda: bool(box.requests))
        assert not answer.done()
        assert len(box.phone.outbox) == 1
        box.close()
        assert answer.result(PATIENT).status_code == 200


def test_an_answer_later_than_the_read_timeout_is_a_timeout(line: Line) -> None:
    line.box.faults.add("latency", seconds=60)

    with pytest.raises(requests.ReadTimeout):
        line.send(QUICK)

    assert line.texts == ["hello"]


def test_the_duration_of_a_request_counts_its_latency(line: Line) -> None:
    line.box.faults.add("latency", seconds=60)

    with pytest.raises(requests.ReadTimeout):
        line.send(QUICK)

    assert 60_000 <= line.box.requests[-1].milliseconds < 70_000


@pytest.mark.parametrize(("seconds", "said"), [(0, "0"), (0.2, "1"), (2, "2"), (2.1, "3"), (None, "1")])
def test_too_fast_is_429_with_retry_after_in_whole_seconds(line: Line, seconds: float | None, said: str) -> None:
    line.box.faults.add("rate_limited", seconds=seconds)

    answer = line.send()

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, said)
    assert answer.json()["error"] == "too_many_requests"
    assert line.texts == []


@pytest.mark.parametrize("status", [500, 502, 599])
def test_an_error_before_leaves_everything_undone(line: Line, status: int) -> None:
    line.box.faults.add("error_before", status=status)

    answer = line.send()

    assert answer.status_code == status
    assert (answer.json()["success"], answer.json()["error"]) == (False, "server_error")
    assert line.texts == []


@pytest.mark.parametrize("status", [500, 502, 599])
def test_an_error_after_comes_when_everything_is_done(line: Line, status: int) -> None:
    line.box.faults.add("error_after", status=status)

    answer = line.send()

    assert answer.status_code == status
    assert (answer.json()["success"], answer.json()["error"]) == (False, "server_error")
    assert line.texts == ["hello"]


@pytest.mark.parametrize(("kind", "arrived"), [("reset_before", []), ("reset_after", ["hello"])])
def test_a_reset_is_a_reset_by_the_peer(line: Line, kind: str, arrived: list[str]) -> None:
    line.box.faults.add(kind)

    with pytest.raises(requests.ConnectionError) as caught:
        line.send()

    assert [type(cause) for cause in causes(caught.value)[1:]] == [ProtocolError, ConnectionResetError]
    assert causes(caught.value)[-1].args == (errno.ECONNRESET, "Connection reset by peer")
    assert line.texts == arrived


def test_a_connection_is_replaced_after_a_reset(line: Line) -> None:
    line.send()
    line.box.faults.add("reset_after", times=1)
    with pytest.raises(requests.ConnectionError):
        line.send()

    assert line.send().status_code == 200


def test_half_an_answer_is_an_incomplete_read(line: Line) -> None:
    line.box.faults.add("half_answer")

    with pytest.raises(requests.exceptions.ChunkedEncodingError) as caught:
        line.send()

    (cut,) = [cause for cause in causes(caught.value) if isinstance(cause, IncompleteRead)]
    assert abs(cut.partial - cut.expected) <= 1
    assert line.texts == ["hello"]


def test_an_answer_that_drips_arrives_whole(line: Line) -> None:
    line.box.faults.add("slow_drip", seconds=0.2)

    assert line.send().json()["result"]["sent"] == "1"
    assert line.texts == ["hello"]


def test_a_php_warning_stands_before_the_json(line: Line) -> None:
    line.box.faults.add("php_warning")

    answer = line.get(LOG)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<br />\n<b>Warning</b>:")
    assert answer.text.endswith('{"result":{"error":0,"sms":[]}}\n')


def test_an_html_page_stands_in_place_of_the_json(line: Line) -> None:
    line.box.faults.add("html_page")

    answer = line.send()

    assert answer.status_code == 200
    assert answer.text.startswith("<!DOCTYPE html>")
    assert "{" not in answer.text
    assert line.texts == ["hello"]


def test_an_accepted_send_can_be_without_guid(line: Line) -> None:
    line.box.faults.add("no_guid")

    assert line.send().json() == {"success": True, "message": "SMS sent successfully"}
    assert line.texts == ["hello"]


def test_only_accepted_sends_are_without_guid(line: Line) -> None:
    line.box.faults.add("no_guid", times=1)
    line.box.phone.switch_off()

    assert line.send().json()["result"]["error"] == 2
    assert line.get(LOG).json()["result"]["sms"] == []

    line.box.phone.switch_on()
    assert "result" not in line.send().json()


def test_an_offline_phone_is_only_told_to_who_sends(line: Line) -> None:
    line.box.faults.add("phone_offline")

    assert line.send().json()["result"]["error"] == 2
    assert line.get("/resend/", guid="unknown").json()["result"]["error"] == 2
    assert line.get(LOG).json()["result"]["error"] == 0
    assert line.texts == []


def test_the_end_of_the_subscription_is_told_to_everybody_in_their_way(line: Line) -> None:
    line.box.faults.add("subscription_over")

    sent, log = line.send(), line.get(LOG)

    assert (sent.status_code, sent.json()["result"]["error"]) == (200, "subscription_expire")
    assert (log.status_code, log.json()["error"]) == (403, "api_expired")
    assert line.texts == []


@pytest.mark.parametrize("kind", ["phone_offline", "subscription_over"])
def test_a_stranger_is_told_nothing_about_the_account(line: Line, kind: str) -> None:
    line.box.faults.add(kind, times=1)

    assert line.send(apikey="wrong").json()["error"] == "invalid_apikey"
    assert len(line.box.faults) == 1


def test_a_stranger_meets_the_other_faults(line: Line) -> None:
    line.box.faults.add("error_before")

    assert line.send(apikey="wrong").status_code == 500


# Several, where they are injected, and what is noted


@pytest.mark.parametrize(
    ("kinds", "injected", "status"),
    [
        (("latency", "php_warning"), ("php_warning", "latency"), 200),
        (("rate_limited", "error_after", "latency"), ("rate_limited", "latency"), 429),
        (("error_before", "html_page"), ("error_before", "html_page"), 500),
        (("error_before", "reset_before", "reset_after"), ("error_before",), 500),
        (("error_after", "no_guid", "php_warning"), ("error_after", "php_warning"), 500),
        (("phone_offline", "subscription_over", "php_warning"), ("phone_offline", "php_warning"), 200),
        (("reset_before", "latency"), ("reset_before",), None),
        (("reset_after", "half_answer"), ("reset_after",), None),
    ],
)
def test_of_several_faults_one_decides_and_the_others_change_how_it_arrives(
    line: Line, kinds: tuple[str, ...], injected: tuple[str, ...], status: int | None
) -> None:
    for kind in kinds:
        line.box.faults.add(kind, seconds=0 if kind == "latency" else None)

    try:
        answered: int | None = line.send().status_code
    except requests.ConnectionError:
        answered = None

    assert answered == status
    assert (line.box.requests[-1].faults, line.box.requests[-1].status) == (injected, status)


def test_half_an_answer_can_drip(line: Line) -> None:
    line.box.faults.add("half_answer")
    line.box.faults.add("slow_drip", seconds=0.1)

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        line.send()


def test_a_request_is_noted_with_what_was_injected_into_it(line: Line) -> None:
    line.box.faults.add("half_answer", times=1)
    with pytest.raises(requests.RequestException):
        line.send()
    line.send()

    cut, whole = line.box.requests
    assert (cut.faults, cut.status) == (("half_answer",), 200)
    assert (whole.faults, whole.status) == ((), 200)


def test_an_answer_that_never_came_is_noted_as_none(line: Line) -> None:
    line.box.faults.add("reset_after")
    with pytest.raises(requests.ConnectionError):
        line.send()

    assert (line.box.requests[-1].status, line.box.requests[-1].answer) == (None, "")


def test_a_fault_goes_only_its_path(line: Line) -> None:
    line.box.faults.add("error_before", path=SEND)

    assert line.get(LOG).status_code == 200
    assert line.send().status_code == 500


def token(line: Line) -> requests.Response:
    form = {
        "grant_type": "client_credentials",
        "client_id": line.box.client_id,
        "client_secret": line.box.client_secret,
    }
    return line.session.post(line.url + "/oauth2/token", data=form, timeout=PATIENT)


@pytest.mark.parametrize("kind", ["rate_limited", "error_before", "error_after", "html_page"])
def test_requests_for_a_token_get_a_fault_only_by_name(line: Line, kind: str) -> None:
    line.box.faults.add(kind)
    assert token(line).json()["token_type"] == "Bearer"

    line.box.faults.add(kind, path="/oauth2/token")
    assert "access_token" not in token(line).text


def test_a_token_in_half_an_answer_is_noted_masked(line: Line) -> None:
    line.box.faults.add("half_answer", path="/oauth2/token")
    with pytest.raises(requests.RequestException):
        token(line)

    assert '"access_token":"***"' in line.box.requests[-1].answer


@pytest.mark.parametrize("path", ["/", "/_sandbox/overview", "/nowhere", "/sendsms"])
def test_the_page_and_unknown_addresses_never_get_a_fault(line: Line, path: str) -> None:
    for kind in ("error_before", "html_page", "reset_after"):
        line.box.faults.add(kind)

    answer = line.session.get(line.url + path, timeout=PATIENT, allow_redirects=False)

    assert answer.status_code < 500
    assert "We are back soon" not in answer.text
    assert [fault.matched for fault in line.box.faults] == [0, 0, 0]


# On the wire


class Wire:
    """A socket with a request to send an SMS on it."""

    def __init__(self, box: Sandbox) -> None:
        body = urlencode({"apikey": box.api_key, "recipients": TO, "message": "hello"})
        self.sock = socket.create_connection(("127.0.0.1", int(box.url.rpartition(":")[2])), PATIENT)
        self.sock.sendall(
            f"POST {SEND} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )

    def until_the_end(self) -> tuple[dict[str, str], bytes]:
        received = b""
        while piece := self.sock.recv(65536):
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        return dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:]), body


@pytest.fixture
def wire(box: Sandbox) -> Iterator[Callable[[], Wire]]:
    wires: list[Wire] = []

    def make() -> Wire:
        wires.append(Wire(box))
        return wires[-1]

    yield make
    for each in wires:
        each.sock.close()


@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
def test_a_reset_is_a_rst_without_a_byte(box: Sandbox, wire: Callable[[], Wire], kind: str) -> None:
    box.faults.add(kind)

    with pytest.raises(ConnectionResetError):
        wire().sock.recv(1)


def test_half_an_answer_has_the_whole_length_and_half_the_body(box: Sandbox, wire: Callable[[], Wire]) -> None:
    box.faults.add("half_answer")

    headers, body = wire().until_the_end()

    assert len(body) == int(headers["Content-Length"]) // 2
    assert body.startswith(b'{"result":')


def test_a_drip_comes_in_pieces_until_its_time_is_over(box: Sandbox, wire: Callable[[], Wire]) -> None:
    box.faults.add("slow_drip", seconds=0.5)
    dripping = wire()

    started, pieces, received = monotonic(), 0, b""
    while not received.endswith(b"}\n"):
        received += dripping.sock.recv(65536)
        pieces += 1

    assert monotonic() - started > 0.45
    assert pieces > 5


def test_a_reset_hits_only_its_own_connection(box: Sandbox, api: Any) -> None:
    api.send()
    box.faults.add("reset_after", times=1)
    with requests.Session() as other, pytest.raises(requests.ConnectionError):
        Line(box, other, box.url).send()

    assert api.send()["sent"] == "1"


def test_waiting_requests_keep_nobody_from_being_answered(box: Sandbox, eventually: Callable[..., None]) -> None:
    box.faults.add("latency", seconds=600, path=LOG)
    with ThreadPoolExecutor(40) as threads, requests.Session() as session:
        line = Line(box, session, box.url)
        waiting = [threads.submit(requests.get, box.url + LOG, timeout=60) for _ in range(40)]
        eventually(lambda: len(box.requests) == 40)

        assert line.send().status_code == 200
        assert session.get(box.url + "/_sandbox/overview", timeout=PATIENT).status_code == 200
        assert not any(request.done() for request in waiting)

        box.close()
        assert {request.result(PATIENT).status_code for request in waiting} == {400}


@pytest.mark.parametrize("kind", ["latency", "slow_drip"])
def test_closing_the_sandbox_ends_all_waiting(
    box: Sandbox, eventually: Callable[..., None], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(server, "PATIENCE", 3600.0)
    before = set(threading.enumerate())
    box.faults.add(kind, seconds=3600)
    with ThreadPoolExecutor(1) as thread, requests.Session() as session:
        answer = thread.submit(Line(box, session, box.url).send, timeout=60)
        eventually(lambda: bool(box.requests))

        box.close()

        assert answer.result(PATIENT).json()["result"]["sent"] == "1"
    assert set(threading.enumerate()) <= before


def test_nothing_else_waits_while_an_answer_is_late(box: Sandbox, api: Any, eventually: Callable[..., None]) -> None:
    box.faults.add("latency", seconds=600, times=1)
    with ThreadPoolExecutor(1) as thread, requests.Session() as session:
        thread.submit(Line(box, session, box.url).send, timeout=60)
        eventually(lambda: bool(box.requests))

        assert api.send()["sent"] == "1"
        box.phone.receive("MPESA", "hi")
        assert len(api.inbox()) == 1
        box.close()


def test_the_application_in_another_server_breaks_as_far_as_it_can(box: Sandbox) -> None:
    caller = box.app.test_client()
    query = {"apikey": box.api_key}

    box.faults.add("latency", seconds=0.05, times=1)
    assert caller.get(LOG, query_string=query).status_code == 200
    box.faults.add("reset_after", times=1)
    with pytest.raises(ConnectionResetError):
        caller.get(LOG, query_string=query)
    box.faults.add("half_answer", times=1)
    cut = caller.get(LOG, query_string=query)
    with pytest.raises(ConnectionAbortedError):
        cut.get_data()


# What the SDK makes of it

UNKNOWN: dict[str, tuple[dict[str, Any], bool]] = {
    "latency": ({"seconds": 60}, True),
    "error_before": ({"status": 503}, False),
    "error_after": ({"status": 502}, True),
    "reset_before": ({}, False),
    "reset_after": ({}, True),
    "half_answer": ({}, True),
    "slow_drip": ({"seconds": 60}, True),
    "html_page": ({}, True),
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_a_send_whose_answer_is_lost_is_unknown_and_never_repeated(line: Line, kind: str) -> None:
    options, is_accepted = UNKNOWN[kind]
    line.box.faults.add(kind, **options)

    with pytest.raises(SendOutcomeUnknown) as caught:
        line.client(QUICK if "seconds" in options else PATIENT, max_retries=3).sms.send(TO, "only once")

    assert (caught.value.to, caught.value.message) == (TO, "only once")
    assert [request.faults for request in line.box.requests] == [(kind,)]
    assert line.texts == ["only once"] * is_accepted


@pytest.mark.parametrize("kind", UNKNOWN)
def test_reconcile_finds_exactly_what_was_accepted(line: Line, kind: str) -> None:
    options, is_accepted = UNKNOWN[kind]
    line.box.faults.add(kind, path=SEND, **options)
    with pytest.raises(SendOutcomeUnknown) as caught:
        line.client(1.0 if "seconds" in options else PATIENT).sms.send(TO, "only once")

    row = caught.value.reconcile()

    assert (row.guid if row else None) == (line.box.phone.outbox[0].guid if is_accepted else None)


def test_a_send_that_came_too_fast_waits_and_arrives_once(line: Line, pauses: list[float]) -> None:
    line.box.faults.add("rate_limited", times=2, seconds=7)

    sent = line.client(max_retries=3).sms.send(TO, "once")

    assert [message.guid for message in line.box.phone.outbox] == [sent.guid]
    assert pauses == [7, 7]


def test_a_send_that_is_always_too_fast_is_rate_limited(line: Line, pauses: list[float]) -> None:
    line.box.faults.add("rate_limited", seconds=61)

    with pytest.raises(RateLimited) as caught:
        line.client(max_retries=3).sms.send(TO, "never")

    assert caught.value.retry_after == 61
    assert line.texts == []
    assert pauses == []


@pytest.mark.parametrize(
    ("kind", "error"), [("phone_offline", DeviceOffline), ("subscription_over", SubscriptionExpired)]
)
def test_a_send_that_the_account_does_not_allow_is_refused(line: Line, kind: str, error: type[SMSMobileError]) -> None:
    line.box.faults.add(kind, times=1)

    with pytest.raises(error):
        line.client().sms.send(TO, "refused")

    line.client().sms.send(TO, "accepted")
    assert line.texts == ["accepted"]


def test_a_send_behind_a_php_warning_is_a_send(line: Line) -> None:
    line.box.faults.add("php_warning")

    sent = line.client().sms.send(TO, "once")

    assert [message.guid for message in line.box.phone.outbox] == [sent.guid]


def test_a_send_without_guid_is_accepted(line: Line) -> None:
    line.box.faults.add("no_guid")

    sent = line.client().sms.send(TO, "once")

    assert (sent.accepted, sent.guid) == (True, None)
    assert line.texts == ["once"]


def test_a_late_answer_within_the_timeout_is_an_answer(line: Line) -> None:
    line.box.faults.add("latency", seconds=0.1)
    line.box.faults.add("slow_drip", seconds=0.1)

    assert line.client().sms.send(TO, "once").guid == line.box.phone.outbox[0].guid


PASSING: dict[str, dict[str, Any]] = {
    "rate_limited": {},
    "error_before": {"status": 503},
    "error_after": {"status": 504},
    "reset_before": {},
    "reset_after": {},
    "half_answer": {},
    "latency": {"seconds": 60},
    "slow_drip": {"seconds": 60},
}


@pytest.mark.parametrize("kind", PASSING)
def test_a_read_that_fails_in_passing_is_repeated(line: Line, pauses: list[float], kind: str) -> None:
    line.client().sms.send(TO, "hello")
    line.box.faults.add(kind, times=2, **PASSING[kind])

    rows = line.client(1.0 if kind in {"latency", "slow_drip"} else PATIENT, max_retries=3).sms.log()

    assert [row.message for row in rows] == ["hello"]
    assert [request.faults for request in line.box.requests] == [(), (kind,), (kind,), ()]


@pytest.mark.parametrize(
    ("kind", "error", "tries"),
    [
        ("rate_limited", RateLimited, 2),
        ("error_before", ServerError, 2),
        ("error_after", ServerError, 2),
        ("reset_before", ConnectionFailed, 2),
        ("reset_after", ConnectionFailed, 2),
        ("half_answer", ConnectionFailed, 2),
        ("latency", ResponseTimeout, 2),
        ("slow_drip", ResponseTimeout, 2),
        ("html_page", UnexpectedResponse, 1),
        ("subscription_over", SubscriptionExpired, 1),
    ],
)
def test_a_read_that_fails_for_good_says_how(
    line: Line, pauses: list[float], kind: str, error: type[SMSMobileError], tries: int
) -> None:
    is_slow = kind in {"latency", "slow_drip"}
    line.box.faults.add(kind, seconds=60 if is_slow else None)

    with pytest.raises(error) as caught:
        line.client(QUICK if is_slow else PATIENT, max_retries=1).sms.log()

    assert type(caught.value) is error
    assert len(line.box.requests) == tries


def test_a_token_that_is_refused_in_passing_is_fetched_and_the_message_sent_once(
    line: Line, pauses: list[float]
) -> None:
    for kind in ("reset_before", "error_before", "half_answer"):
        line.box.faults.add(kind, times=1, path="/oauth2/token")
    client = line.client(client_id=line.box.client_id, client_secret=line.box.client_secret, max_retries=3)

    client.sms.send(TO, "once")

    assert line.texts == ["once"]


def test_in_any_weather_nothing_is_lost_without_a_word_and_nothing_comes_twice(line: Line, pauses: list[float]) -> None:
    faults = ("rate_limited", "error_before", "error_after", "reset_before", "reset_after", "half_answer", "html_page")
    for number, kind in enumerate(faults):
        line.box.faults.add(kind, probability=0.1, seed=number, path=SEND)
    client = line.client(max_retries=3)

    def send(text: str) -> object:
        try:
            return client.sms.send(TO, text).guid
        except SendOutcomeUnknown as doubt:
            row = doubt.reconcile()
            return row and row.guid
        except RateLimited:
            return None

    texts = [f"message {number}" for number in range(80)]
    with ThreadPoolExecutor(8) as threads:
        guids = dict(zip(texts, threads.map(send, texts), strict=True))

    arrived = {message.message: message.guid for message in line.box.phone.outbox}
    assert len(arrived) == len(line.box.phone.outbox)
    assert arrived == {text: guid for text, guid in guids.items() if guid is not None}
    assert 0 < len(arrived) < 80
