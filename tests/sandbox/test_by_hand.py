"""`/log/sent/frommobile/`: SMS that were written on the phone itself."""

import json
from datetime import timedelta

import pytest

PHONE = "+33639985678"


@pytest.fixture
def by_hand(api):
    def rows(**filters):
        answer = api.get("/log/sent/frommobile/", **filters)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]["sms"]

    return rows


def test_one_in_the_log(api, box, clock):
    guid = box.phone.send_by_hand(PHONE, "written by hand")

    answer = api.get("/log/sent/frommobile/").json()

    assert answer["result"]["sms"][0].pop("id").isdecimal()
    assert answer == {
        "result": {
            "error": 0,
            "sms": [
                {
                    "guid": guid,
                    "number": PHONE,
                    "message": "written by hand",
                    "sIdentifiantPhone": box.phone.sid,
                    "date": "2026-03-20 21:07:44",
                    "timestamp_unix": "1774040864",
                }
            ],
        }
    }


def test_it_is_not_among_those_of_the_api(api, box, by_hand):
    api.send(message="through the API")
    box.phone.send_by_hand(PHONE, "by hand")
    assert [row["message"] for row in api.log()] == ["through the API"]
    assert [row["message"] for row in by_hand()] == ["by hand"]
    assert [sent.message for sent in box.phone.outbox] == ["through the API"]


def test_an_empty_log(by_hand):
    assert by_hand() == []


@pytest.mark.parametrize(
    ("period", "found"),
    [
        (None, ["now", "midnight", "yesterday", "6 days", "7 days and more", "29 days", "30 days and more"]),
        ("today", ["now", "midnight"]),
        ("yesterday", ["yesterday"]),
        ("last_7days", ["now", "midnight", "yesterday", "6 days"]),
        ("last_30days", ["now", "midnight", "yesterday", "6 days", "7 days and more", "29 days"]),
        ("LAST_7DAYS", ["now", "midnight", "yesterday", "6 days"]),
    ],
)
def test_by_period(box, clock, by_hand, period, found):
    now = clock.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for moment, text in [
        (now - timedelta(days=30, minutes=1), "30 days and more"),
        (now - timedelta(days=29), "29 days"),
        (now - timedelta(days=7, minutes=1), "7 days and more"),
        (now - timedelta(days=6), "6 days"),
        (midnight - timedelta(seconds=1), "yesterday"),
        (midnight, "midnight"),
        (now, "now"),
    ]:
        clock.move_to(moment)
        box.phone.send_by_hand(PHONE, text)
    assert [row["message"] for row in by_hand(period=period)] == found


def test_the_limit_keeps_the_newest(box, by_hand):
    for text in "abc":
        box.phone.send_by_hand(PHONE, text)
    assert [row["message"] for row in by_hand(limit=2)] == ["c", "b"]


def test_at_most_500_and_by_default_100(box, by_hand):
    for _ in range(501):
        box.phone.send_by_hand(PHONE, "x")
    assert len(by_hand()) == 100
    assert len(by_hand(limit=200)) == 200
    assert len(by_hand(limit=9999)) == 500


@pytest.mark.parametrize(("name", "value"), [("period", "last_week"), ("limit", "0"), ("limit", "all")])
def test_a_malformed_filter_is_named(api, name, value):
    answer = api.get("/log/sent/frommobile/", **{name: value})
    assert (answer.status_code, answer.json()["message"]) == (400, f"Invalid param: {name}.")


def test_it_is_told_to_the_webhooks(box, receiver):
    box.add_webhook(receiver.url, secret="secret")
    guid = box.phone.send_by_hand(PHONE, "x")
    box.wait_for_deliveries()
    event = json.loads(receiver.requests[0].body)
    assert (event["type"], event["data"]["guid"]) == ("sms.mobile.sent", guid)


def test_nobody_cannot_be_written_to(box):
    with pytest.raises(ValueError, match="recipient"):
        box.phone.send_by_hand(" ", "x")
