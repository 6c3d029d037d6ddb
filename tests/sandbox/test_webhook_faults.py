"""Webhooks that go wrong on demand: delivered twice, out of order, late, wrongly signed."""

import json

import pytest

from smsmobile import SignatureMismatch
from smsmobile.sandbox import deliveries
from smsmobile.webhooks import WebhookReceiver

SECRET = "whsec_0123456789"


@pytest.fixture
def webhook(box, receiver):
    return box.add_webhook(receiver.url, secret=SECRET)


def messages(receiver):
    return [json.loads(request.body)["data"]["message"] for request in receiver.requests]


def is_genuine(request):
    try:
        WebhookReceiver(secrets=[SECRET]).receive(request.body, request.headers)
    except SignatureMismatch:
        return False
    return True


def receive(box, *texts):
    for text in texts:
        box.phone.receive("A", text)


def test_a_duplicate_is_the_same_event_in_another_delivery(box, receiver, webhook):
    box.faults.add("webhook_duplicate", times=1)
    receive(box, "twice", "once")
    box.wait_for_deliveries()

    assert messages(receiver) == ["twice", "twice", "once"]
    one, two, _ = (request.headers for request in receiver.requests)
    assert one["X-SMSMobileAPI-Event-ID"] == two["X-SMSMobileAPI-Event-ID"]
    assert one["X-SMSMobileAPI-Delivery"] != two["X-SMSMobileAPI-Delivery"]


def test_a_reordered_webhook_arrives_after_the_one_that_follows(box, receiver, webhook):
    box.faults.add("webhook_reordered", times=1)
    receive(box, "first", "second")
    box.wait_for_deliveries()
    receive(box, "third")
    box.wait_for_deliveries()
    assert messages(receiver) == ["second", "first", "third"]


def test_what_was_on_its_way_before_a_reordered_webhook_is_not_what_it_waits_for(box, receiver, webhook, eventually):
    receiver.release.clear()
    receive(box, "before")
    eventually(lambda: len(receiver.requests) == 1)
    box.faults.add("webhook_reordered", times=1)
    receive(box, "first")
    receiver.release.set()
    eventually(lambda: len(box.deliveries) == 1)
    receive(box, "second")
    box.wait_for_deliveries()
    assert messages(receiver) == ["before", "second", "first"]


def test_where_every_webhook_is_reordered_they_arrive_in_swapped_pairs(box, receiver, webhook):
    box.faults.add("webhook_reordered")
    receive(box, "1", "2")
    box.wait_for_deliveries()
    receive(box, "3", "4")
    box.wait_for_deliveries()
    assert messages(receiver) == ["2", "1", "4", "3"]


def test_a_reordered_webhook_that_nothing_follows_arrives_after_a_second(box, receiver, webhook):
    box.faults.add("webhook_reordered", times=1)
    receive(box, "alone")
    with pytest.raises(TimeoutError):
        box.wait_for_deliveries(timeout=0.05)
    box.clock.forward(1)
    box.wait_for_deliveries()
    receive(box, "later")
    box.wait_for_deliveries()
    assert messages(receiver) == ["alone", "later"]


def test_a_reordered_webhook_that_failed_is_tried_again_as_any_other(box, receiver, webhook, monkeypatch, eventually):
    monkeypatch.setattr(deliveries, "RETRY_INTERVALS", (1_000.0,))
    box.faults.add("webhook_reordered", times=1)
    receiver.statuses = [500]
    receive(box, "alone")
    box.clock.forward(1)
    eventually(lambda: len(box.deliveries) == 1)
    receive(box, "later")
    eventually(lambda: len(box.deliveries) == 2)
    box.clock.forward(1_000)
    box.wait_for_deliveries()
    assert messages(receiver) == ["alone", "later", "alone"]


def test_a_late_webhook_takes_its_time_and_holds_up_no_other(box, receiver, webhook, eventually):
    box.faults.add("webhook_late", times=1, seconds=600)
    receive(box, "late", "in time")
    eventually(lambda: messages(receiver) == ["in time"])
    box.clock.forward(599)
    with pytest.raises(TimeoutError):
        box.wait_for_deliveries(timeout=0.05)

    box.clock.forward(1)
    box.wait_for_deliveries()
    assert messages(receiver) == ["in time", "late"]


def test_a_forged_webhook_is_refused_and_its_next_try_is_genuine(box, receiver, webhook):
    box.faults.add("webhook_forged", times=1)
    receiver.statuses = [401]
    receive(box, "x")
    box.clock.forward(10)
    box.wait_for_deliveries()

    assert [is_genuine(request) for request in receiver.requests] == [False, True]
    assert len({request.body for request in receiver.requests}) == 1


def test_during_a_rotation_neither_signature_of_a_forged_webhook_is_genuine(box, receiver, webhook):
    webhook.rotate_secret("the next secret")
    box.faults.add("webhook_forged", times=1)
    receive(box, "x")
    box.wait_for_deliveries()

    (request,) = receiver.requests
    assert "X-SMSMobileAPI-Signature-Next" in request.headers
    with pytest.raises(SignatureMismatch):
        WebhookReceiver(secrets=[SECRET, "the next secret"]).receive(request.body, request.headers)


def test_what_is_not_signed_is_not_forged(box, receiver):
    fault = box.faults.add("webhook_forged", times=1)
    box.add_webhook(receiver.url, version=1)
    receive(box, "x")
    box.wait_for_deliveries()
    assert [one.times for one in box.faults] == [fault.times]


def test_each_destination_counts_for_itself(box, make_receiver):
    receivers = [make_receiver() for _ in range(2)]
    for receiver in receivers:
        box.add_webhook(receiver.url, secret=SECRET)
    box.faults.add("webhook_duplicate", times=1)
    receive(box, "x")
    box.wait_for_deliveries()
    assert [len(receiver.requests) for receiver in receivers] == [2, 1]


def test_what_is_sent_again_can_go_wrong_too(box, page, receiver, webhook):
    receive(box, "x")
    box.wait_for_deliveries()
    (delivery,) = page.get("/deliveries")["deliveries"]
    box.faults.add("webhook_forged", times=1)
    page.post(f"/deliveries/{delivery['id']}/again")
    box.wait_for_deliveries()
    assert [is_genuine(request) for request in receiver.requests] == [True, False]
