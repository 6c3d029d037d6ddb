"""The API key goes into the form of a POST and the query of a GET: never both, never twice."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import requests
import responses
from requests.auth import AuthBase

from smsmobile import ApiKeyAuth, ConfigurationError, SMSMobileClient

KEY = "0123456789abcdef0123456789abcdef0123456789abcdef"
BASE = "https://api.smsmobileapi.com"


def sign(method: str, url: str = f"{BASE}/getsms/", key: str = KEY, **request: Any) -> requests.PreparedRequest:
    return requests.Request(method, url, auth=ApiKeyAuth(key), **request).prepare()


def test_it_is_a_strategy_of_requests() -> None:
    assert isinstance(ApiKeyAuth(KEY), AuthBase)


def test_a_send_has_the_key_in_its_form_and_not_in_its_address(
    service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    service.post(f"{BASE}/sendsms/", json={"result": {"sent": "1"}})
    client.sms.send("+33639985678", "Bonjour")
    request = service.calls[0].request
    assert KEY not in (request.url or "")
    assert str(request.body).count(f"apikey={KEY}") == 1
    assert KEY not in str(request.headers)


def test_a_read_has_the_key_in_its_query_and_nowhere_else(
    service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    service.get(f"{BASE}/getsms/", json={"result": {"sms": []}})
    client.sms.received(unread_only=True)
    request = service.calls[0].request
    assert request.url == f"{BASE}/getsms/?onlyunread=yes&apikey={KEY}"
    assert request.body is None
    assert KEY not in str(request.headers)


def test_on_a_repetition_the_key_is_still_there_once(network: Any, client: SMSMobileClient, pauses: Any) -> None:
    network.will_answer(429).will_answer(429).will_accept().will_answer(503).will_list_nothing()
    client.sms.send("+33639985678", "Bonjour")
    client.sms.log()
    assert [("".join(request)).count("apikey=") for request in network.requests] == [1] * 5


def test_it_works_with_plain_requests(service: responses.RequestsMock) -> None:
    service.get(f"{BASE}/getsms/", json={})
    service.post(f"{BASE}/sendsms/", json={})
    requests.get(f"{BASE}/getsms/", auth=ApiKeyAuth(KEY), timeout=1)
    requests.post(f"{BASE}/sendsms/", {"message": "Bonjour"}, auth=ApiKeyAuth(KEY), timeout=1)
    assert service.calls[0].request.url == f"{BASE}/getsms/?apikey={KEY}"
    assert service.calls[1].request.body == f"message=Bonjour&apikey={KEY}"


def test_a_post_without_a_form_gets_one() -> None:
    request = sign("POST")
    assert request.body == f"apikey={KEY}"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.headers["Content-Length"] == str(len(request.body))


def test_a_form_of_bytes_is_signed_as_well() -> None:
    assert sign("POST", data=b"message=x").body == f"message=x&apikey={KEY}"


@pytest.mark.parametrize("request_", [sign("GET"), sign("POST", data={"a": "b"}), sign("HEAD")], ids=str)
def test_signing_twice_changes_nothing(request_: requests.PreparedRequest) -> None:
    once = (request_.url, request_.body, request_.headers.copy())
    ApiKeyAuth(KEY)(request_)
    assert (request_.url, request_.body, request_.headers) == once


def test_a_parameter_whose_name_only_ends_in_apikey_is_not_taken_for_the_key() -> None:
    request = sign("GET", params={"old_apikey": "x", "q": "?apikey"})
    assert (request.url or "").endswith(f"&apikey={KEY}")
    assert str(sign("POST", data={"message": "&apikey=x"}).body).endswith(f"&apikey={KEY}")


def test_a_key_with_strange_characters_is_quoted() -> None:
    assert (sign("GET", key="a+b/c&d=e").url or "").endswith("?apikey=a%2Bb%2Fc%26d%3De")
    assert sign("POST", key="a+b/c&d=é").body == "apikey=a%2Bb%2Fc%26d%3D%C3%A9"


def test_a_key_that_cannot_be_one_is_refused_without_being_shown(subtests: pytest.Subtests) -> None:
    for key, reason in [
        ("", "api_key is empty"),
        (" \t\n", "api_key is empty"),
        (f"{KEY}\n", "api_key contains a line break"),
        (f"{KEY}\r\nX-Evil: 1", "api_key contains a line break"),
        (f" {KEY}", "spaces around it"),
        (f"{KEY}\x00", "a control character"),
        (f"{KEY}\N{ZERO WIDTH SPACE}", "a control character"),
        (None, "api_key is of type NoneType"),
        (7, "api_key is of type int"),
        (b"key", "api_key is of type bytes"),
    ]:
        with subtests.test(key=key):
            with pytest.raises(ConfigurationError, match=reason) as refused:
                ApiKeyAuth(key)
            assert KEY not in str(refused.value)


def test_it_shows_no_key_and_is_not_pickled_or_copied() -> None:
    auth = ApiKeyAuth(KEY)
    assert KEY not in f"{auth} {auth!r}"
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="holds secrets and cannot be pickled or copied"):
            leak(auth)
