"""`box.wait_for()`: what it returns, how soon, and what it says when it was in vain."""

import threading
import time
from datetime import timedelta

import pytest

from smsmobile.sandbox import waiting

PHONE = "+33639985678"
QUEUED_FOR_EVER = "+12025550103"


def text_of(box, condition=lambda: False):
    with pytest.raises(TimeoutError) as caught:
        box.wait_for(condition, timeout=0)
    return str(caught.value)


def test_it_returns_what_the_condition_returned(api, box):
    api.send(message="hi")
    assert box.wait_for(lambda: box.phone.outbox)[0].message == "hi"


def test_it_waits_until_the_condition_is_true(api, box):
    looked = []

    def condition():
        looked.append(len(box.phone.outbox))
        return box.phone.outbox

    def go_on():
        box.phone.delay = 0

    box.phone.delay = 60
    api.send()
    threading.Timer(0.1, go_on).start()
    assert len(box.wait_for(condition)) == 1
    assert looked[0] == 0


def test_a_change_wakes_it(box, monkeypatch):
    monkeypatch.setattr(waiting, "LOOK_AGAIN", 60)

    def change():
        box.phone.battery = 1

    threading.Timer(0.05, change).start()
    assert box.wait_for(lambda: box.phone.battery == 1)


def test_what_changes_elsewhere_is_seen_too(box):
    done = []
    threading.Timer(0.06, lambda: done.append("done")).start()
    started = time.monotonic()
    assert box.wait_for(lambda: done, timeout=60) == ["done"]
    assert time.monotonic() - started < 30


def test_the_condition_may_ask_the_sandbox(api, box):
    box.phone.delay = 0.05
    guid = api.send()["id"]
    row = box.wait_for(lambda: next(row for row in api.log() if row["guid"] == guid)["send_from_mobile"] == "1")
    assert row is True


def test_a_condition_that_asks_the_sandbox_does_not_wake_itself(api, box):
    with pytest.raises(TimeoutError):
        box.wait_for(lambda: api.get("/nowhere").status_code == 200, timeout=0.5)
    assert len(box.requests) <= 12


def test_the_lock_is_not_held_meanwhile(api, box):
    def condition():
        thread = threading.Thread(target=api.send)
        thread.start()
        thread.join(5)
        return not thread.is_alive() and box.phone.outbox

    assert box.wait_for(condition)


def test_with_no_time_left_it_has_looked_once(api, box):
    api.send()
    assert box.wait_for(lambda: box.phone.outbox, timeout=0)


def test_it_gives_up_in_time(box):
    started = time.monotonic()
    with pytest.raises(TimeoutError, match=r"^After 0\.1 s"):
        box.wait_for(lambda: None, timeout=0.1)
    assert time.monotonic() - started >= 0.1


def test_an_exception_of_the_condition_goes_through(box):
    with pytest.raises(ZeroDivisionError):
        box.wait_for(lambda: 1 / 0)


def test_it_says_where_the_condition_stands(box):
    text = text_of(box, lambda: box.phone.outbox == "a condition")
    assert "test_wait_for.py:" in text.splitlines()[0]
    assert text.splitlines()[0].endswith('text_of(box, lambda: box.phone.outbox == "a condition")')


def test_a_named_condition_is_shown_with_its_first_line(box):
    def the_reminder_went_out():
        return False

    assert "def the_reminder_went_out():" in text_of(box, the_reminder_went_out)


def test_a_condition_that_is_no_function_is_shown_as_it_is(box):
    class Never:
        def __call__(self):
            return False

        def __repr__(self):
            return "<never>"

    assert "<never>" in text_of(box, Never())


def test_it_says_that_nothing_is_there(box):
    assert text_of(box).splitlines()[1:] == [
        "The sandbox holds:",
        "  sent by a phone: 0",
        "  queued: 0",
        "  failed or refused: 0",
        "  received: 0",
        "  requests: 0",
        "  webhooks not yet delivered: 0",
        "  webhooks given up: 0",
    ]


def test_it_names_what_is_there(api, box):
    api.send(message="out")
    box.phone.fail("+33639980000", "RESULT_ERROR_NO_SERVICE")
    api.send("+33639980000")
    box.phone.receive("MPESA", "in")
    api.get("/nowhere")

    text = text_of(box)

    assert f"  sent by a phone: 1\n    to {PHONE}: 'out'\n" in text
    assert "  failed or refused: 1\n    to +33639980000: RESULT_ERROR_NO_SERVICE\n" in text
    assert "  received: 1\n    from MPESA: 'in'\n" in text
    assert "  requests: 3\n    POST /sendsms/ -> 200\n" in text
    assert "    GET /nowhere -> 404\n" in text


def test_it_says_why_a_message_waits_for_a_phone_that_is_off(api, box):
    box.phone.delay = 60
    api.send()
    box.phone.switch_off()
    assert f"  queued: 1\n    to {PHONE}: 'Phone 1' is switched off\n" in text_of(box)


def test_it_says_why_a_message_waits_for_its_schedule(api, box, clock):
    api.send(schedule_timestamp=int((clock.now() + timedelta(hours=1)).timestamp()))
    assert "scheduled until 2026-03-20T22:07:44Z, and it is 2026-03-20T21:07:44Z in the sandbox" in text_of(box)


def test_it_says_that_a_message_waits_for_the_delay_of_the_phone(api, box, clock):
    box.phone.delay = 60
    api.send()
    assert "'Phone 1' sends it at 2026-03-20T21:08:44Z (its delay)" in text_of(box)


def test_it_says_that_a_message_is_never_picked_up(api, box):
    api.send(QUEUED_FOR_EVER)
    assert f"to {QUEUED_FOR_EVER}: no phone ever picks up" in text_of(box)


def test_it_shows_the_last_three_of_each(api, box):
    for number in range(5):
        api.send(message=f"number {number}")
    text = text_of(box)
    assert "  sent by a phone: 5\n    …\n" in text
    assert [f"number {number}" in text for number in range(5)] == [False, False, True, True, True]


def test_it_names_the_faults_that_were_injected(api, box):
    box.faults.add("error_before", times=1)
    api.get("/getsms/")
    assert "GET /getsms/ -> 500 (fault: error_before)" in text_of(box)


def test_it_names_the_webhooks_that_are_not_delivered(box, receiver, eventually):
    receiver.statuses = [500] * 20
    box.add_webhook(receiver.url, secret="whsec")
    box.phone.receive("MPESA", "hi")
    eventually(lambda: receiver.requests)
    box.wait_for(lambda: f"sms.received to {receiver.url}, after 1 failed" in text_of(box))
    box.clock.forward(60)
    box.wait_for_deliveries()
    assert f"  webhooks given up: 1\n    sms.received to {receiver.url}" in text_of(box)
