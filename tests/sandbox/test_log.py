"""`/log/sent/sms/` and `/deletesms/`."""

import pytest

PHONE = "+33639985678"


def test_a_sent_message(api, box, clock):
    guid = api.send(message="hi", port="2")["id"]

    assert api.get("/log/sent/sms/").json() == {
        "result": {
            "error": 0,
            "sms": [
                {
                    "guid": guid,
                    "number": PHONE,
                    "message": "hi",
                    "datetime": "2026-03-20T21:07:44Z",
                    "send_from_mobile": "1",
                    "send_from_mobile_datetime": "2026-03-20T21:07:44Z",
                    "send_from_mobile_erreur": "",
                    "error_api": "0",
                    "sIdentifiant": box.phone.sid,
                    "port": "2",
                }
            ],
        }
    }


def test_a_queued_message_shows_neither_success_nor_error(api, box):
    box.phone.delay = 60
    api.send()

    (row,) = api.log()
    assert row["send_from_mobile"] == "0"
    assert row["send_from_mobile_datetime"] is None
    assert row["send_from_mobile_erreur"] == ""
    assert row["error_api"] == "0"
    assert row["port"] is None


def test_a_failed_message_shows_the_phones_reason(api, box):
    box.phone.fail(PHONE)
    api.send()

    (row,) = api.log()
    assert (row["send_from_mobile"], row["send_from_mobile_erreur"]) == ("0", "RESULT_ERROR_GENERIC_FAILURE")


def test_an_empty_log(api):
    assert api.get("/log/sent/sms/").json() == {"result": {"error": 0, "sms": []}}


def test_newest_first(api):
    for text in "abc":
        api.send(message=text)
    assert [row["message"] for row in api.log()] == ["c", "b", "a"]


def test_a_page_has_100_rows(api, box):
    assert box.page_size == 100
    for number in range(101):
        api.send(message=str(number))
    assert [row["message"] for row in api.log()] == [str(number) for number in range(100, 0, -1)]


def test_paging_backwards_by_guid_meets_every_message_once(api, box):
    box.page_size = 3
    sent = [api.send(message=str(number))["id"] for number in range(8)]

    met, page = [], api.log()
    while page:
        met += [row["guid"] for row in page]
        page = api.log(before=page[-1]["guid"])

    assert met == sent[::-1]


def test_before_a_moment(api, clock):
    first = api.send()["id"]
    clock.forward(10)
    api.send()

    now = int(clock.now().timestamp())
    assert [row["guid"] for row in api.log(before=now - 5)] == [first]
    assert api.log(before=now - 60) == []
    assert len(api.log(before=now + 60)) == 2


@pytest.mark.parametrize("before", ["0" * 40, "nonsense", "1774040864000"])
def test_before_something_unknown_gives_no_rows(api, before):
    api.send()
    assert api.get("/log/sent/sms/", before=before).json() == {"result": {"error": "no_message", "sms": []}}


def test_one_message_by_its_guid(api):
    guid = api.send(message="this")["id"]
    api.send(message="that")
    assert [row["message"] for row in api.log(guid_message=guid)] == ["this"]


def test_an_unknown_guid_is_not_an_error_of_the_call(api):
    answer = api.get("/log/sent/sms/", guid_message="f" * 40)
    assert answer.status_code == 200
    assert answer.json() == {"result": {"error": "no_message", "sms": []}}


@pytest.mark.parametrize(
    ("keyword", "found"),
    [("+336", ["Ünïcode", "Hello"]), ("hello", ["Hello"]), ("ÜNÏ", ["Ünïcode"]), ("nowhere", []), ("78", ["Hello"])],
)
def test_by_keyword_in_the_number_or_the_text(api, keyword, found):
    api.send("+33639985678", "Hello")
    api.send("+33639980000", "Ünïcode")
    assert [row["message"] for row in api.log(keyword=keyword)] == found


def test_by_kind_of_error(api, box):
    box.phone.fail("+33639980000")
    api.send(message="fine")
    on_phone = api.send("+33639980000")["id"]
    in_api = api.send(sendsms="0")["id"]

    assert [row["guid"] for row in api.log(error_mobile="1")] == [on_phone]
    assert [row["guid"] for row in api.log(error_api="1")] == [in_api]
    assert api.log(error_api="1", error_mobile="1") == []
    assert len(api.log(error_api="0", error_mobile="")) == 3


def test_filters_combine(api, box):
    box.phone.fail(PHONE)
    guid = api.send(message="one")["id"]
    last = api.send(message="two")["id"]

    assert [row["guid"] for row in api.log(error_mobile="1", before=last, keyword="o")] == [guid]
    assert api.log(guid_message=guid, keyword="two") == []


@pytest.mark.parametrize("name", ["error_api", "error_mobile"])
def test_a_malformed_filter_is_named(api, name):
    answer = api.get("/log/sent/sms/", **{name: "perhaps"})
    assert (answer.status_code, answer.json()["message"]) == (400, f"Invalid param: {name}.")


@pytest.mark.parametrize("method", ["get", "post"])
def test_deleting_a_sent_message(api, box, method):
    guid = api.send()["id"]

    answer = getattr(api, method)("/deletesms/", guid=guid)

    assert answer.status_code == 200
    assert answer.json() == {"success": True, "message": "SMS deleted.", "guid": guid}
    assert api.log() == []
    assert len(box.phone.outbox) == 1


def test_deleting_a_received_message(api, box):
    guid = box.phone.receive("MPESA", "x")
    assert api.post("/deletesms/", guid=guid).json()["success"] is True
    assert api.inbox() == []


def test_deleting_twice_is_not_found(api):
    guid = api.send()["id"]
    api.post("/deletesms/", guid=guid)

    answer = api.post("/deletesms/", guid=guid)

    assert answer.status_code == 404
    assert answer.json() == {"success": False, "error": "not_found", "message": "No message has this guid."}


def test_deleting_needs_a_guid(api):
    answer = api.post("/deletesms/", guid=" ")
    assert (answer.status_code, answer.json()["message"]) == (400, "Missing required param: guid.")


def test_a_queued_message_that_is_deleted_is_not_sent(api, box):
    box.phone.delay = 60
    deleted = api.send(message="deleted")["id"]
    api.send(message="kept")
    api.post("/deletesms/", guid=deleted)

    box.phone.delay = 0

    assert [sms.message for sms in box.phone.outbox] == ["kept"]
