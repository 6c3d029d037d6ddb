"""Calls: query parameters, spellings of a row, and paging."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pytest
import requests
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from responses.matchers import query_param_matcher

from smsmobile import Call, InvalidRequestError, SMSMobileClient
from smsmobile._input.arguments import unix_milliseconds

from ..cases import each_once

BASE = "https://api.smsmobileapi.com"
PATHS = {"missed": "/call/missed/list/", "incoming": "/call/incoming/list/", "outgoing": "/call/outgoing/list/"}
LARGEST = {"missed": "500", "incoming": "200", "outgoing": "200"}
KEY = "0123456789abcdef0123456789abcdef0123456789abcdef"
MOMENT = datetime(2026, 3, 20, 21, 7, 44, tzinfo=timezone.utc)
every_list = pytest.mark.parametrize("name", PATHS)
every_answered = pytest.mark.parametrize("name", ["incoming", "outgoing"])


# --- what is asked for ------------------------------------------------------------------------------------


def test_missed_calls_are_asked_for_by_day(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for options, parameters in [
        ({}, {}),
        ({"search": " +33 "}, {"search": "+33"}),
        ({"first_day": date(2026, 3, 1)}, {"date_start": "2026-03-01"}),
        ({"last_day": "2026-03-20"}, {"date_end": "2026-03-20"}),
        ({"first_day": "2026-03-20", "last_day": "2026-03-20"}, {"date_start": "2026-03-20", "date_end": "2026-03-20"}),
        ({"offset": 100, "limit": 500}, {"offset": "100", "limit": "500"}),
    ]:
        with subtests.test(options=options):
            service.reset()
            asked = query_param_matcher({"offset": "0", "limit": "100", **parameters, "apikey": KEY})
            service.get(BASE + PATHS["missed"], json={"success": True, "data": []}, match=[asked])
            assert client.calls.missed(**options) == []


FILTERS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({}, {}),
    ({"search": "Taylor"}, {"q": "Taylor"}),
    ({"since": MOMENT}, {"date_from_ms": "1774040864000"}),
    ({"since": MOMENT + timedelta(microseconds=123_456)}, {"date_from_ms": "1774040864123"}),
    (
        {"since": datetime(2026, 3, 20, 22, 7, 44, tzinfo=ZoneInfo("Europe/Paris"))},
        {"date_from_ms": "1774040864000"},
    ),
    ({"until": 1774040864}, {"date_to_ms": "1774040864000"}),
    ({"until": 1774040864.5}, {"date_to_ms": "1774040864500"}),
    ({"since": MOMENT, "until": MOMENT}, {"date_from_ms": "1774040864000", "date_to_ms": "1774040864000"}),
    ({"sort_by": "duration_sec", "ascending": True}, {"sort_by": "duration_sec", "sort_dir": "asc"}),
    ({"offset": 50, "limit": 200}, {"offset": "50", "limit": "200"}),
]


def test_the_other_calls_are_asked_for_by_millisecond(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for case, name in each_once(FILTERS, ["incoming", "outgoing"]):
        with subtests.test(case=case):
            service.reset()
            options, parameters = case
            asked = query_param_matcher({"offset": "0", "limit": "50", **parameters, "apikey": KEY})
            service.get(BASE + PATHS[name], json={"success": True, "rows": []}, match=[asked])
            assert getattr(client.calls, name)(**options) == []


@given(moment=st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(timezone.utc)))  # noqa: DTZ001
def test_a_moment_is_spelled_to_the_millisecond(moment: datetime) -> None:
    exactly = (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(milliseconds=1)
    assert unix_milliseconds("since", moment) == exactly


@pytest.mark.parametrize(
    ("before", "milliseconds"),
    [(timedelta(milliseconds=500), -500), (timedelta(microseconds=1), -1), (timedelta(days=1), -86_400_000)],
)
def test_a_moment_before_1970_is_spelled_to_the_millisecond_too(before: timedelta, milliseconds: int) -> None:
    assert unix_milliseconds("since", datetime(1970, 1, 1, tzinfo=timezone.utc) - before) == milliseconds


MISSED_REASONS: list[tuple[dict[str, Any], str]] = [
    ({"first_day": MOMENT}, "first_day is a datetime"),
    ({"last_day": "yesterday"}, "last_day is 'yesterday', which is not a day"),
    ({"first_day": "2026-03-21", "last_day": "2026-03-20"}, "last_day 2026-03-20 is before first_day 2026-03-21"),
    ({"limit": 501}, "limit is 501; expected a whole number from 1 to 500"),
]
ANSWERED_REASONS: list[tuple[dict[str, Any], str]] = [
    ({"since": datetime(2026, 1, 1)}, "since is a naive datetime"),  # noqa: DTZ001 - on purpose
    ({"until": date(2026, 1, 1)}, "until is of type date; expected an aware datetime"),
    ({"since": 1774040864000}, "expected an aware datetime, or a Unix time in seconds"),
    ({"since": MOMENT, "until": MOMENT - timedelta(seconds=1)}, "until is before since"),
    ({"limit": 201}, "limit is 201; expected a whole number from 1 to 200"),
    ({"sort_by": ""}, "The sort_by is empty"),
]
COMMON_REASONS: list[tuple[dict[str, Any], str]] = [
    ({"search": " "}, "The search is empty"),
    ({"offset": -1}, "offset is -1"),
    ({"offset": "0"}, "offset is of type str"),
    ({"offset": 10**9999}, "offset is out of range"),
    ({"limit": 0}, "limit is 0"),
    ({"limit": True}, "limit is True"),
    ({"limit": 1.0}, "limit is 1.0"),
]


def test_a_bad_argument_is_refused_at_once_and_nothing_is_asked(
    subtests: pytest.Subtests, service: responses.RequestsMock, client: SMSMobileClient
) -> None:
    for name, options, reason in [
        *(("missed", *case) for case in [*MISSED_REASONS, *COMMON_REASONS]),
        *(("incoming", *case) for case in [*ANSWERED_REASONS, *COMMON_REASONS]),
        *(("outgoing", *case) for case in ANSWERED_REASONS),
        *((f"iter_{name}", {"search": ""}, "The search is empty") for name in PATHS),
    ]:
        with subtests.test(name=name):
            service.reset()
            with pytest.raises(InvalidRequestError, match=reason):
                getattr(client.calls, name)(**options)
            assert len(service.calls) == 0


# --- rows -------------------------------------------------------------------------------------------------


def test_a_missed_call_becomes_a_typed_model(service: responses.RequestsMock, client: SMSMobileClient) -> None:
    row = {"id": "3", "number": "+33639985678", "name": None, "date": "2026-03-20 21:07:44", "duration_sec": "12"}
    service.get(BASE + PATHS["missed"], json={"success": True, "count": 1, "data": [row]})
    (call,) = client.calls.missed()
    assert type(call) is Call
    assert call.model_dump() == {
        "guid": "3",
        "number": "+33639985678",
        "name": None,
        "duration_seconds": 12,
        "call_at": MOMENT,
        "device": None,
        "date": "2026-03-20 21:07:44",
    }


@every_answered
def test_an_answered_call_becomes_a_typed_model(
    service: responses.RequestsMock, client: SMSMobileClient, name: str
) -> None:
    row = {
        "guid": "g",
        "phone_number": "+33639985678",
        "cached_name": "Taylor",
        "call_datetime_utc": "2026-03-20 21:07:44",
        "call_date_ms": "1774040864123",
        "duration_sec": 61,
        "sIdentifiantPhone": "SID-1",
    }
    service.get(BASE + PATHS[name], json={"success": True, "rows": [row]})
    (call,) = getattr(client.calls, name)()
    assert (call.guid, call.number, call.name, call.device) == ("g", "+33639985678", "Taylor", "SID-1")
    assert (call.duration_seconds, call.call_at) == (61, MOMENT + timedelta(milliseconds=123))


def test_every_spelling_of_a_row_is_read(subtests: pytest.Subtests) -> None:
    for row, attribute, value in [
        ({"number": "", "phone_number": "+33639985678"}, "number", "+33639985678"),
        ({"number": 33639985678}, "number", "33639985678"),
        ({"number": None}, "number", None),
        ({"number": "MPESA"}, "number", "MPESA"),
        ({"name": "", "cached_name": "Taylor"}, "name", "Taylor"),
        ({"cached_name": ""}, "name", None),
        ({"duration_sec": "0"}, "duration_seconds", 0),
        ({"duration_sec": 0, "number": None}, "duration_seconds", 0),
        ({"duration_sec": ""}, "duration_seconds", None),
        ({"call_date_ms": 1774040864000}, "call_at", MOMENT),
        ({"call_date_ms": "", "call_datetime_utc": "2026-03-20 21:07:44"}, "call_at", MOMENT),
        ({"call_date_ms": "0", "call_datetime_utc": "2026-03-20T21:07:44Z"}, "call_at", MOMENT),
        ({"date": 1774040864000}, "call_at", MOMENT),
        ({"date": "20260320210744000"}, "call_at", MOMENT),
        ({"date": "2026-03-20", "hour": "21:07:44"}, "call_at", MOMENT),
        ({"date": "2026-03-20", "time": "21:07:44"}, "call_at", MOMENT),
        ({"date": "2026-03-20", "time": "21:07:44", "call_date_ms": ""}, "call_at", MOMENT),
        ({"date": "2026-03-20", "time": "21:07:44", "call_date_ms": "1774040864123"}, "duration_seconds", None),
        ({"date": "2026-03-20 21:07:44", "time": "23:59:59"}, "call_at", MOMENT),
        ({"date": "2026-03-20", "time": 7}, "call_at", datetime(2026, 3, 20, tzinfo=timezone.utc)),
        *(({key: "1774040864"}, "call_at", MOMENT) for key in ("timestamp_unix", "datetime")),
        *(({key: "61"}, "duration_seconds", 61) for key in ("duration", "duration_seconds")),
        *(({key: "MPESA"}, "number", "MPESA") for key in ("from", "recipients", "phone")),
        ({"date": ""}, "call_at", None),
        ({"call_at": "2026-03-20 21:07:44"}, "call_at", MOMENT),
    ]:
        with subtests.test(row=row):
            assert getattr(Call.from_wire(row), attribute) == value


# --- pages ------------------------------------------------------------------------------------------------


Rows = list[dict[str, Any]]
Play = Callable[[str, Callable[[int, int], Rows]], list[dict[str, str]]]
MOST_REQUESTS = 50


@pytest.fixture
def play(service: responses.RequestsMock) -> Play:
    """Answers a list by offset and limit, and remembers what was asked. More than a few requests are too many."""

    def play(name: str, rows_at: Callable[[int, int], Rows]) -> list[dict[str, str]]:
        asked: list[dict[str, str]] = []

        def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
            query = dict(parse_qsl(urlsplit(request.url or "").query))
            asked.append(query)
            assert len(asked) <= MOST_REQUESTS, "it does not end"
            return 200, {}, json.dumps({"success": True, "data": rows_at(int(query["offset"]), int(query["limit"]))})

        service.remove("GET", BASE + PATHS[name])
        service.add_callback("GET", BASE + PATHS[name], callback=answer)
        return asked

    return play


def every(client: SMSMobileClient, name: str, **options: Any) -> Iterator[Call]:
    calls: Iterator[Call] = getattr(client.calls, f"iter_{name}")(**options)
    return calls


ALL: Rows = [{"id": str(number), "number": "+33639985678"} for number in range(1, 1235)]


@pytest.mark.parametrize(("name", "cap"), each_once(PATHS, [1000, 200, 77]))
def test_all_calls_come_once_whatever_the_service_makes_of_the_limit(
    play: Play, client: SMSMobileClient, name: str, cap: int
) -> None:
    asked = play(name, lambda offset, limit: ALL[offset : offset + min(limit, cap)])
    assert [call.guid for call in every(client, name)] == [row["id"] for row in ALL]
    assert {query["limit"] for query in asked} == {LARGEST[name]}


@every_list
def test_the_filters_go_along_to_every_page(play: Play, client: SMSMobileClient, name: str) -> None:
    asked = play(name, lambda offset, limit: ALL[offset : offset + 1] if offset < 3 else [])
    assert len(list(every(client, name, search="+33"))) == 3
    assert len(asked) == 4
    assert {query["search" if name == "missed" else "q"] for query in asked} == {"+33"}


def test_the_filters_of_answered_calls_go_along_too(play: Play, client: SMSMobileClient) -> None:
    asked = play("outgoing", lambda offset, limit: ALL[offset : offset + 1] if offset < 1 else [])
    list(client.calls.iter_outgoing(since=MOMENT, until=MOMENT, sort_by="call_date_ms", ascending=True))
    wanted = {"date_from_ms": "1774040864000", "date_to_ms": "1774040864000", "sort_dir": "asc"}
    assert all(wanted.items() <= query.items() for query in asked)
    assert len(asked) == 2


def test_the_days_of_missed_calls_go_along_too(play: Play, client: SMSMobileClient) -> None:
    asked = play("missed", lambda offset, limit: ALL[offset : offset + 1] if offset < 1 else [])
    list(client.calls.iter_missed(first_day="2026-03-01", last_day="2026-03-20"))
    assert all({"date_start": "2026-03-01", "date_end": "2026-03-20"}.items() <= query.items() for query in asked)


@every_list
def test_no_calls_are_no_calls_after_one_request(play: Play, client: SMSMobileClient, name: str) -> None:
    asked = play(name, lambda offset, limit: [])
    assert list(every(client, name)) == []
    assert len(asked) == 1


WITHOUT_HANDLE: Rows = [{"number": "+33639985678", "date": f"2026-03-20 21:07:{second}"} for second in range(10, 20)]


@pytest.mark.parametrize(("name", "rows"), each_once(PATHS, [ALL[:10], WITHOUT_HANDLE]))
def test_a_service_that_ignores_the_offset_is_read_once_and_left(
    play: Play, client: SMSMobileClient, name: str, rows: Rows
) -> None:
    asked = play(name, lambda offset, limit: rows)
    assert len(list(every(client, name))) == len(rows)
    assert len(asked) == 2


@pytest.mark.parametrize("rows", [ALL[:10], WITHOUT_HANDLE])
def test_a_service_that_ignores_the_offset_and_changes_the_order_is_left(
    play: Play, client: SMSMobileClient, rows: Rows
) -> None:
    asked = play("missed", lambda offset, limit: rows[len(asked) :] + rows[: len(asked)])
    assert len(list(client.calls.iter_missed())) == len(rows)
    assert len(asked) == 2


def test_a_service_that_has_no_new_calls_for_any_offset_is_left(play: Play, client: SMSMobileClient) -> None:
    asked = play("missed", lambda offset, limit: ALL[:10] if not offset else ALL[len(asked) % 8 : len(asked) % 8 + 2])
    assert len(list(client.calls.iter_missed())) == 10
    assert len(asked) == 2


def test_a_service_that_goes_round_in_a_circle_is_left(play: Play, client: SMSMobileClient) -> None:
    asked = play("missed", lambda offset, limit: ALL[offset % 30 : offset % 30 + 10])
    assert [call.guid for call in client.calls.iter_missed()] == [row["id"] for row in ALL[:30]]
    assert len(asked) == 4


def test_a_call_that_comes_in_meanwhile_brings_no_other_one_twice(play: Play, client: SMSMobileClient) -> None:
    newer: Rows = [{"id": "new", "number": "+33639985432"}]
    rows = [*newer, *ALL[:20]]
    play("incoming", lambda offset, limit: (ALL[:20] if offset == 0 else rows)[offset : offset + 10])
    guids = [call.guid for call in client.calls.iter_incoming()]
    assert guids == [row["id"] for row in ALL[:20]]


def test_a_call_is_the_same_one_although_its_row_has_changed_since(play: Play, client: SMSMobileClient) -> None:
    asked = play("outgoing", lambda offset, limit: [{"id": "7", "duration_sec": offset}])
    assert [call.guid for call in client.calls.iter_outgoing()] == ["7"]
    assert len(asked) == 2


@pytest.mark.parametrize(("name", "changing"), each_once(PATHS, ["fetched_at", "duration_sec", "name"]))
def test_a_service_that_ignores_the_offset_is_left_although_its_rows_change(
    play: Play, client: SMSMobileClient, name: str, changing: str
) -> None:
    asked = play(name, lambda offset, limit: [{**row, changing: len(asked)} for row in WITHOUT_HANDLE])
    assert len(list(every(client, name))) == len(WITHOUT_HANDLE)
    assert len(asked) == 2


@pytest.mark.parametrize("row", [{"number": None, "date": "2026-03-20"}, WITHOUT_HANDLE[0], {"name": "Taylor"}])
def test_calls_that_look_the_same_on_two_pages_are_all_there(
    play: Play, client: SMSMobileClient, row: dict[str, Any]
) -> None:
    play("missed", lambda offset, limit: ([row] * 600)[offset : offset + limit])
    assert len(list(client.calls.iter_missed())) == 600


def test_a_handle_that_is_on_one_page_twice_is_one_call(play: Play, client: SMSMobileClient) -> None:
    play("missed", lambda offset, limit: [{"id": "7"}, {"id": "7"}, {"id": "8"}][offset:])
    assert [call.guid for call in client.calls.iter_missed()] == ["7", "8"]


# A list in the hands of hypothesis: small pages; some calls have a handle, the others a moment.
HANDLED = st.integers(1, 10**6).map(lambda number: {"id": str(number), "number": "a"})
MOMENTS = st.integers(0, 10**8).map(lambda seconds: {"call_at": 10**9 + seconds, "number": "a"})
ROWS = st.lists(HANDLED | MOMENTS, max_size=25, unique_by=lambda row: tuple(row.items()))
SAME = st.sampled_from([{"number": "a"}, {"number": "a", "date": "2026-03-20 21:07:44"}, {"name": "x"}])


def told(play: Play, rows_at: Callable[[int, int], Rows]) -> list[str | None]:
    """What each row that came says of itself in `mark`, which nothing of ours reads."""
    service_calls = play("missed", rows_at)
    client = SMSMobileClient(api_key=KEY)
    calls = list(client.calls.iter_missed())
    assert service_calls
    return [str((call.model_extra or {}).get("mark")) for call in calls]


def marked(rows: Rows) -> Rows:
    return [{**row, "mark": str(number)} for number, row in enumerate(rows)]


any_rows = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


@any_rows
@given(rows=ROWS, page=st.integers(1, 8))
def test_of_a_service_that_heeds_the_offset_every_call_comes_once(play: Play, rows: Rows, page: int) -> None:
    rows = marked(rows)
    assert told(play, lambda offset, limit: rows[offset : offset + page]) == [row["mark"] for row in rows]


@any_rows
@given(rows=st.lists(SAME, max_size=9) | ROWS)
def test_of_a_service_that_ignores_the_offset_every_call_comes_once(play: Play, rows: Rows) -> None:
    rows = marked(rows)
    assert told(play, lambda offset, limit: rows) == [row["mark"] for row in rows]


@any_rows
@given(data=st.data(), rows=st.lists(HANDLED, max_size=20, unique_by=str), new=st.lists(HANDLED, max_size=20))
def test_newer_calls_that_come_in_meanwhile_bring_none_twice_and_hide_none(
    play: Play, data: st.DataObject, rows: Rows, new: Rows
) -> None:
    rows = marked(rows)
    page, since, turn = data.draw(st.integers(1, 8)), data.draw(st.integers(0, 10)), itertools.count()
    # Fewer than a page holds, else it looks as if the offset were ignored.
    newer: Rows = [{**row, "id": f"new {number}", "mark": "new"} for number, row in enumerate(new[: page - 1])]
    came = told(play, lambda offset, limit: [*(newer if next(turn) > since else []), *rows][offset : offset + page])
    assert [mark for mark in came if mark != "new"] == [row["mark"] for row in rows]


@any_rows
@given(pages=st.lists(st.lists(SAME | HANDLED, min_size=1, max_size=5), min_size=1, max_size=5))
def test_whatever_a_service_answers_in_a_circle_it_comes_to_an_end(play: Play, pages: list[Rows]) -> None:
    turn = itertools.count()
    told(play, lambda offset, limit: pages[next(turn) % len(pages)])


def test_calls_that_look_the_same_on_one_page_are_all_there(play: Play, client: SMSMobileClient) -> None:
    twice: Rows = [{"number": "+33639985678", "date": "2026-03-20"}] * 2
    play("missed", lambda offset, limit: twice[offset:])
    assert len(list(client.calls.iter_missed())) == 2


def test_pages_are_fetched_as_they_are_needed(play: Play, client: SMSMobileClient) -> None:
    asked = play("outgoing", lambda offset, limit: ALL[offset : offset + limit])
    calls = client.calls.iter_outgoing()
    assert len(asked) == 0
    next(calls)
    assert len(asked) == 1
