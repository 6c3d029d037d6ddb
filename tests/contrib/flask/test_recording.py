"""What `record_messages` gives a test."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from smsmobile import InvalidRequestError
from smsmobile.contrib.flask import SMSMobile
from smsmobile.sandbox import Sandbox

TO = "+33639981234"
KEY = "0123456789abcdef0123456789abcdef0123456789abcdef"

Make = Callable[..., Flask]


def test_what_is_recorded_has_the_options_of_the_message(sms: SMSMobile, make_app: Make) -> None:
    with make_app(TESTING=True).app_context(), sms.record_messages() as outbox:
        guid = sms.send(TO, "Bonjour", sim=2, whatsapp=True).guid
        sms.client.whatsapp.send(TO, "Salut")
    assert [(each.recipient, each.message, each.sim, each.whatsapp, each.channel) for each in outbox] == [
        (TO, "Bonjour", 2, True, "sms"),
        (TO, "Salut", None, False, "whatsapp"),
    ]
    assert outbox[0].guid == guid


def test_a_message_that_cannot_be_sent_is_refused_in_tests_as_well(sms: SMSMobile, make_app: Make) -> None:
    with make_app(TESTING=True).app_context(), sms.record_messages() as outbox, pytest.raises(InvalidRequestError):
        sms.send("0639981234", "Bonjour")
    assert outbox == []


def test_recordings_can_be_nested(sms: SMSMobile, make_app: Make) -> None:
    with make_app(TESTING=True).app_context():
        with sms.record_messages() as outer:
            sms.send(TO, "one")
            with sms.record_messages() as inner:
                sms.send(TO, "two")
            sms.send(TO, "three")
        sms.send(TO, "four")
    assert [each.message for each in outer] == ["one", "two", "three"]
    assert [each.message for each in inner] == ["two"]


def test_the_end_of_a_recording_ends_no_other_one_that_is_equal(sms: SMSMobile, make_app: Make) -> None:
    with make_app(TESTING=True).app_context(), sms.record_messages() as outer:
        with sms.record_messages():
            pass
        sms.send(TO, "Bonjour")
    assert len(outer) == 1


def test_a_recording_has_the_messages_of_all_threads_and_requests(sms: SMSMobile, app: Flask) -> None:
    @app.post("/orders/<number>")
    def order(number: str) -> str:
        sms.send(TO, f"Order {number}")
        return "thanks"

    with sms.record_messages(app) as outbox, ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: app.test_client().post(f"/orders/{number}"), range(30)))
    assert sorted(each.message for each in outbox) == sorted(f"Order {number}" for number in range(30))


def test_a_recording_is_of_one_application(sms: SMSMobile, make_app: Make) -> None:
    one, other = make_app("one", TESTING=True), make_app("other", TESTING=True)
    with sms.record_messages(one) as outbox:
        for app in (one, other):
            with app.app_context():
                sms.send(TO, f"from {app.name}")
    assert [each.message for each in outbox] == ["from one"]


def test_nothing_leaves_while_it_is_recorded_whatever_the_backend(sms: SMSMobile, make_app: Make) -> None:
    with Sandbox() as box:
        app = make_app(SMSMOBILE_API_KEY=box.api_key, SMSMOBILE_BASE_URL=box.url)
        with app.app_context():
            with sms.record_messages() as outbox:
                sms.send(TO, "recorded")
            sms.send(TO, "sent")
            sms.client.close()
        assert [each.message for each in outbox] == ["recorded"]
        assert [each.message for each in box.phone.outbox] == ["sent"]
