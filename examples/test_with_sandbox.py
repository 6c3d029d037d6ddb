"""Tests of an application that sends SMS and reads the answers. They use a sandbox; run them with pytest."""

# ruff: noqa: D103, S101 - test names say what is tested, and tests use assert

from __future__ import annotations

import pytest

from smsmobile import SendOutcomeUnknown, SMSMobileClient, SMSStatus
from smsmobile.sandbox import Sandbox

PATIENT = "+33639981234"


def remind(client: SMSMobileClient, number: str) -> str:
    """The application: send one reminder, and return its state."""
    try:
        guid = client.sms.send(number, "Tomorrow at 10:00. Is that fine?").guid
    except SendOutcomeUnknown as doubt:
        logged = doubt.reconcile()  # do not send it again: it may have been accepted
        return SMSStatus(logged.status).value if logged else "try again later"
    return client.sms.log(guid=guid)[0].status.value


def has_confirmed(client: SMSMobileClient, number: str) -> bool:
    """The application: whether this person has answered yes."""
    return any(sms.sender == number and sms.message.lower() == "yes" for sms in client.sms.received())


@pytest.fixture
def box() -> Sandbox:
    """It need not be started: the session below uses no port and no thread."""
    return Sandbox()


@pytest.fixture
def client(box: Sandbox) -> SMSMobileClient:
    return SMSMobileClient(api_key=box.api_key, session=box.session())


def test_a_reminder_is_sent(box: Sandbox, client: SMSMobileClient) -> None:
    assert remind(client, PATIENT) == "sent"
    assert [sms.recipient for sms in box.phone.outbox] == [PATIENT]


def test_a_reminder_that_fails_on_the_phone_is_reported(client: SMSMobileClient) -> None:
    assert remind(client, "+12025550102") == "failed"


def test_a_reminder_is_not_sent_twice_when_the_answer_is_lost(box: Sandbox, client: SMSMobileClient) -> None:
    box.faults.add("reset_after", path="/sendsms/", times=1)
    assert remind(client, PATIENT) == "sent"
    assert len(box.phone.outbox) == 1


def test_an_answer_confirms(box: Sandbox, client: SMSMobileClient) -> None:
    box.phone.receive(PATIENT, "Yes")
    assert has_confirmed(client, PATIENT)
