"""Redirects are refused: nothing goes to the other address, and the error names it without credentials."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Any

import pytest

from smsmobile import UnexpectedResponse

from .raw_server import (
    API_KEY,
    CLIENT_ID,
    CLIENT_SECRET,
    GUID,
    LOG,
    TEXT,
    TO,
    TOKENS,
    RawServer,
    Script,
    answer,
    close,
    flood,
    head,
    stall,
    token,
)

MakeServer = Callable[..., RawServer]
Try = Callable[..., Any]
STATUSES = ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
CALLS: dict[str, tuple[str, tuple[str, ...], dict[str, str]]] = {
    "send": ("send", (TO, TEXT), {}),
    "resend": ("resend", (GUID,), {}),
    "log": ("log", (), {"keyword": TO}),
    "delete": ("delete", (GUID,), {}),
}


@pytest.mark.parametrize(
    ("status", "call", "oauth"),
    [(status, call, bool(n % 2)) for n, (status, call) in enumerate(zip(STATUSES, cycle(CALLS), strict=False))],
)
def test_a_redirect_to_another_host_is_not_followed(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], status: str, call: str, oauth: bool
) -> None:
    name, arguments, options = CALLS[call]
    with raw_server((LOG,)) as other:
        location = f"http://user:{API_KEY}@127.0.0.1:{other.port}/elsewhere/?apikey={API_KEY}&message=x#{TOKENS[0]}"
        moved: Script = (answer(b"<h1>Moved</h1>", status, f"Location: {location}"),)
        with raw_server(*([token(0)] if oauth else []), moved) as server:
            credentials = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET} if oauth else {}
            client = server.client(max_retries=3, **credentials)
            refusal = outcome_of(getattr(client.sms, name), *arguments, **options)
    assert type(refusal) is UnexpectedResponse, repr(refusal)
    assert refusal.code == "redirect"
    assert refusal.status == int(status[:3])
    assert f"http://127.0.0.1:{other.port}/elsewhere/." in str(refusal)
    assert not {"?", "#", "@"} & set(str(refusal))
    assert other.connections == 0
    assert len(server.requests) == 1 + oauth
    assert pauses == []


def test_a_redirect_of_the_token_request_is_not_followed(raw_server: MakeServer, outcome_of: Try) -> None:
    with raw_server(token(0)) as other:
        moved = answer(b"", "307 Temporary Redirect", f"Location: {other.url}/oauth2/token")
        with raw_server((moved,)) as server:
            client = server.client(client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
            refusal = outcome_of(client.sms.send, TO, TEXT)
    assert type(refusal) is UnexpectedResponse, repr(refusal)
    assert other.connections == 0
    assert len(server.requests) == 1
    assert server.messages == 0


@pytest.mark.parametrize(
    "location",
    [
        "/sendsms/",
        "//other.example/x",
        "/login/{credential}/",
        "//{credential}/",
        "http://[oops/",
        "http://host:port/",
        "\x1b[2J",
        "javascript:alert(1)",
        "",
    ],
)
def test_wherever_a_redirect_points_it_is_refused(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], location: str
) -> None:
    def moved(credential: str) -> Script:
        return (answer(b"", "302 Found", "Location: " + location.replace("{credential}", credential)),)

    with raw_server(moved(API_KEY)) as server:
        key = outcome_of(server.client().sms.send, TO, TEXT)
    with raw_server(token(0), moved(TOKENS[0])) as signed:
        bearer = outcome_of(signed.client(client_id=CLIENT_ID, client_secret=CLIENT_SECRET).sms.log)
    assert type(key) is type(bearer) is UnexpectedResponse, repr((key, bearer))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "body", [(flood(b" " * 65536),), (stall,), (b"half", close)], ids=["endless", "stalled", "cut"]
)
@pytest.mark.parametrize("call", ["send", "log"])
def test_the_body_of_a_redirect_is_not_waited_for(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], body: Script, call: str
) -> None:
    name, arguments, options = CALLS[call]
    with raw_server((head("302 Found", "Location: /elsewhere/", "Content-Length: 99999999999"), *body)) as server:
        refusal = outcome_of(getattr(server.client(max_retries=3).sms, name), *arguments, **options)
    assert type(refusal) is UnexpectedResponse, repr(refusal)
    assert len(server.requests) == 1
