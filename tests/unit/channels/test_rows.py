"""What all lists have in common: envelopes, empty lists, errors and unknown keys; and what all models have."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
import responses
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from smsmobile import (
    APIError,
    AuthenticationError,
    Call,
    Conversation,
    ConversationSMS,
    Device,
    DeviceCapacity,
    DeviceOffline,
    HandSentSMS,
    ListedNotification,
    NumberCheck,
    ReceivedEmail,
    ReceivedWhatsApp,
    ResentWhatsApp,
    SentEmail,
    SentNotification,
    SentWhatsApp,
    SMSMobileClient,
    SubscriptionExpired,
    UnexpectedResponse,
    WhatsAppRetrieval,
    WhatsAppWindow,
)

from ..cases import each_once, known_spellings

BASE = "https://api.smsmobileapi.com"
Row = dict[str, Any]
LISTS: dict[str, tuple[str, Callable[[SMSMobileClient], list[Any]], type[BaseModel]]] = {
    "whatsapp": ("/getwa/", lambda client: client.whatsapp.received(), ReceivedWhatsApp),
    "devices": ("/gateway/mobile/list/", lambda client: client.devices.list(), Device),
    "missed": ("/call/missed/list/", lambda client: client.calls.missed(), Call),
    "incoming": ("/call/incoming/list/", lambda client: client.calls.incoming(), Call),
    "outgoing": ("/call/outgoing/list/", lambda client: client.calls.outgoing(), Call),
    "notifications": ("/notification/list/", lambda client: client.notifications.list(), ListedNotification),
    "email": ("/getemail/", lambda client: client.email.inbox(), ReceivedEmail),
    "conversations": ("/conversation/sms/list/", lambda client: client.conversations.list("sent"), Conversation),
    "by hand": ("/log/sent/frommobile/", lambda client: client.sms.sent_by_hand(), HandSentSMS),
}

ENVELOPES: dict[str, Callable[[list[Row]], Any]] = {
    "result sms": lambda rows: {"result": {"error": 0, "sms": rows}},
    "result data": lambda rows: {"result": {"error": "0", "data": rows}},
    "result alone": lambda rows: {"result": rows},
    "data": lambda rows: {"success": True, "count": len(rows), "data": rows},
    "rows": lambda rows: {"success": 1, "rows": rows},
    "items": lambda rows: {"success": "1", "items": rows, "note": None},
    "conversations": lambda rows: {"success": "yes", "conversations": rows},
    "an empty name before": lambda rows: {"success": True, "data": None, "rows": "", "items": rows},
    "inside data": lambda rows: {"success": True, "data": {"items": rows}},
    "with gaps": lambda rows: {"success": True, "data": {str(2 * n): row for n, row in enumerate(rows)}},
    "bare": lambda rows: {"error": "0", "message": "", "rows": rows},
    "alone": lambda rows: rows,
    "no mark": lambda rows: {"data": rows},
    "an empty list before": lambda rows: {"success": True, "data": [], "rows": {}, "items": rows},
    "a count before": lambda rows: {"success": True, "rows": len(rows), "items": rows},
    "nothing before": lambda rows: {"success": True, "data": False, "conversations": rows},
    "inside result and data": lambda rows: {"result": {"error": 0, "data": {"items": rows}}},
    "inside data, beside other things": lambda rows: {"success": True, "data": {"next": "x", "items": rows}},
    "with gaps in result": lambda rows: {"result": {str(12 * n): row for n, row in enumerate(rows)}},
    "with gaps and a total": lambda rows: {
        "success": 1,
        "data": {str(n): row for n, row in enumerate(rows)} | {"total": 2},
    },
    "with gaps beside an error": lambda rows: {"result": {"error": 0} | {str(n): row for n, row in enumerate(rows)}},
    "by number": lambda rows: {"success": True, "data": {f"+3361234567{n}": row for n, row in enumerate(rows)}},
    "another name": lambda rows: {"error": "0", "count": len(rows), "messages": rows},
    "another name alone": lambda rows: {"messages": rows},
    "another name in result": lambda rows: {"result": {"error": 0, "mails": rows, "trial_account": {"status": "0"}}},
    "another name beside an empty list": lambda rows: {"success": True, "data": [], "mails": rows},
    "another name in data": lambda rows: {"success": True, "data": {"next": "x", "mails": rows}},
    "another name in another": lambda rows: {"success": True, "payload": {"next": "x", "mails": rows}},
    "another name, by id": lambda rows: {"result": {"mails": {f"c319d3b3-{n}": row for n, row in enumerate(rows)}}},
    "another name, by number and a count": lambda rows: {
        "success": True,
        "mails": {str(n): row for n, row in enumerate(rows)} | {"count": len(rows)},
    },
    "result.mobiles": lambda rows: {"result": {"mobiles": rows}},
    "beside a list of warnings": lambda rows: {"success": True, "warnings": [{"message": "x"}], "mails": rows},
    "by name": lambda rows: {"success": True, "data": {f"person {n}": row for n, row in enumerate(rows)}},
}
ROWS: list[Row] = [{"guid": "a", "sid": "a", "unheard_of": {"x": [1]}}, {"guid": "b", "sid": "b"}]


@pytest.fixture
def client() -> SMSMobileClient:
    return SMSMobileClient(api_key="k" * 48, mailbox_key="m" * 16)


def test_rows_are_found_in_every_envelope(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for envelope, listed in each_once(ENVELOPES, LISTS):
        with subtests.test(envelope=envelope):
            service.reset()
            path, run, model = LISTS[listed]
            service.get(BASE + path, json=ENVELOPES[envelope](ROWS))
            found = run(client)
            assert found == [model.from_wire(row) for row in ROWS]
            assert found[0].model_extra["unheard_of"] == {"x": [1]}


ENVELOPES_OF_ONE = {
    **ENVELOPES,
    "data is the row": lambda rows: {"success": True, "data": rows[0]},
    "items is the row": lambda rows: {"items": rows[0]},
    "result.mobile is the row": lambda rows: {"result": {"error": 0, "mobile": rows[0]}},
}


def test_what_an_only_row_says_of_itself_is_not_about_the_call(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for envelope, listed in each_once(ENVELOPES_OF_ONE, LISTS):
        with subtests.test(envelope=envelope):
            service.reset()
            path, run, model = LISTS[listed]
            row = {"id": "7", "sid": "a", "error": "no credit", "message": "hi", "sent": "0", "status": "failed"}
            service.get(BASE + path, json=ENVELOPES_OF_ONE[envelope]([row]))
            assert run(client) == [model.from_wire(row)]


def test_an_only_row_may_hold_a_list_of_its_own(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    service.get(BASE + LISTS["devices"][0], json={"success": True, "data": {"sid": "a", "sims": [{"slot": 1}]}})
    assert [device.sid for device in client.devices.list()] == ["a"]


NO_ROWS: list[Any] = [
    {"result": {"error": 0, "sms": []}},
    {"result": {"error": ""}},
    {"result": []},
    {"success": True, "count": 0, "data": []},
    {"success": True, "items": None},
    {"success": "1", "rows": ""},
    {"success": True, "conversations": {}},
    {"success": True, "data": 0},
    {"success": True, "rows": "0", "items": []},
    {"result": ""},
    {"count": 0, "data": []},
    {"count": "0"},
    [],
    {"success": True, "data": [{}, {}]},
    {"success": True, "data": [], "total": 12},
    {"success": True, "data": [], "tags": ["a"]},
    {"success": True, "data": [], "count": 0, "phones": [{"sid": "a"}]},
    {"success": True, "data": [], "warnings": [{"message": "old app"}]},
    {"result": {"error": 0, "trial_account": {"status": "0"}, "plan": {"name": "pro"}}},
    {"success": True, "filters": {"a": {"b": 1}}},
    {"success": True, "data": [], "limits": {"24h": {"max": 100}}},
    {"error": "0", "messages": "none found"},
]


def test_no_rows_are_an_empty_list(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for body, listed in each_once(NO_ROWS, LISTS):
        with subtests.test(body=body):
            service.reset()
            path, run, _ = LISTS[listed]
            service.get(BASE + path, json=body)
            assert run(client) == []


ERRORS: list[tuple[int, Any, type[APIError]]] = [
    (403, {"success": False, "error": "invalid_apikey"}, AuthenticationError),
    (403, {"success": False, "error": "api_expired"}, SubscriptionExpired),
    (200, {"result": {"error": "2"}}, DeviceOffline),
    (400, {"success": False, "message": "Missing required param: x."}, APIError),
    (200, {"success": True, "data": ["no object"]}, UnexpectedResponse),
    (200, {"success": True, "items": "no list"}, UnexpectedResponse),
    (200, {"colour": "blue"}, UnexpectedResponse),
    (200, [{"success": True, "data": []}], UnexpectedResponse),
    (200, {"success": True, "rows": 2, "items": []}, UnexpectedResponse),
    (200, {"success": True, "count": "2", "data": []}, UnexpectedResponse),
    (200, {"result": {"error": 0, "count": 2}}, UnexpectedResponse),
    (200, {"success": True, "count": 1, "data": [{}]}, UnexpectedResponse),
    (200, {"success": True, "total": 2}, UnexpectedResponse),
    (200, {"success": True, "a": [{"guid": "a"}], "b": [{"guid": "b"}]}, UnexpectedResponse),
    (200, {"a": [{"guid": "a"}], "b": [{"guid": "b"}]}, UnexpectedResponse),
    (200, {"success": True, "data": [], "a": [{"guid": "a"}], "b": [{"guid": "b"}]}, UnexpectedResponse),
    (200, {"error": "0", "messages": ["a", "b"]}, UnexpectedResponse),
    (200, {"success": True, "threads": {"Bob": {"guid": "a"}}}, UnexpectedResponse),
    (200, {"success": True, "errors": [{"error": "2"}]}, UnexpectedResponse),
    (200, {"result": {"success": False, "message": "no"}}, APIError),
    (200, {"success": True, "data": {"success": False, "message": "no", "trace": 7}}, APIError),
    (200, {"success": True, "data": {"error": "2", "message": "no"}}, DeviceOffline),
    (200, {"result": [{"error": "invalid_apikey"}]}, AuthenticationError),
    (200, {"result": {"error": {"code": "1", "message": "no"}}}, AuthenticationError),
    (200, {"success": True, "data": {"error": {"code": "2"}}}, DeviceOffline),
    (200, [{"error": "invalid_apikey", "message": "no"}], AuthenticationError),
]


def test_every_list_has_the_errors_of_the_tree(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for answer, listed in each_once(ERRORS, LISTS):
        with subtests.test(answer=answer):
            service.reset()
            status, body, kind = answer
            path, run, _ = LISTS[listed]
            service.get(BASE + path, status=status, json=body)
            with pytest.raises(APIError) as failed:
                run(client)
            assert type(failed.value) is kind


def test_a_key_that_a_row_echoes_is_not_kept(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for listed, name in each_once(LISTS, ["apikey", "apiKey", "api_key", "apikeybox", "apiKeyBox"]):
        with subtests.test(listed=listed):
            service.reset()
            path, run, _ = LISTS[listed]
            row = {"guid": "a", name: "key-of-the-account", "x": [{name: "key-of-the-account", "y": 1}], "apikey_id": 7}
            service.get(BASE + path, json={"success": True, "filters": {"apikey": "key-of-the-account"}, "data": [row]})
            (read,) = run(client)
            assert "key-of-the-account" not in f"{read!r} {vars(read)} {read.model_dump_json()}"
            assert read.model_extra["x"] == [{"y": 1}]
            assert read.model_extra["apikey_id"] == 7


# --- the models -------------------------------------------------------------------------------------------


WIRE: list[tuple[Any, Row]] = [
    (SentWhatsApp, {"error": 0, "sent": "1", "id": "c319", "datetime": "2026-03-20T21:07:44Z", "port": None}),
    (ResentWhatsApp, {"id": "c319", "note": "again"}),
    (NumberCheck, {"recipients": "12025550167", "on_whatsapp": None}),
    (NumberCheck, {"recipients": "12025550167", "on_whatsapp": "1"}),
    (WhatsAppRetrieval, {"active": "0", "status_note": "deactivated"}),
    (WhatsAppWindow, {"error": "0", "messages": "ok", "expire_at_unix": "1774040864"}),
    (ReceivedWhatsApp, {"id": "1", "number": "12025550167", "message": "hi", "date": "2026-03-20", "hour": "21:07:44"}),
    (Device, {"sIdentifiant": "SID-1", "battery": "87%", "online": None, "label": ""}),
    (Device, {"sid": "SID-1", "status": "offline", "last_seen_unix": 1774040864}),
    (DeviceCapacity, {"connected_now": "0", "connected_limit": 1, "connected_available": None}),
    (Call, {"number": None, "name": None, "date": "2026-03-20 21:07:44", "duration_sec": "0"}),
    (Call, {"phone_number": "+33639985678", "cached_name": "Ann", "call_date_ms": "1774040864123"}),
    (SentNotification, {"success": True, "id": 7, "sid": "SID-1"}),
    (ListedNotification, {"id": "7", "sidentifiant": "SID-1", "distribued": "0", "sent_date": "2026-03-20"}),
    (ListedNotification, {"id": "7", "distribued_status": "lost", "sent_date": "2026-03-20", "sent_time": "21:07:44"}),
    (SentEmail, {"success": True, "id": "g"}),
    (ReceivedEmail, {"id": "7", "from": "ann@example.com", "date": "Fri, 20 Mar 2026 22:07:44 +0100"}),
    (ConversationSMS, {"guid": "a", "direction": "sent", "date": "2026-03-20 21:07:44"}),
    (Conversation, {"numero": "MPESA", "messages": [{"guid": "a", "unknown": 1}], "last_date": "2026-03-20"}),
    (HandSentSMS, {"id": "a", "number": "+33639985678", "timestamp_unix": "1774040864"}),
]
MODELS = list(dict.fromkeys(model for model, _ in WIRE))


def test_a_model_survives_pickle_dump_and_json(subtests: pytest.Subtests) -> None:
    for model, row in WIRE:
        with subtests.test(model=model):
            read = model.from_wire(row)
            assert pickle.loads(pickle.dumps(read)) == read
            assert model.model_validate(read.model_dump()) == read
            assert model.model_validate_json(read.model_dump_json()) == read


def test_a_row_becomes_a_frozen_model_that_keeps_unknown_keys_and_is_not_changed_itself(
    subtests: pytest.Subtests,
) -> None:
    for model in MODELS:
        with subtests.test(model=model):
            row = {
                "guid": "a",
                "online": "",
                "sent_date": "2026-03-20",
                "sent_time": "21:07:44",
                "messages": [{"id": ""}],
            }
            row["brand_new"] = {"x": [1]}
            before = repr(row)
            read = model.from_wire(row)
            assert repr(row) == before
            assert read.model_extra["brand_new"] == {"x": [1]}
            with pytest.raises(ValidationError, match="frozen"):
                setattr(read, next(iter(model.model_fields)), "other")


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
junk = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)
READ_TOGETHER = ["date", "hour", "connected", "status", "distribued", "distribued_status", "sent_time", "duration_sec"]


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=20)
@given(data=st.data())
def test_no_value_is_too_strange_for_a_row(model: Any, data: st.DataObject) -> None:
    known = {*READ_TOGETHER, *model.model_fields, *known_spellings(model)} - {"accepted"}
    read = model.from_wire(data.draw(st.dictionaries(st.sampled_from(sorted(known)), junk, max_size=8)))
    repr(read)
    read.model_dump_json()
