"""`/gateway/mobile/list/`: the phones of the account."""

import pytest


@pytest.fixture
def phones(api):
    def listed(**filters):
        answer = api.get("/gateway/mobile/list/", **filters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return listed


def test_the_answer_is_the_contracts(box, clock, phones):
    answer = phones()

    assert answer.pop("note")
    assert answer == {
        "success": True,
        "connected_now": 1,
        "connected_limit": 1,
        "connected_available": 0,
        "filters": {},
        "items": [
            {
                "sIdentifiant": box.phone.sid,
                "label": "Phone 1",
                "app_version": "4.1.15.0",
                "battery": "80",
                "date": "2026-03-20",
                "hour": "21:07:44",
                "last_seen_unix": "1774040864",
                "online": "1",
            }
        ],
    }


def test_a_phone_that_is_off_leaves_its_place_free(box, phones):
    box.add_phone("Office")
    box.phone.switch_off()

    answer = phones()

    assert [(row["label"], row["online"]) for row in answer["items"]] == [("Phone 1", "0"), ("Office", "1")]
    assert (answer["connected_now"], answer["connected_limit"], answer["connected_available"]) == (1, 2, 1)


def test_a_phone_that_is_off_was_last_seen_when_it_was_switched_off(box, clock, phones):
    box.phone.switch_off()
    clock.forward(3600)
    assert phones()["items"][0]["hour"] == "21:07:44"
    box.phone.switch_on()
    assert phones()["items"][0]["hour"] == "22:07:44"


def test_the_battery_is_text(box, phones):
    box.phone.battery = 7
    assert phones()["items"][0]["battery"] == "7"


def test_by_sid(box, phones):
    office = box.add_phone("Office")
    answer = phones(sid=office.sid)
    assert [row["sIdentifiant"] for row in answer["items"]] == [office.sid]
    assert answer["filters"] == {"sid": office.sid}
    assert answer["connected_now"] == 2


def test_an_unknown_sid_finds_nothing(phones):
    assert phones(sid="somebody-elses")["items"] == []


@pytest.mark.parametrize("search", ["office", "FFI", " Office "])
def test_by_label(box, phones, search):
    box.add_phone("Office")
    answer = phones(search=search)
    assert [row["label"] for row in answer["items"]] == ["Office"]
    assert answer["filters"] == {"search": search}


@pytest.mark.parametrize("search", ["17", "4.1.15", "2026-03-20"])
def test_by_battery_version_and_date(box, clock, phones, search):
    box.phone.battery = 17
    assert len(phones(search=search)["items"]) == 1


def test_a_search_can_find_nothing(phones):
    answer = phones(search="no such phone")
    assert (answer["success"], answer["items"]) == (True, [])
