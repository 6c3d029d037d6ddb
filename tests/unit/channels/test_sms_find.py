"""`client.sms.find`: the row of a message whose GUID is not known."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from enum import Enum
from typing import Any

import pytest
import responses

from smsmobile import InvalidRequestError, LoggedSMS, SMSMobileClient

LOG = "https://api.smsmobileapi.com/log/sent/sms/"
TO = "+33639980001"
TEXT = "See https://shop.example/a/long/path & reply"
NOW = datetime(2026, 3, 20, 21, 7, 44, tzinfo=timezone.utc)
WINDOW = timedelta(minutes=10)


def row(made: datetime = NOW, **differences: object) -> dict[str, object]:
    return {"guid": "g", "number": TO, "message": TEXT, "timestamp_unix": made.timestamp(), **differences}


def log_of(service: responses.RequestsMock, *rows: dict[str, object]) -> None:
    service.get(LOG, json={"result": {"error": 0, "sms": list(rows)}})
    service.get(LOG, json={"result": {"error": 0, "sms": []}})


def test_it_returns_the_row_with_the_number_and_the_text(
    service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    log_of(service, row(guid="other text", message="x"), row(guid="other number", number="+33639980002"), row())
    found = client.sms.find("00 33 6 39 98 00 01", TEXT, around=NOW)
    assert isinstance(found, LoggedSMS)
    assert found.guid == "g"


def test_a_message_is_found_by_what_its_texts_hold(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    log_of(service, row())
    held = Enum("Held", {"TO": TO, "TEXT": TEXT}, type=str)
    found = client.sms.find(held.TO, held.TEXT, around=NOW)  # type: ignore[attr-defined]
    assert found is not None


def test_it_returns_none_if_no_row_matches(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    log_of(service, row(message="x"))
    assert client.sms.find(TO, TEXT, around=NOW) is None


def test_it_returns_the_newest_of_several_rows(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    log_of(service, row(NOW + timedelta(seconds=5), guid="newer"), row(guid="older"))
    found = client.sms.find(TO, TEXT, around=NOW)
    assert found is not None
    assert found.guid == "newer"


def test_a_row_without_a_guid_is_found(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    log_of(service, row(guid=None))
    found = client.sms.find(TO, TEXT, around=NOW)
    assert found is not None
    assert found.message == TEXT


def test_it_looks_ten_minutes_around_the_send_and_the_schedule(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for made, schedule_at, is_found in [
        (NOW - WINDOW, None, True),
        (NOW + WINDOW, None, True),
        (NOW - WINDOW - timedelta(seconds=1), None, False),
        (NOW + WINDOW + timedelta(seconds=1), None, False),
        (NOW + timedelta(hours=5) + WINDOW, NOW + timedelta(hours=5), True),
        (NOW + timedelta(hours=5, seconds=1) + WINDOW, NOW + timedelta(hours=5), False),
        (NOW + WINDOW, NOW - timedelta(hours=5), True),
    ]:
        with subtests.test(made=made):
            service.reset()
            log_of(service, row(made))
            assert (client.sms.find(TO, TEXT, around=NOW, schedule_at=schedule_at) is not None) == is_found


@pytest.mark.parametrize(("has_date", "is_found"), [(True, True), (False, False)])
def test_a_row_matches_by_the_services_clock_if_its_answers_say_what_it_is(
    service: responses.RequestsMock, client: SMSMobileClient, has_date: bool, is_found: bool
) -> None:
    now = datetime.now(timezone.utc)
    ahead = now + timedelta(hours=2)
    headers = {"Date": format_datetime(ahead, usegmt=True)} if has_date else {}
    service.get(LOG, json={"result": {"error": 0, "sms": [row(ahead)]}}, headers=headers)
    assert (client.sms.find(TO, TEXT, around=now) is not None) == is_found


@pytest.mark.parametrize(
    ("options", "logged", "is_found"),
    [
        ({"shorten_urls": True}, "See https://short.example/x &amp; reply", True),
        ({"shorten_urls": True}, "See https://short.example/x & do not reply", False),
        ({}, "See https://short.example/x & reply", False),
        ({"encrypt": True}, "", True),
        ({}, "", False),
    ],
)
def test_the_options_of_the_send_say_how_much_of_the_text_is_compared(
    service: responses.RequestsMock, client: SMSMobileClient, options: dict[str, Any], logged: str, is_found: bool
) -> None:
    log_of(service, row(message=logged))
    assert (client.sms.find(TO, TEXT, around=NOW, **options) is not None) == is_found


@pytest.mark.parametrize(
    "around", [datetime.min.replace(tzinfo=timezone.utc), datetime.max.replace(tzinfo=timezone.utc)]
)
def test_any_aware_datetime_is_a_moment(
    service: responses.RequestsMock, client: SMSMobileClient, around: datetime
) -> None:
    log_of(service, row(), row(guid="undated", timestamp_unix=None))
    service.get(LOG, json={"result": {"error": 0, "sms": [row(guid="undated", timestamp_unix=None)]}})
    assert client.sms.find(TO, TEXT, around=around) is None


def test_an_argument_that_cannot_be_is_refused_before_the_log_is_read(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for arguments, reason in [
        ({"to": "0639980001"}, "national number"),
        ({"message": " "}, "The message is empty"),
        ({"around": NOW.replace(tzinfo=None)}, "around is a naive datetime"),
        ({"around": NOW.timestamp()}, "around is of type float; expected an aware datetime"),
        ({"around": None}, "around is of type NoneType"),
        ({"schedule_at": NOW.replace(tzinfo=None)}, "schedule_at is a naive datetime"),
        ({"shorten_urls": "no"}, "shorten_urls is of type str"),
        ({"encrypt": 1}, "encrypt is of type int"),
    ]:
        with subtests.test(arguments=arguments):
            service.reset()
            with pytest.raises(InvalidRequestError, match=reason):
                client.sms.find(**{"to": TO, "message": TEXT, "around": NOW, **arguments})
            assert len(service.calls) == 0
