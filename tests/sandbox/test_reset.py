"""`box.reset()`: everything as it was when the sandbox was new."""

import threading
from datetime import timedelta

import pytest
import requests

from smsmobile.sandbox import Sandbox

PHONE = "+33639985678"


def rows(box):
    return {table.name: len(table) for table in box._store.tables}


def test_nothing_is_left_of_what_happened(api, box, receiver):
    empty = rows(Sandbox())
    box.add_webhook(receiver.url, secret="whsec")
    box.add_phone("Second").receive("MPESA", "hi")
    box.faults.add("latency", seconds=0)
    api.send()
    api.token()
    api.get("/notification/send", sid=box.phone.sid, message="hi")
    box.phone.receive(PHONE, "yes")
    box.phone.send_by_hand(PHONE, "by hand")
    box.phone.call(PHONE)
    box.wait_for_deliveries()
    assert rows(box) != empty

    box.reset()

    assert rows(box) == empty
    assert (box.phone.outbox, box.requests, box.deliveries, box.webhooks, list(box.faults)) == ([], [], [], [], [])
    assert api.log() == api.inbox() == []


def test_the_phone_is_as_new_and_keeps_its_sid(api, box):
    phone = box.phone
    sid = phone.sid
    phone.delay = 60
    phone.battery = 3
    phone.fail(PHONE)
    phone.switch_off()

    box.reset()

    assert box.phones == [phone]
    assert (phone.sid, phone.is_on, phone.delay, phone.battery, phone.label) == (sid, True, 0, 80, "Phone 1")
    api.send()
    assert [sms.recipient for sms in phone.outbox] == [PHONE]


def test_other_phones_are_gone(box):
    second = box.add_phone("Second")
    box.reset()
    with pytest.raises(LookupError, match="reset"):
        _ = second.is_on


def test_what_waited_is_never_sent(api, box):
    box.phone.delay = 60
    api.send(message="waiting")
    api.send("+12025550104", "to be echoed")
    box.phone.delay = 0
    box.reset()

    box.clock.forward(timedelta(days=1))

    assert box.phone.outbox == []
    assert api.inbox() == []


def test_the_clock_goes_by_this_machine_again(box, clock):
    clock.forward(timedelta(days=400))
    box.reset()
    ahead = box.clock.now() - Sandbox().clock.now()
    assert abs(ahead) < timedelta(minutes=1)


def test_nothing_happens_that_was_due_by_the_old_clock(api, box, clock):
    box.phone.delay = 10
    api.send()
    box.reset()  # from 2026 to now, whichever is later
    assert rows(box)["outbox"] == rows(box)["messages"] == 0


def test_the_account_is_as_new_and_keeps_its_credentials(api, box):
    credentials = (box.api_key, box.client_id, box.client_secret)
    token = api.token().json()["access_token"]
    box.subscription_active = False
    box.token_lifetime = None
    box.page_size = 2
    box.log_delay = 9

    box.reset()

    assert (box.api_key, box.client_id, box.client_secret) == credentials
    assert (box.subscription_active, box.token_lifetime, box.page_size, box.log_delay) == (True, 3600, 100, 0)
    assert box.tokens_issued == 0
    assert api.with_token(token).status_code == 401


def test_the_address_stays(api, box):
    url = box.url
    box.reset()
    assert box.url == url
    assert api.send()["error"] == 0


def test_a_webhook_on_its_way_is_dropped(box, receiver, eventually):
    receiver.release.clear()
    box.add_webhook(receiver.url, secret="whsec")
    box.phone.receive(PHONE, "on its way")
    box.phone.receive(PHONE, "behind it")
    eventually(lambda: receiver.requests)

    box.reset()
    receiver.release.set()
    box.add_webhook(receiver.url, secret="whsec")
    box.phone.receive(PHONE, "new")
    box.wait_for_deliveries()

    assert [b"behind it" in request.body for request in receiver.requests] == [False, False]
    assert [attempt.type for attempt in box.deliveries] == ["sms.received"]


def test_it_can_be_reset_before_it_is_started():
    box = Sandbox()
    box.phone.receive(PHONE, "hi")
    box.reset()
    with box:
        answer = requests.get(f"{box.url}/getsms/", params={"apikey": box.api_key}, timeout=5)
    assert answer.json()["result"]["sms"] == []


def test_the_ids_of_rows_go_on_growing(api, box):
    box.phone.receive(PHONE, "before")
    before = api.inbox()[0]["id"]
    box.reset()
    box.phone.receive(PHONE, "after")
    assert api.inbox()[0]["id"] > before


def test_it_is_reset_while_it_is_used(api, box):
    stop = threading.Event()
    statuses = set()

    def use():
        while not stop.is_set():
            statuses.add(api.post("/sendsms/", recipients=PHONE, message="x").status_code)

    thread = threading.Thread(target=use)
    thread.start()
    for _ in range(50):
        box.reset()
    stop.set()
    thread.join()

    assert statuses == {200}
    box.reset()
    assert rows(box) == rows(Sandbox())
