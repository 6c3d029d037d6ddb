"""The sent log: query parameters, the status of a message, and paging backwards."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses
from responses.matchers import query_param_matcher

from smsmobile import APIError, InvalidRequestError, LoggedSMS, SMSMobileClient, SMSStatus

URL = "https://api.smsmobileapi.com/log/sent/sms/"
KEY = "0123456789abcdef0123456789abcdef0123456789abcdef"
MOMENT = datetime(2026, 3, 20, 21, 7, 44, tzinfo=timezone.utc)


def test_only_what_is_asked_for_goes_into_the_query(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for options, parameters in [
        ({}, {}),
        ({"guid": "guid-1"}, {"guid_message": "guid-1"}),
        ({"before": "guid-1"}, {"before": "guid-1"}),
        ({"before": MOMENT}, {"before": "1774040864"}),
        ({"before": 1774040864}, {"before": "1774040864"}),
        ({"before": 1774040864.5}, {"before": "1774040864"}),
        ({"keyword": "a & b"}, {"keyword": "a & b"}),
        ({"api_errors": True}, {"error_api": "1"}),
        ({"phone_errors": True}, {"error_mobile": "1"}),
        ({"api_errors": False, "phone_errors": False, "guid": None, "before": None, "keyword": None}, {}),
    ]:
        with subtests.test(options=options):
            service.reset()
            service.get(URL, json={"result": {"sms": []}}, match=[query_param_matcher({**parameters, "apikey": KEY})])
            assert client.sms.log(**options) == []


def test_a_bad_argument_is_refused_and_nothing_is_sent(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for options, reason in [
        ({"guid": ""}, "The GUID is empty"),
        ({"before": ""}, "The GUID is empty"),
        ({"before": datetime(2026, 1, 1)}, "before is a naive datetime"),  # noqa: DTZ001 - on purpose
        ({"before": []}, "before is of type list"),
        ({"before": True}, "before is True"),
        ({"keyword": " "}, "The keyword is empty"),
        ({"keyword": "a\nb"}, "The keyword contains a line break"),
        ({"keyword": 33}, "The keyword is of type int"),
    ]:
        with subtests.test(options=options):
            service.reset()
            with pytest.raises(InvalidRequestError, match=reason):
                client.sms.log(**options)
            assert len(service.calls) == 0


def read(service: responses.RequestsMock, client: SMSMobileClient, **row: object) -> LoggedSMS:
    service.get(URL, json={"result": {"error": 0, "sms": [row]}})
    (entry,) = client.sms.log()
    return entry


def test_a_row_becomes_a_typed_model(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    entry = read(
        service,
        client,
        guid="g",
        number="+33639985678",
        message="Bonjour",
        datetime="2026-03-20T21:07:44Z",
        send_from_mobile="1",
        send_from_mobile_datetime="2026-03-20 21:07:44",
        sIdentifiant="SID-1",
    )
    assert type(entry) is LoggedSMS
    assert (entry.guid, entry.recipient, entry.message) == ("g", "+33639985678", "Bonjour")
    assert (entry.status, entry.error, entry.device) == (SMSStatus.SENT, None, "SID-1")
    assert entry.created_at == entry.sent_at == MOMENT


def test_the_state_of_a_message_is_read_from_the_wires_three_keys(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for row, status, error in [
        ({}, SMSStatus.QUEUED, None),
        ({"send_from_mobile": "0", "send_from_mobile_erreur": "", "error_api": "0"}, SMSStatus.QUEUED, None),
        ({"send_from_mobile": None, "send_from_mobile_erreur": None, "error_api": None}, SMSStatus.QUEUED, None),
        ({"send_from_mobile": "", "error_api": 0}, SMSStatus.QUEUED, None),
        ({"send_from_mobile": "1"}, SMSStatus.SENT, None),
        ({"send_from_mobile": 1}, SMSStatus.SENT, None),
        ({"send_from_mobile": True}, SMSStatus.SENT, None),
        ({"send_from_mobile": "yes", "error_api": ""}, SMSStatus.SENT, None),
        ({"send_from_mobile_erreur": "No service"}, SMSStatus.FAILED, "No service"),
        ({"send_from_mobile": "1", "send_from_mobile_erreur": "RESULT_ERROR"}, SMSStatus.FAILED, "RESULT_ERROR"),
        ({"send_from_mobile_erreur": "NO"}, SMSStatus.FAILED, "NO"),
        ({"send_from_mobile": "0", "send_from_mobile_erreur": "0"}, SMSStatus.FAILED, "0"),
        ({"send_from_mobile": "1", "send_from_mobile_erreur": "0"}, SMSStatus.SENT, None),
        ({"send_from_mobile_erreur": 0}, SMSStatus.QUEUED, None),
        ({"send_from_mobile_erreur": " "}, SMSStatus.QUEUED, None),
        ({"error_api": "12"}, SMSStatus.FAILED, "12"),
        ({"error_api": "no"}, SMSStatus.QUEUED, None),
        ({"error_api": 2, "send_from_mobile": "0"}, SMSStatus.FAILED, "2"),
        ({"error_api": "bad_number", "send_from_mobile_erreur": "0"}, SMSStatus.FAILED, "bad_number"),
    ]:
        with subtests.test(row=row):
            service.reset()
            entry = read(service, client, guid="g", **row)
            assert (entry.status, entry.error) == (status, error)


def test_a_state_of_the_services_own_does_not_make_the_log_unreadable(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for word in ["delivered", "1", 0, None, "", {"code": 3}]:
        with subtests.test(word=word):
            service.reset()
            assert read(service, client, guid="g", status=word).status is SMSStatus.QUEUED


def test_the_advice_for_a_failed_message_fits_its_cause(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for row, advice in [
        ({"send_from_mobile_erreur": "No service"}, "had no network"),
        ({"send_from_mobile_erreur": "RESULT_ERROR_NO_SERVICE"}, "had no network"),
        ({"send_from_mobile_erreur": "RESULT_ERROR_RADIO_OFF"}, "airplane mode"),
        ({"send_from_mobile_erreur": "RESULT_ERROR_LIMIT_EXCEEDED"}, "send more slowly"),
        ({"send_from_mobile_erreur": "Not enough credit"}, "top up"),
        ({"send_from_mobile_erreur": "Permission denied"}, "Permissions"),
        ({"send_from_mobile_erreur": "RESULT_ERROR_SHORT_CODE_NOT_ALLOWED"}, "premium numbers"),
        ({"send_from_mobile_erreur": "SIM absent"}, "cannot use its SIM"),
        ({"send_from_mobile_erreur": "RESULT_ERROR_NULL_PDU"}, "the number and the text"),
        ({"send_from_mobile_erreur": "timeout"}, "SmsMobileApi > Battery"),
        ({"send_from_mobile_erreur": "RESULT_ERROR_GENERIC_FAILURE"}, "by hand"),
        ({"send_from_mobile_erreur": 1}, "by hand"),
        ({"error_api": "bad_number"}, "number was refused"),
        ({"error_api": "12"}, "the phone never had it"),
        ({"error_api": 2}, "SmsMobileApi > Battery"),
        ({"error_api": "subscription_expire"}, "renew it"),
        ({"error_api": "12", "send_from_mobile_erreur": "airplane mode"}, "airplane mode"),
    ]:
        with subtests.test(row=row):
            service.reset()
            entry = read(service, client, guid="g", **row)
            assert advice in (entry.advice or "")
            assert advice in repr(entry)
            assert "docs/" not in repr(entry)


def test_a_status_is_written_as_its_word() -> None:
    assert f"{SMSStatus.SENT} {SMSStatus.FAILED!s:>8}" == "sent   failed"


def test_a_row_that_did_not_fail_has_no_advice(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    entry = read(service, client, guid="g", send_from_mobile="1")
    assert entry.advice is None
    assert "advice" not in repr(entry)


# --- iter_log ---------------------------------------------------------------------------------------------

Page = list[dict[str, object]]


@pytest.fixture
def pages(service: responses.RequestsMock) -> Callable[[Callable[[str | None], Page]], list[str | None]]:
    """Let a function of `before` play the log; gives the list of what `before` was."""

    def play(page_of: Callable[[str | None], Page]) -> list[str | None]:
        asked: list[str | None] = []

        def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
            (before,) = parse_qs(urlsplit(request.url or "").query).get("before", [None])
            asked.append(before)
            assert len(asked) < 50, "this would go on for ever"
            return 200, {}, json.dumps({"result": {"error": 0, "sms": page_of(before)}})

        service.add_callback("GET", URL, callback=answer)
        return asked

    return play


Pages = Callable[[Callable[[str | None], Page]], list[str | None]]


def rows(*guids: object) -> Page:
    return [{"guid": guid, "message": f"text of {guid}"} for guid in guids]


def test_the_log_is_paged_backwards_with_the_guid_of_the_last_row(client: SMSMobileClient, pages: Pages) -> None:
    book = {None: rows("f", "e"), "e": rows("d", "c"), "c": rows("b", "a"), "a": rows()}
    asked = pages(lambda before: book[before])
    assert [row.guid for row in client.sms.iter_log()] == list("fedcba")
    assert asked == [None, "e", "c", "a"]


def test_a_page_is_asked_for_only_when_it_is_needed(client: SMSMobileClient, pages: Pages) -> None:
    book = {None: rows("f", "e"), "e": rows("d", "c")}
    asked = pages(lambda before: book[before])
    assert [row.guid for row in itertools.islice(client.sms.iter_log(), 2)] == ["f", "e"]
    assert asked == [None]


def test_a_service_that_ignores_before_is_read_once(client: SMSMobileClient, pages: Pages) -> None:
    asked = pages(lambda before: rows("c", "b", "a"))
    assert [row.guid for row in client.sms.iter_log()] == list("cba")
    assert asked == [None, "a"]


def test_a_guid_of_the_service_with_a_line_break_is_asked_for_as_it_is(client: SMSMobileClient, pages: Pages) -> None:
    asked = pages(lambda before: rows() if before else rows("b", " a\r\n1\n"))
    assert [row.guid for row in client.sms.iter_log()] == ["b", "a\r\n1"]
    assert asked == [None, "a\r\n1"]


def test_rows_that_come_again_at_the_edge_of_a_page_are_given_once(client: SMSMobileClient, pages: Pages) -> None:
    book = {None: rows("d", "c"), "c": rows("c", "b"), "b": rows("b", "a"), "a": rows("a")}
    pages(lambda before: book[before])
    assert [row.guid for row in client.sms.iter_log()] == list("dcba")


def dated(*guids: object, second: int) -> Page:
    return [{"guid": guid, "message": f"{guid} {second}", "timestamp_unix": 1774040000 + second} for guid in guids]


def test_after_a_last_row_without_a_guid_the_log_is_paged_by_its_time(client: SMSMobileClient, pages: Pages) -> None:
    log = [*dated("c", None, second=3), *dated(None, None, second=2), *dated(None, "a", second=1)]
    starts: dict[str | None, int] = {None: 0, "1774040003": 2, "1774040002": 4, "a": 6}
    asked = pages(lambda before: log[starts[before] :][:3])

    assert [row.message for row in client.sms.iter_log()] == [row["message"] for row in log]

    assert asked == list(starts)


def test_after_a_last_row_without_a_guid_and_a_time_the_log_is_paged_by_the_last_guid(
    client: SMSMobileClient, pages: Pages
) -> None:
    log = rows("d", "c", None, "b", "a")
    places: dict[str | None, int] = {None: 0, "d": 1, "c": 2, "b": 4, "a": 5}
    pages(lambda before: log[places[before] :][:3])
    assert [row.guid for row in client.sms.iter_log()] == ["d", "c", None, "b", "a"]


def test_rows_that_cannot_be_gone_past_are_told(
    client: SMSMobileClient, pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    asked = pages(lambda before: rows(None, None))
    assert len(list(client.sms.iter_log())) == 2
    assert asked == [None]
    assert "older rows cannot be requested" in caplog.text


def test_rows_without_a_guid_are_not_taken_for_one_another(client: SMSMobileClient, pages: Pages) -> None:
    book = {None: rows("d", None, "c"), "c": rows(None, "b", "a"), "a": rows()}
    pages(lambda before: book[before])
    assert [row.guid for row in client.sms.iter_log()] == ["d", None, "c", None, "b", "a"]


def test_a_guid_that_comes_again_on_a_later_page_does_not_make_the_log_endless(
    client: SMSMobileClient, pages: Pages
) -> None:
    book = {None: rows("d", "c"), "c": rows("b", "a"), "a": rows("d", "c")}
    asked = pages(lambda before: book[before])
    assert [row.guid for row in client.sms.iter_log()] == list("dcbadc")
    assert asked == [None, "c", "a"]


def test_an_empty_log_is_asked_for_once(client: SMSMobileClient, pages: Pages) -> None:
    asked = pages(lambda before: [])
    assert list(client.sms.iter_log(before="x")) == []
    assert asked == ["x"]


def test_the_filters_stay_on_every_page(client: SMSMobileClient, service: responses.RequestsMock) -> None:
    filters = {"keyword": "hi", "error_api": "1", "error_mobile": "1", "apikey": KEY}
    for before, page in ((str(1774040864), rows("b")), ("b", rows("a")), ("a", [])):
        match = query_param_matcher({**filters, "before": before})
        service.get(URL, json={"result": {"sms": page}}, match=[match])
    found = client.sms.iter_log(before=MOMENT, keyword="hi", api_errors=True, phone_errors=True)
    assert [row.guid for row in found] == ["b", "a"]


@pytest.mark.parametrize("body", [{"success": False, "error": "unknown"}, {"error": "unknown", "message": "no"}])
def test_a_word_outside_of_the_result_envelope_is_an_error_and_not_an_empty_log(
    service: responses.RequestsMock, client: SMSMobileClient, body: dict[str, Any]
) -> None:
    service.get(URL, json=body)

    with pytest.raises(APIError, match="unknown"):
        client.sms.log()
