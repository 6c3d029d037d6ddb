"""Version 1 webhooks: all spellings give one event."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsmobile import MalformedPayload
from smsmobile.webhooks import SMSReceived, parse_v1

from ..cases import each_once

UTC = timezone.utc
DOCUMENTED = {
    "date": "2025-01-20",
    "hour": "10:15:00",
    "time_received": "2025-01-20 10:14:50",
    "message": "Hello, this is a test.",
    "number": "+123456789",
    "guid": "abcde12345",
}
ADDED = datetime(2025, 1, 20, 10, 15, tzinfo=UTC)
RECEIVED = datetime(2025, 1, 20, 10, 14, 50, tzinfo=UTC)


def parse(payload: object, **options: Any) -> SMSReceived:
    return parse_v1(json.dumps(payload).encode(), **options)


def test_the_documented_payload_becomes_the_event_of_version_2() -> None:
    event = parse(DOCUMENTED)
    assert type(event) is SMSReceived
    assert (event.id, event.type, event.api_version, event.signed) == ("abcde12345", "sms.received", None, False)
    assert (event.created_at, event.occurred_at) == (ADDED, RECEIVED)
    assert event.data.model_dump() == {
        "guid": "abcde12345",
        "sender": "+123456789",
        "message": "Hello, this is a test.",
        "received_at": RECEIVED,
        "alias": None,
        "device": None,
    }


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, bytes.decode])
def test_the_body_may_be_bytes_or_text(kind: Any) -> None:
    assert parse_v1(kind(json.dumps(DOCUMENTED).encode())) == parse(DOCUMENTED)


# --- spellings --------------------------------------------------------------------------------------------


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def test_every_spelling_gives_the_same_event(subtests: pytest.Subtests) -> None:
    for number, received, guid, hour in each_once(
        ["number", "from", "numéro", decomposed("numéro"), "numero", "Numéro", "nombre", "sender"],
        [
            *("time_received", "heure_reçue", decomposed("heure_reçue"), "heure_recue", "Heure_Reçue", "heure reçue"),
            "received_at",
        ],
        ["guid", "guide", "GUID"],
        ["hour", "heure"],
    ):
        with subtests.test(number=number):
            assert decomposed("é") != "é"
            payload = {
                "date": "2025-01-20",
                hour: "10:15:00",
                received: "2025-01-20 10:14:50",
                "message": "Hello, this is a test.",
                number: "+123456789",
                guid: "abcde12345",
            }
            event = parse(payload)
            assert event == parse(DOCUMENTED)
            assert event.data.model_extra == {}
            assert parse_v1(json.dumps(payload, ensure_ascii=False)) == event


@pytest.mark.parametrize("key", ["sIdentifiantPhone", "device_id", "device"])
def test_the_phone_and_the_contact_are_read_where_they_are_given(key: str) -> None:
    data = parse({**DOCUMENTED, key: "SID1", "alias": "Ann"}).data
    assert (data.device, data.alias, data.model_extra) == ("SID1", "Ann", {})


def test_the_real_key_comes_before_the_translated_one() -> None:
    assert parse({**DOCUMENTED, "numéro": "+2", "from": "+3", "guide": "g2"}).data.sender == "+123456789"
    assert parse({"message": "m", "nombre": "+4", "numéro": "+2", "from": "+3"}).data.sender == "+3"


def test_of_two_equal_spellings_the_first_one_counts() -> None:
    assert parse_v1(b'{"message": "m", "Number": "+1", "number": "+2"}').data.sender == "+1"


def test_nothing_under_one_spelling_does_not_hide_another(subtests: pytest.Subtests) -> None:
    for hiding, nothing, hidden, field in [
        ("number", None, "from", "sender"),
        ("number", "", "numéro", "sender"),
        ("numéro", "", decomposed("numéro"), "sender"),
        (decomposed("numéro"), None, "numéro", "sender"),
        ("number", "", "nombre", "sender"),
        ("guid", None, "guide", "guid"),
        ("sIdentifiantPhone", "", "device_id", "device"),
    ]:
        with subtests.test(hiding=hiding):
            payload = {
                "message": "m",
                **({} if field == "sender" else {"number": "+1"}),
                hiding: nothing,
                hidden: "here",
            }
            assert getattr(parse(payload).data, field) == "here"


def test_keys_of_other_kinds_are_kept_as_they_came() -> None:
    extra = {"Battery": 80, "réseau": "4G", "signed": True, "id": 5, "type_of": "x"}
    event = parse({**DOCUMENTED, **extra})
    assert event.data.model_extra == extra
    assert (event.id, event.signed) == ("abcde12345", False)


@pytest.mark.parametrize("sender", ["MPESA", "Safaricom", "36 000", "+1 (555) 0100", 254700000000])
def test_senders_are_not_validated(sender: object) -> None:
    assert parse({"message": "m", "number": sender}).data.sender == str(sender)


@pytest.mark.parametrize(("message", "text"), [("", ""), ("é👍\n", "é👍\n"), (42, "42"), (1.5, "1.5")])
def test_messages_may_be_empty_or_numbers(message: object, text: str) -> None:
    assert parse({"message": message, "number": "+1"}).data.message == text


# --- identity ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("guid", [None, "", [], True])
def test_without_a_guid_the_same_body_gives_the_same_id_and_another_body_another(guid: object) -> None:
    body = json.dumps({"message": "m", "number": "+1", "guid": guid}).encode()
    event = parse_v1(body)
    assert event.data.guid is None
    assert event.id == "sha256:" + hashlib.sha256(body).hexdigest()
    assert parse_v1(body.decode()).id == event.id
    assert parse_v1(body + b" ").id != event.id


# --- time -------------------------------------------------------------------------------------------------

MOMENT = datetime(2025, 1, 20, 10, 14, 50, tzinfo=UTC)
SPELLINGS = [
    1737368090,
    "1737368090",
    1737368090000,
    "1737368090000",
    "20250120101450000",
    20250120101450000,
    "20250120101450",
    "2025-01-20 10:14:50",
    "2025-01-20T10:14:50Z",
    "2025-01-20T11:14:50+01:00",
    " 1737368090 ",
]


def test_every_spelling_of_a_moment_under_every_key(subtests: pytest.Subtests) -> None:
    for spelling, key in each_once(SPELLINGS, ["timestamp_unix", "time_received", "heure_reçue"]):
        with subtests.test(spelling=spelling):
            event = parse({"message": "m", "number": "+1", key: spelling})
            assert event.data.received_at == event.occurred_at == event.created_at == MOMENT
            assert event.occurred_at.utcoffset() == timedelta(0)


def test_the_most_precise_time_comes_first() -> None:
    times = {"timestamp_unix": 1737368000, "time_received": "2025-01-20 10:14:50", "date": "2025-01-20"}
    times["hour"] = "10:15:00"
    expected = [datetime(2025, 1, 20, 10, 13, 20, tzinfo=UTC), RECEIVED, ADDED]
    for key, moment in zip(["timestamp_unix", "time_received", "date"], expected, strict=True):
        assert parse({"message": "m", "number": "+1", **times}).data.received_at == moment
        times[key] = "0"  # unreadable: the next one counts
    assert parse({"message": "m", "number": "+1", **times}).data.received_at is None


def test_when_the_server_added_it_is_when_the_event_was_made() -> None:
    assert parse({**DOCUMENTED, "timestamp_unix": 1737368000}).created_at == ADDED
    assert parse({**DOCUMENTED, "hour": None}).created_at == datetime(2025, 1, 20, tzinfo=UTC)
    assert parse({**DOCUMENTED, "date": None}).created_at == RECEIVED


def test_without_any_time_the_event_happens_now_and_the_phone_says_nothing() -> None:
    before = datetime.now(UTC)
    event = parse({"message": "m", "number": "+1"})
    assert before <= event.occurred_at == event.created_at <= datetime.now(UTC)
    assert event.data.received_at is None


@pytest.mark.parametrize(
    ("hours", "time"), [(1, "2000-01-01 00:00:00"), (-1, "2099-12-31 23:59:59"), (1, "20000101000000000")]
)
def test_a_time_that_the_zone_moves_out_of_range_is_none(hours: int, time: str) -> None:
    body = json.dumps({"message": "hi", "number": "MPESA", "time_received": time})
    assert parse_v1(body, timezone(timedelta(hours=hours))).data.received_at is None


@pytest.mark.parametrize("zone", [ZoneInfo("Europe/Paris"), timezone(timedelta(hours=1))])
def test_a_zone_applies_to_times_without_one_and_to_no_other(zone: Any) -> None:
    event = parse(DOCUMENTED, tz=zone)
    assert event.data.received_at == RECEIVED - timedelta(hours=1)
    assert event.created_at == ADDED - timedelta(hours=1)
    assert parse({**DOCUMENTED, "timestamp_unix": 1737368090}, tz=zone).data.received_at == RECEIVED
    assert parse({**DOCUMENTED, "time_received": "2025-01-20T10:14:50Z"}, tz=zone).data.received_at == RECEIVED


@pytest.mark.parametrize("zone", ["Europe/Paris", None, 3600])
def test_a_zone_that_is_none_is_a_type_error(zone: Any) -> None:
    with pytest.raises(TypeError, match="ZoneInfo"):
        parse(DOCUMENTED, tz=zone)


@given(
    moment=st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30)).map(lambda m: m.replace(microsecond=0)),  # noqa: DTZ001
    offset=st.integers(-12, 14),
)
def test_any_local_time_survives_the_way_there_and_back(moment: datetime, offset: int) -> None:
    zone = timezone(timedelta(hours=offset))
    payload = {"message": "m", "number": "+1", "date": f"{moment:%Y-%m-%d}", "hour": f"{moment:%H:%M:%S}"}
    expected = moment.replace(tzinfo=zone)
    assert parse(payload, tz=zone).data.received_at == expected
    payload["time_received"] = f"{moment:%Y-%m-%d %H:%M:%S}"
    assert parse(payload, tz=zone).data.received_at == expected
    payload["timestamp_unix"] = f"{moment:%Y%m%d%H%M%S}000"
    assert parse(payload, tz=zone).data.received_at == expected


# --- what is refused --------------------------------------------------------------------------------------


def test_a_missing_message_or_number_is_named(subtests: pytest.Subtests) -> None:
    for payload, words in [
        ({"number": "+1"}, "message is missing.*under the key message"),
        ({"number": "+1", "message": ["private"]}, "message is missing"),
        ({"number": "+1", "message": False}, "message is missing"),
        ({"message": "private"}, "number is missing.*key number.*from, numéro, nombre"),
        ({"message": "private", "number": None, "from": "", "numéro": None}, "number is missing"),
        ({"message": "private", "number": "  "}, "number is missing"),
        ({"message": "private", "number": {"n": "+1555"}}, "number is missing"),
        ({"message": "private", "number": True}, "number is missing"),
        ({}, "is missing"),
    ]:
        with subtests.test(payload=payload):
            with pytest.raises(MalformedPayload, match=words) as caught:
                parse(payload)
            assert "private" not in str(caught.value)
            assert caught.value.__context__ is None


def test_what_is_no_json_object_of_moderate_size_is_malformed(subtests: pytest.Subtests) -> None:
    for body, words in [
        (b"", "is empty.*proxy"),
        ("", "is empty.*proxy"),
        (b"message=hi&number=1", "not JSON"),
        (b'{"message": "\xff", "number": "+1"}', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not an object"),
        ("5", "not an object"),
        (b" " * (1024 * 1024 + 1), "larger than 1048576 bytes"),
        ("é" * (512 * 1024 + 1), "larger"),
    ]:
        with subtests.test(body=body):
            with pytest.raises(MalformedPayload, match=words) as caught:
                parse_v1(body)
            assert caught.value.__context__ is None


@pytest.mark.parametrize("body", [DOCUMENTED, None, 5])
def test_a_body_that_is_neither_bytes_nor_text_is_a_type_error(body: Any) -> None:
    with pytest.raises(TypeError, match="bytes or the text of the request"):
        parse_v1(body)


def test_a_byte_order_mark_is_not_in_the_way() -> None:
    assert parse_v1("\ufeff" + json.dumps(DOCUMENTED)).data.message == "Hello, this is a test."


def test_text_that_cannot_be_encoded_does_not_stop_the_rest() -> None:
    assert parse_v1('{"message": "a\ud800b", "number": "+1"}').data.message == "a?b"


@given(
    st.dictionaries(
        st.sampled_from([*DOCUMENTED, "from", "numéro", "heure", "sender", "alias", "timestamp_unix"]) | st.text(),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()),
    )
)
def test_no_payload_makes_the_parser_fail_otherwise_than_malformed(payload: dict[str, object]) -> None:
    try:
        event = parse({"message": "m", "number": "+1", **payload})
    except MalformedPayload:
        return
    assert event.data.sender.strip()
    assert event.signed is False


def test_an_sms_whose_text_is_null_has_an_empty_one() -> None:
    assert parse_v1(b'{"message": null, "number": "+1"}').data.message == ""
