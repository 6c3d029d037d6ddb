"""The three lists of calls."""

import json
from datetime import datetime, timedelta, timezone

import pytest

MOMENT = datetime(2026, 3, 20, 21, 0, 0, 123_000, tzinfo=timezone.utc)
MOMENT_MS = 1774040400123
OTHERS = ["incoming", "outgoing"]


@pytest.fixture
def missed(api):
    def rows(**filters):
        answer = api.get("/call/missed/list/", **filters)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    return rows


@pytest.fixture
def answered(api):
    def rows(kind, **filters):
        answer = api.get(f"/call/{kind}/list/", **filters)
        assert answer.status_code == 200, answer.text
        return answer.json()["rows"]

    return rows


def test_a_missed_call(api, box):
    guid = box.phone.call("+12025550121", "Morgan", seconds=12, at=MOMENT)

    answer = api.get("/call/missed/list/").json()

    assert answer["data"][0].pop("id").isdecimal()
    assert answer == {
        "success": True,
        "offset": 0,
        "limit": 100,
        "count": 1,
        "data": [
            {
                "guid": guid,
                "number": "+12025550121",
                "name": "Morgan",
                "date": "2026-03-20 21:00:00",
                "duration_sec": 12,
                "sIdentifiantPhone": box.phone.sid,
            }
        ],
    }


@pytest.mark.parametrize("kind", OTHERS)
def test_a_call_that_was_answered(api, box, kind):
    guid = box.phone.call("+12025550121", "Morgan", kind=kind, seconds=65, at=MOMENT)

    answer = api.get(f"/call/{kind}/list/").json()

    assert answer["rows"][0].pop("id").isdecimal()
    assert answer == {
        "success": True,
        "count": 1,
        "rows": [
            {
                "guid": guid,
                "phone_number": "+12025550121",
                "cached_name": "Morgan",
                "call_datetime_utc": "2026-03-20T21:00:00Z",
                "call_date_ms": str(MOMENT_MS),
                "duration_sec": 65,
                "sIdentifiantPhone": box.phone.sid,
            }
        ],
    }


def test_a_caller_without_a_name(box, missed, answered):
    box.phone.call("Unknown")
    box.phone.call("Unknown", kind="incoming")
    assert missed()[0]["name"] is None
    assert answered("incoming")[0]["cached_name"] is None


def test_each_list_has_its_own_calls(box, missed, answered):
    for kind in ("missed", *OTHERS):
        box.phone.call(f"+1202555017{len(kind)}", kind=kind)
    assert len(missed()) == len(answered("incoming")) == len(answered("outgoing")) == 1


def test_no_calls(api):
    assert api.get("/call/missed/list/").json()["data"] == []
    assert api.get("/call/incoming/list/").json() == {"success": True, "count": 0, "rows": []}


@pytest.mark.parametrize(
    ("kind", "default", "most"), [("missed", 100, 500), ("incoming", 50, 200), ("outgoing", 50, 200)]
)
def test_pages_newest_first(api, box, kind, default, most):
    for number in range(most + 1):
        box.phone.call(f"+1{number:010}", kind=kind, at=MOMENT + timedelta(seconds=number))

    def page(**params):
        answer = api.get(f"/call/{kind}/list/", **params).json()
        rows = answer.get("data") or answer.get("rows") or []
        assert answer["count"] == len(rows)
        return [int(row.get("number") or row["phone_number"]) - 10**10 for row in rows]

    assert page() == list(range(most, most - default, -1))
    assert page(limit=3) == [most, most - 1, most - 2]
    assert page(limit=2, offset=most) == [0]
    assert page(offset=most + 1) == []
    assert len(page(limit=10 * most)) == most


def test_a_capped_limit_is_told(api):
    answer = api.get("/call/missed/list/", limit=9999, offset=3).json()
    assert (answer["limit"], answer["offset"]) == (500, 3)


def test_a_call_that_was_told_late_stands_where_it_belongs(box, missed):
    box.phone.call("+12025550151", at=MOMENT)
    box.phone.call("+12025550152", at=MOMENT - timedelta(hours=1))
    assert [row["number"] for row in missed()] == ["+12025550151", "+12025550152"]


@pytest.mark.parametrize("search", ["morgan", "MORG", "0121", "+1202", " 1202"])
def test_searching(box, missed, answered, search):
    for kind in ("missed", *OTHERS):
        box.phone.call("+12025550121", "Morgan", kind=kind)
        box.phone.call("MPESA", kind=kind)
    assert [row["name"] for row in missed(search=search)] == ["Morgan"]
    assert [row["cached_name"] for row in answered("incoming", q=search)] == ["Morgan"]
    assert [row["cached_name"] for row in answered("outgoing", q=search)] == ["Morgan"]


@pytest.mark.parametrize(
    ("span", "found"),
    [
        ({"date_start": "2026-03-20"}, ["20", "21"]),
        ({"date_end": "2026-03-20"}, ["19", "20"]),
        ({"date_start": "2026-03-20", "date_end": "2026-03-20"}, ["20"]),
        ({"date_start": "2026-03-22"}, []),
        ({"date_end": "9999-12-31"}, ["19", "20", "21"]),
    ],
)
def test_missed_calls_between_two_days(box, missed, span, found):
    for day in (19, 20, 21):
        box.phone.call(f"+120255501{day}", at=datetime(2026, 3, day, 23, 59, 59, 999_999, tzinfo=timezone.utc))
    assert sorted(row["number"][-2:] for row in missed(**span)) == found


@pytest.mark.parametrize(
    ("span", "found"),
    [
        ({"date_from_ms": MOMENT_MS}, [0, 1]),
        ({"date_from_ms": MOMENT_MS + 1}, [1]),
        ({"date_to_ms": MOMENT_MS}, [-1, 0]),
        ({"date_to_ms": MOMENT_MS - 1}, [-1]),
        ({"date_from_ms": MOMENT_MS, "date_to_ms": MOMENT_MS}, [0]),
    ],
)
def test_answered_calls_between_two_moments(box, answered, span, found):
    for step in (-1, 0, 1):
        box.phone.call("+12025550150", kind="incoming", at=MOMENT + timedelta(milliseconds=step, microseconds=500))
    rows = answered("incoming", sort_dir="asc", **span)
    assert [int(row["call_date_ms"]) - MOMENT_MS for row in rows] == found


@pytest.mark.parametrize(
    "sort_by", ["call_date_ms", "call_datetime_utc", "phone_number", "cached_name", "duration_sec"]
)
def test_sorting(box, answered, sort_by):
    for number, name in enumerate("abc"):
        box.phone.call(
            f"+120255501{50 + number}", name, kind="outgoing", seconds=number, at=MOMENT + timedelta(seconds=number)
        )
    rising = [row["cached_name"] for row in answered("outgoing", sort_by=sort_by, sort_dir="asc")]
    falling = [row["cached_name"] for row in answered("outgoing", sort_by=sort_by, sort_dir="DESC")]
    assert (rising, falling) == (["a", "b", "c"], ["c", "b", "a"])


def test_a_malformed_parameter_is_named(subtests, api):
    for path, name, value in [
        ("/call/missed/list/", "offset", "-1"),
        ("/call/missed/list/", "limit", "0"),
        ("/call/missed/list/", "limit", "many"),
        ("/call/missed/list/", "date_start", "yesterday"),
        ("/call/missed/list/", "date_end", "2026-13-01"),
        ("/call/incoming/list/", "limit", "0"),
        ("/call/incoming/list/", "sort_by", "apikey"),
        ("/call/incoming/list/", "sort_dir", "up"),
        ("/call/outgoing/list/", "date_from_ms", "2026-03-20"),
        ("/call/outgoing/list/", "date_to_ms", "99999999999999"),
    ]:
        with subtests.test(path=path):
            answer = api.get(path, **{name: value})
            assert answer.status_code == 400
            assert answer.json() == {"success": False, "message": f"Invalid param: {name}."}


@pytest.mark.parametrize("kind", ["missed", *OTHERS])
def test_a_call_is_told_to_the_webhooks(box, receiver, kind):
    box.add_webhook(receiver.url, secret="secret")
    guid = box.phone.call("+12025550121", "Morgan", kind=kind, seconds=3, at=MOMENT)
    box.wait_for_deliveries()

    event = json.loads(receiver.requests[0].body)
    assert event["type"] == f"call.{kind}"
    assert event["data"] == {
        "guid": guid,
        "number": "+12025550121",
        "name": "Morgan",
        "duration_seconds": 3,
        "device_id": box.phone.sid,
        "call_at": "2026-03-20 21:00:00",
    }


def test_a_call_of_another_kind_is_refused(box):
    with pytest.raises(ValueError, match="missed, incoming or outgoing"):
        box.phone.call("+12025550150", kind="lost")
