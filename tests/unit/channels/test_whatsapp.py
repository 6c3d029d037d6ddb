"""WhatsApp: parameters of a send, checking a number, and the three steps of receiving."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timezone
from typing import Any
from urllib.parse import parse_qsl

import pytest
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from responses.matchers import query_param_matcher, urlencoded_params_matcher

from smsmobile import (
    APIError,
    AuthenticationError,
    ConfigurationError,
    DeviceOffline,
    InvalidRequestError,
    NumberCheck,
    ReceivedWhatsApp,
    ResentWhatsApp,
    SendOutcomeUnknown,
    SentWhatsApp,
    SMSMobileClient,
    WhatsAppRetrieval,
    WhatsAppWindow,
)
from smsmobile._input.media_urls import MEDIA_ENDINGS

from ..cases import each_once

BASE = "https://api.smsmobileapi.com"
SEND = f"{BASE}/sendsms/"
KEY = "0123456789abcdef0123456789abcdef0123456789abcdef"
PDF = "https://files.example/a%20b.pdf"
PRIVATE = [
    *(
        "localhost",
        "LOCALHOST",
        "box.localhost",
        "printer.local",
        "intranet",
        "a",
        "files..example",
        ".",
        "files.example..",
    ),
    *("127.0.0.1", "127.1", "10.0.0.1", "192.168.1.4", "172.16.0.1", "169.254.1.1", "0.0.0.0", "224.0.0.1", "1.2.3"),
    *(
        "[::1]",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "%",
        "a%2eexample",
        "files.ex\\ample",
        "x" * 64 + ".example",
    ),
]
MOMENT = datetime(2026, 3, 20, 21, 7, 44, tzinfo=timezone.utc)


@pytest.fixture
def accepted(service: responses.RequestsMock) -> responses.RequestsMock:
    service.post(SEND, json={"result": {"error": 0, "sent": "1", "id": "guid-1", "note": "queued"}})
    return service


@pytest.fixture
def nothing_is_sent(service: responses.RequestsMock) -> Iterator[None]:
    yield
    assert len(service.calls) == 0


def form(service: responses.RequestsMock) -> dict[str, str]:
    body = service.calls[-1].request.body
    return dict(parse_qsl(body if isinstance(body, str) else "", keep_blank_values=True, strict_parsing=True))


# --- sending ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        ({}, {}),
        ({"media_url": PDF}, {"url_media": PDF}),
        ({"media_url": f" {PDF} "}, {"url_media": PDF}),
        ({"media_url": PDF, "pdf_preview": True}, {"url_media": PDF, "pdf_with_image": "yes"}),
        ({"media_url": PDF, "short_media_url": True}, {"url_media": PDF, "url_media_shorted": "yes"}),
        ({"device": " SID-1 "}, {"sIdentifiant": "SID-1"}),
        ({"shorten_urls": True}, {"shorturl": "1"}),
        ({"encrypt": True}, {"encrypt_message": "yes"}),
        ({"schedule_at": datetime(2030, 1, 1, tzinfo=timezone.utc)}, {"schedule_timestamp": "1893456000"}),
        ({"media_url": None, "pdf_preview": False, "short_media_url": False, "device": None}, {}),
    ],
)
def test_a_send_carries_exactly_these_parameters(
    accepted: responses.RequestsMock, client: SMSMobileClient, options: dict[str, Any], parameters: dict[str, str]
) -> None:
    client.whatsapp.send("+12025550167", "Bonjour", **options)
    expected = {"recipients": "12025550167", "message": "Bonjour", "waonly": "yes", "apikey": KEY}
    assert form(accepted) == {**expected, **parameters}


@pytest.mark.parametrize(
    "to",
    ["+12025550167", "0012025550167", "12025550167", "+1 (202) 555-0167", "00 1 202.555.0167", "\u202a+12025550167"],
)
def test_a_number_goes_out_without_plus_or_zeros(
    accepted: responses.RequestsMock, client: SMSMobileClient, to: str
) -> None:
    client.whatsapp.send(to, "Bonjour")
    assert form(accepted)["recipients"] == "12025550167"


def test_a_national_number_is_read_by_the_clients_region(accepted: responses.RequestsMock) -> None:
    SMSMobileClient(api_key=KEY, default_region="FR").whatsapp.send("06 39 98 56 78", "Bonjour")
    assert form(accepted)["recipients"] == "33639985678"


def test_the_clients_phone_sends_where_a_send_names_no_other_one(accepted: responses.RequestsMock) -> None:
    client = SMSMobileClient(api_key=KEY, device="SID-1")
    client.whatsapp.send("+12025550167", "Bonjour")
    assert form(accepted)["sIdentifiant"] == "SID-1"
    client.whatsapp.send("+12025550167", "Bonjour", device="SID-2")
    assert form(accepted)["sIdentifiant"] == "SID-2"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(message=st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip))
def test_any_message_arrives_unchanged(accepted: responses.RequestsMock, client: SMSMobileClient, message: str) -> None:
    client.whatsapp.send("+12025550167", message)
    assert form(accepted)["message"] == message


@pytest.mark.parametrize("ending", [MEDIA_ENDINGS[0], MEDIA_ENDINGS[-1], "PDF", "Jpg"])
def test_a_file_may_end_in_an_ending_of_the_contract_in_any_case(
    accepted: responses.RequestsMock, client: SMSMobileClient, ending: str
) -> None:
    client.whatsapp.send("+12025550167", "Look", media_url=f"https://files.example/x/a.{ending}?v=1.2")
    assert form(accepted)["url_media"] == f"https://files.example/x/a.{ending}?v=1.2"


@pytest.mark.parametrize(
    "media_url",
    [
        *("https://files.example/a%2Epdf", "https://files.example/a.pd%66", "https://files.example/a.tar.gz"),
        *("https://files.example:8443/a.pdf", "https://files.example./a.pdf", "https://a.b-c.files.example/a.pdf"),
        *("https://8.8.8.8/a.pdf", "https://[2606:4700::1111]/a.pdf", "https://größe.example/größe.pdf"),
        *("https://xn--gre-6ka8i.example/a.pdf", "https://हिन्दी.भारत/a.pdf", "https://files.example/日本.pdf"),
    ],
)
def test_any_public_address_of_a_file_goes_out_as_it_is(
    accepted: responses.RequestsMock, client: SMSMobileClient, media_url: str
) -> None:
    client.whatsapp.send("+12025550167", "Look", media_url=media_url)
    assert form(accepted)["url_media"] == media_url


def test_the_endings_are_those_of_the_contract() -> None:
    listed = "pdf xml doc docx odt rtf txt tex xls xlsx csv ods ppt pptx odp zip rar 7z tar gz jpg jpeg png"
    assert " ".join(MEDIA_ENDINGS) == listed


@pytest.mark.usefixtures("nothing_is_sent")
def test_a_media_address_that_the_service_could_not_send_is_refused_before_sending(
    subtests: pytest.Subtests, client: SMSMobileClient
) -> None:
    for media_url, reason in [
        ("http://files.example/a.pdf", "media_url begins with 'http'; expected a public https URL"),
        ("ftp://files.example/a.pdf", "media_url begins with 'ftp'"),
        ("file:///etc/a.txt", "media_url begins with 'file'"),
        ("files.example/a.pdf", "media_url begins with 'no scheme'"),
        ("https:///a.pdf", "expected a public https URL"),
        ("https://[::1/a.pdf", "media_url is not a URL"),
        ("https://files.example/a.exe", "does not end in an accepted file extension; expected one of pdf, xml"),
        ("https://files.example/a.mp4", "does not end in an accepted file extension"),
        ("https://files.example/pdf", "does not end in an accepted file extension"),
        ("https://files.example/a.pdf/", "does not end in an accepted file extension"),
        ("https://files.example/", "does not end in an accepted file extension"),
        ("https://files.example/download?file=a.pdf", "does not end in an accepted file extension"),
        ("https://files.example/a.pdf#page=2", "does not end in an accepted file extension"),
        *((f"https://{host}/a.pdf", "has a private host, which the service cannot reach") for host in PRIVATE),
        ("https://files.example:99999/a.pdf", "media_url is not a URL"),
        ("https://files.example:x/a.pdf", "media_url is not a URL"),
        ("https://files.example/a\x7f.pdf", "an invisible character"),
        ("https://files.example/a.pdf\u200b", "an invisible character"),
        ("https://files.example/a.pdf%00.exe", "does not end in an accepted file extension"),
        ("a33639985678:x", "media_url begins with 'a33•••••••78'"),
        ("https://user:word@files.example/a.pdf", "contains a user, a space"),
        ("https://files.example/a b.pdf", "contains a user, a space"),
        ("https://files.example/a\n.pdf", "media_url contains a line break"),
        ("", "The media_url is empty"),
        (b"https://files.example/a.pdf", "The media_url is of type bytes"),
    ]:
        with subtests.test(media_url=media_url):
            with pytest.raises(InvalidRequestError, match=reason) as refused:
                client.whatsapp.send("+12025550167", "Look", media_url=media_url)
            assert "word@" not in str(refused.value)


@pytest.mark.usefixtures("nothing_is_sent")
def test_a_bad_argument_is_refused_and_nothing_is_sent(subtests: pytest.Subtests, client: SMSMobileClient) -> None:
    for to, message, options, reason in [
        ("0639985678", "hi", {}, "national number"),
        ("Alice", "hi", {}, "letters"),
        (["+12025550167"], "hi", {}, "a message has one recipient"),
        ("+12025550167", " ", {}, "The message is empty"),
        ("+12025550167", "hi", {"pdf_preview": True}, "need a file; pass its media_url too"),
        ("+12025550167", "hi", {"short_media_url": True}, "need a file; pass its media_url too"),
        ("+12025550167", "hi", {"device": ""}, "The device is empty"),
        ("+12025550167", "hi", {"schedule_at": datetime(2030, 1, 1)}, "schedule_at is a naive"),  # noqa: DTZ001
        ("+12025550167", "hi", {"schedule_at": 1893456000}, "schedule_at is of type int; expected an aware datetime"),
    ]:
        with subtests.test(to=to):
            with pytest.raises(InvalidRequestError, match=reason) as refused:
                client.whatsapp.send(to, message, **options)
            assert "2025550167" not in str(refused.value)


@pytest.mark.parametrize(
    ("body", "guid", "note"),
    [
        ({"result": {"error": 0, "sent": "1", "id": "guid-1", "note": "queued"}}, "guid-1", "queued"),
        ({"result": {"error": "", "sent": 1, "guid": "guid-1"}}, "guid-1", None),
        ({"success": True, "message": "Message sent successfully"}, None, "Message sent successfully"),
        ({"success": "yes", "data": {"guid_message": "guid-1"}}, "guid-1", None),
        ({"success": 1, "data": [{"guid": "guid-1", "note": "queued"}]}, "guid-1", "queued"),
    ],
)
def test_every_way_to_accept_a_message_is_understood(
    service: responses.RequestsMock, client: SMSMobileClient, body: object, guid: str | None, note: str | None
) -> None:
    service.post(SEND, json=body)
    sent = client.whatsapp.send("+12025550167", "hi")
    assert type(sent) is SentWhatsApp
    assert (sent.guid, sent.note, sent.accepted) == (guid, note, True)


def test_when_it_was_accepted_is_an_aware_moment(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    service.post(SEND, json={"result": {"error": 0, "sent": "1", "id": "g", "datetime": "2026-03-20T21:07:44Z"}})
    assert client.whatsapp.send("+12025550167", "hi").created_at == MOMENT


def test_a_refusal_is_an_api_error(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    service.post(SEND, json={"result": {"error": 0, "sent": "no", "note": "not on WhatsApp"}})
    with pytest.raises(APIError, match="did not accept") as refused:
        client.whatsapp.send("+12025550167", "hi")
    assert refused.value.note == "not on WhatsApp"


def test_a_resend_carries_the_guid_and_nothing_else(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    only = urlencoded_params_matcher({"guid": "guid-1", "apikey": KEY})
    service.post(f"{BASE}/resendwa/", json={"result": {"error": 0}}, match=[only])
    resent = client.whatsapp.resend(" guid-1 ")
    assert type(resent) is ResentWhatsApp
    assert resent.guid == "guid-1"


def test_a_resend_needs_a_guid(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    with pytest.raises(InvalidRequestError, match="The GUID is None"):
        client.whatsapp.resend(None)  # type: ignore[arg-type]
    assert len(service.calls) == 0


# --- a send in doubt --------------------------------------------------------------------------------------


@pytest.fixture
def doubt(service: responses.RequestsMock, client: SMSMobileClient) -> SendOutcomeUnknown:
    service.post(SEND, status=502)
    with pytest.raises(SendOutcomeUnknown) as unknown:
        client.whatsapp.send("+12025550167", "The code is 4711")
    return unknown.value


def test_a_send_in_doubt_knows_what_was_sent_to_whom(doubt: SendOutcomeUnknown) -> None:
    assert (doubt.to, doubt.message, doubt.guid) == ("12025550167", "The code is 4711", None)
    assert doubt.attempted_at is not None


def test_a_resend_in_doubt_knows_its_guid(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    service.post(f"{BASE}/resendwa/", status=502)
    with pytest.raises(SendOutcomeUnknown, match="look into the chat on the phone") as unknown:
        client.whatsapp.resend("guid-1")
    assert unknown.value.guid == "guid-1"


def test_a_send_in_doubt_says_where_to_look_since_there_is_no_log(
    doubt: SendOutcomeUnknown, service: responses.RequestsMock
) -> None:
    assert doubt.advice is not None
    assert "the chat on the phone" in doubt.advice
    assert doubt.advice in str(doubt)
    with pytest.raises(ConfigurationError, match=r"no log in which to look this message up.* the chat on the phone"):
        doubt.reconcile()
    assert len(service.calls) == 1
    assert "4711" not in str(doubt)
    assert "2025550167" not in str(doubt)


# --- who is on it -----------------------------------------------------------------------------------------


def test_whether_a_number_is_on_whatsapp_is_a_real_boolean(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for body, found in [
        ({"success": True, "recipients": "12025550167", "contact_found_on_whatsapp": "yes"}, True),
        ({"success": True, "recipients": "12025550167", "contact_found_on_whatsapp": "no"}, False),
        ({"success": True, "contact_found_on_whatsapp": 1}, True),
        ({"success": True, "contact_found_on_whatsapp": "0"}, False),
        ({"result": {"error": 0, "number": "12025550167", "contact_found_on_whatsapp": True}}, True),
        ({"success": True, "data": {"number": "12025550167", "exists": False}}, False),
        ({"success": True, "data": [{"number": "12025550167", "on_whatsapp": "1"}]}, True),
        ({"error": "0", "found": "yes"}, True),
        ({"success": True}, None),
        ({"success": True, "contact_found_on_whatsapp": ""}, None),
        ({"success": True, "contact_found_on_whatsapp": None}, None),
        ({"success": True, "contact_found_on_whatsapp": "perhaps"}, None),
    ]:
        with subtests.test(body=body):
            service.reset()
            asked = query_param_matcher({"recipients": "12025550167", "apikey": KEY})
            service.get(f"{BASE}/whatsapp/checknumber/", json=body, match=[asked])
            check = client.whatsapp.check_number("00 1 202 555 0167")
            assert type(check) is NumberCheck
            assert (check.number, check.on_whatsapp) == ("12025550167", found)


def test_a_bad_number_is_not_asked_about(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    with pytest.raises(InvalidRequestError, match="empty"):
        client.whatsapp.check_number(" ")
    assert len(service.calls) == 0


# --- receiving --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("switch", "word", "said", "active"),
    [
        ("enable_retrieval", "1", {"read_message_active": 1}, True),
        ("disable_retrieval", "0", {"read_message_active": "0"}, False),
        ("disable_retrieval", "0", {"active": "yes"}, True),
        ("enable_retrieval", "1", {"read_message_active": None}, True),
        ("disable_retrieval", "0", {}, False),
    ],
)
def test_retrieval_is_switched_by_a_word_and_never_toggled(
    service: responses.RequestsMock,
    client: SMSMobileClient,
    switch: str,
    word: str,
    said: dict[str, Any],
    active: bool,
) -> None:
    asked = query_param_matcher({"statut": word, "apikey": KEY})
    body = {"success": True, "status_note": "done", **said}
    service.get(f"{BASE}/getwa/active/", json=body, match=[asked])
    retrieval = getattr(client.whatsapp, switch)()
    assert type(retrieval) is WhatsAppRetrieval
    assert retrieval.active is active
    assert retrieval.note == "done"


def test_a_window_ends_at_an_aware_moment(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for body in [
        {"error": "0", "messages": "ok", "expire_at": "2026-03-20 21:07:44", "expire_at_unix": "1774040864"},
        {"error": "", "messages": "ok", "expire_at": "2026-03-20 21:07:44"},
        {"error": 0, "messages": "ok", "expire_at": "", "expire_at_unix": 1774040864000},
        {"error": None, "messages": "ok", "expire_at": "2026-03-20T22:07:44+01:00", "expire_at_unix": ""},
        {"error": "no", "messages": "ok", "expire_at": "2026-03-20 21:07:44", "expire_at_unix": "0"},
        {"result": {"error": 0, "messages": "ok", "expire_at_unix": "20260320210744000"}},
        {"success": True, "message": "ok", "data": {"expire_at_unix": 1774040864}},
        {"success": True, "message": "ok", "data": [{"expire_at_unix": 1774040864}]},
    ]:
        with subtests.test(body=body):
            service.reset()
            service.get(f"{BASE}/getwa/synchronisation/", json=body)
            window = client.whatsapp.synchronise()
            assert type(window) is WhatsAppWindow
            assert window.ends_at == MOMENT
            assert window.note == "ok"


def test_a_window_without_a_readable_end_has_none(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    service.get(f"{BASE}/getwa/synchronisation/", json={"error": "0", "messages": "ok", "expire_at": "soon"})
    assert client.whatsapp.synchronise().ends_at is None


def test_only_what_is_asked_for_goes_into_the_query(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for options, parameters in [
        ({}, {}),
        ({"before": 17}, {"before": "17"}),
        ({"before": 0}, {"before": "0"}),
        ({"day": date(2026, 3, 20)}, {"date": "2026-03-20"}),
        ({"day": "2026-03-20"}, {"date": "2026-03-20"}),
        ({"kind": "text"}, {"message_type": "text"}),
        ({"kind": "audio"}, {"message_type": "audio"}),
        ({"before": None, "day": None, "kind": None}, {}),
    ]:
        with subtests.test(options=options):
            service.reset()
            asked = query_param_matcher({**parameters, "apikey": KEY})
            service.get(f"{BASE}/getwa/", json={"success": True, "data": []}, match=[asked])
            assert client.whatsapp.received(**options) == []


@pytest.mark.usefixtures("nothing_is_sent")
def test_a_bad_filter_is_refused_and_nothing_is_asked(subtests: pytest.Subtests, client: SMSMobileClient) -> None:
    for options, reason in [
        ({"before": "17"}, "before is of type str; expected a whole number from 0"),
        ({"before": -1}, "before is -1; expected a whole number from 0"),
        ({"before": True}, "before is True"),
        ({"before": 1.5}, "before is 1.5"),
        ({"before": MOMENT}, "before is of type datetime"),
        ({"day": MOMENT}, "day is a datetime, whose day depends on the timezone"),
        ({"day": "20.03.2026"}, "day is '20••••••26', which is not a day"),
        ({"day": "20260320"}, "day is '20••••20', which is not a day"),
        ({"day": "2026-02-30"}, "day is '2026-02-30', which is not a day"),
        ({"day": 20260320}, "day is of type int"),
        ({"kind": "video"}, "kind is 'video'; expected 'text' or 'audio'"),
        ({"kind": 1}, "kind is of type int; expected 'text' or 'audio'"),
    ]:
        with subtests.test(options=options), pytest.raises(InvalidRequestError, match=reason):
            client.whatsapp.received(**options)


def read(service: responses.RequestsMock, client: SMSMobileClient, **row: object) -> ReceivedWhatsApp:
    service.get(f"{BASE}/getwa/", json={"success": True, "data": [row]})
    (message,) = client.whatsapp.received()
    return message


def test_a_row_becomes_a_typed_model(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    message = read(
        service,
        client,
        id="17",
        guid="g",
        data_id="3EB0",
        number="12025550167",
        contact_name="Jordan",
        message="Is it ready?",
        message_type="text",
        duration_seconds=None,
        sIdentifiantPhone="SID-1",
        timestamp_unix="1774040864",
        date="2026-03-20 21:07:44",
    )
    assert message.model_dump() == {
        "id": 17,
        "guid": "g",
        "data_id": "3EB0",
        "sender": "12025550167",
        "contact_name": "Jordan",
        "message": "Is it ready?",
        "kind": "text",
        "received_at": MOMENT,
        "device": "SID-1",
        "duration_seconds": None,
        "date": "2026-03-20 21:07:44",
    }


def test_every_spelling_of_a_row_is_read(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for row, attribute, value in [
        ({"from": "12025550167"}, "sender", "12025550167"),
        ({"phone_number": 12025550167}, "sender", "12025550167"),
        ({"number": "", "from": "Taylor"}, "sender", "Taylor"),
        ({"contact_name": None}, "contact_name", None),
        ({"contact_name": "", "name": "Jordan"}, "contact_name", "Jordan"),
        ({"message_type": "audio", "message": "", "transcript": "Call me."}, "kind", "audio"),
        ({"type": "audio"}, "kind", "audio"),
        ({"message": None}, "message", ""),
        ({"message": 42}, "message", "42"),
        ({"timestamp_unix": 1774040864000}, "received_at", MOMENT),
        ({"timestamp_unix": "20260320210744000"}, "received_at", MOMENT),
        ({"received_at": "2026-03-20T21:07:44Z"}, "received_at", MOMENT),
        *(({key: "1774040864"}, "received_at", MOMENT) for key in ("time_received", "datetime", "timestamp")),
        *(({key: "SID-1"}, "device", "SID-1") for key in ("sIdentifiant", "sIdentifiantPhone", "sid", "device_id")),
        ({"phone": "12025550167"}, "sender", "12025550167"),
        ({"alias": "Jordan"}, "contact_name", "Jordan"),
        ({"date": "2026-03-20 21:07:44"}, "received_at", MOMENT),
        ({"date": "2026-03-20", "hour": "21:07:44"}, "received_at", MOMENT),
        ({"timestamp_unix": "", "received_at": "0000-00-00 00:00:00"}, "received_at", None),
        ({"id": 0}, "id", 0),
        ({"id": "x"}, "id", None),
        ({"id": "c319d3b35e8f8712"}, "guid", "c319d3b35e8f8712"),
        ({"id": "c319", "guid": "", "guid_message": None}, "guid", "c319"),
        ({"id": "c319", "guid": "g"}, "guid", "g"),
        ({"id": "12e4", "guid": "0"}, "guid", "12e4"),
        ({"id": "17"}, "guid", None),
        ({"id": ""}, "guid", None),
    ]:
        with subtests.test(row=row):
            service.reset()
            assert getattr(read(service, client, **row), attribute) == value


READS = {"received": "/getwa/", "synchronise": "/getwa/synchronisation/"}
NO_WINDOW = [
    (200, {"error": "synchronisation_required", "messages": "No window was asked for."}),
    (200, {"error": "expired", "messages": "The window ended."}),
    (200, {"result": {"error": "not_active", "note": "Activate it first."}}),
    (400, {"success": False, "error": "retrieval_off", "message": "Retrieval is off."}),
    (200, {"success": False, "message": "No synchronisation."}),
]


@pytest.mark.parametrize(("answer", "name"), each_once(NO_WINDOW, READS))
def test_reading_without_a_window_is_explained_by_the_error(
    service: responses.RequestsMock, client: SMSMobileClient, answer: tuple[int, dict[str, Any]], name: str
) -> None:
    status, body = answer
    service.get(BASE + READS[name], status=status, json=body)
    with pytest.raises(APIError) as refused:
        getattr(client.whatsapp, name)()
    text = str(refused.value)
    assert "enable_retrieval() once" in text
    assert "synchronise()" in text
    said = body.get("result", body)
    assert (refused.value.code, refused.value.status) == (said.get("error"), status)
    assert refused.value.note == next(said[key] for key in ("note", "message", "messages") if key in said)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


BAD_REQUESTS = [
    (400, {"success": False, "message": "Missing required param: x."}),
    (400, {"success": False, "error": "missing_param", "message": "x is missing."}),
    (200, {"success": False, "message": "Invalid param: date."}),
    (400, {"success": False, "message": "Bad request."}),
    (405, {"success": False, "error": "method", "message": "GET only."}),
    (408, {"success": False, "error": "timeout", "message": "Too slow."}),
    (413, {"success": False, "error": "too_large", "message": "Too large."}),
]


def test_an_error_of_the_request_itself_does_not_talk_of_windows(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for answer, name in each_once(BAD_REQUESTS, READS):
        with subtests.test(answer=answer):
            service.reset()
            status, body = answer
            service.get(BASE + READS[name], status=status, json=body)
            with pytest.raises(APIError) as refused:
                getattr(client.whatsapp, name)()
            assert refused.value.note == body["message"]
            assert "enable_retrieval" not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, {"success": False, "error": "invalid_apikey"}, AuthenticationError),
        (200, {"result": {"error": 2}}, DeviceOffline),
    ],
)
def test_an_error_with_a_meaning_of_its_own_keeps_it(
    service: responses.RequestsMock, client: SMSMobileClient, status: int, body: dict[str, Any], kind: type[APIError]
) -> None:
    service.get(f"{BASE}/getwa/", status=status, json=body)
    with pytest.raises(kind) as refused:
        client.whatsapp.received()
    assert "enable_retrieval" not in str(refused.value)
