"""Spellings of flags, moments, counts and texts, and what every model keeps."""

from __future__ import annotations

import pickle
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AliasChoices, BaseModel, Field, ValidationError

from smsmobile import DeletedSMS, LoggedSMS, ReceivedSMS, ResentSMS, SentSMS, SMSStatus
from smsmobile._wire.model import FrozenModel, WireModel
from smsmobile._wire.values import (
    EARLIEST,
    LATEST,
    UTC,
    Bool,
    Guid,
    MessageText,
    OptionalInt,
    OptionalText,
    Timestamp,
    read_bool,
    read_int,
    read_timestamp,
    read_wrapped_bool,
)

from ..cases import each_once, known_spellings


class Row(FrozenModel):
    """One field of each kind."""

    flag: Bool = None
    count: OptionalInt = None
    instant: Timestamp = None
    text: OptionalText = None
    handle: Guid = None
    body: MessageText = ""


MOMENT = datetime(2026, 3, 20, 21, 7, 44, tzinfo=UTC)

# --- flags, counts, texts ---------------------------------------------------------------------------------


def test_every_spelling_of_yes_is_true(subtests: pytest.Subtests) -> None:
    for yes in [1, "1", 1.0, "1.0", "yes", "Yes", "YES", "true", "True", True, "on", " 1 "]:
        with subtests.test(yes=yes):
            assert Row(flag=yes).flag is True


def test_every_spelling_of_no_is_false(subtests: pytest.Subtests) -> None:
    for no in [0, "0", 0.0, "0.0", "no", "No", "false", False, "", None, "off"]:
        with subtests.test(no=no):
            assert read_bool(no) is False


def test_what_is_neither_yes_nor_no_is_none(subtests: pytest.Subtests) -> None:
    for neither in [2, "2", 0.5, "01", "maybe", [], ["1"], -1, "null", {"status": "1"}, {}]:
        with subtests.test(neither=neither):
            assert Row(flag=neither).flag is None


def test_a_count_may_be_text(subtests: pytest.Subtests) -> None:
    for written, count in [(2, 2), ("2", 2), (" 2 ", 2), ("-1", -1), (0, 0), ("007", 7)]:
        with subtests.test(written=written):
            assert Row(count=written).count == count


@given(st.integers(-(10**12), 10**12), st.sampled_from([0.0, 0.25, 0.5]))
def test_a_count_is_the_same_however_it_is_spelled_and_a_fraction_is_rounded_down(count: int, fraction: float) -> None:
    spellings = [count, str(count), f" {count} ", float(count), f"{count}.0", count + fraction, str(count + fraction)]
    assert [read_int(spelling) for spelling in spellings] == [count] * len(spellings)


def test_a_long_count_keeps_its_last_digits() -> None:
    assert read_int(str(10**30 + 1)) == 10**30 + 1


def test_what_is_no_count_is_none(subtests: pytest.Subtests) -> None:
    for none in [None, "", "null", "two", "nan", "inf", float("nan"), [], {}, True, "9" * 5000]:
        with subtests.test(none=none):
            assert read_int(none) is None


def test_a_text_may_be_a_number_and_empty_means_none(subtests: pytest.Subtests) -> None:
    for written, text in [
        *(("abc", "abc"), (7, "7"), (7.5, "7.5"), (True, "True"), ([1], "[1]"), (" ", " ")),
        *(("0", "0"), (0, "0"), ("0000-00-00", "0000-00-00")),
        *(("", None), (None, None), (False, None), ([], None), ({}, None)),
    ]:
        with subtests.test(written=written):
            assert Row(text=written).text == text


def test_a_body_is_always_a_text(subtests: pytest.Subtests) -> None:
    for written, body in [
        *(
            ("abc", "abc"),
            (42, "42"),
            (" \n", " \n"),
            ("0", "0"),
            (0, "0"),
            ("0000-00-00 is nothing", "0000-00-00 is nothing"),
        ),
        *(("", ""), (None, ""), (False, ""), ([], ""), ({}, "")),
    ]:
        with subtests.test(written=written):
            assert Row(body=written).body == body


def test_a_handle_may_be_a_number_and_zero_or_something_long_is_none(subtests: pytest.Subtests) -> None:
    for written, handle in [
        *(("c319", "c319"), (7, "7"), ("007", "007"), ("0a", "0a"), ("00000000-0000", "00000000-0000")),
        *((" c319\r\n", "c319"), ("c3\n19", "c3\n19"), ("x" * 255, "x" * 255), ("x" * 256, None)),
        *(
            (" ", None),
            ("", None),
            (None, None),
            (0, None),
            ("0", None),
            ("0000-00-00", None),
            ("0000-00-00 00:00:00", None),
        ),
        *((True, None), (False, None), ([], None), (["a"], None), ({"x": 1}, None)),
    ]:
        with subtests.test(written=written):
            assert Row(handle=written).handle == handle


# --- moments ----------------------------------------------------------------------------------------------


def test_every_spelling_of_a_moment_is_the_same_aware_utc_datetime(subtests: pytest.Subtests) -> None:
    for written in [
        1774040864,
        "1774040864",
        1774040864.0,
        1774040864000,
        "1774040864000",
        1774040864000000,
        "1774040864000000",
        20260320210744,
        "20260320210744",
        20260320210744000,
        "20260320210744000",
        "2026-03-20 21:07:44",
        "2026-03-20T21:07:44",
        "2026-03-20T21:07:44Z",
        "2026-03-20T22:07:44+01:00",
        "2026-03-20T22:07:44.000+0100",
        " 2026-03-20 21:07:44 ",
        *("2026-03-20 21:07:44 UTC", "2026-03-20T21:07:44 GMT", " 2026-03-20 21:07:44.000 utc "),
        datetime(2026, 3, 20, 22, 7, 44, tzinfo=timezone(timedelta(hours=1))),
        datetime(2026, 3, 20, 21, 7, 44),  # noqa: DTZ001 - naive, on purpose
    ]:
        with subtests.test(written=written):
            moment = Row(instant=written).instant
            assert moment == MOMENT
            assert moment is not None
            assert moment.utcoffset() == timedelta(0)


def test_what_is_no_moment_of_an_sms_is_none(subtests: pytest.Subtests) -> None:
    for none in [
        *(0, "0", "", None, "0000-00-00 00:00:00", "0000-00-00", "yesterday", [], {}, True, -1, "-1774040864"),
        *("99999999999999", "20261320210744", "20260320250000", 1e30, float("nan"), "9" * 40, "1970-01-01 00:00:00"),
        *("1999-12-31 23:59:59", "2100-01-01 00:00:00", "\N{ARABIC-INDIC DIGIT ONE}" * 14),
    ]:
        with subtests.test(none=none):
            assert Row(instant=none).instant is None


def test_milliseconds_are_kept() -> None:
    for written in (1774040864123, "1774040864123", 20260320210744123, "20260320210744123", "2026-03-20 21:07:44.123"):
        assert Row(instant=written).instant == MOMENT + timedelta(milliseconds=123)


def test_a_date_alone_is_its_midnight() -> None:
    assert Row(instant="2026-03-20").instant == datetime(2026, 3, 20, tzinfo=UTC)


class ZoneOfPytz(tzinfo):
    """Berlin as pytz has it: the local mean time of 1893, unless `localize` chooses the offset of the day."""

    def utcoffset(self, moment: datetime | None) -> timedelta:
        return timedelta(minutes=53)

    def localize(self, moment: datetime) -> datetime:
        return moment.replace(tzinfo=timezone(timedelta(hours=1)))


def test_a_zone_of_pytz_has_the_offset_of_the_day() -> None:
    assert read_timestamp("2026-03-20 22:07:44", ZoneOfPytz()) == MOMENT
    assert read_timestamp("2026-03-20T21:07:44Z", ZoneOfPytz()) == MOMENT


def test_a_spelling_without_offset_can_be_read_in_another_zone() -> None:
    paris = timezone(timedelta(hours=1))
    assert read_timestamp("2026-03-20 22:07:44", paris) == MOMENT
    assert read_timestamp("20260320220744000", paris) == MOMENT
    assert read_timestamp("2026-03-20T21:07:44Z", paris) == MOMENT
    assert read_timestamp("2026-03-20 21:07:44 UTC", paris) == MOMENT


moments = st.datetimes(
    min_value=datetime(2001, 9, 10),  # noqa: DTZ001 - hypothesis adds the timezone
    max_value=datetime(2099, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(moments)
def test_a_moment_reads_the_same_however_it_is_spelled(moment: datetime) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    seconds = int(moment.timestamp())
    millis = seconds * 1000 + moment.microsecond // 1000
    compact = f"{moment:%Y%m%d%H%M%S}{moment.microsecond // 1000:03d}"
    exact = [
        *(millis, str(millis), int(compact), compact),
        *(moment.isoformat(), moment.isoformat(" ")[:-6], moment.isoformat().replace("+00:00", "Z")),
        moment.astimezone(timezone(timedelta(hours=-9, minutes=-30))).isoformat(),
    ]
    assert [Row(instant=spelling).instant for spelling in exact] == [moment] * len(exact)
    whole = moment.replace(microsecond=0)
    coarse = [seconds, str(seconds), float(seconds), compact[:14], f"{moment:%Y-%m-%d %H:%M:%S}"]
    assert [Row(instant=spelling).instant for spelling in coarse] == [whole] * len(coarse)


@given(moments)
def test_a_moment_survives_json(moment: datetime) -> None:
    assert Row.model_validate_json(Row(instant=moment).model_dump_json()).instant == moment


def test_a_moment_in_json_ends_in_z() -> None:
    assert '"2026-03-20T21:07:44Z"' in Row(instant=MOMENT).model_dump_json()


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(junk)
def test_no_value_at_all_makes_a_field_fail(value: object) -> None:
    row = Row(flag=value, count=value, instant=value, text=value, handle=value, body=value)
    assert row.instant is None or EARLIEST <= row.instant < LATEST


@pytest.mark.parametrize("model", [SentSMS, ResentSMS, DeletedSMS, LoggedSMS, ReceivedSMS])
@settings(max_examples=20)
@given(data=st.data())
def test_no_value_under_any_known_key_makes_a_row_fail(model: Any, data: st.DataObject) -> None:
    known = {"message", "status", "error", "error_api", "send_from_mobile", "send_from_mobile_erreur", "date", "hour"}
    known |= {*model.model_fields, *known_spellings(model)} - {"accepted"}
    model.from_wire(data.draw(st.dictionaries(st.sampled_from(sorted(known)), junk, max_size=8)))


# --- rows -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("spelling", "empty"), each_once(["guid", "guid_message", "id"], [None, ""]))
def test_an_empty_spelling_hides_no_other(spelling: str, empty: object) -> None:
    row = {"guid": empty, "guid_message": empty, "id": empty}
    for model in (LoggedSMS, SentSMS, ResentSMS, DeletedSMS):
        assert model.from_wire({**row, spelling: "G-1"}).guid == "G-1"


SPELLINGS = {
    "guid": ["guid", "guid_message", "id"],
    "at": ["at_unix", "at_text"],
    "size": ["size", "length"],
    "name": ["name", "alias"],
    "body": ["body", "text", "transcript"],
}


class Spelled(WireModel):
    """One field of each kind that has several spellings."""

    _day_and_hour = {"at": ("date", "hour")}  # noqa: RUF012

    guid: Guid = Field(None, validation_alias=AliasChoices(*SPELLINGS["guid"]))
    at: Timestamp = Field(None, validation_alias=AliasChoices(*SPELLINGS["at"]))
    size: OptionalInt = Field(None, validation_alias=AliasChoices(*SPELLINGS["size"]))
    name: OptionalText = Field(None, validation_alias=AliasChoices(*SPELLINGS["name"]))
    body: MessageText = Field("", validation_alias=AliasChoices(*SPELLINGS["body"]))


NOTHING = [None, "", False, [], {}]
UNREADABLE: dict[str, list[Any]] = {
    "guid": [*NOTHING, 0, "0", "0000-00-00 00:00:00", True],
    "at": [*NOTHING, 0, "0", "0000-00-00", "soon", "99999999999999"],
    "size": [*NOTHING, "many", True, "nan"],
    "name": NOTHING,
    "body": NOTHING,
}
READABLE: dict[str, Any] = {"guid": "G-1", "at": MOMENT, "size": 7, "name": "0", "body": "0000-00-00"}
WRITTEN = {**READABLE, "at": "2026-03-20 21:07:44"}


@given(data=st.data())
def test_a_spelling_that_cannot_be_read_hides_no_other_and_fields_do_not_hang_on_each_other(
    data: st.DataObject,
) -> None:
    row: dict[str, Any] = {}
    expected: dict[str, Any] = {}
    for field, spellings in SPELLINGS.items():
        keys = data.draw(st.permutations([*spellings, *([] if field in spellings else [field])]))
        cut = data.draw(st.integers(0, len(keys)))
        row.update((key, data.draw(st.sampled_from(UNREADABLE[field]))) for key in keys[:cut])
        there = cut < len(keys) and data.draw(st.booleans())
        if there:
            row[keys[cut]] = WRITTEN[field]
        expected[field] = READABLE[field] if there else Spelled.model_fields[field].default
    read = Spelled.from_wire(row)
    assert {field: getattr(read, field) for field in expected} == expected


def test_a_date_and_an_hour_are_a_moment_where_no_other_spelling_is(subtests: pytest.Subtests) -> None:
    for row in [
        {"date": "2026-03-20", "hour": "21:07:44"},
        {"date": "2026-03-20", "hour": "21:07:44", "at_unix": "0", "at_text": "soon"},
        {"date": "2026-03-20 21:07:44", "hour": "21:07:44"},
        {"date": "2026-03-20 21:07:44", "hour": ""},
        {"date": "2026-03-20T21:07:44Z", "hour": "late"},
        {"date": "1774040864", "hour": None},
        {"date": "2000-01-01", "hour": "00:00:00", "at_text": "2026-03-20 21:07:44 UTC"},
    ]:
        with subtests.test(row=row):
            assert Spelled.from_wire(row).at == MOMENT


def test_a_key_that_another_field_reads_is_left_to_it() -> None:
    class Shared(WireModel):
        number: OptionalInt = Field(None, validation_alias="id")
        guid: Guid = Field(None, validation_alias=AliasChoices("id", "guid"))
        at: Timestamp = Field(None, validation_alias=AliasChoices("id", "when"))

    read = Shared.from_wire({"id": 7, "when": "2026-03-20 21:07:44"})
    assert (read.number, read.guid) == (7, "7")


@pytest.mark.parametrize(
    ("text", "number", "alias"), each_once(["0", "0000-00-00", "0.0"], [None, "1555"], [None, None, "Ann"])
)
def test_the_text_of_a_message_does_not_hang_on_what_else_the_row_has(
    number: str | None, alias: str | None, text: str
) -> None:
    row = {"guid": "0", "id": 7, "number": number, "alias": alias, "message": text}
    for model in (ReceivedSMS, LoggedSMS):
        assert model.from_wire(row).message == text
    assert LoggedSMS.from_wire(row).guid == "7"


@pytest.mark.parametrize("spelling", ["number", "recipients", "phone"])
def test_every_spelling_of_a_logged_recipient_is_read(spelling: str) -> None:
    assert LoggedSMS.from_wire({spelling: "+33639985678"}).recipient == "+33639985678"


@pytest.mark.parametrize("spelling", ["sIdentifiant", "sIdentifiantPhone", "sid", "device_id"])
def test_every_spelling_of_a_device_is_read(spelling: str) -> None:
    for model in (LoggedSMS, ReceivedSMS):
        assert model.from_wire({"sIdentifiant": None, spelling: "SID-1"}).device == "SID-1"


@pytest.mark.parametrize("row", [None, [], "text", 7])
def test_a_row_that_is_no_object_is_refused_without_its_content(row: object) -> None:
    with pytest.raises(ValueError, match=f"of type {type(row).__name__}, not an object"):
        ReceivedSMS.from_wire(row)


WIRE: list[tuple[type[BaseModel], dict[str, Any]]] = [
    (
        SentSMS,
        {
            "error": 0,
            "sent": "1",
            "id": "c319",
            "note": "sent by mobile",
            "datetime": "2026-03-20T21:07:44Z",
            "datetimeLocal": "2026-03-20T22:07:44+01:00",
            "port": None,
            "send_with_whatsapp": "0",
            "encrypted": {"status": "0"},
            "trial_account": {"status": "0", "sms_sent": 0},
        },
    ),
    (SentSMS, {"success": True, "message": "SMS sent successfully", "send_with_whatsapp": "no", "encrypted": False}),
    (SentSMS, {"id": 7, "port": "2", "send_with_whatsapp": "1", "encrypted": {"status": "1"}}),
    (ResentSMS, {"id": "c319", "note": "again"}),
    (DeletedSMS, {"guid": "c319", "message": "deleted"}),
    (LoggedSMS, {"guid": "a", "number": "+33639985678", "message": "hi"}),
    (LoggedSMS, {"guid_message": "a", "send_from_mobile": "1", "sent_at": 1774040864}),
    (LoggedSMS, {"id": "a", "send_from_mobile_erreur": "no credit", "date": "2026-03-20", "hour": "21:07:44"}),
    (LoggedSMS, {"guid": "a", "error_api": "12", "send_from_mobile": "0", "unknown": {"deep": [1, None]}}),
    (
        ReceivedSMS,
        {"id": 1, "guid": "r", "number": "MPESA", "message": "", "alias": None, "timestamp_unix": "1774040864"},
    ),
    (ReceivedSMS, {"guid": "r", "from": "+33639985678", "date": "2026-03-20", "hour": "21:07:44"}),
]


def test_a_model_survives_pickle_dump_and_json(subtests: pytest.Subtests) -> None:
    for model, row in WIRE:
        with subtests.test(model=model):
            read = getattr(model, "from_wire", model.model_validate)(row)
            assert pickle.loads(pickle.dumps(read)) == read
            assert model.model_validate(read.model_dump()) == read
            assert model.model_validate(read.model_dump(by_alias=True)) == read
            assert model.model_validate_json(read.model_dump_json()) == read


def test_a_model_is_frozen(subtests: pytest.Subtests) -> None:
    for model, row in WIRE:
        with subtests.test(model=model):
            read = model.model_validate(row)
            name = next(iter(model.model_fields))
            with pytest.raises(ValidationError, match="frozen"):
                setattr(read, name, "other")


@pytest.mark.parametrize("model", [SentSMS, ResentSMS, DeletedSMS, LoggedSMS, ReceivedSMS])
def test_a_key_that_nobody_announced_is_kept(model: Any) -> None:
    assert model.from_wire({"guid": "a", "brand_new": {"x": [1]}}).model_extra["brand_new"] == {"x": [1]}


@pytest.mark.parametrize("status", list(SMSStatus))
def test_a_logged_sms_made_by_hand_keeps_its_status(status: SMSStatus) -> None:
    row = LoggedSMS(guid="a", status=status)
    assert row.status is status
    assert LoggedSMS.model_validate_json(row.model_dump_json()) == row


@pytest.mark.parametrize(
    ("wrapped", "flag"),
    [({"status": "1"}, True), ({"status": "0"}, False), ("1", True), ({}, False), ({"status": 7}, None)],
)
def test_a_flag_may_be_wrapped(wrapped: object, flag: bool | None) -> None:
    assert read_wrapped_bool(wrapped) is flag
