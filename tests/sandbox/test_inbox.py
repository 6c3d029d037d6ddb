"""`/getsms/` and what the phone receives."""

from datetime import datetime, timedelta, timezone

import pytest

MOMENT = datetime(2026, 3, 20, 21, 0, 0, 123_000, tzinfo=timezone.utc)


def test_a_received_sms_as_the_contract_spells_it(api, box, clock):
    guid = box.phone.receive("+33639985432", "yes", at=MOMENT)

    answer = api.get("/getsms/").json()
    assert isinstance(answer["result"]["sms"][0].pop("id"), int)
    assert answer == {
        "result": {
            "error": "0",
            "sms": [
                {
                    "guid": guid,
                    "number": "+33639985432",
                    "message": "yes",
                    "sIdentifiantPhone": box.phone.sid,
                    "alias": None,
                    "timestamp_unix": 1774040400123,
                    "date": "2026-03-20",
                    "hour": "21:07:44",
                    "time_received": "2026-03-20 21:00:00",
                }
            ],
        }
    }


def test_it_was_received_now_unless_told_otherwise(api, box, clock):
    box.phone.receive("MPESA", "x")
    assert api.inbox()[0]["time_received"] == "2026-03-20 21:07:44"


def test_a_moment_in_another_timezone_is_the_same_moment(api, box):
    box.phone.receive("MPESA", "x", at=MOMENT.astimezone(timezone(timedelta(hours=-5))))
    assert api.inbox()[0]["timestamp_unix"] == 1774040400123


def test_senders_and_texts_are_kept_as_they_are(api, box):
    box.phone.receive("Safaricom", "")
    box.phone.receive("MPESA", "é 😀\n<b>&")
    assert [(row["number"], row["message"]) for row in api.inbox()] == [
        ("MPESA", "é 😀\n<b>&"),
        ("Safaricom", ""),
    ]


def test_ids_grow(api, box):
    for _ in range(3):
        box.phone.receive("MPESA", "x")
    ids = [row["id"] for row in api.inbox()]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 3


def test_after_is_strict(api, box):
    whole = MOMENT.replace(microsecond=0)
    box.phone.receive("A", "at", at=whole)
    box.phone.receive("A", "just after", at=whole + timedelta(milliseconds=1))
    box.phone.receive("A", "before", at=whole - timedelta(seconds=1))

    rows = api.inbox(after_timestamp_unix=int(whole.timestamp()))

    assert [row["message"] for row in rows] == ["just after"]


def test_what_was_handed_out_is_read(api, box):
    box.phone.receive("A", "one")
    assert [row["message"] for row in api.inbox(onlyunread="yes")] == ["one"]
    assert api.inbox(onlyunread="yes") == []

    box.phone.receive("A", "two")
    assert [row["message"] for row in api.inbox()] == ["two", "one"]
    assert api.inbox(onlyunread="yes") == []
    assert len(api.inbox(onlyunread="no")) == 2


def test_what_a_filter_held_back_stays_unread(api, box):
    box.phone.receive("A", "old", at=MOMENT)
    assert api.inbox(after_timestamp_unix=int(MOMENT.timestamp()) + 60) == []
    assert len(api.inbox(onlyunread="yes")) == 1


def test_by_receiving_phone(api, box):
    box.phone.receive("A", "x")
    assert api.inbox(sIdentifiantPhone="another-phone") == []
    assert len(api.inbox(sIdentifiantPhone=box.phone.sid)) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("after_timestamp_unix", "yesterday"),
        ("after_timestamp_unix", "1774040864000"),
        ("onlyunread", "1"),
    ],
)
def test_a_malformed_filter_is_named(api, name, value):
    answer = api.get("/getsms/", **{name: value})
    assert (answer.status_code, answer.json()["message"]) == (400, f"Invalid param: {name}.")


def test_a_naive_moment_is_refused(box):
    with pytest.raises(ValueError, match="aware"):
        box.phone.receive("A", "x", at=datetime(2026, 3, 20))  # noqa: DTZ001


def test_nobody_cannot_send(box):
    with pytest.raises(ValueError, match="sender"):
        box.phone.receive(" ", "x")


def test_a_phone_that_is_switched_off_still_gets_what_a_test_gives_it(api, box):
    box.phone.switch_off()
    box.phone.receive("A", "x")
    assert len(api.inbox()) == 1
