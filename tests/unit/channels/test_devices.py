"""Devices: the list, one device, and the account's limit."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st
from responses.matchers import query_param_matcher

from smsmobile import APIError, Device, DeviceCapacity, InvalidRequestError, NotFound, SMSMobileClient

from ..cases import each_once

URL = "https://api.smsmobileapi.com/gateway/mobile/list/"
KEY = "0123456789abcdef0123456789abcdef0123456789abcdef"
MOMENT = datetime(2026, 3, 20, 21, 7, 44, tzinfo=timezone.utc)


def answer(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    counts = {"connected_now": 1, "connected_limit": 1, "connected_available": 0}
    return {"success": True, **counts, "filters": {}, "note": "as told last", **more, "items": list(items)}


@pytest.mark.parametrize(("options", "parameters"), [({}, {}), ({"search": " 4.1 "}, {"search": "4.1"})])
def test_only_what_is_asked_for_goes_into_the_query(
    service: responses.RequestsMock, client: SMSMobileClient, options: dict[str, Any], parameters: dict[str, str]
) -> None:
    service.get(URL, json=answer(), match=[query_param_matcher({**parameters, "apikey": KEY})])
    assert client.devices.list(**options) == []


def test_a_bad_search_is_refused_and_nothing_is_asked(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    with pytest.raises(InvalidRequestError, match="The search is empty"):
        client.devices.list(search=" ")
    assert len(service.calls) == 0


def test_a_row_becomes_a_typed_model(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    row = {
        "sIdentifiant": "SID-1",
        "label": "Office",
        "app_version": "4.1.15.0",
        "battery": "87",
        "date": "2026-03-20",
        "last_seen_unix": "1774040864",
        "online": "1",
        "sim": ["1", "2"],
    }
    service.get(URL, json=answer(row))
    (device,) = client.devices.list()
    assert type(device) is Device
    assert device.model_dump() == {
        "sid": "SID-1",
        "label": "Office",
        "app_version": "4.1.15.0",
        "battery": 87,
        "online": True,
        "last_seen_at": MOMENT,
        "date": "2026-03-20",
        "sim": ["1", "2"],
    }


@pytest.mark.parametrize("key", ["sIdentifiant", "sIdentifiantPhone", "sid", "sidentifiant"])
def test_every_spelling_of_the_sid_is_read(key: str) -> None:
    assert Device.from_wire({"sIdentifiant": "", "sIdentifiantPhone": None, key: "SID-1"}).sid == "SID-1"


ONLINE_MARKS: list[tuple[object, bool | None]] = [
    *((1, True), ("1", True), ("yes", True), (True, True), ("online", True), ("Connected", True)),
    *((0, False), ("0", False), ("no", False), (False, False), ("offline", False), ("DISCONNECTED", False)),
    *((None, None), ("", None), ("sleeping", None), (7, None)),
]


def test_every_spelling_of_the_online_mark_is_read(subtests: pytest.Subtests) -> None:
    for case, key in each_once(ONLINE_MARKS, ["online", "connected", "status"]):
        with subtests.test(case=case):
            mark, online = case
            assert Device.from_wire({"sid": "a", key: mark}).online is online


@pytest.mark.parametrize(
    ("row", "online"),
    [
        ({"online": "", "connected": "1"}, True),
        ({"online": None, "status": "offline"}, False),
        ({"online": "0", "status": "paired"}, False),
        ({"online": "paired", "connected": 0}, False),
        ({}, None),
    ],
)
def test_of_several_marks_the_first_that_says_something_counts(row: dict[str, Any], online: bool | None) -> None:
    assert Device.from_wire(row).online is online


@pytest.mark.parametrize("label", [None, "", "Office"])
def test_an_online_mark_that_says_no_does_not_hang_on_what_else_is_missing(label: str | None) -> None:
    assert Device.from_wire({"sid": "a", "label": label, "online": "0", "battery": 0}).online is False
    assert Device.from_wire({"sid": "a", "label": label, "online": "0", "battery": 0}).battery == 0


def test_every_spelling_of_the_battery_is_read(subtests: pytest.Subtests) -> None:
    for level, percent in [
        *((87, 87), ("87", 87), ("87%", 87), (" 87 % ", 87), (87.0, 87), ("87.5", 87), ("0", 0)),
        *((None, None), ("", None), ("full", None), ("nan", None), ("inf", None), ([], None), (True, None)),
    ]:
        with subtests.test(level=level):
            assert Device.from_wire({"battery": level}).battery == percent


@given(junk=st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=3))
def test_no_row_is_too_strange(junk: Any) -> None:
    keys = ["sIdentifiant", "label", "app_version", "battery", "online", "connected", "status", "last_seen_unix"]
    device = Device.from_wire(dict.fromkeys(keys, junk))
    assert device.online in (True, False, None)


# --- one of them ------------------------------------------------------------------------------------------


def test_one_phone_is_asked_for_by_its_sid(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    asked = query_param_matcher({"sid": "SID-2", "apikey": KEY})
    service.get(URL, json=answer({"sid": "SID-1"}, {"sidentifiant": "SID-2", "label": "Shop"}), match=[asked])
    assert client.devices.get(" SID-2 ").label == "Shop"


@pytest.mark.parametrize("rows", [[], [{"sid": "SID-20"}], [{"label": "no SID"}]])
def test_a_phone_that_is_absent_is_not_found(
    service: responses.RequestsMock, client: SMSMobileClient, rows: list[dict[str, Any]]
) -> None:
    service.get(URL, json=answer(*rows))
    with pytest.raises(NotFound, match=r"client\.devices\.list\(\) returns all phones") as caught:
        client.devices.get("SID-2")
    assert caught.value.status == 200


@pytest.mark.parametrize(("sid", "reason"), [("", "The SID is empty"), (None, "The SID is of type NoneType")])
def test_a_bad_sid_is_refused_and_nothing_is_asked(
    service: responses.RequestsMock, client: SMSMobileClient, sid: Any, reason: str
) -> None:
    with pytest.raises(InvalidRequestError, match=reason):
        client.devices.get(sid)
    assert len(service.calls) == 0


# --- how many ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"success": True, "connected_now": 0, "connected_limit": 2, "connected_available": 2, "items": []},
        {
            "success": "1",
            "connected_now": "0",
            "connected_limit": "2",
            "connected_available": "2",
            "items": [{"sid": "a"}],
        },
        {"result": {"error": 0, "connected_now": "0", "connected_limit": 2, "connected_available": 2, "sms": []}},
        {"success": True, "data": {"connected_now": 0, "connected_limit": 2, "connected_available": 2}},
    ],
)
def test_capacity_is_read_as_numbers(
    service: responses.RequestsMock, client: SMSMobileClient, body: dict[str, Any]
) -> None:
    service.get(URL, json=body)
    capacity = client.devices.capacity()
    assert type(capacity) is DeviceCapacity
    assert (capacity.connected, capacity.limit, capacity.available) == (0, 2, 2)


def test_capacity_does_not_carry_the_phones_along(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    service.get(URL, json=answer({"sid": "SID-1"}, plan="pro"))
    capacity = client.devices.capacity()
    assert capacity.note == "as told last"
    assert capacity.model_extra == {"success": True, "plan": "pro"}


def test_a_refusal_is_an_api_error(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    service.get(URL, json={"success": False, "message": "Not for this plan."})
    with pytest.raises(APIError, match="refused the request") as refused:
        client.devices.capacity()
    assert refused.value.note == "Not for this plan."
