"""Envelopes, the errors of the contract, and output of PHP around an answer."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
import responses

from smsmobile import (
    APIError,
    AuthenticationError,
    DeviceOffline,
    NotFound,
    RateLimited,
    SendOutcomeUnknown,
    ServerError,
    SMSMobileClient,
    SMSMobileError,
    SubscriptionExpired,
    UnexpectedResponse,
)
from smsmobile._wire.envelope import MOST_ROWS, Unreadable, read_answer

from ..cases import each_once

BASE = "https://api.smsmobileapi.com"
TO = "+33639985678"

Operation = Callable[[SMSMobileClient], Any]
SENDS: dict[str, tuple[str, str, Operation]] = {
    "send": ("POST", "/sendsms/", lambda client: client.sms.send(TO, "Bonjour")),
    "resend": ("POST", "/resend/", lambda client: client.sms.resend("guid-1")),
}
READS: dict[str, tuple[str, str, Operation]] = {
    "log": ("GET", "/log/sent/sms/", lambda client: client.sms.log()),
    "received": ("GET", "/getsms/", lambda client: client.sms.received()),
    "delete": ("POST", "/deletesms/", lambda client: client.sms.delete("guid-1")),
}
OPERATIONS = {**SENDS, **READS}

any_operation = pytest.mark.parametrize("operation", ["send", "log"])
every_send = pytest.mark.parametrize("operation", SENDS)
LISTS = ["log", "received"]


@pytest.fixture
def ask(service: responses.RequestsMock) -> Callable[..., Any]:
    """Run an operation without retries against one answer."""

    def ask(operation: str, body: object, status: int = 200, **more: Any) -> Any:
        method, path, run = OPERATIONS[operation]
        content = body if isinstance(body, (bytes, str)) else json.dumps(body)
        service.reset()
        service.add(method, BASE + path, body=content, status=status, **more)
        with SMSMobileClient(api_key="a-key-of-the-tests", max_retries=0) as client:
            return run(client)

    return ask


Ask = Callable[..., Any]


def refusal(ask: Ask, operation: str, body: object, status: int = 200, **more: Any) -> SMSMobileError:
    with pytest.raises(SMSMobileError) as refused:
        ask(operation, body, status, **more)
    return refused.value


# --- errors -----------------------------------------------------------------------------------------------

ERRORS: list[tuple[int, object, type[APIError], str | None]] = [
    (200, {"result": {"error": 1}}, AuthenticationError, "1"),
    (200, {"result": {"error": "1"}}, AuthenticationError, "1"),
    (200, {"result": {"error": 2}}, DeviceOffline, "2"),
    (200, {"result": {"error": "2", "sent": "no"}}, DeviceOffline, "2"),
    (200, {"result": {"error": "subscription_expire"}}, SubscriptionExpired, "subscription_expire"),
    (400, {"success": False, "error": "missing_apikey"}, AuthenticationError, "missing_apikey"),
    (400, {"success": False, "message": "Missing required param: message."}, APIError, None),
    (403, {"success": False, "error": "invalid_apikey"}, AuthenticationError, "invalid_apikey"),
    (403, {"success": False, "error": "api_expired"}, SubscriptionExpired, "api_expired"),
    (429, {"success": False, "error": "too_many_requests"}, RateLimited, "too_many_requests"),
    (429, {"error": "slow down", "message": "Too fast"}, RateLimited, "slow down"),
    # the same words in other envelopes and under other statuses
    (200, {"error": "invalid_apikey", "message": "Unknown key"}, AuthenticationError, "invalid_apikey"),
    (200, {"success": False, "error": "api_expired"}, SubscriptionExpired, "api_expired"),
    (200, {"success": False, "error": 2}, DeviceOffline, "2"),
    (200, {"success": "0", "error": {"code": "2", "message": "offline"}}, DeviceOffline, "2"),
    (200, {"success": False, "error": {"message": "api_expired"}}, SubscriptionExpired, "api_expired"),
    (200, {"result": {"error": 0}, "error": "invalid_apikey"}, AuthenticationError, "invalid_apikey"),
    (401, {"error": "who_are_you"}, AuthenticationError, "who_are_you"),
    (404, {"success": False, "error": "no_such_guid"}, NotFound, "no_such_guid"),
    (400, {"success": False}, APIError, None),
    (400, "<h1>Bad Request</h1>", APIError, None),
    (404, "", NotFound, None),
    (418, b"\xff\xfe", APIError, None),
]


def test_every_error_of_the_contract_is_its_own_exception(subtests: pytest.Subtests, ask: Ask) -> None:
    for answer, operation in each_once(ERRORS, OPERATIONS):
        with subtests.test(answer=answer):
            status, body, kind, code = answer
            error = refusal(ask, operation, body, status)
            assert type(error) is kind
            assert isinstance(error, APIError)
            assert (error.code, error.status) == (code, status)


WITHOUT_A_CODE: list[dict[str, object]] = [
    {"success": False, "message": "No."},
    {"success": None, "error": True},
    {"success": False, "error": {}},
]


@pytest.mark.parametrize(("operation", "body"), each_once(sorted(OPERATIONS.keys() - {"log"}), WITHOUT_A_CODE))
def test_a_refusal_without_a_code_is_an_error(ask: Ask, operation: str, body: object) -> None:
    error = refusal(ask, operation, body)
    assert type(error) is APIError
    assert error.code is None


@pytest.mark.parametrize(("status", "operation"), each_once([500, 502, 503, 504, 599], READS))
def test_a_failing_service_is_a_server_error_for_a_read(ask: Ask, operation: str, status: int) -> None:
    error = refusal(ask, operation, {"success": False, "error": "server_error", "detail": "SELECT 1"}, status)
    assert type(error) is ServerError
    assert "SELECT" not in str(error)


FAILURES = [{"success": False, "error": "server_error"}, {"success": False, "error": "invalid_apikey"}, "<html>", ""]


@pytest.mark.parametrize(("status", "body", "operation"), each_once([500, 502, 503, 504, 599], FAILURES, SENDS))
def test_a_failing_service_leaves_a_send_in_doubt_whatever_it_says(
    ask: Ask, operation: str, status: int, body: object
) -> None:
    assert type(refusal(ask, operation, body, status)) is SendOutcomeUnknown


SERVER_ERRORS = [{"result": {"error": "server_error"}}, {"success": False, "error": "server_error"}]


@pytest.mark.parametrize(("operation", "status", "body"), each_once(READS, [200, 400], SERVER_ERRORS))
def test_a_service_that_says_it_failed_failed_whatever_the_status(
    ask: Ask, operation: str, status: int, body: object
) -> None:
    assert type(refusal(ask, operation, body, status)) is ServerError


@pytest.mark.parametrize(("operation", "body"), each_once(SENDS, SERVER_ERRORS))
def test_a_service_that_says_it_failed_leaves_a_send_in_doubt(ask: Ask, operation: str, body: object) -> None:
    assert type(refusal(ask, operation, body)) is SendOutcomeUnknown


@every_send
def test_a_send_that_is_refused_and_accepted_in_one_answer_is_in_doubt(ask: Ask, operation: str) -> None:
    accepted = {"result": {"error": 0, "sent": "1", "id": "guid-1"}}
    assert type(refusal(ask, operation, accepted, 400)) is SendOutcomeUnknown


@any_operation
def test_the_services_explanation_is_in_the_note_and_the_text_points_there(ask: Ask, operation: str) -> None:
    error = refusal(ask, operation, {"success": False, "message": "Missing required param: message."}, 400)
    assert isinstance(error, APIError)
    assert error.note == "Missing required param: message."
    assert str(error) == (
        "The service refused the request. It answered HTTP 400. Its explanation is in this error's `note`."
    )


REPEATED = 'Message to +33639980011 ("Your code is 4711") of 2026-03-20 is not in error'
REPEATING: list[dict[str, object]] = [
    {"success": False, "message": REPEATED},
    {"success": False, "error": REPEATED},
    {"error": "0", "sent": REPEATED},
    {"success": False, "error": "33639980011", "message": REPEATED},
]


@pytest.mark.parametrize(("body", "operation"), each_once(REPEATING, OPERATIONS))
def test_what_the_service_repeats_is_not_in_the_text_and_numbers_are_masked(
    ask: Ask, operation: str, body: dict[str, object]
) -> None:
    error = refusal(ask, operation, {**body, "success": False}, 400)
    assert isinstance(error, APIError)
    for personal in ("3998", "4711", "code is", "Message to"):
        assert personal not in str(error)
    assert "+33639980011" not in f"{error.code} {error.note}"
    assert "2026-03-20" in f"{error.code} {error.note}" or "sent" in body


@pytest.mark.parametrize("operation", READS)
def test_what_a_failing_service_repeats_is_not_in_the_text_either(ask: Ask, operation: str) -> None:
    error = refusal(ask, operation, {"success": False, "message": "row of +33639980011 locked"}, 500)
    assert str(error) == "The service failed. It answered HTTP 500. Its explanation is in this error's `note`."


def test_a_word_in_place_of_sent_is_not_in_the_text_if_it_may_be_personal(ask: Ask) -> None:
    error = refusal(ask, "send", {"result": {"error": 0, "sent": "not to Ann Lee"}})
    assert str(error) == "The service did not accept the message. It answered HTTP 200 and an error that is not a code."


@any_operation
def test_a_long_explanation_is_cut(ask: Ask, operation: str) -> None:
    error = refusal(ask, operation, {"success": False, "error": "w" * 10_000, "message": "x" * 10_000}, 400)
    assert isinstance(error, APIError)
    assert (len(error.code or ""), len(error.note or "")) == (500, 500)
    assert len(str(error)) < 200


@any_operation
def test_an_offline_phone_comes_with_the_steps_that_help(ask: Ask, operation: str) -> None:
    error = refusal(ask, operation, {"result": {"error": 2}})
    assert "Settings > Apps > SmsMobileApi > Battery" in str(error)
    assert "docs/" not in str(error)


MISSING_KEY = [
    (400, {"success": False, "message": "Missing required param: apikey."}),
    (400, {"success": False, "message": "Missing required params: apikey and sid are mandatory."}),
    (200, {"result": {"error": "Missing API key"}}),
    (400, {"success": False, "error": "missing_apikey"}),
]


@pytest.mark.parametrize(("answer", "operation"), each_once(MISSING_KEY, OPERATIONS))
def test_a_missing_key_is_told_in_words_too_and_the_error_knows_of_oauth2(
    ask: Ask, operation: str, answer: tuple[int, object]
) -> None:
    status, body = answer
    error = refusal(ask, operation, body, status)
    assert type(error) is AuthenticationError
    assert "if this client uses OAuth2" in str(error)


def test_another_missing_parameter_is_not_about_the_key(ask: Ask) -> None:
    body = {"success": False, "message": "Missing required param: message."}
    assert type(refusal(ask, "send", body, 400)) is APIError


@pytest.mark.parametrize(("operation", "wait"), each_once(OPERATIONS, [("120", 120.0), ("soon", None), (None, None)]))
def test_a_rate_limit_tells_how_long_to_wait(ask: Ask, operation: str, wait: tuple[str | None, float | None]) -> None:
    header, seconds = wait
    headers = {} if header is None else {"Retry-After": header}
    error = refusal(ask, operation, {"success": False, "error": "rate"}, 429, headers=headers)
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


@any_operation
def test_a_redirect_is_refused_with_its_address_but_not_its_query(
    ask: Ask, service: responses.RequestsMock, operation: str
) -> None:
    location = {"Location": "https://user:word@elsewhere.example/sendsms?apikey=a-key-of-the-tests"}
    error = refusal(ask, operation, "", 301, headers=location)
    assert type(error) is UnexpectedResponse
    assert "https://elsewhere.example/sendsms." in str(error)
    assert "word" not in str(error)
    assert error.code == "redirect"
    assert len(service.calls) == 1


@any_operation
def test_a_redirect_to_nonsense_is_refused_alike(ask: Ask, operation: str) -> None:
    error = refusal(ask, operation, "", 302, headers={"Location": "http://[elsewhere"})
    assert type(error) is UnexpectedResponse


# --- answers that are none --------------------------------------------------------------------------------

UNREADABLE: list[tuple[bytes, str]] = [
    (b"", "empty"),
    (b"   \r\n", "empty"),
    (b"<!DOCTYPE html><html><body>Maintenance</body></html>", "not JSON"),
    (b"OK", "not JSON"),
    (b"\xff\xfe\x00", "not JSON"),
    (b"null", "not JSON"),
    (b'[{"success": true, "data": []}]', "none of the service's envelopes"),
    (b'[{"result": {"error": 0}}]', "none of the service's envelopes"),
    (b"{}", "none of the service's envelopes"),
    (b'{"hello": "world"}', "none of the service's envelopes"),
    (b'{"result": "ok"}', "none of the service's envelopes"),
    (b'{"result": {"error": 0, "sent": "1", "id": "guid-1"', "none of the service's envelopes"),
    (b'{"result": {"error": 0, "sent": "1", "id": "guid-1"}', "none of the service's envelopes"),
    (b'{"result": {"sms": [{"guid": "a", "error": 0}, {"guid": "b", "error": 0}', "none of the service's envelopes"),
    (b'{"result": {"error": 0, "sent": "1"}}{"result"', "none of the service's envelopes"),
    (b'{"result": {"error": 0, "sent": "1"}}<br />Warning', "none of the service's envelopes"),
    (b'<br>Warning: {"hello": "world"}', "not JSON"),
    (b'<br>Warning: {"a": {"b": {"result"', "not JSON"),
    (b'<br>Warning: {"result": {"error": 0, "sent": "1", "id": "guid-1"}', "not JSON"),
]


def test_a_read_whose_answer_is_none_is_an_unexpected_response(subtests: pytest.Subtests, ask: Ask) -> None:
    for answer, operation in each_once(UNREADABLE, READS):
        with subtests.test(answer=answer):
            body, what = answer
            error = refusal(ask, operation, body)
            assert type(error) is UnexpectedResponse
            assert f"answer is {what} (HTTP 200)" in str(error)
            assert error.status == 200


def test_a_send_whose_answer_is_none_is_in_doubt(subtests: pytest.Subtests, ask: Ask) -> None:
    for answer, operation in each_once(UNREADABLE, SENDS):
        with subtests.test(answer=answer):
            body, what = answer
            error = refusal(ask, operation, body)
            assert type(error) is SendOutcomeUnknown
            assert f"answer is {what} (HTTP 200)" in str(error)


def test_an_answer_nested_too_deep_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        read_answer(b'{"result": ' + b"[" * 100_000)


# --- what PHP does to answers -----------------------------------------------------------------------------

WARNING = b'<br />\n<b>Warning</b>: Undefined array key "port" in {closure} <b>/var/www/{x}.php</b> on line <b>3</b>\n'
WRAPPINGS: dict[str, Callable[[bytes], bytes]] = {
    "a byte order mark": lambda body: b"\xef\xbb\xbf" + body,
    "white space": lambda body: b"\r\n \t" + body + b"\n\n",
    "a warning": lambda body: WARNING + body,
    "several warnings": lambda body: WARNING * 3 + body + b"\n",
    "a warning with an object in it": lambda body: b'Notice: {"a": 1} unexpected\n' + body,
    "a mark and a warning": lambda body: b"\xef\xbb\xbf" + WARNING + body,
}
wrapped = pytest.mark.parametrize(("wrapping", "operation"), each_once(WRAPPINGS, OPERATIONS))


@wrapped
def test_what_php_prints_around_an_answer_changes_nothing(ask: Ask, operation: str, wrapping: str) -> None:
    body = b'{"result": {"error": 0, "sent": "1", "id": "guid-7", "sms": [{"guid": "guid-7", "message": "hi"}]}}'
    answer = ask(operation, WRAPPINGS[wrapping](body))
    answer = answer[0] if isinstance(answer, list) else answer
    assert answer.guid == "guid-7"


@wrapped
def test_what_php_prints_around_an_error_changes_nothing(ask: Ask, operation: str, wrapping: str) -> None:
    assert type(refusal(ask, operation, WRAPPINGS[wrapping](b'{"result": {"error": 2}}'))) is DeviceOffline


def test_an_answer_may_be_compressed(ask: Ask) -> None:
    body = gzip.compress(b'{"result": {"error": 0, "sms": [{"guid": "a"}]}}')
    assert ask("log", body, headers={"Content-Encoding": "gzip"})[0].guid == "a"


# --- rows -------------------------------------------------------------------------------------------------

ROWS = [{"guid": "a", "message": "one"}, {"guid": "b", "message": "two"}]
ENVELOPES: dict[str, object] = {
    "result.sms": {"result": {"error": 0, "sms": ROWS}},
    "result.sms beside error ''": {"result": {"error": "", "sms": ROWS}},
    "result.sms beside error null": {"result": {"error": None, "sms": ROWS}},
    "result.sms beside error '0'": {"result": {"error": "0", "sms": ROWS}},
    "result.sms beside error []": {"result": {"error": [], "sms": ROWS}},
    "result.sms without error": {"result": {"sms": ROWS}},
    "result is the rows": {"result": ROWS},
    "result.sms is PHP's list with gaps": {"result": {"error": 0, "sms": {"0": ROWS[0], "2": ROWS[1]}}},
    "success and data": {"success": True, "count": 2, "data": ROWS},
    "success and rows": {"success": "1", "rows": ROWS},
    "success and items": {"success": "true", "items": ROWS},
    "success and conversations": {"success": True, "conversations": ROWS},
    "success and empty data and rows": {"success": True, "data": None, "rows": ROWS},
    "success and data as PHP's list with gaps": {"success": True, "data": {"1": ROWS[0], "5": ROWS[1]}},
    "success and data.sms": {"success": True, "data": {"sms": ROWS}},
    "error 0 and data": {"error": 0, "data": ROWS},
    "nothing but rows": ROWS,
    "data alone": {"data": ROWS},
    "count and items": {"count": "2", "items": ROWS},
    "empty data and items": {"success": True, "data": [], "items": ROWS},
    "rows of nothing and items": {"success": True, "data": [{}], "items": [{}, *ROWS, {}]},
    "how many under a name of rows": {"success": True, "sms": 2, "items": ROWS},
    "result.data.items": {"result": {"error": 0, "data": {"items": ROWS}}},
    "result as PHP's list with gaps": {"result": {"12": ROWS[0], "13": ROWS[1]}},
    "success and other things under data": {"success": True, "data": {"plan": "pro"}, "items": ROWS},
    "an empty result and data": {"result": None, "error": 0, "data": ROWS},
}


def test_rows_are_found_in_every_envelope(subtests: pytest.Subtests, ask: Ask) -> None:
    for envelope, operation in each_once(ENVELOPES, LISTS):
        with subtests.test(envelope=envelope):
            assert [(row.guid, row.message) for row in ask(operation, ENVELOPES[envelope])] == [
                ("a", "one"),
                ("b", "two"),
            ]


NO_ROWS: list[object] = [
    {"result": {"error": 0, "sms": []}},
    {"result": {"error": 0, "sms": None}},
    {"result": {"error": 0, "sms": ""}},
    {"result": {"error": 0, "sms": {}}},
    {"result": {"error": 0}},
    {"result": {}},
    {"result": []},
    {"success": True, "count": 0, "data": []},
    {"success": True, "data": {}},
    {"success": True},
    {"success": True, "data": False},
    {"success": True, "sms": 0, "items": []},
    {"success": True, "data": {"message": "None found."}},
    {"result": {"error": 0, "data": {"count": 0, "items": []}}},
    {"result": None},
    {"count": 0},
    {"count": "0", "data": []},
    {"items": []},
    [],
]


def test_no_rows_are_an_empty_list(subtests: pytest.Subtests, ask: Ask) -> None:
    for body, operation in each_once(NO_ROWS, LISTS):
        with subtests.test(body=body):
            assert ask(operation, body) == []


def test_rows_that_are_none_are_an_unexpected_response_without_their_content(
    subtests: pytest.Subtests, ask: Ask
) -> None:
    for rows, operation in each_once(["text", 7, True, [1], ["text"], [None], [[]]], LISTS):
        with subtests.test(rows=rows):
            error = refusal(ask, operation, {"result": {"error": 0, "sms": rows}})
            assert type(error) is UnexpectedResponse
            assert "rows cannot be read" in str(error)
            assert "text" not in str(error)
            assert error.__context__ is None


@pytest.mark.parametrize("error", ["not yet", 3, "no_sms_found"])
def test_an_unknown_error_without_rows_is_an_empty_log(ask: Ask, error: object) -> None:
    assert ask("log", {"result": {"error": error, "sms": []}}) == []
    assert ask("log", {"result": {"error": error, "sms": [{}]}}) == []
    assert ask("log", {"result": {"error": error}}) == []


@pytest.mark.parametrize(
    "body",
    [
        {"result": {"error": "no_sms_found", "success": False}},
        {"result": {"success": False, "message": "no"}},
        {"success": False, "result": {"error": 0}},
    ],
)
def test_a_refusal_without_rows_is_an_error_of_the_log(ask: Ask, body: object) -> None:
    assert type(refusal(ask, "log", body)) is APIError


def test_an_unknown_error_without_rows_is_an_error_where_messages_are_received(ask: Ask) -> None:
    assert type(refusal(ask, "received", {"result": {"error": "no_sms_found"}})) is APIError


@pytest.mark.parametrize(
    ("error", "kind"), [(1, AuthenticationError), ("2", DeviceOffline), ("subscription_expire", SubscriptionExpired)]
)
def test_a_known_error_without_rows_is_an_error_of_the_log(ask: Ask, error: object, kind: type[APIError]) -> None:
    assert type(refusal(ask, "log", {"result": {"error": error, "sms": []}})) is kind


@pytest.mark.parametrize("name", ["sms", "messages"])
def test_an_unknown_error_beside_rows_is_an_error_of_the_log(ask: Ask, name: str) -> None:
    assert type(refusal(ask, "log", {"result": {"error": "partial", name: ROWS}})) is APIError


def test_an_unknown_error_beside_a_count_is_no_empty_log(ask: Ask) -> None:
    assert type(refusal(ask, "log", {"result": {"error": "not yet", "count": 2}})) is UnexpectedResponse


@pytest.mark.parametrize("operation", LISTS)
@pytest.mark.parametrize(
    "body",
    [
        {"success": True, "messages": {"guid": "SMS-GUID-1", "number": "+33639980011", "message": "hi"}},
        {"error": "0", "phone": {"sid": "SID-1", "label": "desk"}},
        {"result": {"error": 0, "guid": "SMS-GUID-1", "number": "+33639980011", "send_from_mobile": "1"}},
    ],
)
def test_a_single_thing_that_is_in_no_list_is_no_empty_list(ask: Ask, operation: str, body: object) -> None:
    assert type(refusal(ask, operation, body)) is UnexpectedResponse


@pytest.mark.parametrize("operation", LISTS)
def test_an_answer_of_too_many_rows_is_refused_with_what_to_do(ask: Ask, operation: str) -> None:
    error = refusal(ask, operation, b'{"data": [' + b'{"a": 1},' * MOST_ROWS + b'{"a": 1}]}')
    assert type(error) is UnexpectedResponse
    assert "50001, more than 50000; ask for less" in str(error)


@any_operation
def test_an_answer_of_too_many_values_is_refused_before_it_is_parsed(ask: Ask, operation: str) -> None:
    tracemalloc.start()
    try:
        error = refusal(ask, operation, b'{"result": {"error": 0, "sms": [' + b"{}," * 3_000_000 + b"{}]}}")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert type(error) in {UnexpectedResponse, SendOutcomeUnknown}
    assert "too many values" in str(error)
    assert peak < 100_000_000  # parsed, it would be 250 MB


CONTRADICTIONS: list[dict[str, object]] = [
    {"success": True, "error": True},
    {"success": False, "result": {"error": 0, "sent": "1", "id": "g"}},
    {"result": {"error": "2", "sent": "1", "id": "g"}},
    {"success": True, "data": [{"id": "g", "sent": "0", "error": 2}]},
    {"result": {"error": "server_error", "sent": "0"}},
]


@pytest.mark.parametrize(("body", "operation"), each_once(CONTRADICTIONS, SENDS))
def test_an_answer_that_contradicts_itself_leaves_a_send_in_doubt(ask: Ask, operation: str, body: object) -> None:
    with pytest.raises(SendOutcomeUnknown):
        ask(operation, body)


@pytest.mark.parametrize("nothing", [None, ""])
def test_an_empty_success_says_nothing(ask: Ask, nothing: object) -> None:
    assert ask("send", {"success": nothing, "result": {"error": 0, "sent": "1", "id": "g"}}).guid == "g"
    assert [row.guid for row in ask("log", {"success": nothing, "data": [{"guid": "g"}]})] == ["g"]


@pytest.mark.parametrize("handle", [False, 0, "0", "", None])
def test_what_is_no_handle_does_not_make_a_send_accepted(ask: Ask, handle: object) -> None:
    with pytest.raises(SendOutcomeUnknown):
        ask("send", {"result": {"error": 0, "sent": "", "id": handle}})


def test_a_send_in_the_success_envelope_may_hold_its_row(ask: Ask) -> None:
    assert ask("send", {"success": True, "data": [{"id": "g", "sent": "1"}]}).guid == "g"


def test_half_an_emoji_in_one_row_does_not_lose_the_others(ask: Ask) -> None:
    rows = ask(
        "received", b'{"result": {"error": 0, "sms": [{"message": "cut \\ud83d"}, {"message": "\\ud83d\\ude00"}]}}'
    )

    assert [row.message for row in rows] == ["cut ?", "\N{GRINNING FACE}"]


@every_send
def test_an_answer_with_an_emoji_that_is_cut_behind_a_warning_is_not_read_by_an_object_inside_of_it(
    ask: Ask, operation: str
) -> None:
    warning = b"<br />Warning: something in line 7\n"
    cut = b'{"result": {"note": "\\ud83d\\ude00", "inner": {"error": 0, "sent": "1", "id": "g"}'

    with pytest.raises(SendOutcomeUnknown):
        ask(operation, warning + cut)
