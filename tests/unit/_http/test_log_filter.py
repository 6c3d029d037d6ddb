"""What urllib3 logs during our calls holds no query string; its other records are left as they are."""

from __future__ import annotations

import logging

import pytest

from smsmobile._http.log_filter import guard_http_logs, quiet_http_logs

URLLIB3 = logging.getLogger("urllib3.connectionpool")


def test_within_our_calls_urllib3_logs_no_query(caplog: pytest.LogCaptureFixture) -> None:
    guard_http_logs()
    with caplog.at_level(logging.DEBUG), quiet_http_logs():
        URLLIB3.debug('%s "%s %s"', "https://sms.example:443", "GET", "/getsms/?apikey=secret&keyword=hi HTTP/1.1")
    assert caplog.messages == ['https://sms.example:443 "GET /getsms/?*** HTTP/1.1"']
    assert "secret" not in repr(vars(caplog.records[0]))


def test_calls_of_other_code_are_logged_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    guard_http_logs()
    with caplog.at_level(logging.DEBUG):
        with quiet_http_logs():
            pass
        URLLIB3.debug("%s", "/elsewhere?a=b")
    assert caplog.messages == ["/elsewhere?a=b"]
    assert caplog.records[0].args == ("/elsewhere?a=b",)


def test_after_a_failure_other_code_is_logged_as_ever_again(caplog: pytest.LogCaptureFixture) -> None:
    guard_http_logs()
    with caplog.at_level(logging.DEBUG):
        with pytest.raises(KeyError), quiet_http_logs():
            raise KeyError
        URLLIB3.debug("/elsewhere?a=b")
    assert caplog.messages == ["/elsewhere?a=b"]


def test_the_guard_stands_once_on_every_logger_of_urllib3() -> None:
    guard_http_logs()
    guard_http_logs()
    assert len(URLLIB3.filters) == 1
    assert logging.getLogger("urllib3.util.retry").filters == URLLIB3.filters
    assert logging.getLogger("urllib3x").filters == []
