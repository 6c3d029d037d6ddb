"""Reads are retried: callers do not notice a passing failure, and a lasting one raises the error for its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import cycle
from typing import Any

import pytest

from smsmobile import ConnectionFailed, DeletedSMS, ResponseTimeout, ServerError, SMSMobileClient, UnexpectedResponse

from .flaky_server import FlakyServer
from .raw_server import (
    GUID,
    LOG,
    PATIENT,
    QUICK,
    TEXT,
    TO,
    RawServer,
    Script,
    answer,
    close,
    drip,
    flood,
    head,
    on_alternate_wires,
    reset,
    say_goodbye,
    stall,
)

MakeServer = Callable[..., RawServer]
Try = Callable[..., Any]
JSON = "Content-Type: application/json"

BROKEN: dict[str, Script] = {
    "reset": (reset,),
    "closed": (close,),
    "closed politely": (say_goodbye,),
    "reset within the headers": (LOG[:30], reset),
    "closed within the headers": (LOG[:30], close),
    "reset within the body": (LOG[:-9], reset),
    "closed within the body": (LOG[:-9], close),
    "closed politely within the body": (LOG[:-9], say_goodbye),
    "closed within a chunk": (head("200 OK", JSON, "Transfer-Encoding: chunked"), b"ff\r\n{", close),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n", close),
}
SLOW: dict[str, Script] = {
    "stalls": (stall,),
    "stalls within the headers": (LOG[:30], stall),
    "stalls within the body": (LOG[:-9], stall),
    "drips the headers": (drip(LOG),),
    "drips the body": (head("200 OK", JSON, "Content-Length: 5000"), drip(b"{" * 200)),
}
FAILING: dict[str, Script] = {
    status: (answer(b"<h1>Oops</h1>", status),) for status in ("500 Oops", "502 Oops", "503 Oops", "504 Oops")
}


def log(client: SMSMobileClient) -> list[Any]:
    return client.sms.log(keyword=TO)


def received(client: SMSMobileClient) -> list[Any]:
    return client.sms.received(unread_only=True)


def delete(client: SMSMobileClient) -> DeletedSMS:
    return client.sms.delete(GUID)


READS = (log, received, delete)


def each_with_a_read(table: Iterable[str]) -> list[Any]:
    """Parameters: each entry once, the three reads in turn."""
    return [
        pytest.param(name, read, id=f"{name}-{read.__name__}") for name, read in zip(table, cycle(READS), strict=False)
    ]


@pytest.mark.parametrize(("raw_server", "script"), on_alternate_wires(BROKEN | FAILING), indirect=["raw_server"])
def test_a_read_that_fails_in_passing_is_repeated(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], script: Script
) -> None:
    with raw_server(script, script, (LOG,)) as server:
        rows = outcome_of(log, server.client(max_retries=3))
    assert [row.message for row in rows] == [TEXT]
    assert len(server.requests) == 3
    assert len({(request.path, request.query) for request in server.requests}) == 1
    assert len(pauses) <= 2
    assert all(0 < pause <= 8 for pause in pauses)


@pytest.mark.parametrize(("raw_server", "script"), on_alternate_wires(SLOW), indirect=["raw_server"])
def test_a_read_that_is_slow_in_passing_is_repeated(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], script: Script
) -> None:
    with raw_server(script, (LOG,)) as server:
        rows = outcome_of(log, server.client(QUICK, max_retries=3))
    assert [row.message for row in rows] == [TEXT]
    assert len(server.requests) >= 2


@pytest.mark.parametrize(("broken", "read"), each_with_a_read(BROKEN))
def test_a_read_that_breaks_for_good_is_a_failed_connection(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], broken: str, read: Callable[[SMSMobileClient], object]
) -> None:
    with raw_server(BROKEN[broken]) as server:
        failure = outcome_of(read, server.client(max_retries=2))
    assert type(failure) is ConnectionFailed, repr(failure)
    assert "Nothing was sent" not in str(failure)
    assert len(server.requests) == 3


@pytest.mark.parametrize(("raw_server", "script"), on_alternate_wires(SLOW), indirect=["raw_server"])
def test_a_read_that_is_slow_for_good_is_a_timeout(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], script: Script
) -> None:
    with raw_server(script) as server:
        failure = outcome_of(log, server.client(QUICK, max_retries=1))
    assert type(failure) is ResponseTimeout, repr(failure)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("status", "body", "read"),
    [(500, "JSON", log), (502, "HTML", received), (503, "JSON", delete), (504, "HTML", log)],
)
def test_a_read_that_gets_5xx_for_good_is_a_server_error(
    flaky: FlakyServer,
    outcome_of: Try,
    pauses: list[float],
    status: int,
    body: str,
    read: Callable[[SMSMobileClient], object],
) -> None:
    flaky.faults.add("error_before", status=status)
    if body == "HTML":
        flaky.faults.add("html_page")
    failure = outcome_of(read, flaky.client)
    assert type(failure) is ServerError, repr(failure)
    assert failure.status == status
    assert len(flaky.requests) == 4


def test_a_read_honours_retry_after(raw_server: MakeServer, outcome_of: Try, pauses: list[float]) -> None:
    with raw_server((answer(b"", "503 Busy", "Retry-After: 11"),), (LOG,)) as server:
        rows = outcome_of(log, server.client(max_retries=1))
    assert len(rows) == 1
    assert pauses == [11]


@pytest.mark.parametrize("body", [b"<!doctype html>", b"", b"null", b"[7]", b'{"a": 1}', b'{"result": [{"guid": "x"}'])
def test_an_answer_that_cannot_be_read_is_unexpected_and_not_asked_for_again(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], body: bytes
) -> None:
    with raw_server((answer(body),)) as server:
        failure = outcome_of(log, server.client(max_retries=3))
    assert type(failure) is UnexpectedResponse, repr(failure)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "script",
    [
        (head("200 OK", JSON, "Content-Length: 5, 7"), b"{}", close),
        (head("200 OK", JSON, "Content-Encoding: gzip", "Content-Length: 5"), b"12345"),
        (head("200 OK", JSON), flood(b" " * 65536)),
    ],
    ids=["two lengths", "no gzip", "without end"],
)
def test_an_answer_that_breaks_the_rules_is_a_failure_of_ours(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], script: Script
) -> None:
    with raw_server(script) as server:
        failure = outcome_of(log, server.client(max_retries=1))
    assert type(failure) in (ConnectionFailed, UnexpectedResponse), repr(failure)
    assert "Nothing was sent" not in str(failure)
    assert len(server.requests) <= 2


@pytest.mark.parametrize("max_retries", [0, 1, 3])
def test_however_a_read_fails_it_is_repeated_max_retries_times(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], max_retries: int
) -> None:
    bad_weather: list[Script] = [FAILING["503 Oops"], BROKEN["closed within the body"], BROKEN["reset"]] * 5
    with raw_server(*bad_weather) as server:
        failure = outcome_of(log, server.client(PATIENT, max_retries=max_retries))
    assert isinstance(failure, (ConnectionFailed, ServerError)), repr(failure)
    assert len(server.requests) == 1 + max_retries


def test_a_body_that_breaks_has_the_whole_deadline_again_on_the_next_try(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float]
) -> None:
    with raw_server(*[(LOG[:-9], stall)] * 3, (LOG,)) as server:
        rows = outcome_of(log, server.client(QUICK, max_retries=5))
    assert len(rows) == 1
