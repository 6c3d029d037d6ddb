"""`/conversation/sms/list/`: SMS grouped by the other person."""

from datetime import datetime, timedelta, timezone

import pytest

ALICE = "+33639985678"
BOB = "+33639985432"
DAY = datetime(2026, 3, 20, 12, 0, 0, tzinfo=timezone.utc)


@pytest.fixture
def conversations(api):
    def rows(origin="received", **filters):
        answer = api.get("/conversation/sms/list/", origineConversation=origin, **filters)
        assert answer.status_code == 200, answer.text
        assert answer.json()["success"] is True
        return answer.json()["conversations"]

    return rows


def numbers(rows):
    return [row["numero"] for row in rows]


def test_one_conversation(api, box, clock, conversations):
    asked = box.phone.receive(ALICE, "When?")
    clock.forward(60)
    told = api.send("0033 6 39 98 56 78", "Tomorrow")["id"]

    assert conversations() == [
        {
            "numero": "0033 6 39 98 56 78",
            "count": "2",
            "last_message": "Tomorrow",
            "last_date": "2026-03-20 21:08:44",
            "messages": [
                {
                    "guid": asked,
                    "direction": "received",
                    "message": "When?",
                    "date": "2026-03-20 21:07:44",
                    "timestamp_unix": "1774040864",
                },
                {
                    "guid": told,
                    "direction": "sent",
                    "message": "Tomorrow",
                    "date": "2026-03-20 21:08:44",
                    "timestamp_unix": "1774040924",
                },
            ],
        }
    ]


def test_the_origin_says_whose_conversations(api, box, conversations):
    box.phone.receive(ALICE, "x")
    api.send(BOB)
    assert numbers(conversations("received")) == [ALICE]
    assert numbers(conversations("sent")) == [BOB]


def test_written_by_hand_counts_as_sent(box, conversations):
    guid = box.phone.send_by_hand(BOB, "by hand")
    (row,) = conversations("sent")
    assert [(line["guid"], line["direction"]) for line in row["messages"]] == [(guid, "sent")]


def test_senders_without_a_number(box, conversations):
    box.phone.receive("MPESA", "x")
    assert numbers(conversations(numero="MPESA")) == ["MPESA"]


def test_whatsapp_is_left_out(api, box, conversations):
    box.phone.receive_whatsapp("33639985678", "x")
    api.send(ALICE, waonly="yes")
    assert conversations("received") == conversations("sent") == []


@pytest.mark.parametrize("numero", [ALICE, "33639985678", " 33639985678", "0033 6 39 98 56 78"])
def test_by_number(box, conversations, numero):
    box.phone.receive(ALICE, "x")
    box.phone.receive(BOB, "x")
    assert numbers(conversations(numero=numero)) == [ALICE]


@pytest.mark.parametrize(("sort", "order"), [("DESC", [BOB, ALICE]), ("asc", [ALICE, BOB]), (None, [BOB, ALICE])])
def test_the_latest_message_decides_the_order(box, conversations, sort, order):
    box.phone.receive(BOB, "old", at=DAY - timedelta(days=1))
    box.phone.receive(ALICE, "new", at=DAY)
    box.phone.receive(BOB, "newest", at=DAY + timedelta(seconds=1))
    assert numbers(conversations(sort=sort)) == order


def test_of_one_moment_the_one_that_came_first_stands_first(box, conversations):
    for sender, text in ((ALICE, "one"), (ALICE, "two"), (BOB, "three"), (ALICE, "four")):
        box.phone.receive(sender, text, at=DAY)
    alice, bob = conversations()
    assert [line["message"] for line in alice["messages"]] == ["one", "two", "four"]
    assert bob["last_message"] == "three"


@pytest.mark.parametrize(
    ("span", "texts"),
    [
        ({"date_from": "2026-03-20"}, ["that day", "after"]),
        ({"date_to": "2026-03-20"}, ["before", "that day"]),
        ({"date_from": "2026-03-20", "date_to": "2026-03-20"}, ["that day"]),
    ],
)
def test_by_day(box, conversations, span, texts):
    for days, text in enumerate(["before", "that day", "after"], start=-1):
        box.phone.receive(ALICE, text, at=DAY + timedelta(days=days))
    (row,) = conversations(**span)
    assert [line["message"] for line in row["messages"]] == texts
    assert row["last_message"] == texts[-1]


def test_outside_of_its_days_there_is_no_conversation(box, conversations):
    box.phone.receive(ALICE, "x", at=DAY)
    assert conversations(date_from="2026-03-21") == []


def test_the_limit_keeps_the_first_ones(box, conversations):
    for number in range(3):
        box.phone.receive(f"+3363998567{number}", "x")
    assert numbers(conversations(limit=2)) == ["+33639985672", "+33639985671"]


def test_at_most_500_and_by_default_100(box, conversations):
    for number in range(501):
        box.phone.receive(f"+336399812{number:03}", "x")
    assert len(conversations()) == 100
    assert len(conversations(limit=9999)) == 500


def test_the_origin_has_to_be_said(api):
    answer = api.get("/conversation/sms/list/")
    assert (answer.status_code, answer.json()["message"]) == (400, "Missing required param: origineConversation.")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("origineConversation", "both"),
        ("sort", "newest"),
        ("limit", "0"),
        ("date_from", "today"),
        ("date_to", "2026-02-29"),
    ],
)
def test_a_malformed_filter_is_named(api, name, value):
    answer = api.get("/conversation/sms/list/", **{"origineConversation": "received", name: value})
    assert (answer.status_code, answer.json()["message"]) == (400, f"Invalid param: {name}.")
