"""Tests of an application that sends SMS and reads the answers. They use the fixtures of the library.

Run them with pytest: `pip install pytest`, then `python -m pytest examples/test_with_sandbox.py`.
"""

# ruff: noqa: D103, S101 - test names say what is tested, and tests use assert

from __future__ import annotations

import pytest

from smsmobile import SendOutcomeUnknown, SMSMobileClient
from smsmobile.sandbox import Phone, Sandbox
from smsmobile.testing import Outbox, assert_sent

PATIENT = "+33639981234"


def remind(number: str) -> str:
    """The application: send one reminder, and return its state."""
    with SMSMobileClient.from_env() as client:
        try:
            guid = client.sms.send(number, "Tomorrow at 10:00. Is that fine?").guid
        except SendOutcomeUnknown as doubt:
            logged = doubt.reconcile()  # do not send it again: it may have been accepted
            return logged.status.value if logged else "try again later"
        return client.sms.log(guid=guid)[0].status.value


def has_confirmed(number: str) -> bool:
    """The application: whether this person has answered yes."""
    with SMSMobileClient.from_env() as client:
        return any(sms.sender == number and sms.message.lower() == "yes" for sms in client.sms.received())


def test_a_reminder_is_sent(sms_outbox: Outbox) -> None:
    assert remind(PATIENT) == "sent"
    assert_sent(sms_outbox, to=PATIENT, contains="10:00")


@pytest.mark.usefixtures("sms_sandbox")
def test_a_reminder_that_fails_on_the_phone_is_reported() -> None:
    assert remind("+12025550102") == "failed"


def test_a_reminder_is_not_sent_twice_when_the_answer_is_lost(sms_sandbox: Sandbox, sms_outbox: Outbox) -> None:
    sms_sandbox.faults.add("reset_after", path="/sendsms/", times=1)
    assert remind(PATIENT) == "sent"
    assert_sent(sms_outbox, to=PATIENT, times=1)


def test_an_answer_confirms(sms_phone: Phone) -> None:
    sms_phone.receive(PATIENT, "Yes")
    assert has_confirmed(PATIENT)
