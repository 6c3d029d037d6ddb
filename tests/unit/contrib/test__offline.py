"""The client that sends nothing: what it records, and that everything else is as with the real one."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from smsmobile import APIError, InvalidRequestError, SMSMobileClient
from smsmobile.contrib._offline import RecordedSMS, offline_client
from smsmobile.delivery import Inbox, MemoryJournal, SendStatus, send_once

TO = "+33639981234"


@pytest.fixture
def outbox() -> list[RecordedSMS]:
    return []


@pytest.fixture
def offline(outbox: list[RecordedSMS], monkeypatch: pytest.MonkeyPatch) -> Iterator[SMSMobileClient]:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    with offline_client(outbox.append) as client:
        yield client


def test_a_message_is_recorded_with_its_options(offline: SMSMobileClient, outbox: list[RecordedSMS]) -> None:
    at = (datetime.now(timezone.utc) + timedelta(days=1)).replace(microsecond=0)
    plain = offline.sms.send(TO, "Ça va ?\n+ & =")
    options: dict[str, Any] = {"sim": 2, "device": "a-phone", "schedule_at": at}
    full = offline.sms.send(TO, "Bonjour", **options, shorten_urls=True, encrypt=True, whatsapp=True)
    assert outbox == [
        RecordedSMS(TO, "Ça va ?\n+ & =", plain.guid or ""),
        RecordedSMS(TO, "Bonjour", full.guid or "", "sms", 2, "a-phone", at, True, True, True),
    ]


def test_a_short_code_stays_one(offline: SMSMobileClient, outbox: list[RecordedSMS]) -> None:
    offline.sms.send("36111", "STOP")
    assert outbox[0].recipient == "36111"


def test_whatsapp_is_recorded_with_a_number_that_looks_the_same(
    offline: SMSMobileClient, outbox: list[RecordedSMS]
) -> None:
    offline.whatsapp.send(TO, "Salut", media_url="https://example.com/a.pdf")
    assert [(sms.recipient, sms.message, sms.channel) for sms in outbox] == [(TO, "Salut", "whatsapp")]


@pytest.mark.parametrize(("to", "message"), [("0639981234", "Bonjour"), (TO, ""), (TO, "\ud83d")])
def test_what_cannot_be_sent_is_refused(
    offline: SMSMobileClient, outbox: list[RecordedSMS], to: str, message: str
) -> None:
    with pytest.raises(InvalidRequestError):
        offline.sms.send(to, message)
    assert outbox == []


def test_a_recorded_message_is_in_the_sent_log(offline: SMSMobileClient) -> None:
    guids = [offline.sms.send(TO, message).guid or "" for message in ("one", "two")]
    assert [(row.guid, row.message) for row in offline.sms.log()] == [(guids[1], "two"), (guids[0], "one")]
    assert [row.status for row in offline.sms.log(guid=guids[0])] == ["sent"]


def test_a_message_under_a_key_is_recorded_once(offline: SMSMobileClient, outbox: list[RecordedSMS]) -> None:
    journal = MemoryJournal()
    statuses = [send_once(offline, journal, key="order-17", to=TO, text="Bonjour").status for _ in range(2)]
    assert (statuses, len(outbox)) == ([SendStatus.SENT, SendStatus.DUPLICATE], 1)


def test_nobody_has_written(offline: SMSMobileClient) -> None:
    assert offline.sms.received() == []
    assert repr(Inbox(offline)).startswith("<Inbox")


def test_what_it_has_no_answer_to_is_an_error(offline: SMSMobileClient) -> None:
    with pytest.raises(APIError):
        offline.devices.list()
