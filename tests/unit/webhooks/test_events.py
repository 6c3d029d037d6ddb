"""From a version 2 envelope to a typed event: types, spellings, and what is refused."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from smsmobile import MalformedPayload, webhooks
from smsmobile.webhooks import SMSReceived, SMSReceivedData, UnknownEvent, WebhookEvent, events
from smsmobile.webhooks.events import read_event

from ..cases import each_once

UTC = timezone.utc

Make = Callable[..., dict[str, Any]]
Receive = Callable[[object], Any]

TYPES = {
    "sms.api.submitted": webhooks.SMSSubmitted,
    "sms.sent": webhooks.SMSSent,
    "sms.failed": webhooks.SMSFailed,
    "sms.received": webhooks.SMSReceived,
    "sms.mobile.sent": webhooks.SMSSentByHand,
    "call.missed": webhooks.CallMissed,
    "call.incoming": webhooks.CallIncoming,
    "call.outgoing": webhooks.CallOutgoing,
    "whatsapp.submitted": webhooks.WhatsAppSubmitted,
    "whatsapp.sent": webhooks.WhatsAppSent,
    "whatsapp.failed": webhooks.WhatsAppFailed,
    "whatsapp.received": webhooks.WhatsAppReceived,
    "whatsapp.voice.transcribed": webhooks.WhatsAppVoiceTranscribed,
    "email.sent": webhooks.EmailSent,
    "email.received": webhooks.EmailReceived,
}
UNPUBLISHED = sorted(set(TYPES) - {"sms.received", "call.missed", "whatsapp.received", "whatsapp.voice.transcribed"})


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 9, 23, hour, minute, second, tzinfo=UTC)


# --- types ------------------------------------------------------------------------------------------------


def test_the_contracts_example_is_understood_in_full(receive: Receive, envelope: Make) -> None:
    event = receive(envelope())
    assert event == SMSReceived(
        id="8e9a1207-e3a4-4550-a4af-3dad6cff5108",
        api_version="2026-09-22",
        created_at=at(12, 0, 1),
        occurred_at=at(12),
        data=SMSReceivedData(
            guid="SMS-GUID-1001",
            sender="+12025550167",
            message="Can you call me back?",
            received_at=at(12),
            alias="Taylor",
            device="office-phone-1",
        ),
        signed=True,
    )
    assert (event.type, event.model_extra, event.data.model_extra) == ("sms.received", {}, {})
    for moment in (event.created_at, event.occurred_at, event.data.received_at):
        assert moment.utcoffset() == timedelta(0)


def test_every_listed_type_has_a_class_of_its_own(subtests: pytest.Subtests, receive: Receive, envelope: Make) -> None:
    for kind, model in TYPES.items():
        with subtests.test(kind=kind):
            event = receive(envelope(type=kind))
            assert type(event) is model
            assert isinstance(event, WebhookEvent)
            assert (event.type, event.signed, event.data.guid) == (kind, True, "SMS-GUID-1001")


def test_the_listed_types_are_all_there_are() -> None:
    assert events.EVENT_TYPES == TYPES
    assert set(get_args(webhooks.KnownEvent)) == set(TYPES.values())


def test_unpublished_data_is_kept_and_may_be_nothing_at_all(
    subtests: pytest.Subtests, receive: Receive, envelope: Make
) -> None:
    for kind, nothing in each_once(UNPUBLISHED, [{}, [], None, ""]):
        with subtests.test(kind=kind):
            event = receive(envelope(type=kind, data={"guid": 7, "reason": "no network", "parts": [1, 2]}))
            assert event.data.guid == "7"
            assert event.data.model_extra == {"reason": "no network", "parts": [1, 2]}
            assert receive(envelope(type=kind, data=nothing)).data.guid is None


def test_a_type_of_the_future_never_fails(subtests: pytest.Subtests, receive: Receive, envelope: Make) -> None:
    for data, guid, extra in [
        ({"guid": "g", "x": 1}, "g", {"x": 1}),
        ({"guid": {"a": 1}, "x": 1}, None, {"x": 1}),
        ({}, None, {}),
        ([], None, {}),
        (None, None, {}),
        ([1, 2], None, {"value": [1, 2]}),
        ("text", None, {"value": "text"}),
    ]:
        with subtests.test(data=data):
            event = receive(envelope(type="fax.received", data=data, priority="high"))
            assert type(event) is UnknownEvent
            assert (event.type, event.signed, event.id) == (
                "fax.received",
                True,
                "8e9a1207-e3a4-4550-a4af-3dad6cff5108",
            )
            assert (event.data.guid, event.data.model_extra) == (guid, extra)
            assert event.model_extra == {"priority": "high"}


def test_a_missed_call(receive: Receive, envelope: Make) -> None:
    data = {
        "guid": "c1",
        "number": "+1555",
        "name": None,
        "duration_seconds": "12",
        "device_id": "SID1",
        "call_at": "2026-09-23 11:59:00",
        "sim": 2,
    }
    call = receive(envelope(type="call.missed", data=data)).data
    assert (call.guid, call.number, call.name, call.duration_seconds) == ("c1", "+1555", None, 12)
    assert (call.device, call.call_at, call.model_extra) == ("SID1", at(11, 59), {"sim": 2})


def test_a_whatsapp_message(receive: Receive, envelope: Make) -> None:
    data = {
        "guid": "w1",
        "data_id": 99,
        "from": 12025550167,
        "contact_name": "Ann",
        "message": "",
        "is_voice_message": "1",
        "received_at": "2026-09-23T14:00:00+02:00",
    }
    message = receive(envelope(type="whatsapp.received", data=data)).data
    assert (message.guid, message.data_id, message.sender) == ("w1", "99", "12025550167")
    assert (message.contact_name, message.message, message.is_voice_message) == ("Ann", "", True)
    assert message.received_at == at(12)


def test_a_transcribed_voice_message(receive: Receive, envelope: Make) -> None:
    data = {
        "guid": "w1",
        "data_id": "d",
        "from": "1555",
        "contact_name": "Ann",
        "transcript": "Hello",
        "duration_seconds": 3.75,
    }
    voice = receive(envelope(type="whatsapp.voice.transcribed", data=data)).data
    assert (voice.guid, voice.data_id, voice.sender, voice.contact_name) == ("w1", "d", "1555", "Ann")
    assert (voice.transcript, voice.duration_seconds) == ("Hello", 3.75)


@pytest.mark.parametrize("kind", ["call.missed", "whatsapp.received", "whatsapp.voice.transcribed"])
def test_only_a_received_sms_has_to_say_more_than_its_type(receive: Receive, envelope: Make, kind: str) -> None:
    data = receive(envelope(type=kind, data=[])).data
    assert set(data.model_dump(exclude={"is_voice_message"}).values()) == {None}
    assert getattr(data, "is_voice_message", False) is False


# --- spellings --------------------------------------------------------------------------------------------


def test_every_spelling_of_a_received_sms(subtests: pytest.Subtests, receive: Receive, envelope: Make) -> None:
    for data, expected in [
        ({"number": "+1"}, {"sender": "+1"}),
        ({"from": "MPESA"}, {"sender": "MPESA"}),
        ({"from": 254700000000}, {"sender": "254700000000"}),
        ({"from": None, "number": "+1"}, {"sender": "+1"}),
        ({"from": "", "number": "+1"}, {"sender": "+1"}),
        ({"from": "a", "message": ""}, {"message": ""}),
        ({"from": "a", "message": 123}, {"message": "123"}),
        ({"from": "a", "sIdentifiantPhone": "S"}, {"device": "S"}),
        ({"from": "a", "device_id": None, "sIdentifiantPhone": "S"}, {"device": "S"}),
        ({"from": "a", "device_id": "", "sIdentifiantPhone": "S"}, {"device": "S"}),
        ({"from": "a", "device_id": "D", "sIdentifiantPhone": "S"}, {"device": "D"}),
        ({"from": "a", "device_id": None}, {"device": None}),
        ({"from": "a", "device_id": "", "alias": "", "guid": ""}, {"device": None, "alias": None, "guid": None}),
        ({"from": "a", "alias": False, "guid": []}, {"alias": None, "guid": None}),
        ({"from": "a", "received_at": "1790164800"}, {"received_at": at(12)}),
        ({"from": "a", "received_at": 1790164800000}, {"received_at": at(12)}),
        ({"from": "a", "received_at": "20260923120000000"}, {"received_at": at(12)}),
        ({"from": "a", "received_at": "2026-09-23 12:00:00"}, {"received_at": at(12)}),
        ({"from": "a", "received_at": "0000-00-00 00:00:00"}, {"received_at": None}),
        ({"from": "a", "received_at": None}, {"received_at": None}),
        ({"from": "a", "received_at": {}}, {"received_at": None}),
    ]:
        with subtests.test(data=data):
            read = receive(envelope(data={"message": "m", **data})).data.model_dump()
            assert {key: read[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("spelling", "key"),
    each_once(
        ["2026-09-23T12:00:01Z", "2026-09-23T14:00:01+02:00", "2026-09-23 12:00:01", 1790164801, "1790164801000"],
        ["created_at", "occurred_at"],
    ),
)
def test_the_envelopes_moments_are_aware_and_utc_in_every_spelling(
    receive: Receive, envelope: Make, key: str, spelling: object
) -> None:
    moment = getattr(receive(envelope(**{key: spelling})), key)
    assert moment == at(12, 0, 1)
    assert moment.utcoffset() == timedelta(0)


def test_what_is_unknown_is_kept_and_what_may_be_null_is_none(receive: Receive, envelope: Make) -> None:
    data = {"from": "a", "message": "m", "guid": None, "alias": None, "parts": 3}
    event = receive(envelope(id=12, api_version=None, livemode=True, data=data))
    assert (event.id, event.api_version, event.model_extra) == ("12", None, {"livemode": True})
    assert (event.data.guid, event.data.alias, event.data.model_extra) == (None, None, {"parts": 3})


def test_no_body_of_text_is_changed_on_the_way(receive: Receive, envelope: Make) -> None:
    message = "Grüße 👩‍👩‍👧\r\n\t\x00 &=+% <script>" + "x" * 10_000
    assert receive(envelope(data={"from": "a", "message": message})).data.message == message


@given(message=st.text(st.characters(exclude_categories=["Cs"])), sender=st.text(min_size=1, max_size=20))
def test_any_message_arrives_as_it_was_written(envelope: Make, message: str, sender: str) -> None:
    sender = sender.encode("utf-8", "replace").decode()
    body = json.dumps(envelope(data={"from": sender, "message": message})).encode()
    data = read_event(body, signed=False).data
    assert isinstance(data, SMSReceivedData)
    assert (data.sender, data.message) == (sender, message)


# --- what is refused --------------------------------------------------------------------------------------


KINDS = ["sms.received", "sms.sent", "fax.received"]
ENVELOPE_KEYS = ["id", "type", "api_version", "created_at", "occurred_at", "data"]


def test_each_of_the_six_keys_has_to_be_there(subtests: pytest.Subtests, receive: Receive, envelope: Make) -> None:
    for key, kind in each_once(ENVELOPE_KEYS, KINDS):
        with subtests.test(key=key):
            payload = envelope(type=kind)
            del payload[key]
            with pytest.raises(MalformedPayload, match=rf"lacks {key}\."):
                receive(payload)


def test_all_that_is_missing_is_named_at_once(receive: Receive) -> None:
    with pytest.raises(MalformedPayload, match="lacks id, type, api_version, created_at, occurred_at, data"):
        receive({})


NOT_READABLE: list[tuple[str, object]] = [
    *(("id", None), ("id", ""), ("id", ["x"]), ("api_version", {})),
    *(("created_at", None), ("created_at", "soon"), ("created_at", {})),
    *(("occurred_at", ""), ("occurred_at", 0), ("occurred_at", "1990-01-01")),
]


def test_an_envelopes_value_that_cannot_be_read_is_named(
    subtests: pytest.Subtests, receive: Receive, envelope: Make
) -> None:
    for case, kind in each_once(NOT_READABLE, KINDS):
        with subtests.test(case=case):
            key, value = case
            with pytest.raises(MalformedPayload, match=rf"^Missing or not readable: {key}\.$"):
                receive(envelope(type=kind, **{key: value}))


@pytest.mark.parametrize("kind", [None, "", 5, ["sms.received"], {}])
def test_a_type_that_is_no_name_is_malformed(receive: Receive, envelope: Make, kind: object) -> None:
    with pytest.raises(MalformedPayload, match="type is not a name"):
        receive(envelope(type=kind))


def test_a_received_sms_without_sender_or_message_is_malformed(
    subtests: pytest.Subtests, receive: Receive, envelope: Make
) -> None:
    for data, named in [
        ({"message": "m"}, "data.from"),
        ({"message": "m", "from": None}, "data.from"),
        ({"message": "m", "from": "", "number": ""}, "data.from"),
        ({"message": "m", "from": {"a": 1}}, "data.from"),
        ({"from": "a"}, "data.message"),
        ({"from": "a", "message": ["m"]}, "data.message"),
        ({"from": "a", "alias": {}}, "data.message"),
        ({}, "data.from, data.message"),
        ([], "data.from, data.message"),
        (None, "data.from, data.message"),
    ]:
        complaint = rf"^Missing or not readable: {named}\.$"
        with subtests.test(data=data), pytest.raises(MalformedPayload, match=complaint):
            receive(envelope(data=data))


@pytest.mark.parametrize("data", ["text", [1], 5, True])
def test_known_data_that_is_no_object_is_malformed(receive: Receive, envelope: Make, data: object) -> None:
    with pytest.raises(MalformedPayload, match="data is not an object"):
        receive(envelope(type="sms.sent", data=data))


def test_what_is_no_json_object_is_malformed(subtests: pytest.Subtests, receive: Receive) -> None:
    for body, words in [
        (b"", "is empty.*proxy"),
        (b" \r\n", "not JSON"),
        (b"id=1&type=sms.received", "not JSON"),
        (b'{"id": "1"', "not JSON"),
        (b'{"id": "\xff"}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "not JSON"),
        (b"[]", "not an object"),
        (b"null", "not an object"),
        (b'"text"', "not an object"),
    ]:
        with subtests.test(body=body), pytest.raises(MalformedPayload, match=words):
            receive(body)


def test_a_byte_order_mark_changes_no_event(subtests: pytest.Subtests, receive: Receive, envelope: Make) -> None:
    for kind in [*TYPES, "something.new"]:
        with subtests.test(kind=kind):
            body = json.dumps(envelope(type=kind)).encode()
            assert receive(b"\xef\xbb\xbf" + body) == receive(body)


def test_deep_nesting_within_an_event_is_malformed_and_no_recursion_error(receive: Receive, envelope: Make) -> None:
    deep = json.dumps(envelope(data={"from": "a", "message": "m", "x": "@"})).replace('"@"', "[" * 5000 + "]" * 5000)
    with pytest.raises(MalformedPayload, match="not JSON"):
        receive(deep.encode())


@given(body=st.binary() | st.text().map(lambda text: text.encode("utf-8", "replace")))
def test_no_bytes_make_the_parser_fail_otherwise_than_malformed(body: bytes) -> None:
    with pytest.raises(MalformedPayload):
        read_event(body, signed=False)


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
KEYS = [
    "guid",
    "from",
    "number",
    "message",
    "received_at",
    "alias",
    "device_id",
    "sIdentifiantPhone",
    "call_at",
    "name",
]
KEYS += ["duration_seconds", "data_id", "contact_name", "is_voice_message", "transcript"]


@given(kind=st.sampled_from([*TYPES, "fax.received"]), data=st.dictionaries(st.sampled_from(KEYS), VALUES))
def test_no_value_makes_the_parser_fail_otherwise_than_malformed(
    envelope: Make, kind: str, data: dict[str, object]
) -> None:
    body = json.dumps(envelope(type=kind, data=data)).encode()
    try:
        event = read_event(body, signed=False)
    except MalformedPayload:
        # Only an SMS can be refused for its data; the rest only where it is not JSON at all (lone surrogates).
        assert kind == "sms.received" or b"\\ud" in body
    else:
        assert event.type == kind


# --- the models -------------------------------------------------------------------------------------------


def test_events_cannot_be_changed(receive: Receive, envelope: Make) -> None:
    event = receive(envelope())
    with pytest.raises(ValidationError, match="frozen"):
        event.signed = False
    with pytest.raises(ValidationError, match="frozen"):
        event.data.message = "another"


def test_events_survive_pickle_and_their_own_json(subtests: pytest.Subtests, receive: Receive, envelope: Make) -> None:
    for kind in [*TYPES, "fax.received"]:
        with subtests.test(kind=kind):
            event = receive(envelope(type=kind, more=1))
            assert pickle.loads(pickle.dumps(event)) == event
            again = type(event).model_validate_json(event.model_dump_json())
            assert again == event
            assert again.signed is True
            assert '"created_at":"2026-09-23T12:00:01Z"' in event.model_dump_json()


def test_threads_may_all_receive_their_first_event_at_once(envelope: Make) -> None:
    # In a fresh process, where the models are not built yet.
    program = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from smsmobile.webhooks.events import read_event
body = sys.argv[1].encode()
barrier = Barrier(16)
def first(number):
    barrier.wait()
    event = read_event(body if number % 2 else body.replace(b"sms.received", b"fax.received"), signed=True)
    return type(event).__name__, len(event.model_dump_json()) > 100
with ThreadPoolExecutor(16) as pool:
    print(sorted(set(pool.map(first, range(16)))))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(envelope())], capture_output=True, text=True, check=False
    )
    assert (done.stderr, done.stdout.strip()) == ("", "[('SMSReceived', True), ('UnknownEvent', True)]")


def test_two_unreadable_spellings_of_an_optional_field_do_not_lose_the_event(envelope: Make) -> None:
    event = read_event(
        json.dumps(envelope(type="whatsapp.received", data={"guid": "G", "from": [], "number": []})).encode(),
        signed=False,
    )

    assert (event.data.guid, event.type) == ("G", "whatsapp.received")


def test_half_an_emoji_does_not_lose_an_event(envelope: Make) -> None:
    body = json.dumps(envelope(data={"guid": "G", "from": "+1", "message": "cut \ud83d"})).encode()

    assert read_event(body, signed=False).data.message == "cut ?"


def test_an_sms_whose_text_is_null_has_an_empty_one(envelope: Make) -> None:
    body = json.dumps(envelope(data={"guid": "G", "from": "+1", "message": None})).encode()

    assert read_event(body, signed=False).data.message == ""
