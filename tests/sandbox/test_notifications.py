"""`/notification/send` and `/notification/list/`."""

from datetime import timedelta

import pytest
import requests

NO_KEY_OR_SID = {"success": False, "message": "Missing required params: apikey and sid are mandatory."}


@pytest.fixture
def notify(api, box):
    def send(message="hello", **more):
        answer = api.post("/notification/send", **{"sid": box.phone.sid, "message": message, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    return send


@pytest.fixture
def listed(api):
    def rows(**filters):
        answer = api.get("/notification/list/", **filters)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert (body["success"], body["count"]) == (True, len(body["data"]))
        return body["data"]

    return rows


def test_the_answer_echoes_the_key(box, notify):
    answer = notify()
    assert isinstance(answer.pop("id"), int)
    assert answer.pop("message")
    assert answer == {"success": True, "apikey": box.api_key, "sid": box.phone.sid}


def test_the_echoed_key_is_not_kept(box, notify):
    notify()
    recorded = box.requests[-1]
    assert recorded.path == "/notification/send"
    assert box.api_key not in recorded.answer
    assert box.api_key not in recorded.parameters.values()


def test_it_reaches_the_phone(box, notify):
    notify("Order 1042 is ready.", title="Order", type="alert")
    (shown,) = box.phone.notifications
    assert (shown.title, shown.message, shown.type) == ("Order", "Order 1042 is ready.", "alert")


def test_title_and_type_have_defaults(box, notify):
    notify()
    assert [(shown.title, shown.type) for shown in box.phone.notifications] == [("Notification", "notification")]


def test_by_get(api, box):
    answer = api.get("/notification/send", sid=box.phone.sid, message="by GET")
    assert answer.json()["success"] is True
    assert [shown.message for shown in box.phone.notifications] == ["by GET"]


def test_as_json(box):
    answer = requests.post(
        f"{box.url}/notification/send",
        json={"apikey": box.api_key, "sid": box.phone.sid, "message": "by JSON", "title": "é 😀"},
        timeout=5,
    )
    assert answer.json()["success"] is True
    assert [(shown.title, shown.message) for shown in box.phone.notifications] == [("é 😀", "by JSON")]


def test_half_an_emoji_in_json_is_no_mistake_of_the_sandbox(box):
    body = '{"apikey": "\\ud83d", "sid": "x", "message": "\\ud83d"}'
    headers = {"Content-Type": "application/json"}
    answer = requests.post(f"{box.url}/notification/send", data=body, headers=headers, timeout=5)
    assert answer.status_code == 403


def test_as_json_with_a_token(api, box):
    token = api.token().json()["access_token"]
    answer = requests.post(
        f"{box.url}/notification/send",
        json={"sid": box.phone.sid, "message": "x"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=5,
    )
    assert answer.json()["success"] is True


@pytest.mark.parametrize("body", [b"[1]", b"{", b"null", b"[" * 200_000, b'{"sid":' * 200_000])
def test_json_that_is_no_object_has_no_parameters(box, body):
    answer = requests.post(
        f"{box.url}/notification/send", data=body, headers={"Content-Type": "application/json"}, timeout=5
    )
    assert (answer.status_code, answer.json()) == (400, NO_KEY_OR_SID)


def test_without_a_key_the_list_says_it_in_words(box):
    answer = requests.get(f"{box.url}/notification/list/", timeout=5)
    assert answer.status_code == 400
    assert answer.json() == {"success": False, "message": "Missing required param: apikey."}


def test_with_a_final_slash_there_is_nothing(api, box):
    answer = api.post("/notification/send/", sid=box.phone.sid, message="x")
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
    assert box.phone.notifications == []


def test_a_missing_message_is_named(api, box):
    answer = api.post("/notification/send", sid=box.phone.sid)
    assert (answer.status_code, answer.json()["message"]) == (400, "Missing required param: message.")


def test_a_missing_phone_is_told_as_a_missing_key_is(api):
    answer = api.post("/notification/send", message="x")
    assert (answer.status_code, answer.json()) == (400, NO_KEY_OR_SID)


def test_an_unknown_phone_is_named(api):
    answer = api.post("/notification/send", sid="somebody-elses", message="x")
    assert (answer.status_code, answer.json()["message"]) == (400, "Invalid param: sid.")


def test_one_in_the_list(box, clock, notify, listed):
    sent = notify("Order 1042 is ready.", title="Order")
    assert listed() == [
        {
            "id": str(sent["id"]),
            "sidentifiant": box.phone.sid,
            "title": "Order",
            "message": "Order 1042 is ready.",
            "type": "notification",
            "distribued": "1",
            "distribued_status": "distributed",
            "sent_date": "2026-03-20",
            "sent_time": "21:07:44",
            "sent_at": "2026-03-20 21:07:44",
            "sent_at_unix": "1774040864",
            "distributed_date": "2026-03-20",
            "distributed_time": "21:07:44",
            "distributed_at": "2026-03-20 21:07:44",
            "distributed_at_unix": "1774040864",
        }
    ]


def test_a_phone_that_is_off_gets_it_when_it_is_switched_on(box, clock, notify, listed):
    box.phone.switch_off()
    notify("one")
    notify("two")
    (newest, _) = listed()
    assert (newest["distribued"], newest["distribued_status"], newest["distributed_at"]) == (
        "0",
        "not_distributed",
        None,
    )
    assert newest["distributed_at_unix"] is None
    assert box.phone.notifications == []

    clock.forward(60)
    box.phone.switch_on()

    (newest, _) = listed()
    assert (newest["distribued"], newest["sent_time"], newest["distributed_time"]) == ("1", "21:07:44", "21:08:44")
    assert [shown.message for shown in box.phone.notifications] == ["one", "two"]


def test_only_the_named_phone_gets_it(box, notify):
    office = box.add_phone("Office")
    notify(sid=office.sid)
    assert box.phone.notifications == []
    assert len(office.notifications) == 1


def test_by_whether_it_was_distributed(box, notify, listed):
    notify("shown")
    box.phone.switch_off()
    notify("waits")
    assert [row["message"] for row in listed(distribued="0")] == ["waits"]
    assert [row["message"] for row in listed(distribued="1")] == ["shown"]


@pytest.mark.parametrize("name", ["sid", "sidentifiant"])
def test_by_phone(box, notify, listed, name):
    office = box.add_phone("Office")
    notify("first")
    notify("second", sid=office.sid)
    assert [row["message"] for row in listed(**{name: office.sid})] == ["second"]


@pytest.mark.parametrize(("start", "end"), [("date_from", "date_to"), ("date_start", "date_end")])
def test_by_day_in_both_spellings(clock, notify, listed, start, end):
    for _ in range(3):
        notify(clock.now().strftime("%d"))
        clock.forward(timedelta(days=1))

    assert [row["message"] for row in listed(**{start: "2026-03-21"})] == ["22", "21"]
    assert [row["message"] for row in listed(**{end: "2026-03-21"})] == ["21", "20"]
    assert [row["message"] for row in listed(**{start: "2026-03-21", end: "2026-03-21"})] == ["21"]


def test_the_filters_are_told(api, box):
    filters = {"sidentifiant": box.phone.sid, "distribued": "1", "date_from": "2026-03-01"}
    assert api.get("/notification/list/", **filters).json()["filters"] == filters


def test_the_newest_200_newest_first(notify, listed):
    for number in range(203):
        notify(str(number))
    assert [row["message"] for row in listed()] == [str(number) for number in range(202, 2, -1)]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("distribued", "2", "Invalid distribued value. Allowed values: 0 or 1."),
        ("distribued", "yes", "Invalid distribued value. Allowed values: 0 or 1."),
        ("date_from", "20/03/2026", "Invalid date_from format. Expected YYYY-MM-DD."),
        ("date_to", "1774040864", "Invalid date_to format. Expected YYYY-MM-DD."),
        ("date_start", "2026-3-2", "Invalid date_start format. Expected YYYY-MM-DD."),
        ("date_end", "2026-03-32", "Invalid date_end format. Expected YYYY-MM-DD."),
    ],
)
def test_a_malformed_filter_is_named(api, name, value, told):
    answer = api.get("/notification/list/", **{name: value})
    assert (answer.status_code, answer.json()) == (400, {"success": False, "message": told})
