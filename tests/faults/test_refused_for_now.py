"""Answers that were certainly not an acceptance: 429, and 401 with OAuth2. Only after these a send is repeated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smsmobile import (
    AuthenticationError,
    ConnectionFailed,
    RateLimited,
    SendOutcomeUnknown,
    SentSMS,
    ServerError,
    UnexpectedResponse,
)

from .flaky_server import FlakyServer
from .raw_server import (
    CLIENT_ID,
    CLIENT_SECRET,
    PATIENT,
    SUCCESS,
    TEXT,
    TO,
    TOKENS,
    RawServer,
    Script,
    answer,
    close,
    echo,
    head,
    reset,
    stall,
    token,
)

MakeServer = Callable[..., RawServer]
Try = Callable[..., Any]


def busy(*fields: str) -> bytes:
    return answer({"success": False, "error": "too_many_requests"}, "429 Too Many Requests", *fields)


def test_a_send_waits_as_long_as_429_says_and_is_repeated(
    flaky: FlakyServer, outcome_of: Try, pauses: list[float]
) -> None:
    flaky.faults.add("rate_limited", seconds=7, times=1)
    sent = outcome_of(flaky.client.sms.send, TO, TEXT)
    assert isinstance(sent, SentSMS), repr(sent)
    assert [request.path for request in flaky.requests] == ["/sendsms/"] * 2
    assert flaky.requests[0].parameters == flaky.requests[1].parameters
    assert flaky.texts == [TEXT]
    assert pauses == [7]


@pytest.mark.parametrize("retry_after", ["61", "9" * 400, "9" * 5000, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_429_that_asks_for_more_than_a_minute_is_handed_over(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], retry_after: str
) -> None:
    with raw_server((busy(f"Retry-After: {retry_after}"),)) as server:
        refusal = outcome_of(server.client(max_retries=1).sms.send, TO, TEXT)
    assert isinstance(refusal, RateLimited), repr(refusal)
    assert refusal.retry_after is None or refusal.retry_after > 60
    assert len(server.paths) == (2 if refusal.retry_after is None else 1)


@pytest.mark.parametrize("retry_after", ["soon", "-5", "", "²", "Fri, 31 Dec 99999999 23:59:59 GMT", "Fri, 1 Jan 1999"])
def test_a_429_that_cannot_be_read_is_repeated_after_a_pause_of_our_own(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], retry_after: str
) -> None:
    with raw_server((busy(f"Retry-After: {retry_after}"),), (SUCCESS,)) as server:
        sent = outcome_of(server.client(max_retries=1).sms.send, TO, TEXT)
    assert isinstance(sent, SentSMS), repr(sent)
    assert all(0 <= pause <= 60 for pause in pauses)


def test_429_again_and_again_is_rate_limited(flaky: FlakyServer, outcome_of: Try, pauses: list[float]) -> None:
    flaky.faults.add("rate_limited", seconds=3)
    refusal = outcome_of(flaky.client.sms.send, TO, TEXT)
    assert isinstance(refusal, RateLimited), repr(refusal)
    assert refusal.retry_after == 3
    assert len(flaky.requests) == 4
    assert flaky.texts == []
    assert pauses == [3, 3, 3]


@pytest.mark.parametrize(
    "broken",
    [
        (head("429 Too Many Requests", "Content-Length: 999"), close),
        (head("429 Too Many Requests", "Content-Length: 999"), reset),
        (head("429 Too Many Requests", "Transfer-Encoding: chunked"), b"-1\r\n", b"x" * 9999, close),
        (head("429 Too Many Requests", "Transfer-Encoding: chunked"), b"what?\r\n", close),
        (head("429 Too Many Requests", "Content-Encoding: gzip", "Content-Length: 5"), b"12345"),
    ],
    ids=["closed", "reset", "negative chunk", "wrong chunk", "no gzip"],
)
def test_a_429_whose_body_breaks_is_a_429_all_the_same(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], broken: Script
) -> None:
    with raw_server(broken, (SUCCESS,)) as server:
        sent = outcome_of(server.client(max_retries=3).sms.send, TO, TEXT)
    assert isinstance(sent, SentSMS), repr(sent)
    assert len(server.paths) == 2


@pytest.mark.parametrize("end", [reset, close, stall], ids=lambda step: step.__name__)
def test_a_reset_after_a_429_ends_the_repetition(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], end: Callable[..., None]
) -> None:
    with raw_server((busy("Retry-After: 2"),), (end,)) as server:
        doubt = outcome_of(server.client(1.0, max_retries=3).sms.send, TO, TEXT)
    assert isinstance(doubt, SendOutcomeUnknown), repr(doubt)
    assert len(server.paths) == 2
    assert pauses == [2]


def test_an_error_that_repeats_the_whole_request_gives_nothing_away(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float]
) -> None:
    for status in ("400 Bad Request", "403 Forbidden", "429 Too Many Requests", "500 Oops"):
        with raw_server((head(status), echo, close)) as server:
            assert isinstance(outcome_of(server.client(max_retries=1).sms.send, TO, TEXT), Exception)
        with raw_server((head(status), echo, close)) as server:
            assert isinstance(outcome_of(server.client(max_retries=1).sms.log, keyword=TO), Exception)


REFUSED = answer({"success": False, "error": "invalid_token"}, "401 Unauthorized")
OAUTH = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "max_retries": 3}


def test_a_send_with_a_token_that_was_refused_is_repeated_once_with_a_new_one(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float]
) -> None:
    with raw_server(token(0), (REFUSED,), token(1), (SUCCESS,)) as server:
        sent = outcome_of(server.client(**OAUTH).sms.send, TO, TEXT)
    assert isinstance(sent, SentSMS), repr(sent)
    assert server.paths == ["/oauth2/token", "/sendsms/", "/oauth2/token", "/sendsms/"]
    signatures = [request.headers.get("authorization") for request in server.requests]
    assert signatures == [None, f"Bearer {TOKENS[0]}", None, f"Bearer {TOKENS[1]}"]
    assert server.requests[1].body == server.requests[3].body
    assert pauses == []


def test_a_second_401_is_an_authentication_error(raw_server: MakeServer, outcome_of: Try, pauses: list[float]) -> None:
    with raw_server(token(0), (REFUSED,), token(1), (REFUSED,)) as server:
        refusal = outcome_of(server.client(**OAUTH).sms.send, TO, TEXT)
    assert isinstance(refusal, AuthenticationError), repr(refusal)
    assert len(server.paths) == 4


@pytest.mark.parametrize("end", [reset, close, stall], ids=lambda step: step.__name__)
def test_a_reset_of_the_repetition_with_a_new_token_is_unknown(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], end: Callable[..., None]
) -> None:
    with raw_server(token(0), (REFUSED,), token(1), (end,)) as server:
        doubt = outcome_of(server.client(1.0, **OAUTH).sms.send, TO, TEXT)
    assert isinstance(doubt, SendOutcomeUnknown), repr(doubt)
    assert (doubt.to, doubt.message) == (TO, TEXT)
    assert server.paths == ["/oauth2/token", "/sendsms/", "/oauth2/token", "/sendsms/"]
    assert pauses == []


def test_a_token_request_that_fails_in_passing_is_repeated_and_the_message_sent_once(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float]
) -> None:
    with raw_server((reset,), (answer(b"", "503 Busy"),), token(0), (SUCCESS,)) as server:
        sent = outcome_of(server.client(**OAUTH).sms.send, TO, TEXT)
    assert isinstance(sent, SentSMS), repr(sent)
    assert server.messages == 1


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ((reset,), ConnectionFailed),
        ((answer(b"", "500 Oops"),), ServerError),
        ((answer(b"<html>"),), UnexpectedResponse),
        ((answer({"error": "invalid_client"}, "401 Unauthorized"),), AuthenticationError),
        ((answer({"access_token": None}),), AuthenticationError),
        ((head("400 Bad Request"), echo, close), Exception),
    ],
    ids=["reset", "500", "HTML", "invalid client", "no token", "echo"],
)
def test_without_a_token_nothing_is_sent_and_nothing_is_in_doubt(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], script: Script, kind: type[Exception]
) -> None:
    with raw_server(script) as server:
        failure = outcome_of(server.client(PATIENT, **OAUTH).sms.send, TO, TEXT)
    assert isinstance(failure, kind), repr(failure)
    assert not isinstance(failure, SendOutcomeUnknown)
    assert set(server.paths) == {"/oauth2/token"}
