"""WhatsApp: sending, the switch and the window of `/getwa/`, what the phone receives, and who is on it."""

import json
from datetime import datetime, timedelta, timezone

import pytest

PHONE = "33639985678"
NOT_THERE = "12025550106"
MOMENT = datetime(2026, 3, 20, 21, 0, 0, 123_000, tzinfo=timezone.utc)


@pytest.fixture
def window(api):
    """Open a window: retrieval is on afterwards."""

    def open_window():
        api.get("/getwa/active/", statut="1")
        return api.get("/getwa/synchronisation/").json()

    return open_window


@pytest.fixture
def read(api):
    def rows(**filters):
        answer = api.get("/getwa/", **filters)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["success"] is True, body
        assert body["count"] == len(body["data"])
        return body["data"]

    return rows


def test_a_message_by_whatsapp_alone(api, box):
    result = api.send(PHONE, "hi", waonly="yes")

    assert (result["error"], result["sent"], result["send_with_whatsapp"]) == (0, "1", "1")
    assert [(sent.recipient, sent.message, sent.channel) for sent in box.phone.outbox] == [(PHONE, "hi", "whatsapp")]
    assert api.log() == []


def test_both_ways_at_once(api, box):
    result = api.send(sendwa="1")

    assert [sent.channel for sent in box.phone.outbox] == ["sms", "whatsapp"]
    assert box.phone.outbox[0].guid == result["id"]
    assert [row["guid"] for row in api.log()] == [result["id"]]


def test_waonly_in_the_query_and_the_rest_in_the_form(api, box):
    answer = api.session.post(
        f"{box.url}/sendsms/?waonly=yes",
        data={"apikey": box.api_key, "recipients": PHONE, "message": "x"},
        timeout=5,
    )
    assert answer.json()["result"]["error"] == 0
    assert [sent.channel for sent in box.phone.outbox] == ["whatsapp"]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a.pdf",
        "https://example.org/a/B.JPEG",
        "https://example.org/x.tar",
        "https://e.org/a.png?v=1",
    ],
)
def test_media(api, url):
    result = api.send(PHONE, waonly="yes", url_media=url, pdf_with_image="yes", url_media_shorted="yes")
    assert result["sent"] == "1"


def test_malformed_media_is_named(subtests, api, box):
    for name, value in [
        ("url_media", "http://example.org/a.pdf"),
        ("url_media", "https://example.org/a.exe"),
        ("url_media", "https://example.org/"),
        ("url_media", "a.pdf"),
        ("pdf_with_image", "1"),
        ("url_media_shorted", "1"),
        ("waonly", "1"),
    ]:
        with subtests.test(name=name):
            answer = api.post("/sendsms/", recipients=PHONE, message="x", **{"waonly": "yes", name: value})
            assert (answer.status_code, answer.json()["message"]) == (400, f"Invalid param: {name}.")
            assert box.phone.outbox == []


def test_with_the_phone_off_nothing_is_sent(api, box):
    box.phone.switch_off()
    answer = api.post("/sendsms/", recipients=PHONE, message="x", waonly="yes")
    assert (answer.status_code, answer.json()["result"]["error"]) == (200, 2)


def test_a_failed_whatsapp_message_is_sent_again(api, box):
    box.phone.fail(PHONE)
    guid = api.send(PHONE, waonly="yes")["id"]
    assert box.phone.outbox == []
    box.phone.recover(PHONE)

    answer = api.post("/resendwa/", guid=guid).json()["result"]

    assert (answer["error"], answer["sent"], answer["id"]) == (0, "1", guid)
    assert [sent.channel for sent in box.phone.outbox] == ["whatsapp"]


def test_only_a_failed_one_is_sent_again(api):
    guid = api.send(PHONE, waonly="yes")["id"]
    assert api.post("/resendwa/", guid=guid).json()["result"]["error"] == "not_in_error"


def test_each_resend_knows_only_its_own_messages(api, box):
    box.phone.fail(PHONE)
    sms, whatsapp = api.send(PHONE)["id"], api.send(PHONE, waonly="yes")["id"]
    assert api.post("/resendwa/", guid=sms).json()["error"] == "not_found"
    assert api.post("/resend/", guid=whatsapp).json()["error"] == "not_found"


def test_sending_again_needs_a_guid(api):
    answer = api.post("/resendwa/")
    assert (answer.status_code, answer.json()["message"]) == (400, "Missing required param: guid.")


@pytest.mark.parametrize(
    ("before", "statut", "after"),
    [("0", "1", 1), ("1", "1", 1), ("0", "0", 0), ("1", "0", 0), ("0", "x", 1), ("1", "x", 0)],
)
def test_the_switch(api, before, statut, after):
    api.get("/getwa/active/", statut=before)
    answer = api.get("/getwa/active/", statut=statut)
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "read_message_active": after,
        "status_note": "activated" if after else "deactivated",
    }


def test_without_a_word_the_switch_toggles(api):
    assert [api.get("/getwa/active/").json()["read_message_active"] for _ in range(2)] == [1, 0]


def test_another_word_for_the_switch_is_refused(api):
    answer = api.get("/getwa/active/", statut="on")
    assert (answer.status_code, answer.json()["message"]) == (400, "Invalid param: statut.")


def test_a_window_says_when_it_ends(clock, window):
    answer = window()
    assert answer.pop("messages")
    assert answer == {"error": "0", "expire_at": "2026-03-20 21:17:44", "expire_at_unix": "1774041464"}


def test_with_retrieval_off_there_is_no_window(api):
    answer = api.get("/getwa/synchronisation/")
    assert answer.status_code == 200
    assert answer.json()["error"] == "retrieval_inactive"
    assert "/getwa/active/?statut=1" in answer.json()["messages"]


def test_a_window_needs_a_phone_that_is_on(api, box):
    api.get("/getwa/active/", statut="1")
    box.phone.switch_off()
    answer = api.get("/getwa/synchronisation/")
    assert (answer.status_code, answer.json()["result"]["error"]) == (200, 2)


def test_reading_with_retrieval_off_says_so(api, box):
    box.phone.receive_whatsapp(PHONE, "x")
    answer = api.get("/getwa/")
    assert (answer.status_code, answer.json()["error"]) == (200, "retrieval_inactive")


def test_reading_without_a_window_says_what_to_do(api):
    api.get("/getwa/active/", statut="1")
    answer = api.get("/getwa/")
    assert (answer.status_code, answer.json()["error"]) == (200, "synchronisation_required")
    assert "/getwa/synchronisation/" in answer.json()["messages"]


def test_reading_after_the_window_says_when_it_ended(api, clock, window):
    window()
    clock.forward(601)
    answer = api.get("/getwa/").json()
    assert answer["error"] == "synchronisation_expired"
    assert "2026-03-20 21:17:44" in answer["messages"]


def test_a_new_window_shows_the_newer_messages(box, clock, window, read):
    window()
    clock.forward(601)
    box.phone.receive_whatsapp(PHONE, "later")
    window()
    assert [row["message"] for row in read()] == ["later"]


def test_what_arrives_while_the_window_is_open_is_there(box, window, read):
    box.phone.receive_whatsapp(PHONE, "before")
    window()
    box.phone.receive_whatsapp(PHONE, "meanwhile")
    assert [row["message"] for row in read()] == ["meanwhile", "before"]


def test_switching_retrieval_off_ends_the_window(api, window):
    window()
    api.get("/getwa/active/", statut="0")
    api.get("/getwa/active/", statut="1")
    assert api.get("/getwa/").json()["error"] == "synchronisation_required"


def test_switching_retrieval_on_again_leaves_the_window_open(api, window, read):
    window()
    api.get("/getwa/active/", statut="1")
    assert read() == []


def test_a_received_text(box, clock, window, read):
    guid = box.phone.receive_whatsapp("+33639985678", "Is it ready?", name="Jordan", at=MOMENT)
    window()

    (row,) = read()

    assert row.pop("id").isdecimal()
    assert row.pop("data_id").startswith("3EB0")
    assert row == {
        "guid": guid,
        "number": PHONE,
        "contact_name": "Jordan",
        "message": "Is it ready?",
        "message_type": "text",
        "duration_seconds": None,
        "sIdentifiantPhone": box.phone.sid,
        "timestamp_unix": "1774040400",
        "date": "2026-03-20 21:00:00",
    }


def test_a_received_voice_message_has_its_transcript(box, window, read):
    box.phone.receive_whatsapp(PHONE, "Please call me.", voice_seconds=7)
    window()
    (row,) = read()
    assert (row["message_type"], row["message"], row["duration_seconds"]) == ("audio", "Please call me.", "7.0")


def test_by_kind(box, window, read):
    box.phone.receive_whatsapp(PHONE, "written")
    box.phone.receive_whatsapp(PHONE, "spoken", voice_seconds=3)
    window()
    assert [row["message"] for row in read(message_type="text")] == ["written"]
    assert [row["message"] for row in read(message_type="audio")] == ["spoken"]


def test_by_day(box, window, read):
    box.phone.receive_whatsapp(PHONE, "that day", at=MOMENT)
    box.phone.receive_whatsapp(PHONE, "the day before", at=MOMENT - timedelta(days=1))
    window()
    assert [row["message"] for row in read(date="2026-03-20")] == ["that day"]


def test_pages_go_back_with_the_oldest_id(box, window, read):
    box.page_size = 2
    for text in "abc":
        box.phone.receive_whatsapp(PHONE, text)
    window()

    first = read()
    second = read(before=first[-1]["id"])

    assert [row["message"] for row in first + second] == ["c", "b", "a"]
    assert read(before=second[-1]["id"]) == []
    assert read(before=-1) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("before", "x"),
        ("before", "1.5"),
        ("date", "20.03.2026"),
        ("date", "2026-02-30"),
        ("date", "2026-3-2"),
        ("message_type", "video"),
    ],
)
def test_a_malformed_filter_is_named(api, window, name, value):
    window()
    answer = api.get("/getwa/", **{name: value})
    assert (answer.status_code, answer.json()["message"]) == (400, f"Invalid param: {name}.")


def test_whatsapp_and_sms_stay_apart(api, box, window, read):
    box.phone.receive(f"+{PHONE}", "by SMS")
    box.phone.receive_whatsapp(PHONE, "by WhatsApp")
    window()
    assert [row["message"] for row in api.inbox()] == ["by SMS"]
    assert [row["message"] for row in read()] == ["by WhatsApp"]


def test_a_text_is_told_to_the_webhooks(box, receiver):
    box.add_webhook(receiver.url, secret="secret")
    guid = box.phone.receive_whatsapp("+12025550143", "Is it ready?", name="Jordan", at=MOMENT)
    box.wait_for_deliveries()

    (delivery,) = receiver.requests
    event = json.loads(delivery.body)
    assert event["type"] == "whatsapp.received"
    assert event["data"].pop("data_id").startswith("3EB0")
    assert event["data"] == {
        "guid": guid,
        "from": "+12025550143",
        "contact_name": "Jordan",
        "message": "Is it ready?",
        "is_voice_message": False,
        "received_at": "2026-03-20T21:00:00Z",
    }


def test_a_voice_message_is_told_twice(box, receiver):
    box.add_webhook(receiver.url, secret="secret")
    guid = box.phone.receive_whatsapp("+12025550143", "Call me.", name="Jordan", voice_seconds=6.8)
    box.wait_for_deliveries()

    events = {event["type"]: event["data"] for event in (json.loads(got.body) for got in receiver.requests)}
    assert (events["whatsapp.received"]["is_voice_message"], events["whatsapp.received"]["message"]) == (True, "")
    transcript = events["whatsapp.voice.transcribed"]
    assert transcript.pop("data_id") == events["whatsapp.received"]["data_id"]
    assert transcript == {
        "guid": guid,
        "from": "+12025550143",
        "contact_name": "Jordan",
        "transcript": "Call me.",
        "duration_seconds": 6.8,
    }


@pytest.mark.parametrize("sender", ["+12025550143", "12025550143", "001 202-555-0143"])
def test_a_webhook_spells_the_number_with_a_plus_and_the_list_without(box, receiver, window, read, sender):
    box.add_webhook(receiver.url, secret="secret")
    box.phone.receive_whatsapp(sender, "Call me.", voice_seconds=6.8)
    box.wait_for_deliveries()
    window()
    assert [json.loads(got.body)["data"]["from"] for got in receiver.requests] == ["+12025550143"] * 2
    assert [row["number"] for row in read()] == ["12025550143"]


def test_a_webhook_leaves_a_name_as_it_is(box, receiver):
    box.add_webhook(receiver.url, secret="secret")
    box.phone.receive_whatsapp("MPESA", "x")
    box.wait_for_deliveries()
    assert json.loads(receiver.requests[0].body)["data"]["from"] == "MPESA"


def test_version_1_webhooks_know_nothing_of_whatsapp(box, receiver):
    box.add_webhook(receiver.url, version=1)
    box.phone.receive_whatsapp(PHONE, "x")
    box.wait_for_deliveries()
    assert receiver.requests == []


def test_sending_is_told_under_its_own_types(api, box, receiver):
    box.add_webhook(receiver.url, secret="secret")
    box.phone.fail(PHONE)
    api.send(PHONE, waonly="yes")
    api.send("33639985432", waonly="yes")
    box.wait_for_deliveries()

    types = sorted(json.loads(got.body)["type"] for got in receiver.requests)
    assert types == ["whatsapp.failed", "whatsapp.sent", "whatsapp.submitted", "whatsapp.submitted"]


def test_nobody_cannot_send(box):
    with pytest.raises(ValueError, match="sender"):
        box.phone.receive_whatsapp(" ", "x")


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_voice_message_has_a_length(box, seconds):
    with pytest.raises(ValueError, match="above zero"):
        box.phone.receive_whatsapp(PHONE, "x", voice_seconds=seconds)


def test_a_naive_moment_is_refused(box):
    with pytest.raises(ValueError, match="aware"):
        box.phone.receive_whatsapp(PHONE, "x", at=datetime(2026, 3, 20))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("number", "digits", "found"),
    [
        (PHONE, PHONE, "yes"),
        ("+33 6 39 98 56 78", PHONE, "yes"),
        (NOT_THERE, NOT_THERE, "no"),
        (f"+{NOT_THERE}", NOT_THERE, "no"),
    ],
)
def test_whether_a_number_is_on_whatsapp(api, number, digits, found):
    answer = api.get("/whatsapp/checknumber/", recipients=number)
    assert answer.json() == {"success": True, "recipients": digits, "contact_found_on_whatsapp": found}


@pytest.mark.parametrize(
    ("params", "text"),
    [({}, "Missing required param: recipients."), ({"recipients": "Alice"}, "Invalid param: recipients.")],
)
def test_which_number_has_to_be_said(api, params, text):
    answer = api.get("/whatsapp/checknumber/", **params)
    assert (answer.status_code, answer.json()["message"]) == (400, text)


def test_a_phone_that_is_off_cannot_be_asked(api, box):
    box.phone.switch_off()
    assert api.get("/whatsapp/checknumber/", recipients=PHONE).json()["result"]["error"] == 2


def test_an_echo_comes_the_way_the_message_went(api, box, clock, window, read):
    api.send("12025550104", "hello", waonly="yes")
    clock.forward(1)
    window()
    assert [(row["number"], row["message"]) for row in read()] == [("12025550104", "hello")]
    assert api.inbox() == []
