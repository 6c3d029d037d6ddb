"""Sending an SMS: parameters, refused arguments, and what the answer means."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsmobile import APIError, InvalidRequestError, SendOutcomeUnknown, SentSMS, SMSMobileClient

URL = "https://api.smsmobileapi.com/sendsms/"
TO = "+33639985678"
FULL = {
    "error": 0,
    "sent": "1",
    "id": "c319d3b35e8f8712cde20dae39ac3c19f86eda25",
    "note": "sent by mobile",
    "datetime": "2026-03-20T21:07:44Z",
    "datetimeLocal": "2026-03-20T22:07:44+01:00",
    "port": None,
    "iac_control": "1",
    "iac_authorized": "1",
    "send_with_whatsapp": "0",
    "encrypted": {"status": "0"},
    "trial_account": {"status": "0", "sms_sent": 0},
}


@pytest.fixture
def accepted(service: responses.RequestsMock) -> responses.RequestsMock:
    service.post(URL, json={"result": FULL})
    return service


def form(service: responses.RequestsMock) -> dict[str, str]:
    body = service.calls[-1].request.body
    pairs = parse_qsl(body if isinstance(body, str) else "", keep_blank_values=True, strict_parsing=True)
    assert len(pairs) == len(dict(pairs)), "a parameter came twice"
    return dict(pairs)


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        ({}, {}),
        ({"sim": 1}, {"port": "1"}),
        ({"sim": 2}, {"port": "2"}),
        ({"device": " SID-1 "}, {"sIdentifiant": "SID-1"}),
        ({"shorten_urls": True}, {"shorturl": "1"}),
        ({"encrypt": True}, {"encrypt_message": "yes"}),
        ({"whatsapp": True}, {"sendwa": "1"}),
        ({"shorten_urls": False, "encrypt": False, "whatsapp": False, "sim": None, "device": None}, {}),
        ({"schedule_at": datetime(2030, 1, 1, tzinfo=timezone.utc)}, {"schedule_timestamp": "1893456000"}),
        (
            {"schedule_at": datetime(2030, 1, 1, 1, 0, 0, 999_999, tzinfo=ZoneInfo("Europe/Paris"))},
            {"schedule_timestamp": "1893456000"},
        ),
        (
            {"sim": 2, "device": "SID", "shorten_urls": True, "encrypt": True, "whatsapp": True},
            {"port": "2", "sIdentifiant": "SID", "shorturl": "1", "encrypt_message": "yes", "sendwa": "1"},
        ),
    ],
)
def test_a_send_carries_exactly_these_parameters(
    accepted: responses.RequestsMock, client: SMSMobileClient, options: dict[str, Any], parameters: dict[str, str]
) -> None:
    client.sms.send("00 33 6 39 98 56 78", "Bonjour", **options)
    sent = form(accepted)
    assert sent.pop("apikey")
    assert sent == {"recipients": TO, "message": "Bonjour", **parameters}


def test_a_send_is_a_form_over_post(accepted: responses.RequestsMock, client: SMSMobileClient) -> None:
    client.sms.send(TO, "Bonjour")
    request = accepted.calls[0].request
    assert request.method == "POST"
    assert request.url == URL
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.headers["Content-Length"] == str(len(request.body or ""))
    assert request.headers["User-Agent"].startswith("smsmobile/")


@pytest.mark.parametrize(
    "message",
    [
        *(
            "Ça va ? \N{PARTY POPPER}\N{FAMILY}\u200d",
            "line 1\nline 2\r\nline 3\ttab",
            "a&b=c+d%20e#f?g;h",
            "  spaces  ",
        ),
        *("x" * 10_000, "\N{PARTY POPPER}" * 2_500, "&apikey=stolen", "0", "\x00nul", "مرحبا"),
    ],
)
def test_a_message_arrives_unchanged(accepted: responses.RequestsMock, client: SMSMobileClient, message: str) -> None:
    client.sms.send(TO, message)
    assert form(accepted)["message"] == message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(message=st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip))
def test_any_message_arrives_unchanged(accepted: responses.RequestsMock, client: SMSMobileClient, message: str) -> None:
    client.sms.send(TO, message)
    assert form(accepted)["message"] == message


@pytest.fixture
def nothing_is_sent(service: responses.RequestsMock) -> Iterator[None]:
    yield
    assert len(service.calls) == 0


@pytest.mark.usefixtures("nothing_is_sent")
@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("", "The message is empty"),
        (" \n\t\N{NO-BREAK SPACE}", "The message is empty"),
        (None, "The message is of type NoneType"),
        (b"Bonjour", "The message is of type bytes"),
        (42, "The message is of type int"),
        ("half \ud83d emoji", "half of a surrogate pair at position 5, which cannot be sent"),
    ],
)
def test_a_bad_message_is_refused_with_the_reason(client: SMSMobileClient, message: Any, reason: str) -> None:
    with pytest.raises(InvalidRequestError, match=reason) as refused:
        client.sms.send(TO, message)
    assert "emoji" not in str(refused.value) or "inside an emoji" in str(refused.value)


@pytest.mark.usefixtures("nothing_is_sent")
def test_a_bad_option_is_refused_with_the_reason(subtests: pytest.Subtests, client: SMSMobileClient) -> None:
    for options, reason in [
        ({"sim": 0}, "sim is 0; expected slot 1 or 2"),
        ({"sim": 3}, "sim is 3; expected slot 1 or 2"),
        ({"sim": "1"}, "sim is of type str; expected slot 1 or 2"),
        ({"sim": True}, "sim is True; expected slot 1 or 2"),
        ({"device": ""}, "The device is empty"),
        ({"device": "  "}, "The device is empty"),
        ({"device": "SID\nSID"}, "The device contains a line break"),
        ({"device": 7}, "The device is of type int"),
        ({"schedule_at": datetime(2030, 1, 1)}, "schedule_at is a naive datetime"),  # noqa: DTZ001 - on purpose
        ({"schedule_at": "2030-01-01"}, "schedule_at is of type str"),
        ({"schedule_at": True}, "schedule_at is of type bool"),
        ({"schedule_at": 1_893_456_000}, "schedule_at is of type int; expected an aware datetime"),
    ]:
        with subtests.test(options=options), pytest.raises(InvalidRequestError, match=reason):
            client.sms.send(TO, "Bonjour", **options)


@pytest.mark.usefixtures("nothing_is_sent")
@pytest.mark.parametrize("to", [None, "", "0639985678", "MPESA", [TO], "12"])
def test_a_bad_recipient_is_refused(client: SMSMobileClient, to: Any) -> None:
    with pytest.raises(InvalidRequestError, match="The recipient"):
        client.sms.send(to, "Bonjour")


def test_the_clients_device_sends_where_no_other_is_named(accepted: responses.RequestsMock) -> None:
    with SMSMobileClient(api_key="a-key-of-the-tests", device="SID-1") as client:
        client.sms.send(TO, "Bonjour")
        assert form(accepted)["sIdentifiant"] == "SID-1"
        client.sms.send(TO, "Bonjour", device="SID-2")
        assert form(accepted)["sIdentifiant"] == "SID-2"


# --- answers ----------------------------------------------------------------------------------------------


def test_the_documented_answer_becomes_a_typed_model(accepted: responses.RequestsMock, client: SMSMobileClient) -> None:
    sent = client.sms.send(TO, "Bonjour")
    assert type(sent) is SentSMS
    assert sent.guid == "c319d3b35e8f8712cde20dae39ac3c19f86eda25"
    assert sent.accepted is True
    assert sent.note == "sent by mobile"
    assert sent.created_at == datetime(2026, 3, 20, 21, 7, 44, tzinfo=timezone.utc)
    assert sent.created_at is not None
    assert sent.created_at.utcoffset() == timedelta(0)
    assert sent.sim is None
    assert sent.whatsapp is False
    assert sent.encrypted is False
    assert sent.model_extra is not None
    assert sent.model_extra["iac_control"] == "1"
    assert sent.model_extra["trial_account"] == {"status": "0", "sms_sent": 0}


def test_every_way_of_saying_yes_is_accepted(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for body, guid in [
        ({"result": {"error": "0", "sent": 1, "id": 12}}, "12"),
        ({"result": {"error": None, "sent": "yes", "guid": "g"}}, "g"),
        ({"result": {"error": "", "sent": True, "id": "", "guid_message": "g"}}, "g"),
        ({"result": {"sent": "1"}}, None),
        ({"result": {"error": 0, "id": "g"}}, "g"),
        ({"result": {"error": 0, "sent": "", "id": "g"}}, "g"),
        ({"result": {"error": 0, "sent": None, "guid": "g"}}, "g"),
        ({"success": True, "message": "SMS sent successfully"}, None),
        ({"success": "1", "data": {"guid": "g"}}, "g"),
        ({"success": True, "id": "g", "sent": "1"}, "g"),
        ({"error": 0, "sent": "1", "id": "g"}, "g"),
    ]:
        with subtests.test(body=body):
            service.reset()
            service.post(URL, json=body)
            sent = client.sms.send(TO, "Bonjour")
            assert sent.accepted is True
            assert sent.guid == guid


def test_every_way_of_saying_no_is_an_error_even_beside_error_0(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for sent, code in [
        ("no", "not_accepted"),
        ("0", "not_accepted"),
        (0, "not_accepted"),
        (False, "not_accepted"),
        ("api_error", "api_error"),
        ("no credit", "no credit"),
    ]:
        with subtests.test(sent=sent):
            service.reset()
            service.post(URL, json={"result": {"error": 0, "sent": sent, "id": "g", "note": "why"}})
            with pytest.raises(APIError, match="did not accept the message") as refused:
                client.sms.send(TO, "Bonjour")
            assert (refused.value.code, refused.value.status, refused.value.note) == (code, 200, "why")


def test_an_answer_that_says_neither_leaves_the_send_in_doubt(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for body in [
        {"result": {"error": 0}},
        {"result": {}},
        {"result": []},
        {"error": 0},
        {"result": {"error": 0, "sent": 2, "id": "g"}},
        {"result": {"error": 0, "sent": "17", "id": "g"}},
        {"result": {"error": 0, "sent": [], "id": "g"}},
        {"result": {"error": 0, "sent": "<html>"}},
    ]:
        with subtests.test(body=body):
            service.reset()
            service.post(URL, json=body)
            with pytest.raises(SendOutcomeUnknown, match="says neither"):
                client.sms.send(TO, "Bonjour")


def test_what_the_answer_says_is_the_same_after_a_dump_and_a_load(
    service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    service.post(URL, json={"success": True, "message": "SMS sent successfully"})

    sent = client.sms.send("+33639985678", "hi")

    assert (sent.guid, sent.whatsapp, sent.encrypted, sent.sim) == (None, False, False, None)
    assert SentSMS.model_validate_json(sent.model_dump_json()) == sent
