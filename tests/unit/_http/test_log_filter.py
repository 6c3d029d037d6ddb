"""What urllib3 logs during our calls holds no query string; its other records are left as they are."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from smsmobile._http.departure import request_of_this_call
from smsmobile._http.log_filter import guard_http_logs
from smsmobile._http.request import Request


@contextmanager
def our_call() -> Iterator[None]:
    token = request_of_this_call.set(Request())
    try:
        yield
    finally:
        request_of_this_call.reset(token)


URLLIB3 = logging.getLogger("urllib3.connectionpool")


def test_within_our_calls_urllib3_logs_no_query(caplog: pytest.LogCaptureFixture) -> None:
    guard_http_logs()
    with caplog.at_level(logging.DEBUG), our_call():
        URLLIB3.debug('%s "%s %s"', "https://sms.example:443", "GET", "/getsms/?apikey=secret&keyword=hi HTTP/1.1")
    assert caplog.messages == ['https://sms.example:443 "GET /getsms/?*** HTTP/1.1"']
    assert "secret" not in repr(vars(caplog.records[0]))


def test_calls_of_other_code_are_logged_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    guard_http_logs()
    with caplog.at_level(logging.DEBUG):
        with our_call():
            pass
        URLLIB3.debug("%s", "/elsewhere?a=b")
    assert caplog.messages == ["/elsewhere?a=b"]
    assert caplog.records[0].args == ("/elsewhere?a=b",)


def test_the_text_of_an_exception_and_its_frames_stay_out_of_our_records(caplog: pytest.LogCaptureFixture) -> None:
    """urllib3 logs what it cannot read of an answer's headers: a server may echo the request there."""
    guard_http_logs()
    with caplog.at_level(logging.DEBUG), our_call():
        try:
            raise ValueError("unparsed data: 'POST / apikey=secret'")
        except ValueError as error:
            URLLIB3.warning("Failed to parse headers (url=%s): %s", "https://sms.example", error, exc_info=True)
    assert caplog.messages == ["Failed to parse headers (url=https://sms.example): ValueError"]
    assert "secret" not in caplog.text


def test_the_guard_stands_once_on_every_logger_of_urllib3() -> None:
    guard_http_logs()
    guard_http_logs()
    assert len(URLLIB3.filters) == 1
    assert logging.getLogger("urllib3.util.retry").filters == URLLIB3.filters
    assert logging.getLogger("urllib3x").filters == []
