"""Masking of keys and phone numbers in text. test_secrets.py tests the same from outside."""

from __future__ import annotations

import logging

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.auth import HTTPBasicAuth

from smsmobile import ApiKeyAuth
from smsmobile._redaction import (
    MASK,
    Unsigned,
    drop_keys,
    guard_http_logs,
    mask_number,
    mask_secret_bytes,
    mask_secrets,
    quiet_http_logs,
    text_of,
)

SECRET = "se/cret+of&the=te sts"


@pytest.mark.parametrize("spelling", [SECRET, "se%2Fcret%2Bof%26the%3Dte%20sts", "se%2Fcret%2Bof%26the%3Dte+sts"])
def test_a_secret_is_masked_however_it_is_quoted(spelling: str) -> None:
    assert mask_secrets(f"before {spelling} after", [SECRET]) == f"before {MASK} after"


@pytest.mark.parametrize("spelling", [SECRET, SECRET.replace("/", "\\/")])
def test_a_secret_in_an_answer_is_masked_as_php_escapes_it(spelling: str) -> None:
    assert mask_secret_bytes(f'{{"apikey": "{spelling}"}}'.encode(), [SECRET]) == b'{"apikey": "***"}'


@pytest.mark.parametrize("secrets", [["app-1234", "app-1234-tail"], ["app-1234-tail", "app-1234"]])
def test_a_secret_that_begins_with_another_leaves_no_tail(secrets: list[str]) -> None:
    assert mask_secrets("app-1234-tail app-1234", secrets) == "*** ***"
    assert mask_secret_bytes(b"app-1234-tail app-1234", secrets) == b"*** ***"


def test_keys_are_dropped_by_name_at_any_depth_and_nothing_else_is() -> None:
    answer = {"apikey": 1, "APIKey": 2, "api-key": 3, "key": 4, "x": [{"apikeybox": 5, "y": {"Api_Key_Box": 6}}, None]}
    assert drop_keys(answer) == {"key": 4, "x": [{"y": {}}, None]}


def test_words_too_short_to_be_secrets_are_left() -> None:
    assert mask_secrets("the one", ["one", "", "the"]) == "the one"
    assert mask_secret_bytes(b"yes, 1234567", ["yes", "1234567", ""]) == b"yes, 1234567"


secrets = st.text(st.characters(exclude_characters="*%+", exclude_categories=["Cs"]), min_size=4)


@given(st.text(), st.lists(secrets, max_size=3))
def test_no_secret_is_left_in_any_text(text: str, secrets: list[str]) -> None:
    masked = mask_secrets(text + "".join(secrets), secrets)
    assert not any(secret in masked for secret in secrets)


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+33612345678", "+33•••••••78"),
        ("33612345678", "33•••••••78"),
        ("+12345", "••••••"),
        ("115", "•••"),
        ("", ""),
    ],
)
def test_of_a_long_number_the_country_and_two_digits_are_shown_and_of_a_short_one_nothing(
    number: str, masked: str
) -> None:
    assert mask_number(number) == masked


@given(st.from_regex(r"\+?[0-9]{1,20}", fullmatch=True))
def test_a_masked_number_keeps_its_length_and_at_most_four_digits(number: str) -> None:
    masked = mask_number(number)
    assert len(masked) == len(number)
    assert sum(map(str.isdigit, masked)) == (4 if len(number) >= 8 else 0)


# --- what is secret about a request -----------------------------------------------------------------------


def prepared(method: str = "POST", **request: object) -> requests.PreparedRequest:
    return requests.Request(method, "https://sms.example/", **request).prepare()  # type: ignore[arg-type]


def secrets_after(request: requests.PreparedRequest, auth: requests.auth.AuthBase) -> list[str]:
    unsigned = Unsigned(request)
    return unsigned.secrets_of(auth(request))


def test_a_key_in_the_form_is_found() -> None:
    assert secrets_after(prepared(data={"message": "hi"}), ApiKeyAuth(SECRET)) == [SECRET]
    assert secrets_after(prepared(), ApiKeyAuth(SECRET))[-1] == SECRET


def test_a_key_in_the_query_is_found() -> None:
    assert secrets_after(prepared("GET", params={"keyword": "hi"}), ApiKeyAuth(SECRET)) == [SECRET]


def test_a_header_is_found_whole_and_without_its_scheme() -> None:
    found = secrets_after(prepared(data={"message": "hi"}), HTTPBasicAuth("user", "word"))
    assert found == ["Basic dXNlcjp3b3Jk", "dXNlcjp3b3Jk"]


class InFront(requests.auth.AuthBase):
    """Puts its key before the other parameters."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.url = (request.url or "").replace("?", f"?token={SECRET}&")
        request.body = f"token={SECRET.replace('&', '%26')}&{text_of(request.body)}"
        return request


def test_a_parameter_in_front_of_the_others_is_found() -> None:
    found = secrets_after(prepared(params={"a": "1"}, data={"message": "hi"}), InFront())
    assert "hi" not in found
    assert "1" not in found
    assert any("cret" in value for value in found)


def test_without_a_signature_there_is_nothing_secret() -> None:
    request = prepared(data={"message": "hi"}, params={"a": "1"})
    assert Unsigned(request).secrets_of(request) == []


@pytest.mark.parametrize(("body", "text"), [("a=b", "a=b"), (b"a=\xc3\xa9", "a=é"), (None, ""), (iter([b"x"]), "")])
def test_the_text_of_a_body_is_its_text_or_nothing(body: object, text: str) -> None:
    assert text_of(body) == text


# --- records of urllib3 -----------------------------------------------------------------------------------

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
