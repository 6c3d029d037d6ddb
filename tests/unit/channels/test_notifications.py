"""Notifications: parameters of a send, the API key that answers echo, and the list."""

from __future__ import annotations

import json
import traceback
from datetime import date, datetime, timezone
from typing import Any

import pytest
import responses
from responses.matchers import query_param_matcher, urlencoded_params_matcher

from smsmobile import (
    APIError,
    ConfigurationError,
    InvalidRequestError,
    ListedNotification,
    SendOutcomeUnknown,
    SentNotification,
    SMSMobileClient,
    SMSMobileError,
)

from ..cases import each_once

BASE = "https://api.smsmobileapi.com"
SEND = f"{BASE}/notification/send"
LIST = f"{BASE}/notification/list/"
KEY = "0123456789abcdef0123456789abcdef0123456789abcdef"
ACCOUNT_KEY = "fedcba9876543210fedcba9876543210fedcba9876543210"
MOMENT = datetime(2026, 3, 20, 21, 7, 44, tzinfo=timezone.utc)


# --- sending ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        ({}, {}),
        ({"title": " Order 7 "}, {"title": "Order 7"}),
        ({"kind": "alert"}, {"type": "alert"}),
        ({"title": None, "kind": None}, {}),
    ],
)
def test_a_send_is_a_form_with_exactly_these_parameters(
    service: responses.RequestsMock, client: SMSMobileClient, options: dict[str, Any], parameters: dict[str, str]
) -> None:
    only = urlencoded_params_matcher({"sid": "SID-1", "message": "two\nlines & more", "apikey": KEY, **parameters})
    service.post(SEND, json={"success": True, "message": "sent", "id": 7, "sid": "SID-1"}, match=[only])
    sent = client.notifications.send(" SID-1 ", "two\nlines & more", **options)
    assert type(sent) is SentNotification
    assert (sent.id, sent.device, sent.note, sent.accepted) == ("7", "SID-1", "sent", True)


def test_every_way_to_accept_one_is_understood(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for body, handle, device in [
        ({"success": True, "message": "sent"}, None, "SID-1"),
        ({"success": "1", "id": "7", "sid": ""}, "7", "SID-1"),
        ({"success": True, "data": {"id": 7, "sidentifiant": "SID-2"}}, "7", "SID-2"),
        ({"success": True, "data": [{"id": 7, "sIdentifiant": "SID-2"}]}, "7", "SID-2"),
        ({"result": {"error": 0, "sent": "1", "id": 7}}, "7", "SID-1"),
        ({"error": "0", "message": "sent"}, None, "SID-1"),
    ]:
        with subtests.test(body=body):
            service.reset()
            service.post(SEND, json=body)
            sent = client.notifications.send("SID-1", "hi")
            assert (sent.id, sent.device, sent.accepted) == (handle, device, True)


def test_a_refusal_is_an_api_error(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    service.post(SEND, status=400, json={"success": False, "message": "Invalid param: sid."})
    with pytest.raises(APIError, match="refused the request") as refused:
        client.notifications.send("SID-1", "hi")
    assert (refused.value.status, refused.value.note) == (400, "Invalid param: sid.")


@pytest.mark.parametrize("body", [{"result": {}}, {"success": None, "message": "?"}, {"result": {"sent": "7"}}])
def test_an_answer_that_says_nothing_leaves_it_in_doubt(
    service: responses.RequestsMock, client: SMSMobileClient, body: object
) -> None:
    service.post(SEND, json=body)
    with pytest.raises(SendOutcomeUnknown):
        client.notifications.send("SID-1", "hi")


def test_a_bad_argument_is_refused_and_nothing_is_sent(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for device, message, options, reason in [
        ("", "hi", {}, "The device is empty"),
        (None, "hi", {}, "The device is of type NoneType"),
        ("SID-1", " ", {}, "The message is empty"),
        ("SID-1", "hi", {"title": ""}, "The title is empty"),
        ("SID-1", "hi", {"title": "a\nb"}, "The title contains a line break"),
        ("SID-1", "hi", {"kind": 7}, "The kind is of type int"),
    ]:
        with subtests.test(device=device):
            service.reset()
            with pytest.raises(InvalidRequestError, match=reason):
                client.notifications.send(device, message, **options)
            assert len(service.calls) == 0


def test_a_send_in_doubt_says_to_look_into_the_list(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    service.post(SEND, status=502)
    with pytest.raises(SendOutcomeUnknown, match=r"client\.notifications\.list") as unknown:
        client.notifications.send("SID-1", "hi")
    assert (unknown.value.to, unknown.value.message) == ("SID-1", "hi")
    with pytest.raises(ConfigurationError, match=r"client\.notifications\.list"):
        unknown.value.reconcile()
    assert len(service.calls) == 1


# --- the key that is echoed -------------------------------------------------------------------------------


ECHOES: list[dict[str, Any]] = [
    {"success": True, "message": "sent", "id": 7, "sid": "SID-1", "apikey": ACCOUNT_KEY},
    {"success": True, "data": {"id": 7, "apikey": ACCOUNT_KEY}},
    {"success": True, "data": [{"id": 7, "apikey": ACCOUNT_KEY}]},
    {"success": True, "id": 7, "request": {"params": [{"apiKey": ACCOUNT_KEY, "api_key": ACCOUNT_KEY}]}},
    {"result": {"error": 0, "id": 7, "apikey": ACCOUNT_KEY}},
]


@pytest.mark.parametrize("body", ECHOES)
def test_the_key_that_a_send_echoes_is_not_kept_with_oauth2_either(
    service: responses.RequestsMock, body: dict[str, Any]
) -> None:
    service.post(f"{BASE}/oauth2/token", json={"access_token": "token-of-the-tests"})
    service.post(SEND, json=body)
    sent = SMSMobileClient(client_id="an id", client_secret="a secret").notifications.send("SID-1", "hi")
    assert ACCOUNT_KEY not in f"{sent!r} {sent.model_dump_json()} {vars(sent)}"
    assert "apikey" not in (sent.model_extra or {})
    assert sent.id == "7"


def test_the_key_that_a_list_echoes_is_not_kept(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    row = {"id": 7, "message": "hi", "apikey": ACCOUNT_KEY, "colour": "blue"}
    service.get(LIST, json={"success": True, "filters": {"apikey": ACCOUNT_KEY}, "data": [row]})
    (listed,) = client.notifications.list()
    assert listed.model_extra == {"colour": "blue"}


@pytest.mark.parametrize(
    "body",
    [
        {"success": True, "data": 7, "error": {"x": 1}, "apikey": ACCOUNT_KEY},
        {"result": {"error": 0, "sent": "?", "apikey": ACCOUNT_KEY, "sms": 7}},
    ],
)
def test_no_failure_shows_the_key_that_is_echoed(service: responses.RequestsMock, body: dict[str, Any]) -> None:
    service.post(f"{BASE}/oauth2/token", json={"access_token": "token-of-the-tests"})
    service.post(SEND, json=body)
    service.get(LIST, json=body)
    client = SMSMobileClient(client_id="an id", client_secret="a secret")
    for run in (lambda: client.notifications.send("SID-1", "hi"), client.notifications.list):
        with pytest.raises(SMSMobileError) as failed:
            run()
        ours = [
            frame.f_locals
            for frame, _ in traceback.walk_tb(failed.value.__traceback__)
            if frame.f_globals["__name__"].startswith("smsmobile.")
        ]
        assert ours
        assert ACCOUNT_KEY not in f"{failed.value!r} {vars(failed.value)} {ours}"


# --- the list ---------------------------------------------------------------------------------------------


def test_only_what_is_asked_for_goes_into_the_query(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for options, parameters in [
        ({}, {}),
        ({"device": "SID-1"}, {"sidentifiant": "SID-1"}),
        ({"distributed": True}, {"distribued": "1"}),
        ({"distributed": False}, {"distribued": "0"}),
        ({"first_day": date(2026, 3, 1)}, {"date_from": "2026-03-01", "date_start": "2026-03-01"}),
        ({"last_day": "2026-03-20"}, {"date_to": "2026-03-20", "date_end": "2026-03-20"}),
    ]:
        with subtests.test(options=options):
            service.reset()
            asked = query_param_matcher({**parameters, "apikey": KEY})
            service.get(LIST, json={"success": True, "data": []}, match=[asked])
            assert client.notifications.list(**options) == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"device": ""}, "The device is empty"),
        ({"first_day": MOMENT}, "first_day is a datetime"),
        ({"first_day": "2026-03-21", "last_day": "2026-03-20"}, "last_day 2026-03-20 is before first_day 2026-03-21"),
    ],
)
def test_a_bad_filter_is_refused_and_nothing_is_asked(
    service: responses.RequestsMock, client: SMSMobileClient, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidRequestError, match=reason):
        client.notifications.list(**options)
    assert len(service.calls) == 0


def test_a_row_becomes_a_typed_model(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    row = {
        "id": "7",
        "sidentifiant": "SID-1",
        "title": "Notification",
        "message": "hi",
        "type": "notification",
        "distribued": "1",
        "distribued_status": "distributed",
        "sent_date": "2026-03-20",
        "sent_time": "21:07:44",
        "sent_at": "2026-03-20 21:07:44",
        "sent_at_unix": "1774040864",
        "distributed_at": "2026-03-20 21:07:44",
        "distributed_at_unix": 1774040864,
    }
    service.get(LIST, json={"success": True, "message": "listed", "count": 1, "data": [row]})
    (listed,) = client.notifications.list()
    assert type(listed) is ListedNotification
    assert (listed.id, listed.device, listed.title) == ("7", "SID-1", "Notification")
    assert (listed.message, listed.kind, listed.distributed) == ("hi", "notification", True)
    assert listed.sent_at == listed.distributed_at == MOMENT


def test_every_spelling_of_distributed_is_read(subtests: pytest.Subtests) -> None:
    for row, distributed in [
        *(({"distribued": yes}, True) for yes in (1, "1", True, "yes", "distributed")),
        *(({"distribued": no}, False) for no in (0, "0", False, "no", "not_distributed")),
        ({"distribued_status": "distributed"}, True),
        ({"distribued_status": "not_distributed"}, False),
        ({"distribued": "", "distribued_status": "not_distributed"}, False),
        ({"distribued": "0", "title": None, "id": None}, False),
        ({"distributed": "1"}, True),
        ({"distribued": None}, None),
        ({"distribued_status": "lost"}, None),
        ({}, None),
    ]:
        with subtests.test(row=row):
            assert ListedNotification.from_wire(row).distributed is distributed


MOMENTS: list[tuple[dict[str, Any], datetime | None]] = [
    ({"at_unix": "1774040864"}, MOMENT),
    ({"at_unix": 1774040864000}, MOMENT),
    ({"at": "2026-03-20 21:07:44"}, MOMENT),
    ({"at_unix": "", "at": "2026-03-20T21:07:44Z"}, MOMENT),
    *(({key: "2026-03-20 21:07:44"}, MOMENT) for key in ("at_gmt", "gmt", "date_gmt", "datetime_gmt", "at_utc", "utc")),
    *(({key: "1774040864"}, MOMENT) for key in ("unix", "timestamp")),
    ({"at_unix": "0", "at": "0000-00-00 00:00:00", "datetime": "2026-03-20 21:07:44"}, MOMENT),
    ({"date": "2026-03-20", "time": "21:07:44"}, MOMENT),
    ({"date": "2026-03-20", "hour": "21:07:44"}, MOMENT),
    ({"at": None, "date": "2026-03-20", "time": "21:07:44"}, MOMENT),
    ({"date": "2026-03-20 21:07:44", "time": "21:07:44"}, MOMENT),
    ({"date": "2026-03-20", "time": None}, datetime(2026, 3, 20, tzinfo=timezone.utc)),
    ({"at_unix": None, "at": None, "date": None, "time": None}, None),
    ({"at": ""}, None),
    ({}, None),
]


def test_every_spelling_of_its_moments_is_read(subtests: pytest.Subtests) -> None:
    for case, name in each_once(MOMENTS, ["sent", "distributed"]):
        with subtests.test(case=case):
            spelled, moment = case
            row = {f"{name}_{key}": value for key, value in spelled.items()}
            assert getattr(ListedNotification.from_wire(row), f"{name}_at") == moment


def test_a_list_can_be_printed_as_json(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    service.get(LIST, json={"success": True, "data": [{"id": 7, "sent_at_unix": "1774040864"}]})
    (listed,) = client.notifications.list()
    assert json.loads(listed.model_dump_json())["sent_at"] == "2026-03-20T21:07:44Z"
