"""Resending one SMS, and bad GUIDs."""

from __future__ import annotations

from typing import Any

import pytest
import responses
from responses.matchers import urlencoded_params_matcher

from smsmobile import APIError, InvalidRequestError, ResentSMS, SendOutcomeUnknown, SMSMobileClient

from ..cases import each_once

URL = "https://api.smsmobileapi.com/resend/"


def test_a_resend_carries_the_guid_and_nothing_else(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    key = "0123456789abcdef0123456789abcdef0123456789abcdef"
    only = urlencoded_params_matcher({"guid": "guid-1", "apikey": key})
    service.post(URL, json={"result": {"error": 0, "sent": "1", "id": "guid-1", "note": "again"}}, match=[only])
    resent = client.sms.resend("  guid-1 ")
    assert type(resent) is ResentSMS
    assert (resent.guid, resent.note) == ("guid-1", "again")


@pytest.mark.parametrize(
    ("body", "guid"),
    [
        ({"result": {"error": 0}}, "guid-1"),
        ({"result": {"error": 0, "id": ""}}, "guid-1"),
        ({"success": True, "message": "queued"}, "guid-1"),
        ({"result": {"error": 0, "sent": "1", "id": "guid-2"}}, "guid-2"),
    ],
)
def test_the_answer_has_the_guid_that_was_asked_for_unless_it_names_another(
    service: responses.RequestsMock, client: SMSMobileClient, body: object, guid: str
) -> None:
    service.post(URL, json=body)
    assert client.sms.resend("guid-1").guid == guid


@pytest.mark.parametrize("body", [{"result": {}}, {"result": []}, {"result": {"sent": 7}}])
def test_an_answer_that_says_nothing_leaves_the_resend_in_doubt(
    service: responses.RequestsMock, client: SMSMobileClient, body: object
) -> None:
    service.post(URL, json=body)
    with pytest.raises(SendOutcomeUnknown, match="says neither"):
        client.sms.resend("guid-1")


@pytest.mark.parametrize("sent", ["no", "0", "not_failed"])
def test_a_message_that_did_not_fail_is_refused(
    service: responses.RequestsMock, client: SMSMobileClient, sent: str
) -> None:
    service.post(URL, json={"result": {"error": 0, "sent": sent}})
    with pytest.raises(APIError, match="did not accept"):
        client.sms.resend("guid-1")


BAD_GUIDS = [
    ("", "The GUID is empty"),
    (" \n", "The GUID is empty"),
    (None, "The GUID is None: the service accepted the message without returning one"),
    (7, "The GUID is of type int"),
    ("\ud83d", "half of a surrogate pair"),
]


@pytest.mark.parametrize(("case", "operation"), each_once(BAD_GUIDS, ["resend", "delete"]))
def test_a_bad_guid_is_refused_and_nothing_is_sent(
    service: responses.RequestsMock, client: SMSMobileClient, case: tuple[Any, str], operation: str
) -> None:
    guid, reason = case
    with pytest.raises(InvalidRequestError, match=reason):
        getattr(client.sms, operation)(guid)
    assert len(service.calls) == 0
