"""Webhooks: where they may go, what is posted, how it is signed, and what is remembered of it."""

import hashlib
import hmac
import json
import threading
import time
import uuid
from datetime import datetime, timezone
from typing import get_args

import pytest

from smsmobile.sandbox import webhooks
from smsmobile.sandbox.events import TYPES
from smsmobile.webhooks import KnownEvent, WebhookReceiver

PHONE = "+33639985678"
SECRET = "whsec_0123456789"
MOMENT = datetime(2026, 3, 20, 21, 0, 0, tzinfo=timezone.utc)


def envelopes(receiver):
    return [json.loads(request.body) for request in receiver.requests]


def signature(request, secret):
    signed = request.headers["X-SMSMobileAPI-Timestamp"].encode() + b"." + request.body
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def types(receiver):
    return [envelope["type"] for envelope in envelopes(receiver)]


def test_version_1_tells_a_received_sms_unsigned(box, clock, receiver):
    box.add_webhook(receiver.url, version=1)
    guid = box.phone.receive("+33639985432", "Hello é", at=MOMENT)
    box.wait_for_deliveries()

    (request,) = receiver.requests
    assert json.loads(request.body) == {
        "date": "2026-03-20",
        "hour": "21:07:44",
        "time_received": "2026-03-20 21:00:00",
        "message": "Hello é",
        "number": "+33639985432",
        "guid": guid,
    }
    assert request.headers["Content-Type"] == "application/json"
    assert not [name for name in request.headers if name.lower().startswith("x-")]


def test_version_1_tells_nothing_else(api, box, receiver):
    box.add_webhook(receiver.url, version=1)
    api.send()
    box.wait_for_deliveries()
    assert receiver.requests == []


def test_version_2_tells_a_received_sms(box, clock, receiver):
    box.add_webhook(receiver.url, secret=SECRET)
    guid = box.phone.receive("MPESA", "Can you call me back?", at=MOMENT)
    box.wait_for_deliveries()

    (envelope,) = envelopes(receiver)
    assert str(uuid.UUID(envelope.pop("id"))) == receiver.requests[0].headers["X-SMSMobileAPI-Event-ID"]
    assert envelope == {
        "type": "sms.received",
        "api_version": "2026-09-22",
        "created_at": "2026-03-20T21:07:44Z",
        "occurred_at": "2026-03-20T21:00:00Z",
        "data": {
            "guid": guid,
            "from": "MPESA",
            "message": "Can you call me back?",
            "received_at": "2026-03-20T21:00:00Z",
            "alias": None,
            "device_id": box.phone.sid,
        },
    }


def test_version_2_is_signed_over_the_exact_bytes(box, receiver):
    box.add_webhook(receiver.url, secret=SECRET)
    box.phone.receive("MPESA", "é 😀")
    box.wait_for_deliveries()

    (request,) = receiver.requests
    headers = request.headers
    assert headers["X-SMSMobileAPI-Signature"] == signature(request, SECRET)
    assert abs(int(headers["X-SMSMobileAPI-Timestamp"]) - time.time()) < 60
    assert headers["X-SMSMobileAPI-Event"] == "sms.received"
    assert headers["Idempotency-Key"] == headers["X-SMSMobileAPI-Event-ID"] == json.loads(request.body)["id"]
    assert uuid.UUID(headers["X-SMSMobileAPI-Delivery"])
    assert headers["Content-Type"] == "application/json"


def test_each_attempt_knows_the_headers_that_were_posted_and_no_secret(box, receiver):
    box.add_webhook(receiver.url, secret=SECRET).rotate_secret("the next secret")
    receiver.statuses = [500]
    box.phone.receive("MPESA", "hello")
    box.clock.forward(10)
    box.wait_for_deliveries()

    for request, attempt in zip(receiver.requests, box.deliveries, strict=True):
        assert attempt.headers.items() <= request.headers.items()
        assert attempt.headers["X-SMSMobileAPI-Signature"] == signature(request, SECRET)
        assert attempt.headers["X-SMSMobileAPI-Signature-Next"] == signature(request, "the next secret")
        assert attempt.headers["X-SMSMobileAPI-Event-ID"] == attempt.event_id
        assert {"X-SMSMobileAPI-Delivery", "X-SMSMobileAPI-Timestamp"} <= attempt.headers.keys()
        assert "secret" not in f"{attempt.headers}"
        assert attempt.headers["X-SMSMobileAPI-Signature"] not in repr(attempt)
    assert len(box.deliveries) == 2


def test_each_attempt_knows_what_the_receiver_has_answered(box, receiver):
    box.add_webhook(receiver.url, secret=SECRET)
    receiver.statuses, receiver.answer = [500], "réponse".encode() + b"\xff"
    box.phone.receive("MPESA", "hello")
    box.clock.forward(10)
    box.wait_for_deliveries()
    assert [(attempt.status, attempt.answer) for attempt in box.deliveries] == [
        (500, "réponse\ufffd"),
        (202, "réponse\ufffd"),
    ]
    assert "réponse" not in repr(box.deliveries)


def test_of_a_long_answer_the_beginning_is_kept(box, receiver):
    box.add_webhook(receiver.url, secret=SECRET)
    receiver.answer = b"0123456789" * 100_000
    box.phone.receive("MPESA", "hello")
    box.wait_for_deliveries()
    assert [attempt.answer for attempt in box.deliveries] == [receiver.answer[:4096].decode()]


def test_a_test_event_of_each_type_is_delivered_to_one_webhook_alone(box, make_receiver):
    receiver, other = make_receiver(), make_receiver()
    box.add_webhook(other.url, secret=SECRET)
    hook = box.add_webhook(receiver.url, secret=SECRET, types=["sms.received"])
    ids = [hook.send_test(name) for name in TYPES]
    box.wait_for_deliveries()

    assert types(receiver) == list(TYPES)
    assert [envelope["id"] for envelope in envelopes(receiver)] == ids
    assert other.requests == []
    verifier = WebhookReceiver(secrets=[SECRET])
    for request in receiver.requests:
        event = verifier.receive(request.body, request.headers)
        assert isinstance(event, KnownEvent)
        assert event.data.guid


def test_a_test_event_has_the_same_data_as_a_real_one(api, box, receiver):
    hook = box.add_webhook(receiver.url, secret=SECRET)
    box.phone.receive("A", "x")
    box.phone.receive_whatsapp("33639985432", "x", name="A", voice_seconds=2)
    box.phone.call("+33639985432")
    box.phone.send_by_hand("+33639985432", "x")
    box.mailbox.receive("somebody@example.com", "x", "x")
    box.phone.fail(PHONE, "RESULT_ERROR_NO_SERVICE")
    api.send()
    box.wait_for_deliveries()
    real = {envelope["type"]: envelope["data"].keys() for envelope in envelopes(receiver)}
    receiver.requests.clear()
    for name in real:
        hook.send_test(name)
    box.wait_for_deliveries()
    assert {envelope["type"]: envelope["data"].keys() for envelope in envelopes(receiver)} == real


def test_a_test_event_changes_nothing_else(api, box, receiver):
    hook = box.add_webhook(receiver.url, secret=SECRET)
    for name in TYPES:
        hook.send_test(name)
    box.wait_for_deliveries()
    assert (api.log(), api.inbox(), box.phone.outbox) == ([], [], [])


def test_a_test_event_of_version_1_is_a_received_sms(box, receiver):
    hook = box.add_webhook(receiver.url, version=1)
    hook.send_test("sms.received")
    box.wait_for_deliveries()
    assert json.loads(receiver.requests[0].body)["message"] == "Hello, this is a test."
    with pytest.raises(ValueError, match="received SMS only"):
        hook.send_test("call.missed")


def test_a_test_event_that_cannot_be_sent_is_refused(box, receiver):
    hook = box.add_webhook(receiver.url, secret=SECRET)
    with pytest.raises(ValueError, match=r"no event type 'sms\.gone'\. There are: sms\.api\.submitted, "):
        hook.send_test("sms.gone")
    hook.remove()
    with pytest.raises(LookupError, match="was removed"):
        hook.send_test("sms.received")


def test_a_sent_message_is_submitted_and_then_sent(api, box, clock, receiver):
    box.add_webhook(receiver.url, secret=SECRET)
    guid = api.send(message="hi")["id"]
    box.wait_for_deliveries()

    submitted, sent = envelopes(receiver)
    about = {"guid": guid, "to": PHONE, "message": "hi", "device_id": box.phone.sid}
    moment = "2026-03-20T21:07:44Z"
    assert (submitted["type"], submitted["data"]) == ("sms.api.submitted", {**about, "submitted_at": moment})
    assert (sent["type"], sent["data"]) == ("sms.sent", {**about, "sent_at": moment})
    assert submitted["id"] != sent["id"]


def test_a_failed_message_is_told_with_its_reason(api, box, receiver):
    box.phone.fail(PHONE, "RESULT_ERROR_NO_SERVICE")
    box.add_webhook(receiver.url, secret=SECRET)
    api.send()
    box.wait_for_deliveries()

    assert types(receiver) == ["sms.api.submitted", "sms.failed"]
    assert envelopes(receiver)[1]["data"]["error"] == "RESULT_ERROR_NO_SERVICE"


def test_a_message_sent_again_is_submitted_again(api, box, receiver):
    box.phone.fail(PHONE)
    guid = api.send()["id"]
    box.phone.recover(PHONE)
    box.add_webhook(receiver.url, secret=SECRET)
    api.post("/resend/", guid=guid)
    box.wait_for_deliveries()
    assert types(receiver) == ["sms.api.submitted", "sms.sent"]


def test_what_was_not_queued_is_not_told(api, box, receiver):
    box.add_webhook(receiver.url, secret=SECRET)
    api.send(sendsms="0")
    api.post("/sendsms/", message="no recipient")
    box.phone.switch_off()
    api.post("/sendsms/", recipients=PHONE, message="x")
    box.wait_for_deliveries()
    assert box.deliveries == []


def test_every_destination_gets_the_event_under_its_own_delivery_id(box, make_receiver):
    receivers = [make_receiver() for _ in range(3)]
    for receiver in receivers[:2]:
        box.add_webhook(receiver.url, secret=SECRET)
    box.add_webhook(receivers[2].url, version=1)
    box.phone.receive("A", "x")
    box.wait_for_deliveries()

    one, two = (receiver.requests[0].headers for receiver in receivers[:2])
    assert one["X-SMSMobileAPI-Event-ID"] == two["X-SMSMobileAPI-Event-ID"]
    assert one["X-SMSMobileAPI-Delivery"] != two["X-SMSMobileAPI-Delivery"]
    assert len(receivers[2].requests) == 1


def test_events_from_before_a_webhook_are_not_told(box, receiver):
    box.phone.receive("A", "before")
    box.add_webhook(receiver.url, secret=SECRET)
    box.wait_for_deliveries()
    assert receiver.requests == []


def test_a_delivery_is_recorded(box, clock, receiver):
    box.add_webhook(receiver.url + "/hook?x=1", secret=SECRET)
    box.phone.receive("A", "x")
    box.wait_for_deliveries()

    (attempt,) = box.deliveries
    assert attempt.event_id == envelopes(receiver)[0]["id"]
    assert (attempt.type, attempt.url) == ("sms.received", receiver.url + "/hook?x=1")
    assert (attempt.attempt, attempt.status, attempt.error) == (1, 202, None)
    assert attempt.body == receiver.requests[0].body.decode()
    assert abs((clock.now() - attempt.at).total_seconds()) < 10
    assert 0 < attempt.milliseconds < 5000


def test_a_delivery_shows_no_message_in_its_repr(box, receiver):
    box.add_webhook(receiver.url, secret=SECRET)
    box.phone.receive("A", "between you and me")
    box.wait_for_deliveries()
    assert "between you and me" not in repr(box.deliveries)


def test_attempts_are_listed_as_they_were_made_even_when_the_clock_goes_back(box, receiver):
    receiver.statuses = [500, 202, 200]
    box.add_webhook(receiver.url, secret=SECRET)
    box.phone.receive("A", "x")
    box.clock.forward(3600)
    box.wait_for_deliveries()
    box.clock.reset()
    box.phone.receive("A", "y")
    box.wait_for_deliveries()
    assert [attempt.status for attempt in box.deliveries] == [500, 202, 200]


def test_of_many_deliveries_the_oldest_are_forgotten_once_they_have_ended(box, make_receiver, monkeypatch):
    monkeypatch.setattr(webhooks, "MOST_REMEMBERED", 3)
    dead, alive = make_receiver(), make_receiver()
    dead.release.clear()
    box.add_webhook(dead.url, secret=SECRET)
    box.add_webhook(alive.url, secret=SECRET, types=["sms.received"])
    for _ in range(10):
        box.phone.receive("A", "x")
    dead.release.set()
    box.wait_for_deliveries()

    box.phone.receive("A", "x")
    box.wait_for_deliveries()
    assert len(dead.requests) == len(alive.requests) == 11
    assert len(box.deliveries) == 5


def test_sent_again_an_event_has_its_id_and_body_and_a_delivery_id_of_its_own(box, page, receiver):
    box.add_webhook(receiver.url, secret=SECRET)
    box.phone.receive("A", "x")
    box.wait_for_deliveries()
    (delivery,) = page.get("/deliveries")["deliveries"]

    page.post(f"/deliveries/{delivery['id']}/again")
    box.wait_for_deliveries()

    one, two = receiver.requests
    assert one.body == two.body
    assert one.headers["X-SMSMobileAPI-Event-ID"] == two.headers["X-SMSMobileAPI-Event-ID"]
    assert one.headers["X-SMSMobileAPI-Delivery"] != two.headers["X-SMSMobileAPI-Delivery"]


def test_what_is_not_there_cannot_be_sent_again(box, page, receiver):
    webhook = box.add_webhook(receiver.url, secret=SECRET)
    box.phone.receive("A", "x")
    box.wait_for_deliveries()
    (delivery,) = page.get("/deliveries")["deliveries"]
    webhook.remove()

    assert "no delivery 12345" in page.refused(404, "POST", "/deliveries/12345/again", json={})
    again = f"/deliveries/{delivery['id']}/again"
    assert "was removed: add it again" in page.refused(409, "POST", again, json={})


def test_the_types_are_those_that_the_library_knows():
    assert set(TYPES) == {kind.model_fields["type"].default for kind in get_args(KnownEvent)}


def test_only_the_chosen_types_are_told(api, box, receiver):
    webhook = box.add_webhook(receiver.url, secret=SECRET, types=["sms.sent", "call.missed"])
    api.send()
    box.phone.receive("A", "x")
    box.phone.call("+33639985432")
    box.wait_for_deliveries()
    assert types(receiver) == list(webhook.types) == ["sms.sent", "call.missed"]


def test_webhooks_are_listed(box, receiver):
    one = box.add_webhook(receiver.url, secret=SECRET)
    two = box.add_webhook(receiver.url, version=1)
    assert box.webhooks == [one, two]
    assert [(hook.url, hook.version, hook.types) for hook in box.webhooks] == [
        (receiver.url, 2, None),
        (receiver.url, 1, None),
    ]


def test_a_webhook_that_was_removed_is_told_nothing_more(box, receiver):
    webhook = box.add_webhook(receiver.url, secret=SECRET)
    box.phone.receive("A", "x")
    box.wait_for_deliveries()
    webhook.remove()
    webhook.remove()
    box.phone.receive("A", "y")
    box.wait_for_deliveries()

    assert len(receiver.requests) == 1
    assert box.webhooks == []
    with pytest.raises(LookupError, match="was removed"):
        _ = webhook.failures


def test_removing_a_webhook_gives_up_what_waits_for_it_and_nothing_else(box, make_receiver, eventually):
    removed, other = make_receiver(), make_receiver()
    removed.release.clear()
    removed.statuses = [500]
    other.release.clear()
    webhook = box.add_webhook(removed.url, secret=SECRET)
    box.add_webhook(other.url, secret=SECRET)
    for _ in range(3):
        box.phone.receive("A", "x")
    eventually(lambda: len(removed.requests) == 1)

    webhook.remove()
    removed.release.set()
    eventually(lambda: len(box.deliveries) == 1)
    other.release.set()
    box.wait_for_deliveries()
    assert (len(removed.requests), len(other.requests)) == (1, 3)
    given_up = [row for row in box._store.deliveries if row.state == "given_up"]
    assert [(row.url, row.due_at) for row in given_up] == [(removed.url, None)] * 3


def test_removing_a_webhook_ends_its_thread(box, receiver, eventually):
    before = set(threading.enumerate())
    webhook = box.add_webhook(receiver.url, secret=SECRET)
    box.phone.receive("A", "x")
    box.wait_for_deliveries()
    (thread,) = [one for one in set(threading.enumerate()) - before if one.name == "smsmobile-sandbox-webhook"]
    webhook.remove()
    eventually(lambda: not thread.is_alive())


def test_half_an_emoji_is_delivered_as_a_question_mark_as_it_is_read_from_the_log(api, box, receiver):
    box.add_webhook(receiver.url, secret=SECRET)
    box.phone.receive("A", "half \ud83d, whole 😀")
    box.wait_for_deliveries()
    assert [envelope["data"]["message"] for envelope in envelopes(receiver)] == ["half ?, whole 😀"]
    assert [row["message"] for row in api.inbox()] == ["half ?, whole 😀"]


def test_during_a_rotation_both_secrets_sign(box, receiver):
    webhook = box.add_webhook(receiver.url, secret=SECRET)
    webhook.rotate_secret("the next secret")
    assert webhook.is_rotating
    box.phone.receive("A", "x")
    box.wait_for_deliveries()

    (request,) = receiver.requests
    assert request.headers["X-SMSMobileAPI-Signature"] == signature(request, SECRET)
    assert request.headers["X-SMSMobileAPI-Signature-Next"] == signature(request, "the next secret")


def test_before_and_after_a_rotation_one_secret_signs(box, receiver):
    webhook = box.add_webhook(receiver.url, secret=SECRET)
    box.phone.receive("A", "x")
    box.wait_for_deliveries()
    webhook.rotate_secret("the next secret")
    webhook.finish_rotation()
    box.phone.receive("A", "y")
    box.wait_for_deliveries()

    before, after = receiver.requests
    assert before.headers["X-SMSMobileAPI-Signature"] == signature(before, SECRET)
    assert after.headers["X-SMSMobileAPI-Signature"] == signature(after, "the next secret")
    assert not any("X-SMSMobileAPI-Signature-Next" in request.headers for request in receiver.requests)
    assert not webhook.is_rotating


def test_rotations_that_cannot_be(box, receiver):
    unsigned = box.add_webhook(receiver.url, version=1)
    signed = box.add_webhook(receiver.url, secret=SECRET)
    with pytest.raises(ValueError, match="version 1 are not signed"):
        unsigned.rotate_secret("the next secret")
    with pytest.raises(ValueError, match="begin with rotate_secret"):
        signed.finish_rotation()
    with pytest.raises(ValueError, match="must not be empty"):
        signed.rotate_secret("")
    with pytest.raises(ValueError, match="line break"):
        signed.rotate_secret("line\nbreak")


def test_proxies_of_the_environment_are_not_used(box, receiver, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    box.add_webhook(receiver.url, secret=SECRET)
    box.phone.receive("A", "x")
    box.wait_for_deliveries()
    assert len(receiver.requests) == 1


def test_localhost_by_name(box, receiver):
    box.add_webhook(receiver.url.replace("127.0.0.1", "localhost"), secret=SECRET)
    box.phone.receive("A", "x")
    box.wait_for_deliveries()
    assert len(receiver.requests) == 1


def test_ipv6_loopback_is_this_machine(box):
    box.add_webhook("http://[::1]:9/", secret=SECRET)


def test_nothing_is_sent_to_another_machine(subtests, box):
    for url in [
        "http://example.org/hook",
        "https://10.0.0.1/",
        "http://0.0.0.0:80/",
        "http://localhost.example.org/",
        "http://127.0.0.1@example.org/",
        "http://example.org\\@127.0.0.1/",
        "http://example.org#@127.0.0.1/",
        "ftp://127.0.0.1/",
        "127.0.0.1:8000",
        "/hook",
        "",
        "http://[::1",
        "http://*.localhost/",
        None,
    ]:
        with subtests.test(url=url), pytest.raises(ValueError, match="this machine only"):
            box.add_webhook(url, secret=SECRET)


def test_another_machine_has_to_be_allowed(box):
    allowed = webhooks.Webhooks(box._store, box.faults, allow_remote=True)
    assert allowed.add("https://example.org/hook", secret=SECRET).url == "https://example.org/hook"
    for url in ("example.org/hook", "ftp://example.org/", "https://", None):
        with pytest.raises(ValueError, match="must begin with http:// or https://, and name a host"):
            allowed.add(url, secret=SECRET)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "pass secret"),
        ({"secret": ""}, "pass secret"),
        ({"version": 1, "secret": SECRET}, "not signed"),
        ({"version": 3, "secret": SECRET}, "not of version 3"),
        ({"version": 1, "types": ["sms.received"]}, "received SMS only"),
        ({"secret": SECRET, "types": ["sms.received", "sms.lost"]}, r"no event type 'sms.lost'\. There are: sms.api"),
        ({"secret": SECRET, "types": []}, "never be called"),
        ({"secret": 5}, "is text, not int"),
        ({"secret": "line\nbreak"}, "line break"),
    ],
)
def test_arguments_that_do_not_fit(box, receiver, arguments, text):
    with pytest.raises(ValueError, match=text) as caught:
        box.add_webhook(receiver.url, **arguments)
    assert SECRET not in str(caught.value)


def test_no_secret_in_any_repr(box, receiver):
    box.add_webhook(receiver.url, secret=SECRET)
    box.webhooks[0].rotate_secret("the next secret")
    shown = [box, box.phone, box.app, box.webhooks, box._webhooks.__dict__, list(box._store.destinations)]
    shown = repr(shown)
    for secret in (SECRET, "the next secret", box.api_key, box.client_secret):
        assert secret not in shown
