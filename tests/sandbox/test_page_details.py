"""The details of one message on the phone page: what it cost, which requests and webhooks concern it."""

from __future__ import annotations

import pytest
import requests

from smsmobile.sandbox.segments import segments_of

SECRET = "a secret for tests"
PHONE = "+33639985678"


def details(page, guid):
    return page.get(f"/entries/{guid}")


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts", "per_part"),
    [
        ("", "GSM-7", 0, 1, 160),
        ("a" * 160, "GSM-7", 160, 1, 160),
        ("a" * 161, "GSM-7", 161, 2, 153),
        ("a" * 306, "GSM-7", 306, 2, 153),
        ("a" * 307, "GSM-7", 307, 3, 153),
        ("é" + "€" * 79, "GSM-7", 159, 1, 160),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3, 153),
        ("ê", "UCS-2", 1, 1, 70),
        ("`", "UCS-2", 1, 1, 70),
        ("я" * 71, "UCS-2", 71, 2, 67),
        ("👍" * 35, "UCS-2", 70, 1, 70),
        ("👍" * 67, "UCS-2", 134, 3, 67),
    ],
)
def test_a_text_is_cut_into_parts_between_its_characters(text, encoding, units, parts, per_part):
    found = segments_of(text)
    assert (found.encoding, found.units, found.parts, found.per_part) == (encoding, units, parts, per_part)


def test_a_message_tells_its_parts_its_request_and_its_webhooks(page, api, box, receiver, clock):
    box.add_webhook(receiver.url, secret=SECRET)
    api.send(message="another one")
    guid = api.send(message="ê" * 71)["id"]
    box.wait_for_deliveries()
    found = details(page, guid)
    assert (found["phone"], found["peer"], found["name"]) == (box.phone.sid, "33639985678", PHONE)
    assert (found["entry"]["guid"], found["entry"]["state"]) == (guid, "sent")
    assert found["segments"] == {"encoding": "UCS-2", "units": 71, "parts": 2, "per_part": 67}
    (request,) = found["requests"]
    assert (request["path"], request["parameters"]["message"]) == ("/sendsms/", "ê" * 71)
    assert [one["event_type"] for one in found["deliveries"]] == ["sms.api.submitted", "sms.sent"]


@pytest.mark.parametrize("kind", ["no_guid", "error_after", "reset_after", "html_page"])
def test_a_request_whose_answer_was_lost_is_still_that_of_its_message(page, api, box, kind):
    box.faults.add(kind, times=1)
    try:
        api.post("/sendsms/", recipients=PHONE, message="lost")
    except requests.ConnectionError:
        assert kind == "reset_after"
    (sent,) = box.phone.outbox
    (request,) = details(page, sent.guid)["requests"]
    assert request["faults"] == [kind]
    assert [one["id"] for one in page.get("/requests", search=sent.guid)["requests"]] == [request["id"]]
    assert page.get("/requests")["requests"][0]["messages"] == [sent.guid]


def test_a_message_that_was_sent_again_has_both_requests(page, api, box):
    box.phone.fail(PHONE)
    guid = api.send()["id"]
    box.phone.recover(PHONE)
    api.post("/resend/", guid=guid)
    api.log(guid=guid)
    assert [one["path"] for one in details(page, guid)["requests"]] == ["/sendsms/", "/resend/"]


def test_a_message_that_the_api_refused_has_its_request(page, api):
    api.post("/sendsms/", recipients=PHONE, message="hello", sendsms="0")
    (request,) = page.get("/requests")["requests"]
    assert details(page, request["messages"][0])["entry"]["state"] == "refused"


def test_a_webhook_names_its_message_and_the_faults_injected_into_it(page, box, receiver):
    box.add_webhook(receiver.url, version=1)
    box.add_webhook(receiver.url, secret=SECRET)
    box.faults.add("webhook_duplicate", times=1)
    box.faults.add("webhook_forged", times=1)
    guid = box.phone.receive(PHONE, "hello")
    box.wait_for_deliveries()
    deliveries = details(page, guid)["deliveries"]
    assert [one["faults"] for one in deliveries] == [
        ["webhook_duplicate"],
        ["webhook_duplicate"],
        ["webhook_forged"],
    ]
    assert {one["message"] for one in page.get("/deliveries")["deliveries"]} == {guid}


def test_what_others_sent_and_calls_have_details_too(page, box):
    found = [
        details(page, guid)
        for guid in (
            box.phone.receive(PHONE, "one"),
            box.phone.receive_whatsapp("33639985678", "two"),
            box.phone.send_by_hand(PHONE, "three"),
            box.phone.call(PHONE),
        )
    ]
    assert [each["entry"]["kind"] for each in found] == ["in", "in", "by_hand", "call"]
    assert [each["segments"] is None for each in found] == [False, True, False, True]


def test_an_unknown_guid_is_refused_in_a_sentence(page):
    assert page.refused(404, "GET", "/entries/abc") == "No message or call has this GUID, or it was forgotten."
