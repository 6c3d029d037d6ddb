"""`record_opt_out` in a receiver of `sms_received`: who texts STOP is on the list, and is answered once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, time, timezone
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils.translation import gettext_lazy

from smsmobile.contrib._offline import RecordedSMS
from smsmobile.contrib.django import queue_sms, record_opt_out
from smsmobile.contrib.django.models import IncomingMessage, OutgoingSMS, State, SuppressedNumber
from smsmobile.contrib.django.signals import sms_received
from smsmobile.contrib.django.suppression import DjangoSuppression
from smsmobile.delivery import SendWindow
from smsmobile.testing import post_webhook
from smsmobile.webhooks import SMSReceived, SMSReceivedData

from .databases import Database

NUMBER, REPLY = "+33639985678", "You get no more messages from us."
Sent = list[RecordedSMS]
Receive = Callable[..., list[bool]]


@pytest.fixture
def receive(settings: Any) -> Iterator[Receive]:
    """Delivers an SMS to a project with a receiver. What `record_opt_out` returned."""
    settings.SMSMOBILE = {"WEBHOOK_SECRET": "a-secret-of-the-tests"}
    arguments: dict[str, Any] = {"reply": REPLY}
    returned: list[bool] = []
    failures: list[Exception] = []

    def stop(event: SMSReceived, **_: Any) -> None:
        returned.append(record_opt_out(event, **arguments))
        if failures:
            raise failures.pop()

    def post(text: str, *, sender: str = NUMBER, failure: Exception | None = None, **changed: Any) -> list[bool]:
        arguments.update(changed)
        failures[:] = [] if failure is None else [failure]
        post_webhook(Client(raise_request_exception=False), SMSReceived, sender=sender, message=text)
        return returned

    sms_received.connect(stop)
    yield post
    sms_received.disconnect(stop)


def run_worker() -> None:
    call_command("sms_worker", once=True)


def test_who_texts_stop_gets_an_answer_and_nothing_more(database: Database, receive: Receive, sent: Sent) -> None:
    row = queue_sms(NUMBER, "20 % off everything.")
    assert receive("Stop.") == [True]
    assert NUMBER in DjangoSuppression()
    run_worker()
    row.refresh_from_db()
    assert row.state == State.SUPPRESSED
    assert [(message.recipient, message.message) for message in sent] == [(NUMBER, REPLY)]
    assert receive("STOP") == [True, True]
    run_worker()
    assert len(sent) == 1, "who is on the list already is not answered again"


def test_who_texts_start_gets_messages_again(database: Database, receive: Receive, sent: Sent) -> None:
    receive("STOP", reply=None)
    assert receive("START", reply=REPLY) == [True, True]
    assert NUMBER not in DjangoSuppression()
    queue_sms(NUMBER, "20 % off everything.")
    run_worker()
    assert [message.message for message in sent] == ["20 % off everything."]


@pytest.mark.django_db
def test_the_answer_leaves_outside_of_the_window(receive: Receive, sent: Sent, settings: Any) -> None:
    class ClosedWindow(SendWindow):
        def opens_at(self, moment: float) -> float:
            return max(moment, datetime(2099, 1, 1, tzinfo=timezone.utc).timestamp())

    settings.SMSMOBILE = {**settings.SMSMOBILE, "WINDOW": ClosedWindow(time(8), time(20), "Europe/Paris")}
    receive("STOP")
    run_worker()
    assert [message.message for message in sent] == [REPLY]


def test_a_receiver_that_raises_undoes_the_opt_out_and_the_answer(database: Database, receive: Receive) -> None:
    receive("STOP", failure=ValueError("of the project"))
    assert list(DjangoSuppression()) == []
    assert not OutgoingSMS.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "sender", "languages"),
    [("Stop by at ten.", NUMBER, None), ("STOP", "MPESA", None), ("ARRÊT", NUMBER, ["de"])],
    ids=["another text", "no number", "another language"],
)
def test_what_is_no_opt_out_changes_nothing(receive: Receive, text: str, sender: str, languages: Any) -> None:
    assert receive(text, sender=sender, languages=languages) == [False]
    assert not SuppressedNumber.objects.exists()
    assert not OutgoingSMS.objects.exists()
    assert IncomingMessage.objects.count() == 1, "the event was handled"


@pytest.mark.django_db
def test_a_short_code_is_not_answered(receive: Receive) -> None:
    assert receive("STOP", sender="36111") == [True]
    assert "36111" in DjangoSuppression()
    assert not OutgoingSMS.objects.exists()


@pytest.mark.django_db
def test_the_answer_can_be_a_lazy_translation(receive: Receive, sent: Sent) -> None:
    receive("STOP", reply=gettext_lazy("Yes"))
    run_worker()
    assert [message.message for message in sent] == ["Yes"]


@pytest.mark.django_db
def test_a_message_that_comes_as_two_events_is_answered_once(sent: Sent) -> None:
    now = datetime(2026, 12, 1, tzinfo=timezone.utc)
    data = SMSReceivedData.model_validate({"guid": "a-guid", "from": NUMBER, "message": "STOP"})
    events = [
        SMSReceived(id=name, api_version=None, created_at=now, occurred_at=now, data=data)
        for name in ("of the webhook", "of the inbox")
    ]
    assert [record_opt_out(event, REPLY) for event in events] == [True, True]
    run_worker()
    assert len(sent) == 1
