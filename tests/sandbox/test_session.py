"""The sandbox without a socket: `Sandbox.session()`. Faults over both transports are in test_faults.py."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import requests
from urllib3.util.retry import Retry

from smsmobile import AuthenticationError, ConnectionFailed, SendOutcomeUnknown, SMSMobileClient
from smsmobile.sandbox import Sandbox

TO = "+33639985678"
URL = "https://api.smsmobileapi.com"
LOG = "/log/sent/sms/"


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """Never started."""
    box = Sandbox()
    yield box
    box.close()


@pytest.fixture
def session(box: Sandbox) -> Iterator[requests.Session]:
    with box.session() as session:
        yield session


@pytest.fixture
def client(box: Sandbox, session: requests.Session) -> Iterator[SMSMobileClient]:
    with SMSMobileClient(api_key=box.api_key, session=session) as client:
        yield client


def key(box: Sandbox, **params: Any) -> dict[str, Any]:
    return {"apikey": box.api_key, **params}


@pytest.fixture
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something wants to leave this process")

    for name in ("connect", "connect_ex", "bind", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)


# Nothing leaves


@pytest.mark.usefixtures("_no_network")
def test_a_send_needs_no_socket_no_thread_and_no_start(box: Sandbox, client: SMSMobileClient) -> None:
    before = set(threading.enumerate())

    sent = client.sms.send(TO, "hi")

    assert [(message.guid, message.message) for message in box.phone.outbox] == [(sent.guid, "hi")]
    assert [row.guid for row in client.sms.log()] == [sent.guid]
    assert set(threading.enumerate()) == before
    assert repr(box) == "<Sandbox not started>"


@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize(
    "url",
    [
        URL,
        "http://api.smsmobileapi.com",
        "https://somebody.example:8443",
        "http://127.0.0.1:1",
        "http://[::1]:1",
        "http://192.0.2.1",
        "https://user:password@xn--bcher-kva.example",
    ],
)
def test_every_address_is_the_sandbox(box: Sandbox, session: requests.Session, url: str) -> None:
    assert session.get(url + LOG, params=key(box)).json() == {"result": {"error": 0, "sms": []}}
    assert session.get(f"{url}/_sandbox/overview").json()["api_key"] == box.api_key


@pytest.mark.usefixtures("_no_network")
def test_proxies_and_certificates_of_the_machine_do_not_matter(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://proxy.example:3128")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/bundle.pem")
    with box.session() as session, SMSMobileClient(api_key=box.api_key, session=session) as client:
        client.sms.send(TO, "hi")
        assert session.get(URL + LOG, params=key(box)).status_code == 200


def test_a_netrc_of_the_machine_does_not_matter(
    box: Sandbox, session: requests.Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.smsmobileapi.com login me password mine")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    session.get(URL + LOG, params=key(box))

    assert box.requests[-1].auth == "key"


@pytest.mark.usefixtures("_no_network")
def test_not_even_proxies_and_certificates_of_the_session_matter(box: Sandbox, session: requests.Session) -> None:
    session.proxies = {"http": "http://proxy.example:3128", "https": "http://proxy.example:3128"}
    session.verify = "/nowhere/bundle.pem"
    session.cert = "/nowhere/mine.pem"

    assert session.get(URL + LOG, params=key(box)).status_code == 200
    assert session.get("http://plain.example" + LOG, params=key(box)).status_code == 200


def test_another_scheme_is_refused_by_requests(session: requests.Session) -> None:
    with pytest.raises(requests.exceptions.InvalidSchema):
        session.get("ftp://api.smsmobileapi.com/")


# As over a network


def test_what_a_session_does_is_seen_over_a_socket_and_the_other_way_round(box: Sandbox, client: Any) -> None:
    box.start()
    with SMSMobileClient(api_key=box.api_key, base_url=box.url) as other:
        here, there = client.sms.send(TO, "here"), other.sms.send(TO, "there")

        assert [row.guid for row in client.sms.log()] == [there.guid, here.guid]
        assert client.sms.log() == other.sms.log()


def test_answers_have_the_same_headers_as_over_a_socket(box: Sandbox, session: requests.Session) -> None:
    box.start()
    with requests.Session() as other:
        there = other.get(box.url + LOG, params=key(box), timeout=10).headers
    here = session.get(URL + LOG, params=key(box)).headers

    assert {**here, "Date": ""} == {**there, "Date": ""}


def test_oauth2_works(box: Sandbox, session: requests.Session) -> None:
    with SMSMobileClient(client_id=box.client_id, client_secret=box.client_secret, session=session) as client:
        client.sms.send(TO, "one")
        box.revoke_tokens()
        client.sms.send(TO, "two")

    assert [message.message for message in box.phone.outbox] == ["one", "two"]
    assert box.tokens_issued == 2


def test_a_wrong_key_is_refused(session: requests.Session) -> None:
    with SMSMobileClient(api_key="wrong", session=session) as client, pytest.raises(AuthenticationError):
        client.sms.send(TO, "hi")


def test_redirects_are_followed_to_the_same_host(box: Sandbox, session: requests.Session) -> None:
    answer = session.get("https://somebody.example/getsms", params=key(box))

    assert [step.status_code for step in answer.history] == [301]
    assert answer.url.startswith("https://somebody.example/getsms/?apikey=")
    assert answer.status_code == 200


def test_connections_are_kept_alive(box: Sandbox, session: requests.Session) -> None:
    for _ in range(5):
        session.get(URL + LOG, params=key(box))

    pool = session.get_adapter(URL).get_connection_with_tls_context(  # type: ignore[attr-defined]
        requests.Request("GET", URL + LOG).prepare(), verify=False
    )
    assert (pool.num_connections, pool.num_requests) == (1, 5)


def test_a_connection_that_asks_to_be_closed_is(box: Sandbox, session: requests.Session) -> None:
    headers = {"Connection": "close"}

    answers = [session.get(URL + LOG, params=key(box), headers=headers) for _ in range(2)]

    assert [answer.headers["Connection"] for answer in answers] == ["close", "close"]


def test_retries_of_urllib3_work(box: Sandbox, session: requests.Session) -> None:
    session.get_adapter(URL).max_retries = Retry(3, status_forcelist={503})  # type: ignore[attr-defined]
    box.faults.add("error_before", status=503, times=2)
    box.faults.add("reset_before", times=1)

    answer = session.get(URL + LOG, params=key(box))

    assert answer.status_code == 200
    assert [request.status for request in box.requests] == [503, 503, None, 200]


def test_hooks_are_called(box: Sandbox, session: requests.Session) -> None:
    seen: list[int] = []

    session.get(URL + LOG, params=key(box), hooks={"response": lambda answer, **_: seen.append(answer.status_code)})

    assert seen == [200]


def test_an_answer_can_be_streamed(box: Sandbox, client: SMSMobileClient, session: requests.Session) -> None:
    for number in range(100):
        client.sms.send(TO, f"message {number}")

    with session.get(URL + LOG, params=key(box), stream=True) as answer:
        pieces = list(answer.iter_content(1000))

    assert len(b"".join(pieces)) == int(answer.headers["Content-Length"]) > 20_000
    assert len(pieces) > 20


def test_an_answer_that_is_not_read_to_its_end_disturbs_nobody(box: Sandbox, session: requests.Session) -> None:
    with session.get(URL + LOG, params=key(box), stream=True) as answer:
        answer.raw.read(5)

    assert session.get(URL + LOG, params=key(box)).json()["result"]["sms"] == []


def test_a_connection_with_something_unread_on_it_is_not_used_again(box: Sandbox, session: requests.Session) -> None:
    unread = session.get(f"{URL}/nowhere", stream=True)
    unread.raw.release_conn()

    assert session.get(URL + LOG, params=key(box)).json()["result"]["sms"] == []


def test_a_body_can_come_in_chunks(box: Sandbox, session: requests.Session) -> None:
    pieces = iter([b"apikey=" + box.api_key.encode(), b"&recipients=%2B336399", b"85678&message=in+chunks"])
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = session.post(f"{URL}/sendsms/", data=pieces, headers=headers)

    assert answer.json()["result"]["sent"] == "1"
    assert box.phone.outbox[0].message == "in chunks"


@pytest.mark.parametrize("text", ["é à ü 中文 😀👨‍👩‍👧", "a&b=c+d%20e", "two\nlines", "x" * 100_000])
def test_a_text_arrives_unchanged(box: Sandbox, client: SMSMobileClient, text: str) -> None:
    client.sms.send(TO, text)

    assert [message.message for message in box.phone.outbox] == [text]


def test_too_large_a_body_is_refused(box: Sandbox, session: requests.Session) -> None:
    answer = session.post(f"{URL}/sendsms/", data=key(box, recipients=TO, message="x" * 9_000_000))

    assert answer.status_code == 413


def test_what_is_no_http_is_refused_by_the_server(box: Sandbox, session: requests.Session) -> None:
    answer = session.get(URL + LOG, params=key(box), headers={"Content-Length": "many"})

    assert (answer.status_code, answer.reason) == (400, "Bad Request")
    assert answer.headers["Connection"] == "close"
    assert box.requests == []


def test_a_request_that_never_ends_is_a_timeout(session: requests.Session) -> None:
    request = requests.Request("POST", f"{URL}/sendsms/", data=b"short").prepare()
    request.headers["Content-Length"] = "1000"

    with pytest.raises(requests.ReadTimeout):
        session.send(request, timeout=60)


# Time


@pytest.mark.parametrize(("kind", "seconds"), [("latency", 3000), ("slow_drip", 3000)])
def test_nobody_waits_for_what_comes_in_time(
    box: Sandbox, session: requests.Session, kind: str, seconds: float
) -> None:
    box.faults.add(kind, seconds=seconds)
    started = monotonic()

    assert session.get(URL + LOG, params=key(box), timeout=3001).status_code == 200
    assert session.get(URL + LOG, params=key(box), timeout=None).status_code == 200
    assert monotonic() - started < 30


@pytest.mark.parametrize("kind", ["latency", "slow_drip"])
def test_nobody_waits_for_what_comes_too_late(box: Sandbox, session: requests.Session, kind: str) -> None:
    box.faults.add(kind, seconds=3000)
    started = monotonic()

    with (
        SMSMobileClient(api_key=box.api_key, session=session, timeout=2999) as client,
        pytest.raises(SendOutcomeUnknown, match="timeout"),
    ):
        client.sms.send(TO, "hi")

    assert monotonic() - started < 30
    assert [message.message for message in box.phone.outbox] == ["hi"]


def test_the_time_of_latency_and_drip_adds_up(box: Sandbox, session: requests.Session) -> None:
    box.faults.add("latency", seconds=2)
    box.faults.add("slow_drip", seconds=2)

    assert session.get(URL + LOG, params=key(box), timeout=4.1).status_code == 200
    with pytest.raises(requests.RequestException, match="timed out"):
        session.get(URL + LOG, params=key(box), timeout=3.9)


def test_the_time_of_one_request_does_not_count_for_the_next(box: Sandbox, session: requests.Session) -> None:
    box.faults.add("latency", seconds=3)

    for _ in range(3):
        assert session.get(URL + LOG, params=key(box), timeout=4).status_code == 200


# Many, copies, and the end


def test_threads_share_a_session_and_lose_nothing(
    box: Sandbox, client: SMSMobileClient, caplog: pytest.LogCaptureFixture
) -> None:
    texts = [f"message {number}" for number in range(400)]

    with ThreadPoolExecutor(32) as threads:
        guids = list(threads.map(lambda text: client.sms.send(TO, text).guid, texts))

    assert {message.guid: message.message for message in box.phone.outbox} == dict(zip(guids, texts, strict=True))
    assert len(box.phone.outbox) == 400
    assert caplog.messages == []  # such as that the pool is full


def test_each_session_is_its_own(box: Sandbox, session: requests.Session) -> None:
    other = box.session()
    other.headers["X-Mine"] = "1"
    other.close()

    assert other is not session
    assert "X-Mine" not in session.headers
    assert session.get(URL + LOG, params=key(box)).status_code == 200


def test_sessions_of_two_sandboxes_are_kept_apart(box: Sandbox, session: requests.Session) -> None:
    other = Sandbox(api_key=box.api_key)
    with other.session() as another:
        another.post(f"{URL}/sendsms/", data=key(box, recipients=TO, message="there"))

    assert box.phone.outbox == []
    assert len(other.phone.outbox) == 1
    other.close()


def test_once_the_sandbox_is_closed_connections_are_refused(
    box: Sandbox, client: SMSMobileClient, pauses: list[float]
) -> None:
    client.sms.send(TO, "before")
    box.close()

    with box.session() as session, SMSMobileClient(api_key=box.api_key, session=session) as late:
        for each in (client, late):
            with pytest.raises(ConnectionFailed, match=r"the sandbox is closed\. Nothing was sent"):
                each.sms.send(TO, "after")
    assert [message.message for message in box.phone.outbox] == ["before"]


LEAKS = """
import gc, requests
from smsmobile import SMSMobileClient, SMSMobileError
from smsmobile.sandbox import Sandbox

box = Sandbox()
client = SMSMobileClient(api_key=box.api_key, session=box.session(), timeout=5, max_retries=0)
for kind in ("latency", "half_answer", "reset_after", "slow_drip", "html_page"):
    box.faults.add(kind, times=1, seconds=60 if kind in ("latency", "slow_drip") else None)
    try:
        client.sms.send("+33639985678", kind)
    except SMSMobileError as error:
        print(type(error).__name__)
    client.sms.send("+33639985678", "next")
print(len(box.phone.outbox))
del client, box
gc.collect()
"""

FORK = """
import os
from smsmobile import SMSMobileClient
from smsmobile.sandbox import Sandbox

box = Sandbox()
client = SMSMobileClient(api_key=box.api_key, session=box.session())
client.sms.send("+33639985678", "before")
child = os.fork()
for number in range(20):
    client.sms.send("+33639985678", f"message {number}")
if not child:
    os._exit(len(box.phone.outbox))
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), len(box.phone.outbox))
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )


def test_nothing_is_left_open_and_nothing_is_printed() -> None:
    done = run(LEAKS)

    assert (done.stdout, done.stderr) == ("SendOutcomeUnknown\n" * 5 + "10\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_has_a_sandbox_of_its_own() -> None:
    done = run(FORK)

    assert (done.stdout, done.stderr) == ("21 21\n", "")
