"""SMS that were typed on the phone itself."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
import responses
from responses.matchers import query_param_matcher

from smsmobile import HandSentSMS, InvalidRequestError, SMSMobileClient

URL = "https://api.smsmobileapi.com/log/sent/frommobile/"
KEY = "0123456789abcdef0123456789abcdef0123456789abcdef"
MOMENT = datetime(2026, 3, 20, 21, 7, 44, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("options", "parameters"),
    [({}, {}), ({"period": "last_7days"}, {"period": "last_7days"}), ({"limit": 5}, {"limit": "5"})],
)
def test_only_what_is_asked_for_goes_into_the_query(
    service: responses.RequestsMock, client: SMSMobileClient, options: dict[str, Any], parameters: dict[str, str]
) -> None:
    asked = query_param_matcher({**parameters, "apikey": KEY})
    service.get(URL, json={"result": {"error": 0, "sms": []}}, match=[asked])
    assert client.sms.sent_by_hand(**options) == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"period": ""}, "The period is empty"),
        ({"period": 7}, "The period is of type int"),
        ({"limit": 0}, "limit is 0"),
        ({"limit": "5"}, "limit is of type str"),
    ],
)
def test_a_bad_argument_is_refused_and_nothing_is_asked(
    service: responses.RequestsMock, client: SMSMobileClient, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidRequestError, match=reason):
        client.sms.sent_by_hand(**options)
    assert len(service.calls) == 0


def test_a_row_becomes_a_typed_model(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    row = {"guid": "g", "number": "+33639985678", "message": "hi", "sIdentifiantPhone": "SID-1", "date": "2026-03-20"}
    service.get(URL, json={"result": {"error": 0, "sms": [{**row, "timestamp_unix": "1774040864"}]}})
    (sms,) = client.sms.sent_by_hand()
    assert type(sms) is HandSentSMS
    assert (sms.guid, sms.recipient, sms.message) == ("g", "+33639985678", "hi")
    assert (sms.device, sms.sent_at) == ("SID-1", MOMENT)


def test_a_word_beside_no_rows_means_that_there_are_none(
    service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    service.get(URL, json={"result": {"error": "no_message"}})
    assert client.sms.sent_by_hand() == []


def test_every_spelling_of_a_row_is_read(subtests: pytest.Subtests) -> None:
    for row, attribute, value in [
        *(({key: "+33639985678"}, "recipient", "+33639985678") for key in ("number", "recipients", "phone")),
        *(({key: "g"}, "guid", "g") for key in ("guid", "guid_message", "id")),
        ({"date": "2026-03-20", "hour": "21:07:44"}, "sent_at", MOMENT),
        ({"date": "2026-03-20 21:07:44"}, "sent_at", MOMENT),
        ({"timestamp_unix": 1774040864000}, "sent_at", MOMENT),
        ({"timestamp_unix": "", "datetime": "20260320210744000"}, "sent_at", MOMENT),
        ({"message": None}, "message", ""),
    ]:
        with subtests.test(row=row):
            assert getattr(HandSentSMS.from_wire(row), attribute) == value
