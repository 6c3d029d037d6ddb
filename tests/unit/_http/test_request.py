"""What the authentication adds to a request is secret: it is found wherever it was put."""

from __future__ import annotations

import copy
import pickle
import tracemalloc
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
import requests
from requests.auth import HTTPBasicAuth

from smsmobile import ApiKeyAuth
from smsmobile._http.departure import Stage
from smsmobile._http.request import Request, Template, sign, text_of

SECRET = "se/cret+of&the=te sts"


def secrets_after(
    auth: requests.auth.AuthBase | None, method: str = "POST", query: str = "", **params: str
) -> list[str]:
    template = Template(requests.Session(), method, f"https://sms.example/{query}")
    request = template.fill(params, repeat=True)
    url, body = request.url or "", request.body
    if auth is not None:
        sign(request, auth)
    return template.secrets_in(request, url, body)


def test_a_key_in_the_form_is_found() -> None:
    assert secrets_after(ApiKeyAuth(SECRET), message="hi") == [SECRET]
    assert secrets_after(ApiKeyAuth(SECRET)) == [SECRET]


def test_a_key_in_the_query_is_found() -> None:
    assert secrets_after(ApiKeyAuth(SECRET), "GET", keyword="hi") == [SECRET]


def test_a_header_is_found_whole_and_without_its_scheme() -> None:
    found = secrets_after(HTTPBasicAuth("user", "word"), message="hi")
    assert found == ["Basic dXNlcjp3b3Jk", "dXNlcjp3b3Jk"]


class InFront(requests.auth.AuthBase):
    """Puts its key before the other parameters."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.url = (request.url or "").replace("?", f"?token={SECRET}&")
        request.body = f"token={SECRET.replace('&', '%26')}&{text_of(request.body)}"
        return request


def test_a_parameter_in_front_of_the_others_is_found() -> None:
    found = secrets_after(InFront(), query="?a=1", message="hi")
    assert "hi" not in found
    assert "1" not in found
    assert any("cret" in value for value in found)


def test_without_a_signature_there_is_nothing_secret() -> None:
    assert secrets_after(None, query="?a=1", message="hi") == []


class Streams(requests.auth.AuthBase):
    """Replaces the form by one whose length is not known before it is sent."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.body = iter([b"message=hi"])  # type: ignore[assignment]
        return request


def test_a_request_of_unknown_length_names_none() -> None:
    request = Template(requests.Session(), "POST", "https://sms.example/").fill({}, repeat=True)
    sign(request, Streams())
    assert "Content-Length" not in request.headers


def test_a_long_value_is_quoted_as_a_short_one_and_with_little_memory() -> None:
    template = Template(requests.Session(), "POST", "https://sms.example/")
    value = "+/é\N{PILE OF POO} " * 200_000
    request = template.fill({"a": "1", "file": value}, repeat=True)
    assert request.body == urlencode({"a": "1", "file": value})
    content = "AAAAAAA+" * 250_000
    tracemalloc.start()
    try:
        template.fill({"file": content}, repeat=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * len(content)  # quote_plus by itself takes ten times the size


@pytest.mark.parametrize(("body", "text"), [("a=b", "a=b"), (b"a=\xc3\xa9", "a=é"), (None, ""), (iter([b"x"]), "")])
def test_the_text_of_a_body_is_its_text_or_nothing(body: object, text: str) -> None:
    assert text_of(body) == text


class Another(requests.auth.AuthBase):
    """Returns a request of its own."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return requests.Request("POST", request.url, data={"message": "hi", "token": SECRET}).prepare()


def test_a_signed_request_that_is_another_one_replaces_ours() -> None:
    request = Template(requests.Session(), "POST", "https://sms.example/").fill({"message": "hi"}, repeat=True)
    sign(request, Another())
    assert text_of(request.body).startswith("message=hi&token=")


READERS: dict[str, Callable[[Request], object]] = {
    "body": lambda request: request.body,
    "its own copy": lambda request: request.copy(),
    "copy": copy.copy,
    "pickle": pickle.dumps,
}


@pytest.mark.parametrize("reader", READERS)
def test_whoever_reads_the_body_may_have_sent_it(reader: str) -> None:
    request = Template(requests.Session(), "POST", "https://sms.example/").fill({"message": "hi"}, repeat=True)
    sign(request, None)
    assert (request.url, request.stage) == ("https://sms.example/", Stage.KEPT)
    READERS[reader](request)
    assert request.stage is Stage.READ
