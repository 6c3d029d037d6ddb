"""Received SMS: query parameters, and spellings of a row."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
import responses
from responses.matchers import query_param_matcher

from smsmobile import InvalidRequestError, ReceivedSMS, SMSMobileClient

URL = "https://api.smsmobileapi.com/getsms/"
KEY = "0123456789abcdef0123456789abcdef0123456789abcdef"
MOMENT = datetime(2026, 3, 20, 21, 7, 44, tzinfo=timezone.utc)


def test_only_what_is_asked_for_goes_into_the_query(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for options, parameters in [
        ({}, {}),
        ({"after": MOMENT}, {"after_timestamp_unix": "1774040864"}),
        ({"after": 1774040864}, {"after_timestamp_unix": "1774040864"}),
        ({"after": 1774040864.9}, {"after_timestamp_unix": "1774040864"}),
        ({"after": 0}, {"after_timestamp_unix": "0"}),
        ({"unread_only": True}, {"onlyunread": "yes"}),
        ({"unread_only": False}, {}),
        ({"device": "SID 1"}, {"sIdentifiantPhone": "SID 1"}),
    ]:
        with subtests.test(options=options):
            service.reset()
            service.get(URL, json={"result": {"sms": []}}, match=[query_param_matcher({**parameters, "apikey": KEY})])
            assert client.sms.received(**options) == []
            assert service.calls[0].request.body is None


def test_a_bad_argument_is_refused_and_nothing_is_sent(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for options, reason in [
        ({"after": datetime(2026, 1, 1)}, "after is a naive datetime"),  # noqa: DTZ001 - on purpose
        ({"after": "yesterday"}, "after is of type str"),
        ({"after": -1}, "after is -1"),
        ({"after": float("inf")}, "after is inf"),
        ({"after": 1774040864000}, "expected an aware datetime, or a Unix time in seconds"),
        ({"after": False}, "after is False"),
        ({"device": " "}, "The device is empty"),
    ]:
        with subtests.test(options=options):
            service.reset()
            with pytest.raises(InvalidRequestError, match=reason):
                client.sms.received(**options)
            assert len(service.calls) == 0


def read(service: responses.RequestsMock, client: SMSMobileClient, **row: object) -> ReceivedSMS:
    service.get(URL, json={"result": {"error": 0, "sms": [row]}})
    (message,) = client.sms.received()
    return message


def test_the_documented_row_becomes_a_typed_model(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    message = read(
        service,
        client,
        id=17,
        guid="g",
        number="+33639985432",
        message="yes\n",
        sIdentifiantPhone="SID-1",
        alias="Taylor",
        timestamp_unix=1774040864,
        read="0",
    )
    assert type(message) is ReceivedSMS
    assert message.model_dump() == {
        "guid": "g",
        "sender": "+33639985432",
        "message": "yes\n",
        "received_at": MOMENT,
        "device": "SID-1",
        "alias": "Taylor",
        "id": 17,
        "read": "0",
    }


def test_a_sender_is_what_the_network_gave(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for sender in ["MPESA", "Safaricom", "0639985678", "+33 6", "Ma Banque", "36180", "*123#"]:
        with subtests.test(sender=sender):
            service.reset()
            assert read(service, client, number=sender).sender == sender


def test_every_spelling_of_the_time_is_read(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for row in [
        {"timestamp_unix": "1774040864"},
        {"timestamp_unix": 1774040864000},
        {"timestamp_unix": "20260320210744000"},
        {"timestamp_unix": "2026-03-20 21:07:44"},
        {"time_received": "2026-03-20 21:07:44"},
        {"time_received": "1774040864"},
        {"timestamp_unix": "", "time_received": 1774040864},
        {"timestamp_unix": None, "time_received": "20260320210744000"},
        {"timestamp_unix": "1774040864", "time_received": "2020-01-01 00:00:00"},
        {"date": "2026-03-20", "hour": "21:07:44"},
        {"date": "2026-03-20", "hour": "21:07:44", "timestamp_unix": None, "time_received": ""},
        {"date": "2020-01-01", "hour": "00:00:00", "time_received": "2026-03-20 21:07:44"},
    ]:
        with subtests.test(row=row):
            service.reset()
            assert read(service, client, **row).received_at == MOMENT


@pytest.mark.parametrize("row", [{"date": "2026-03-20"}, {"date": "2026-03-20", "hour": None}])
def test_a_day_without_an_hour_is_its_midnight(
    service: responses.RequestsMock, client: SMSMobileClient, row: dict[str, object]
) -> None:
    assert read(service, client, **row).received_at == datetime(2026, 3, 20, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "row", [{"guid": "g"}, {"hour": "21:07:44"}, {"date": "", "hour": ""}, {"timestamp_unix": "soon"}]
)
def test_a_message_without_a_time_has_none(
    service: responses.RequestsMock, client: SMSMobileClient, row: dict[str, object]
) -> None:
    assert read(service, client, **row).received_at is None


def test_empty_values_are_none_and_an_empty_message_is_an_empty_text(
    service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    message = read(service, client, guid="", number=None, message=None, sIdentifiantPhone="", alias="")
    assert (message.guid, message.sender, message.message) == (None, None, "")
    assert (message.device, message.alias) == (None, None)
