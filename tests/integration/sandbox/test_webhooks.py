"""Webhooks: what is posted, how it is signed, and what happens when nobody takes it."""

import hashlib
import hmac
import json
import socket
import threading
import time
import uuid
from datetime import datetime, timezone

import pytest

from smsmobile.errors import ConfigurationError
from smsmobile.sandbox import webhooks

PHONE = "+33612345678"
SECRET = "whsec_0123456789"
MOMENT = datetime(2026, 3, 20, 21, 0, 0, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(webhooks, "PAUSES", (0.01, 0.02))


def envelopes(receiver):
    return [json.loads(request.body) for request in receiver.requests]


def types(receiver):
    return [envelope["type"] for envelope in envelopes(receiver)]


def test_version_1_tells_a_received_sms_unsigned(box, clock, receiver):
    box.add_webhook(receiver.url, version=1)
    guid = box.phone.receive("+33698765432", "Hello é", at=MOMENT)
    box.wait_for_deliveries()

    (request,) = receiver.requests
    assert json.loads(request.body) == {
        "date": "2026-03-20",
        "hour": "21:07:44",
        "time_received": "2026-03-20 21:00:00",
        "message": "Hello é",
        "number": "+33698765432",
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
    stamp = headers["X-SMSMobileAPI-Timestamp"]
    digest = hmac.new(SECRET.encode(), stamp.encode() + b"." + request.body, hashlib.sha256).hexdigest()
    assert headers["X-SMSMobileAPI-Signature"] == f"v1={digest}"
    assert abs(int(stamp) - time.time()) < 60
    assert headers["X-SMSMobileAPI-Event"] == "sms.received"
    assert headers["Idempotency-Key"] == headers["X-SMSMobileAPI-Event-ID"] == json.loads(request.body)["id"]
    assert uuid.UUID(headers["X-SMSMobileAPI-Delivery"])
    assert headers["Content-Type"] == "application/json"


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
    box.phone.heal(PHONE)
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


def test_a_delivery_is_recorded(box, receiver):
    box.add_webhook(receiver.url + "/hook?x=1", secret=SECRET)
    box.phone.receive("A", "x")
    box.wait_for_deliveries()

    (attempt,) = box.deliveries
    assert attempt.event_id == envelopes(receiver)[0]["id"]
    assert (attempt.type, attempt.url) == ("sms.received", receiver.url + "/hook?x=1")
    assert (attempt.attempt, attempt.status, attempt.error) == (1, 202, None)


@pytest.mark.parametrize("status", [500, 400, 302, 429])
def test_a_refused_event_is_tried_again_unchanged(box, receiver, status):
    receiver.statuses = [status, status]
    box.add_webhook(receiver.url, secret=SECRET)
    box.phone.receive("A", "x")
    box.wait_for_deliveries()

    assert [(a.attempt, a.status) for a in box.deliveries] == [(1, status), (2, status), (3, 202)]
    assert len({request.body for request in receiver.requests}) == 1
    for name in ("X-SMSMobileAPI-Event-ID", "X-SMSMobileAPI-Delivery", "Idempotency-Key"):
        assert len({request.headers[name] for request in receiver.requests}) == 1


def test_after_three_tries_an_event_is_given_up_and_the_next_one_goes_out(box, receiver):
    receiver.statuses = [500, 500, 500]
    box.add_webhook(receiver.url, secret=SECRET)
    box.phone.receive("A", "lost")
    box.phone.receive("A", "taken")
    box.wait_for_deliveries()

    assert [a.status for a in box.deliveries] == [500, 500, 500, 202]
    assert envelopes(receiver)[-1]["data"]["message"] == "taken"


def test_nobody_listening_is_an_error_of_the_delivery_alone(api, box):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    box.add_webhook(f"http://127.0.0.1:{port}", secret=SECRET)
    box.phone.receive("A", "x")
    box.wait_for_deliveries()

    assert [(a.attempt, a.status, a.error) for a in box.deliveries] == [
        (number, None, "ConnectionError") for number in (1, 2, 3)
    ]
    assert len(api.inbox()) == 1


def test_a_receiver_that_hangs_is_given_up_after_the_timeout(box, receiver, monkeypatch):
    monkeypatch.setattr(webhooks, "TIMEOUT", 0.05)
    receiver.release.clear()
    box.add_webhook(receiver.url, secret=SECRET)
    box.phone.receive("A", "x")
    box.wait_for_deliveries()
    assert [a.error for a in box.deliveries] == ["ReadTimeout"] * 3


def test_a_slow_receiver_delays_neither_the_api_nor_other_receivers(api, box, make_receiver, eventually):
    slow, quick = make_receiver(), make_receiver()
    slow.release.clear()
    box.add_webhook(slow.url, secret=SECRET)
    box.add_webhook(quick.url, secret=SECRET)

    started = time.monotonic()
    for _ in range(5):
        api.send()
    eventually(lambda: len(quick.requests) == 10)
    assert time.monotonic() - started < 4
    assert len(slow.requests) == 1

    slow.release.set()
    box.wait_for_deliveries()
    assert types(slow) == types(quick) == ["sms.api.submitted", "sms.sent"] * 5


def test_waiting_too_long_says_what_is_missing(box, receiver):
    receiver.release.clear()
    box.add_webhook(receiver.url, secret=SECRET)
    box.phone.receive("A", "x")

    with pytest.raises(TimeoutError, match=r"After 0.02 s 1 webhook.* sms.received to http://127.*box.deliveries"):
        box.wait_for_deliveries(timeout=0.02)

    receiver.release.set()
    box.wait_for_deliveries()


def test_with_nothing_to_deliver_there_is_nothing_to_wait_for(box):
    box.wait_for_deliveries(timeout=0)


def test_closing_drops_what_waits(box, receiver, eventually, monkeypatch):
    receiver.release.clear()
    receiver.statuses = [500]
    box.add_webhook(receiver.url, secret=SECRET)
    for _ in range(3):
        box.phone.receive("A", "x")
    eventually(lambda: len(receiver.requests) == 1)

    # The receiver answers, with an error, only once the sandbox is closing: there must be no second try.
    closing = box._webhooks._progress.closing
    monkeypatch.setattr(closing, "set", lambda: (threading.Event.set(closing), receiver.release.set()))
    started = time.monotonic()
    box.close()

    assert time.monotonic() - started < 4
    assert len(receiver.requests) == 1


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


@pytest.mark.parametrize(
    "url",
    [
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
    ],
)
def test_nothing_is_sent_to_another_machine(box, url):
    with pytest.raises(ValueError, match="this machine only"):
        box.add_webhook(url, secret=SECRET)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "pass secret"),
        ({"secret": ""}, "pass secret"),
        ({"version": 1, "secret": SECRET}, "not signed"),
        ({"version": 3, "secret": SECRET}, "not of version 3"),
    ],
)
def test_arguments_that_do_not_fit(box, receiver, arguments, text):
    with pytest.raises(ValueError, match=text) as caught:
        box.add_webhook(receiver.url, **arguments)
    assert SECRET not in str(caught.value)


def test_a_secret_that_cannot_sign_is_refused_at_once(box, receiver):
    with pytest.raises(ConfigurationError):
        box.add_webhook(receiver.url, secret="line\nbreak")


def test_no_secret_in_any_repr(box, receiver):
    box.add_webhook(receiver.url, secret=SECRET)
    shown = repr(box) + repr(box.phone) + repr(box.app) + repr(box._webhooks.__dict__)
    for secret in (SECRET, box.api_key, box.client_secret):
        assert secret not in shown
