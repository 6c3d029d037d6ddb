"""Deleting one SMS, also at a replaced address."""

from __future__ import annotations

import pytest
import responses
from responses.matchers import urlencoded_params_matcher

from smsmobile import DeletedSMS, NotFound, SMSMobileClient

BASE = "https://api.smsmobileapi.com"
KEY = "0123456789abcdef0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("body", "note"),
    [
        ({"result": {"error": 0, "note": "deleted"}}, "deleted"),
        ({"result": {"error": 0}}, None),
        ({"success": True, "message": "Deleted."}, "Deleted."),
        ({"success": True, "guid": "", "count": 1}, None),
    ],
)
def test_a_delete_carries_the_guid_and_nothing_else(
    service: responses.RequestsMock, client: SMSMobileClient, body: object, note: str | None
) -> None:
    only = urlencoded_params_matcher({"guid": "guid-1", "apikey": KEY})
    service.post(f"{BASE}/deletesms/", json=body, match=[only])
    deleted = client.sms.delete("guid-1")
    assert type(deleted) is DeletedSMS
    assert (deleted.guid, deleted.note) == ("guid-1", note)


def test_a_message_that_is_not_there_is_not_found(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    service.post(f"{BASE}/deletesms/", json={"success": False, "error": "not_found"}, status=404)
    with pytest.raises(NotFound, match="knows nothing under this GUID"):
        client.sms.delete("guid-1")


def test_the_assumed_address_can_be_replaced(service: responses.RequestsMock) -> None:
    service.post(f"{BASE}/sms/remove/", json={"result": {"error": 0}})
    with SMSMobileClient(api_key=KEY, paths={"sms.delete": "/sms/remove/"}) as client:
        assert client.sms.delete("guid-1").guid == "guid-1"
