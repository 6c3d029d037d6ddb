"""Webhooks that nobody takes: tried again, given up, held back while the destination rests, and delaying nobody."""

import json
import socket
import threading
import time
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from smsmobile.sandbox import Clock, Sandbox, deliveries, posting, webhooks
from smsmobile.sandbox.events import Event
from smsmobile.sandbox.faults import Faults
from smsmobile.sandbox.rows import Destination
from smsmobile.sandbox.store import Store
from smsmobile.sandbox.webhooks import Webhooks

SECRET = "whsec_0123456789"
ALL_TRIES = 6


@pytest.fixture
def webhook(box, receiver):
    return box.add_webhook(receiver.url, secret=SECRET)


@pytest.fixture
def dead_url():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{probe.getsockname()[1]}"  # bound, but not listening


@pytest.fixture
def dripping_url():
    """A receiver that never stops to answer."""
    yield from dripping(b"HTTP/1.1 202 Accepted\r\nX-Endless: ", b".")


@pytest.fixture
def endless_url():
    """A receiver that never ends the body of its answer."""
    yield from dripping(b"HTTP/1.1 202 Accepted\r\nContent-Length: 1000\r\n\r\nthe beginning", b"")


def dripping(start, drop):
    ending = threading.Event()

    def serve():
        while not ending.is_set():
            connection, _ = listener.accept()
            with connection:
                try:
                    connection.sendall(start)
                    while not ending.wait(0.02):
                        connection.sendall(drop)
                except OSError:
                    pass  # the sandbox had stopped waiting

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield url
        ending.set()
        with socket.create_connection(listener.getsockname()):
            thread.join(5)


def messages(receiver):
    return [json.loads(request.body)["data"]["message"] for request in receiver.requests]


def statuses(box):
    return [attempt.status for attempt in box.deliveries]


def fail(box, receiver, *, times):
    """Let so many attempts fail in a row."""
    receiver.statuses = [500] * times
    while times > 0:
        box.phone.receive("A", f"failure {times}")
        times -= ALL_TRIES
    box.clock.forward(10)


def remembered():
    """What a sandbox that is not running has left."""
    clock = Clock(lambda ahead: setattr(clock, "ahead", ahead))
    return clock, Store(clock)


def await_pause(webhook, eventually):
    eventually(lambda: webhook.paused_until is not None)


@pytest.mark.parametrize("status", [500, 400, 302, 429, 199])
def test_a_refused_event_is_tried_again_unchanged(box, receiver, webhook, status):
    receiver.statuses = [status, status]
    box.phone.receive("A", "x")
    box.clock.forward(10)
    box.wait_for_deliveries()

    assert [(a.attempt, a.status) for a in box.deliveries] == [(1, status), (2, status), (3, 202)]
    assert len({request.body for request in receiver.requests}) == 1
    for name in ("X-SMSMobileAPI-Event-ID", "X-SMSMobileAPI-Delivery", "Idempotency-Key"):
        assert len({request.headers[name] for request in receiver.requests}) == 1


def test_without_moving_the_clock_a_retry_comes_by_itself(box, receiver, webhook):
    receiver.statuses = [500, 500]
    before = box.clock.now()
    box.phone.receive("A", "x")
    box.wait_for_deliveries()

    _, second, third = (attempt.at for attempt in box.deliveries)
    assert second - before >= timedelta(seconds=0.1)
    assert third - before >= timedelta(seconds=0.1 + 0.2)


def test_each_try_is_signed_anew_by_this_machines_clock(box, receiver, webhook, monkeypatch):
    moments = iter(range(1_000, 2_000))
    monkeypatch.setattr(posting, "time", SimpleNamespace(time=lambda: next(moments)))
    receiver.statuses = [500]
    box.phone.receive("A", "x")
    box.clock.forward(10)
    box.wait_for_deliveries()

    assert [request.headers["X-SMSMobileAPI-Timestamp"] for request in receiver.requests] == ["1000", "1001"]
    assert len({request.headers["X-SMSMobileAPI-Signature"] for request in receiver.requests}) == 2


def test_the_pauses_double_and_after_six_tries_an_event_is_given_up(
    box, page, receiver, webhook, monkeypatch, eventually
):
    monkeypatch.setattr(deliveries, "RETRY_INTERVALS", tuple(1_000 * pause for pause in deliveries.RETRY_INTERVALS))
    receiver.statuses = [500] * 20
    box.phone.receive("A", "x")
    for tries, pause in enumerate((100, 200, 400, 800, 1_600), start=1):
        eventually(lambda tries=tries: len(box.deliveries) == tries)
        box.clock.forward(pause - 50)
        with pytest.raises(TimeoutError):
            box.wait_for_deliveries(timeout=0.05)
        assert len(receiver.requests) == tries
        box.clock.forward(50)
    box.wait_for_deliveries()

    assert statuses(box) == [500] * ALL_TRIES
    assert [row["state"] for row in page.get("/deliveries")["deliveries"]] == ["given_up"]


def test_an_event_that_was_given_up_can_be_sent_again(box, page, receiver, webhook):
    fail(box, receiver, times=ALL_TRIES)
    box.wait_for_deliveries()
    (lost,) = page.get("/deliveries")["deliveries"]

    page.post(f"/deliveries/{lost['id']}/again")
    box.wait_for_deliveries()
    assert statuses(box) == [500] * ALL_TRIES + [202]


def test_an_event_that_waits_for_its_next_try_does_not_hold_up_others(box, receiver, webhook, monkeypatch, eventually):
    monkeypatch.setattr(deliveries, "RETRY_INTERVALS", (1_000.0,))
    receiver.statuses = [500]
    for text in ("first", "second", "third"):
        box.phone.receive("A", text)
    eventually(lambda: messages(receiver) == ["first", "second", "third"])

    box.clock.forward(1_001)
    box.wait_for_deliveries()
    assert messages(receiver) == ["first", "second", "third", "first"]


def test_nobody_listening_is_an_error_of_the_delivery_alone(api, box, dead_url):
    box.add_webhook(dead_url, secret=SECRET)
    box.phone.receive("A", "x")
    box.clock.forward(10)
    box.wait_for_deliveries()

    assert [(a.attempt, a.status, a.error) for a in box.deliveries] == [
        (number, None, "ConnectionError") for number in range(1, ALL_TRIES + 1)
    ]
    assert len(api.inbox()) == 1


def test_a_receiver_that_hangs_is_given_up_after_the_timeout(box, receiver, webhook, monkeypatch):
    monkeypatch.setattr(posting, "TIMEOUT", 0.05)
    receiver.release.clear()
    box.phone.receive("A", "x")
    box.clock.forward(10)
    box.wait_for_deliveries()

    assert [attempt.error for attempt in box.deliveries] == ["ReadTimeout"] * ALL_TRIES
    assert all(attempt.milliseconds >= 50 for attempt in box.deliveries)


def test_a_receiver_that_answers_without_end_is_given_up_after_the_timeout(box, dripping_url, monkeypatch):
    monkeypatch.setattr(posting, "TIMEOUT", 0.1)
    box.add_webhook(dripping_url, secret=SECRET)
    box.phone.receive("A", "x")
    box.clock.forward(10)
    box.wait_for_deliveries()
    assert statuses(box) == [None] * ALL_TRIES


def test_a_status_counts_though_its_body_never_ends(box, endless_url, monkeypatch):
    monkeypatch.setattr(posting, "TIMEOUT", 0.1)
    box.add_webhook(endless_url, secret=SECRET)
    box.phone.receive("A", "x")
    box.wait_for_deliveries()
    (attempt,) = box.deliveries
    assert (attempt.status, attempt.error, attempt.answer) == (202, None, "the beginning")


def test_a_slow_receiver_delays_neither_the_api_nor_other_receivers(api, box, make_receiver, eventually, monkeypatch):
    monkeypatch.setattr(posting, "TIMEOUT", 3600.0)
    slow, quick = make_receiver(), make_receiver()
    slow.release.clear()
    box.add_webhook(slow.url, secret=SECRET)
    box.add_webhook(quick.url, secret=SECRET)

    for _ in range(5):
        api.send()
    eventually(lambda: len(quick.requests) == 10)
    assert len(slow.requests) == 1

    slow.release.set()
    box.wait_for_deliveries()
    assert [request.body for request in slow.requests] == [request.body for request in quick.requests]


def test_after_ten_failures_in_a_row_a_webhook_is_paused_for_a_minute(box, receiver, webhook, eventually):
    fail(box, receiver, times=10)
    await_pause(webhook, eventually)

    assert webhook.failures == len(receiver.requests) == 10
    assert timedelta(seconds=40) < webhook.paused_until - box.clock.now() <= timedelta(seconds=60)


def test_one_success_in_between_is_enough_not_to_be_paused(box, receiver, webhook):
    receiver.statuses = [*[500] * 9, 202, *[500] * 9]
    for _ in range(5):
        box.phone.receive("A", "x")
    box.clock.forward(10)
    box.wait_for_deliveries()

    assert webhook.paused_until is None
    assert statuses(box).count(500) == 18


def test_nothing_is_lost_in_a_pause_and_all_goes_on_after_it(box, receiver, webhook, eventually):
    receiver.statuses = [500] * 10
    texts = [f"failure {number}" for number in range(10)] + ["in the pause"]
    for text in texts[:10]:
        box.phone.receive("A", text)
    await_pause(webhook, eventually)
    box.phone.receive("A", texts[10])
    box.clock.forward(40)
    with pytest.raises(TimeoutError):
        box.wait_for_deliveries(timeout=0.05)
    assert len(receiver.requests) == 10

    box.clock.forward(21)
    box.wait_for_deliveries()
    assert sorted(messages(receiver)[10:]) == sorted(texts)
    assert (webhook.failures, webhook.paused_until) == (0, None)


def test_the_first_failure_after_a_pause_pauses_again(box, receiver, webhook, eventually):
    fail(box, receiver, times=11)
    await_pause(webhook, eventually)
    first_pause = webhook.paused_until
    box.clock.forward(61)
    eventually(lambda: webhook.failures == 11)

    assert first_pause < webhook.paused_until <= box.clock.now() + timedelta(seconds=60)
    box.clock.forward(61)
    box.wait_for_deliveries()
    assert webhook.failures == 0


def test_a_pause_can_be_ended_before_its_time(box, receiver, webhook, eventually):
    fail(box, receiver, times=10)
    await_pause(webhook, eventually)
    webhook.resume()
    box.wait_for_deliveries()
    assert (webhook.failures, webhook.paused_until) == (0, None)


def test_the_first_failure_after_a_resumption_pauses_for_a_whole_minute(box, receiver, webhook, eventually):
    fail(box, receiver, times=11)
    await_pause(webhook, eventually)
    box.clock.forward(30)
    webhook.resume()
    eventually(lambda: webhook.failures == 11)
    assert webhook.paused_until > box.clock.now() + timedelta(seconds=50)


def test_resuming_a_webhook_that_is_not_paused_changes_nothing(box, receiver, webhook):
    webhook.resume()
    box.phone.receive("A", "x")
    box.wait_for_deliveries()
    assert len(receiver.requests) == 1


def test_moving_the_clock_far_also_passes_the_pauses_that_would_have_been(box, dead_url):
    webhook = box.add_webhook(dead_url, secret=SECRET)
    for _ in range(3):
        box.phone.receive("A", "x")
    box.clock.forward(3600)
    box.wait_for_deliveries()
    assert webhook.failures == len(box.deliveries) == 3 * ALL_TRIES


def test_what_happens_before_the_clock_goes_back_is_still_told_at_once(box, receiver, webhook):
    receiver.release.clear()
    box.clock.forward(3600)
    for _ in range(3):
        box.phone.receive("A", "x")
    box.clock.reset()
    receiver.statuses = [202, 500]
    receiver.release.set()
    box.wait_for_deliveries()
    assert len(receiver.requests) == 4


def test_moving_the_clock_makes_all_tries_at_once_also_after_it_was_moved_back(box, dead_url, monkeypatch):
    monkeypatch.setattr(deliveries, "RETRY_INTERVALS", tuple(1_000 * pause for pause in deliveries.RETRY_INTERVALS))
    box.add_webhook(dead_url, secret=SECRET)
    box.clock.move_to(datetime(2026, 3, 20, tzinfo=timezone.utc))
    box.phone.receive("A", "x")
    box.clock.forward(10_000)
    box.wait_for_deliveries()
    assert statuses(box) == [None] * ALL_TRIES


def test_waiting_too_long_says_what_is_missing(box, receiver, webhook):
    receiver.release.clear()
    box.phone.receive("A", "x")
    with pytest.raises(TimeoutError, match=r"After 0.02 s 1 webhook.* sms.received to http://127.*box.deliveries"):
        box.wait_for_deliveries(timeout=0.02)
    receiver.release.set()
    box.wait_for_deliveries()


def test_waiting_too_long_for_many_names_a_few(box, receiver, webhook):
    receiver.release.clear()
    for _ in range(8):
        box.phone.receive("A", "x")
    with pytest.raises(TimeoutError, match=r"8 webhook.*, and 3 more\."):
        box.wait_for_deliveries(timeout=0.02)
    receiver.release.set()


def test_waiting_for_a_paused_webhook_says_so_and_until_when(box, receiver, webhook, eventually):
    box.clock.move_to(datetime(2026, 3, 20, 12, 0, 0, tzinfo=timezone.utc))
    fail(box, receiver, times=10)
    await_pause(webhook, eventually)
    with pytest.raises(TimeoutError, match=r"is paused until 2026-03-20T12:01:\d\dZ .* 10 failures .* resume\(\)"):
        box.wait_for_deliveries(timeout=0.02)


def test_with_nothing_to_deliver_there_is_nothing_to_wait_for(box):
    box.wait_for_deliveries(timeout=0)


def test_closing_waits_for_no_receiver_that_hangs(box, make_receiver, eventually, monkeypatch):
    monkeypatch.setattr(posting, "TIMEOUT", 3600.0)
    receivers = [make_receiver() for _ in range(3)]
    for receiver in receivers:
        receiver.release.clear()
        box.add_webhook(receiver.url, secret=SECRET)
    box.phone.receive("A", "x")
    eventually(lambda: all(receiver.requests for receiver in receivers))

    started = time.monotonic()
    box.close()
    assert time.monotonic() - started < 30


def test_what_still_waits_at_the_end_is_not_delivered(box, receiver, webhook, eventually, monkeypatch):
    receiver.release.clear()
    for _ in range(3):
        box.phone.receive("A", "x")
    eventually(lambda: len(receiver.requests) == 1)

    # The receiver answers only once the sandbox is closing: the attempt counts, and there is no other.
    end = deliveries.DeliveryWorker.end
    monkeypatch.setattr(deliveries.DeliveryWorker, "end", lambda worker: (end(worker), receiver.release.set()))
    box.close()
    box.phone.receive("A", "after the end")

    assert len(receiver.requests) == 1
    assert statuses(box) == [202]


def test_a_webhook_that_is_added_after_the_end_is_not_called(box, receiver):
    box.close()
    box.add_webhook(receiver.url, secret=SECRET)
    box.phone.receive("A", "x")
    with pytest.raises(TimeoutError):
        box.wait_for_deliveries(timeout=0.1)
    assert receiver.requests == []


def test_an_answer_that_comes_after_the_end_is_not_noted(box, receiver, webhook, eventually, monkeypatch):
    monkeypatch.setattr(webhooks, "CLOSING", 0.0)
    receiver.release.clear()
    box.phone.receive("A", "x")
    eventually(lambda: len(receiver.requests) == 1)
    (worker,) = box._webhooks._workers.values()
    box.close()
    receiver.release.set()

    assert worker.join(5)
    assert box.deliveries == []


def test_an_attempt_that_outlives_the_memory_of_its_event_is_forgotten(box, receiver, webhook, eventually):
    receiver.release.clear()
    box.phone.receive("A", "x")
    eventually(lambda: len(receiver.requests) == 1)
    with box._store.lock:
        box._store.destinations.clear()
        box._store.deliveries.clear()
    receiver.release.set()
    box.wait_for_deliveries(timeout=0)

    box.add_webhook(receiver.url, secret=SECRET)
    box.phone.receive("A", "y")
    box.wait_for_deliveries()
    assert messages(receiver) == ["x", "y"]
    assert statuses(box) == [202]


def test_what_waited_at_the_end_of_one_run_goes_on_in_the_next(receiver, tmp_path, monkeypatch, eventually):
    monkeypatch.setattr(deliveries, "RETRY_INTERVALS", (1_000.0,))
    receiver.statuses = [500, 500]
    with Sandbox(db=tmp_path / "kept.sqlite") as box:
        box.add_webhook(receiver.url, secret=SECRET)
        box.phone.receive("A", "one")
        box.phone.receive("A", "two")
        eventually(lambda: len(box.deliveries) == 2)
    with Sandbox(db=tmp_path / "kept.sqlite") as box:
        box.clock.forward(1_000)
        box.wait_for_deliveries()

    assert messages(receiver) == ["one", "two", "one", "two"]
    assert len({request.headers["X-SMSMobileAPI-Delivery"] for request in receiver.requests}) == 2
    assert statuses(box) == [500, 500, 202, 202]


def test_the_tries_of_a_next_run_come_after_those_of_the_last(receiver, tmp_path):
    receiver.statuses = [500, 500, 500, 202, 200]
    with Sandbox(db=tmp_path / "kept.sqlite") as box:
        box.add_webhook(receiver.url, secret=SECRET)
        box.phone.receive("A", "x")
        box.clock.forward(10)
        box.wait_for_deliveries()
    with Sandbox(db=tmp_path / "kept.sqlite") as box:
        box.phone.receive("A", "y")
        box.wait_for_deliveries()
    assert statuses(box) == [500, 500, 500, 202, 200]


def test_a_webhook_of_another_machine_is_not_called_when_that_is_no_longer_allowed(tmp_path):
    with Sandbox(db=tmp_path / "kept.sqlite", allow_remote=True) as box:
        box.add_webhook("http://192.0.2.1/hook", secret=SECRET)
    with Sandbox(db=tmp_path / "kept.sqlite") as box:
        box.phone.receive("A", "x")
        box.clock.forward(10)
        box.wait_for_deliveries()
    assert {attempt.error for attempt in box.deliveries} == {"RemoteNotAllowed"}


def test_a_receiver_that_starts_after_the_sandbox_gets_its_time(receiver):
    clock, store = remembered()
    first = Webhooks(store, Faults(store, []))
    first.add(receiver.url, secret=SECRET)
    first.close()
    with store.lock:
        first.publish(Event("sms.received", clock.now(), clock.now(), {"message": "x"}))

    clock.forward(3600)  # while no sandbox was running
    receiver.statuses = [500]
    before = clock.now()
    second = Webhooks(store, Faults(store, []))
    second.wake()
    second.wait(5)
    second.close()
    _, taken = second.attempts
    assert taken.at - before >= timedelta(seconds=0.1)


def test_a_pause_that_ended_while_no_sandbox_was_running_is_over(receiver):
    clock, store = remembered()
    store.destinations.put(
        Destination(1, receiver.url, 2, SECRET, failures=10, paused_until=clock.now() - timedelta(seconds=1))
    )
    (webhook,) = Webhooks(store, Faults(store, [])).all()
    assert webhook.paused_until is None


def test_of_very_many_that_wait_the_oldest_are_given_up(box, dead_url, monkeypatch):
    monkeypatch.setattr(webhooks, "MOST_WAITING", 3)
    box.add_webhook(dead_url, secret=SECRET)
    for number in range(30):
        box.phone.receive("MPESA", str(number))
    states = [row.state for row in box._store.deliveries]
    assert states[:20] == ["given_up"] * 20
    assert states[-1] == "waiting"
