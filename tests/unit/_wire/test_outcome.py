"""What the answer to one request means: accepted, refused or in doubt; for each send and for the switches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsmobile import (
    APIError,
    AuthenticationError,
    DeviceOffline,
    SendOutcomeUnknown,
    SMSMobileClient,
    SMSMobileError,
    SubscriptionExpired,
    UnexpectedResponse,
)

from ..cases import each_once

BASE = "https://api.smsmobileapi.com"
MOMENT = datetime(2026, 3, 20, 21, 7, 44, tzinfo=timezone.utc)

Operation = tuple[str, str, Callable[[SMSMobileClient], Any]]
SENDS: dict[str, Operation] = {
    "sms": ("POST", "/sendsms/", lambda client: client.sms.send("+33639985678", "hi")),
    "sms again": ("POST", "/resend/", lambda client: client.sms.resend("g")),
    "whatsapp": ("POST", "/sendsms/", lambda client: client.whatsapp.send("+12025550167", "hi")),
    "whatsapp again": ("POST", "/resendwa/", lambda client: client.whatsapp.resend("g")),
    "notification": ("POST", "/notification/send", lambda client: client.notifications.send("SID-1", "hi")),
    "email": (
        "POST",
        "/sendemail/",
        lambda client: client.email.send("a@example.org", "s", "b", sender_email="b@example.org", sender_name="S"),
    ),
}
QUESTIONS: dict[str, Operation] = {
    "check": ("GET", "/whatsapp/checknumber/", lambda client: client.whatsapp.check_number("+12025550167")),
    "synchronise": ("GET", "/getwa/synchronisation/", lambda client: client.whatsapp.synchronise()),
    "switch off": ("GET", "/getwa/active/", lambda client: client.whatsapp.disable_retrieval()),
    "delete": ("POST", "/deletesms/", lambda client: client.sms.delete("g")),
}
OPERATIONS = {**SENDS, **QUESTIONS}
every_send = pytest.mark.parametrize("send", SENDS)
any_send = st.sampled_from(sorted(SENDS))
repeatedly = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])

WRAPPINGS: list[Callable[[Any], dict[str, Any]]] = [
    lambda content: {"result": content},
    lambda content: {"result": [content]},
    lambda content: {"result": {"error": 0, "data": content}},
    lambda content: {"result": {"sms": [content]}},
    lambda content: {"data": content},
    lambda content: {"data": [content], "count": 1},
    lambda content: {"data": {"0": content}},
    lambda content: {"data": {"items": [content]}},
    lambda content: {"data": [], "items": [content]},
    lambda content: {"items": content, "rows": 1},
    lambda content: {"rows": [content]},
    lambda content: {"conversations": {"12025550167": content}},
]
wrapping = st.lists(st.sampled_from(WRAPPINGS), max_size=3)


def wrap(content: dict[str, Any], wrappings: list[Callable[[Any], dict[str, Any]]], **beside: Any) -> dict[str, Any]:
    for one in wrappings:
        content = one(content)
    return {**beside, **content}


def ask(operation: str, body: object) -> Any:
    """What comes back, or what is raised."""
    method, path, run = OPERATIONS[operation]
    with responses.RequestsMock() as service:
        service.add(method, BASE + path, json=body)
        try:
            return run(SMSMobileClient(api_key="k" * 48, mailbox_key="m" * 16, max_retries=0))
        except SMSMobileError as error:
            return error


# --- sends ------------------------------------------------------------------------------------------------


@repeatedly
@given(send=any_send, wrappings=wrapping)
def test_a_yes_is_found_wherever_it_stands(send: str, wrappings: Any) -> None:
    accepted = ask(send, wrap({"sent": "1", "guid": "g"}, wrappings, error=0))
    assert "g" in (getattr(accepted, "guid", None), getattr(accepted, "id", None))


@repeatedly
@given(send=any_send, wrappings=wrapping, no=st.sampled_from(["0", 0, 0.0, "no", False, "api_error"]))
def test_a_message_that_was_not_sent_is_refused_wherever_it_says_so(send: str, wrappings: Any, no: Any) -> None:
    assert type(ask(send, wrap({"sent": no, "guid": "g"}, wrappings, error=0))) is APIError


@repeatedly
@given(
    send=any_send,
    wrappings=wrapping,
    refusal=st.sampled_from(
        [
            ({"error": 1}, AuthenticationError),
            ({"error": 1.0}, AuthenticationError),
            ({"error": "2", "sent": "no"}, DeviceOffline),
            ({"error": "subscription_expire", "sent": ""}, SubscriptionExpired),
            ({"error": "bad_number", "note": "why"}, APIError),
            ({"success": False}, APIError),
            ({"success": "0", "error": 0, "message": "why"}, APIError),
        ]
    ),
)
def test_an_error_is_its_own_exception_wherever_it_stands(send: str, wrappings: Any, refusal: Any) -> None:
    content, kind = refusal
    error = ask(send, wrap(content, wrappings, error=0))
    assert type(error) is kind
    assert error.note == (content.get("note") or content.get("message"))


CONTRADICTIONS: list[dict[str, Any]] = [
    {"success": True, "data": {"success": False}},
    {"success": True, "items": [{"error": "2", "sent": "no"}]},
    {"success": True, "data": {"0": {"error": "invalid_apikey"}}},
    {"success": False, "data": {"sent": "1", "id": "g"}},
    {"success": False, "error": "2", "rows": [{"sent": "1", "id": "g"}]},
    {"result": {"error": 0, "sent": "1", "data": {"sent": "0"}}},
    {"result": {"error": 0, "sent": "0", "data": {"sent": "1", "id": "g"}}},
    {"result": {"error": 0, "sent": "api_error", "data": [{"sent": "1", "id": "g"}]}},
    {"result": {"error": 0, "sent": "1", "id": "g", "data": [{"id": "a"}, {"sent": "api_error"}]}},
    {"result": {"error": 0, "sent": "1", "id": "g", "data": [{"id": "a"}, {"sent": " API_ERROR "}]}},
    {"result": {"error": 0, "sent": "1", "id": "g", "items": [{"id": "a"}, {"sent": "no"}]}},
    {"success": True, "sent": "queued", "id": "g"},
    {"success": True, "sent": "ok"},
    {"success": True, "data": [{"sent": "waiting list"}]},
    {"success": True, "data": {"success": "perhaps"}},
    {"success": True, "sent": "queued", "data": {"sent": "0"}},
    {"success": True, "sent": "0", "data": {"sent": 2}},
]


def test_an_answer_that_contradicts_itself_leaves_a_send_in_doubt(subtests: pytest.Subtests) -> None:
    for body, send in each_once(CONTRADICTIONS, SENDS):
        with subtests.test(body=body):
            assert type(ask(send, body)) is SendOutcomeUnknown


def test_a_message_that_was_not_sent_is_refused_although_the_call_went_well(subtests: pytest.Subtests) -> None:
    for send, word in each_once(SENDS, ["0", "no", 0, False, "0.0", "api_error"]):
        with subtests.test(send=send):
            assert type(ask(send, {"success": True, "sent": word, "id": "g"})) is APIError
            assert type(ask(send, {"success": True, "data": [{"sent": word}]})) is APIError


@every_send
def test_a_no_beside_an_unknown_word_is_a_refusal_without_a_code(send: str) -> None:
    refused = ask(send, {"sent": "0", "result": {"error": 0, "sent": {"x": 1}}})
    assert type(refused) is APIError
    assert refused.code is None


NOT_ONE_ROW: list[object] = [
    [{"sent": "1", "id": "a"}, {"sent": "1", "id": "b"}],
    [{"sent": "1", "id": "a"}, {"sent": "0"}],
    {"0": {"sent": "0"}, "1": {"sent": "0"}},
    ["failed"],
    [None],
    [[]],
]


def test_rows_that_are_not_one_leave_a_send_in_doubt(subtests: pytest.Subtests) -> None:
    for rows, send, key in each_once(NOT_ONE_ROW, SENDS, ["data", "items", "rows", "sms", "result"]):
        with subtests.test(rows=rows):
            unknown = ask(send, {"success": True, "id": "g", key: rows})
            assert type(unknown) is SendOutcomeUnknown
            assert "failed" not in str(unknown)


NEW_KEYS: list[dict[str, Any]] = [
    {"items": ["a"]},
    {"sms": ["part 1", "part 2"]},
    {"data": [1, 2]},
    {"rows": [{"sid": "a"}, {"sid": "b"}]},
    {"data": {"plan": {"name": "free"}, "quota": {"left": 3}}},
    {"data": {"id": 7, "name": "Pixel"}},
    {"items": [{"id": 7, "sid": "S"}]},
    {"data": {"message": {"parts": 2}, "device": {"sid": "S"}}},
]


def test_new_keys_beside_a_documented_yes_change_nothing(subtests: pytest.Subtests) -> None:
    for new, send in each_once(NEW_KEYS, SENDS):
        with subtests.test(new=new):
            accepted = ask(send, {"result": {"error": 0, "sent": "1", "id": "g", **new}})
            assert "g" in (getattr(accepted, "guid", None), getattr(accepted, "id", None))


def test_an_error_that_is_an_object_is_no_row(subtests: pytest.Subtests) -> None:
    for send, key, beside in each_once(
        SENDS,
        ["result", "data", "items", "rows", "sms", "conversations"],
        [{"success": True}, {"sent": "1"}, {"success": True, "id": "g"}],
    ):
        with subtests.test(send=send):
            assert type(ask(send, {**beside, key: {"error": {"code": 2, "message": "off"}}})) is SendOutcomeUnknown


def test_an_error_that_is_an_object_beside_no_yes_is_a_refusal(subtests: pytest.Subtests) -> None:
    for send, key in each_once(SENDS, ["result", "data", "items"]):
        with subtests.test(send=send):
            assert type(ask(send, {"error": 0, key: {"error": {"code": 2, "message": "off"}}})) is DeviceOffline


def test_a_refusal_beside_rows_is_a_refusal(subtests: pytest.Subtests) -> None:
    for send, key in each_once(SENDS, ["data", "items", "result"]):
        with subtests.test(send=send):
            assert type(ask(send, {"success": False, "error": "2", key: [{"id": "a"}, {"id": "b"}]})) is DeviceOffline


WITHOUT_A_MARK_OF_SUCCESS: list[object] = [
    *([], [{"sent": "1", "id": "g"}], [{"success": True}]),
    *({"data": {"sent": "1", "id": "g"}}, {"items": [{"sent": "1"}]}, {"count": 1, "data": [{"id": "g"}]}),
    *({"result": None}, {"result": ""}, {"result": False}, {"result": "ok"}),
]


def test_an_answer_without_a_mark_of_success_leaves_a_send_in_doubt(subtests: pytest.Subtests) -> None:
    for body, send in each_once(WITHOUT_A_MARK_OF_SUCCESS, SENDS):
        with subtests.test(body=body):
            assert type(ask(send, body)) is SendOutcomeUnknown


def test_what_is_no_handle_makes_no_send_accepted(subtests: pytest.Subtests) -> None:
    for send, handle in each_once(SENDS, [True, ["g"], {"x": 1}, "0", 0, "0000-00-00 00:00:00"]):
        with subtests.test(send=send):
            assert type(ask(send, {"result": {"sent": "", "id": handle}})) is SendOutcomeUnknown


TWO_ERRORS = [
    ("refused", "2", "2"),
    ("2", "refused", "2"),
    (True, "refused", "refused"),
    ("refused", {"x": 1}, "refused"),
]


def test_of_two_errors_the_one_that_says_more_is_told(subtests: pytest.Subtests) -> None:
    for send, errors in each_once(SENDS, TWO_ERRORS):
        with subtests.test(send=send):
            outside, inside, code = errors
            refused = ask(send, {"error": outside, "data": {"error": inside}})
            assert type(refused) is (DeviceOffline if code == "2" else APIError)
            assert refused.code == code


@every_send
def test_an_empty_value_inside_hides_none_outside(send: str) -> None:
    sent = ask(send, {"success": True, "id": "h", "note": "queued", "data": {"id": "", "note": None}})
    assert (sent.note, getattr(sent, "guid", None) or sent.id) == ("queued", "h")


@every_send
def test_an_empty_result_hides_no_success(send: str) -> None:
    assert not isinstance(ask(send, {"success": True, "result": None, "message": "sent"}), Exception)


def test_the_text_of_the_row_that_was_not_sent_again_is_not_shown_as_an_explanation() -> None:
    row = {"guid": "g", "number": "+33639985678", "message": "The code is 4711"}
    refused = ask("sms again", {"success": False, "error": "not_failed", "data": [row]})
    assert type(refused) is APIError
    assert refused.note is None
    assert "4711" not in str(refused)


# --- switches and questions -------------------------------------------------------------------------------


@repeatedly
@given(
    wrappings=wrapping, found=st.sampled_from([("yes", True), (1.0, True), ("1.0", True), ("no", False), (0, False)])
)
def test_whether_a_number_is_on_whatsapp_is_found_wherever_it_stands(wrappings: Any, found: tuple[Any, bool]) -> None:
    said, on_whatsapp = found
    check = ask("check", wrap({"contact_found_on_whatsapp": said}, wrappings, success=True))
    assert (check.number, check.on_whatsapp) == ("12025550167", on_whatsapp)


@repeatedly
@given(wrappings=wrapping)
def test_the_end_of_a_window_is_found_wherever_it_stands(wrappings: Any) -> None:
    assert ask("synchronise", wrap({"expire_at_unix": "1774040864"}, wrappings, error="0")).ends_at == MOMENT


@repeatedly
@given(wrappings=wrapping)
def test_a_switch_that_stayed_on_is_seen_wherever_it_is_said(wrappings: Any) -> None:
    assert ask("switch off", wrap({"active": 1}, wrappings, success=True)).active is True


REFUSALS: list[tuple[object, type[APIError]]] = [
    ({"success": True, "items": [{"error": "2"}]}, DeviceOffline),
    ({"result": {"error": 0, "data": {"error": "invalid_apikey"}}}, AuthenticationError),
    ({"success": True, "data": {"success": False, "message": "no"}}, APIError),
    ({"sent": "0", "result": {"error": 0, "sent": "queued"}}, APIError),
    ({"result": {"success": "0", "error": 0}}, APIError),
    ({"data": {"active": 1}}, UnexpectedResponse),
    ([], UnexpectedResponse),
    ({"result": None}, UnexpectedResponse),
]


def test_a_refusal_inside_is_a_refusal_of_the_call(subtests: pytest.Subtests) -> None:
    for answer, operation in each_once(REFUSALS, QUESTIONS):
        with subtests.test(answer=answer):
            body, kind = answer
            assert type(ask(operation, body)) is kind


def test_the_check_of_a_number_may_be_answered_without_an_envelope() -> None:
    assert ask("check", {"contact_found_on_whatsapp": "yes"}).on_whatsapp is True
    assert ask("check", {"contact_found_on_whatsapp": "no", "contact": "unknown"}).on_whatsapp is False


@every_send
def test_an_answer_about_a_number_does_not_make_a_send_accepted(send: str) -> None:
    assert type(ask(send, {"contact_found_on_whatsapp": "yes"})) is SendOutcomeUnknown


def test_rows_that_a_question_was_not_about_are_kept() -> None:
    rows = [{"number": "1"}, {"number": "2"}]
    assert ask("check", {"success": True, "data": rows}).model_extra["data"] == rows


# --- keys that are echoed ---------------------------------------------------------------------------------


KEYS = ["apikey", "apiKey", "ApiKey", "APIKey", "APIKEY", "api_key", "API-KEY", "apikeybox", "apiKeyBox", "api_key_box"]


def test_a_key_that_is_echoed_is_not_kept_whoevers_it_is(subtests: pytest.Subtests) -> None:
    for operation, name in each_once(OPERATIONS, KEYS):
        with subtests.test(operation=operation):
            echo = {name: "key-of-the-account", "request": [{"params": {name: "key-of-the-account"}}]}
            for body in (
                {"success": True, "id": "g", **echo},
                {"success": True, "data": [{"id": "g", **echo}], **echo},
            ):
                kept = ask(operation, body)
                assert "key-of-the-account" not in f"{kept!r} {vars(kept)} {kept.model_dump_json()}"
                assert kept.model_extra["request"] == [{"params": {}}]
