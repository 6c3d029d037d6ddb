"""What test suites put in the way of requests: nothing goes out past it, also where the client was used before.

The server is real, so that a message that gets past is seen.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pook
import pytest
import requests
import requests_mock
import responses
import vcr

from smsmobile import ResponseTimeout, SendOutcomeUnknown, SMSMobileClient

from .raw_server import SUCCESS, TEXT, TO, RawServer, accepted

INSTEAD = "guid-of-the-interceptor"


@contextmanager
def by_responses(url: str) -> Iterator[None]:
    with responses.RequestsMock() as mock:
        mock.post(f"{url}/sendsms/", json=accepted(INSTEAD))
        yield


@contextmanager
def by_requests_mock(url: str) -> Iterator[None]:
    with requests_mock.Mocker() as mock:
        mock.post(f"{url}/sendsms/", json=accepted(INSTEAD))
        yield


@contextmanager
def by_pook(url: str) -> Iterator[None]:
    with pook.use():
        pook.post(f"{url}/sendsms/").reply(200).json(accepted(INSTEAD))
        yield


@pytest.fixture(params=["our session", "a session of the user's"])
def used_client(request: pytest.FixtureRequest) -> Iterator[tuple[RawServer, SMSMobileClient]]:
    """A client with a connection that is alive, and its server, which has one message."""
    with RawServer((SUCCESS,)) as server:
        session = requests.Session() if request.param != "our session" else None
        client = server.client(max_retries=0, session=session)
        client.sms.send(TO, TEXT)
        yield server, client


@pytest.mark.parametrize("interceptor", [by_responses, by_requests_mock, by_pook], ids=lambda it: it.__name__)
def test_an_interceptor_answers_in_place_of_the_service(
    used_client: tuple[RawServer, SMSMobileClient], interceptor: Callable[[str], Any]
) -> None:
    server, client = used_client
    with interceptor(server.url):
        assert client.sms.send(TO, TEXT).guid == INSTEAD
    assert server.messages == 1
    client.sms.send(TO, TEXT)
    assert server.messages == 2


# Versions of vcrpy for Python 3.10 take connections out of a pool and do not close them.
@pytest.mark.usefixtures("closed_sockets")
def test_vcrpy_records_a_send_and_replays_it(used_client: tuple[RawServer, SMSMobileClient], tmp_path: Path) -> None:
    server, client = used_client
    cassette = str(tmp_path / "cassette.yaml")
    with vcr.use_cassette(cassette, filter_post_data_parameters=["apikey"]):
        recorded = client.sms.send(TO, TEXT)
    assert server.messages == 2
    with vcr.use_cassette(cassette, filter_post_data_parameters=["apikey"], record_mode="none"):
        assert client.sms.send(TO, TEXT) == recorded
    assert server.messages == 2
    client.sms.send(TO, TEXT)
    assert server.messages == 3


@pytest.mark.usefixtures("closed_sockets")
def test_vcrpy_lets_nothing_out_that_is_not_on_the_cassette(
    used_client: tuple[RawServer, SMSMobileClient], tmp_path: Path
) -> None:
    server, client = used_client
    with (
        vcr.use_cassette(str(tmp_path / "empty.yaml"), record_mode="none"),
        pytest.raises(SendOutcomeUnknown, match="CannotOverwriteExistingCassetteException"),
    ):
        client.sms.send(TO, TEXT)
    assert server.messages == 1


LATE = """
import sys, requests_mock
with requests_mock.Mocker() as mock:
    mock.post(sys.argv[1] + "/sendsms/", json={"result": {"error": 0, "sent": "1", "id": "mocked"}})
    from smsmobile import SMSMobileClient

    print(SMSMobileClient(api_key="0123456789", base_url=sys.argv[1]).sms.send("+33612345678", "hi").guid)
"""


def test_a_program_that_imports_the_library_within_an_interceptor_is_intercepted() -> None:
    with RawServer((SUCCESS,)) as server:
        done = subprocess.run([sys.executable, "-c", LATE, server.url], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("mocked\n", "")
    assert server.messages == 0


def test_an_interceptor_that_knows_no_such_request_lets_nothing_out(
    used_client: tuple[RawServer, SMSMobileClient],
) -> None:
    server, client = used_client
    with requests_mock.Mocker(), pytest.raises(requests_mock.NoMockAddress):
        client.sms.send(TO, TEXT)
    assert server.messages == 1


def test_a_simulated_timeout_is_one_although_nobody_has_read_the_body(
    used_client: tuple[RawServer, SMSMobileClient],
) -> None:
    server, client = used_client
    with requests_mock.Mocker() as mock:
        mock.post(f"{server.url}/sendsms/", exc=requests.ReadTimeout)
        mock.get(f"{server.url}/log/sent/sms/", exc=requests.ReadTimeout)
        with pytest.raises(SendOutcomeUnknown):
            client.sms.send(TO, TEXT)
        with pytest.raises(ResponseTimeout):
            client.sms.log()
    assert server.messages == 1
