"""What a delivery does in a project: rows, signals and answers."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.test import Client

from smsmobile import webhooks
from smsmobile.contrib.django import endpoint, queue_sms, signals
from smsmobile.contrib.django.models import HandledEvent, IncomingMessage, OutgoingSMS, State
from smsmobile.contrib.django.test import RecordedSMS, outbox
from smsmobile.webhooks import new_url_token, sign

from ..deliveries import PUBLISHED, delivery

pytestmark = pytest.mark.django_db

SECRET = "a-secret-of-the-tests"
NOW = "2026-12-01T12:00:00Z"
GUID = "SMS-GUID-1001"
TOKEN = new_url_token()


def event(kind: str, event_id: str = "", **data: Any) -> dict[str, Any]:
    return {
        "id": event_id or str(uuid4()),
        "type": kind,
        "api_version": "2026-09-22",
        "created_at": NOW,
        "occurred_at": NOW,
        "data": data,
    }


def received(message: str = "Is it ready?", **data: Any) -> dict[str, Any]:
    return event("sms.received", **{"guid": GUID, "from": "+33639985678", "message": message, **data})


def post(body: bytes, *, url: str = "/sms/webhook", secret: str = SECRET, at: int = 0) -> HttpResponse:
    timestamp = at or int(time.time())
    headers = {
        "X-SMSMobileAPI-Timestamp": str(timestamp),
        "X-SMSMobileAPI-Signature": sign(body, secret, timestamp),
    }
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    return browser.post(url, data=body, content_type="application/json", headers=headers)  # type: ignore[return-value]


def deliver(payload: dict[str, Any], **how: Any) -> int:
    return post(json.dumps(payload).encode(), **how).status_code


class Heard(NamedTuple):
    """A signal that was sent."""

    signal: Signal
    sender: type
    event: Any


@pytest.fixture
def heard() -> Iterator[list[Heard]]:
    """All signals."""
    heard: list[Heard] = []
    receivers: list[tuple[Signal, Callable[..., None]]] = []
    for name in signals.__all__:
        signal = getattr(signals, name)

        def note(sender: type, event: Any, signal: Signal, **_: Any) -> None:
            heard.append(Heard(signal, sender, event))

        signal.connect(note)
        receivers.append((signal, note))
    yield heard
    for signal, note in receivers:
        assert signal.disconnect(note)


@pytest.mark.parametrize("kind", PUBLISHED, ids=lambda kind: kind.__name__)
def test_a_published_delivery_becomes_its_signal_once(kind: type[webhooks.WebhookEvent], heard: list[Heard]) -> None:
    published = delivery(kind.model_fields["type"].default, PUBLISHED[kind], secret=SECRET)
    browser = Client(enforce_csrf_checks=True)
    answers = [
        browser.post("/sms/webhook", published.body, content_type="application/json", headers=published.headers)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [202, 200]
    assert [note.sender for note in heard] == [kind]


def test_an_sms_is_stored_and_its_signal_sent_once(heard: list[Heard]) -> None:
    payload = received(alias="Ann", device_id="a-phone", received_at=NOW)
    assert [deliver(payload), deliver(payload), deliver({**payload, "id": "another"})] == [202, 200, 200]

    (row,) = IncomingMessage.objects.all()
    assert (row.channel, row.sender, row.message) == ("sms", "+33639985678", "Is it ready?")
    assert (row.name, row.device, row.guid) == ("Ann", "a-phone", GUID)
    assert row.received_at.isoformat() == "2026-12-01T12:00:00+00:00"
    assert [(each.signal, each.sender) for each in heard] == [(signals.sms_received, webhooks.SMSReceived)]
    assert heard[0].event.data.message == "Is it ready?"
    assert heard[0].event.signed


def test_a_whatsapp_message_is_stored(heard: list[Heard]) -> None:
    data = {"guid": GUID, "from": "33639985678", "contact_name": "Jordan", "message": "Hello"}
    assert deliver(event("whatsapp.received", **data)) == 202

    (row,) = IncomingMessage.objects.all()
    assert (row.channel, row.sender, row.name, row.message) == ("whatsapp", "33639985678", "Jordan", "Hello")
    assert [each.signal for each in heard] == [signals.whatsapp_received]


@pytest.mark.parametrize(
    ("kind", "signal"),
    [
        ("sms.api.submitted", "sms_submitted"),
        ("sms.sent", "sms_sent"),
        ("sms.failed", "sms_failed"),
        ("sms.received", "sms_received"),
        ("sms.mobile.sent", "sms_sent_by_hand"),
        ("call.missed", "call_missed"),
        ("call.incoming", "call_incoming"),
        ("call.outgoing", "call_outgoing"),
        ("whatsapp.submitted", "whatsapp_submitted"),
        ("whatsapp.sent", "whatsapp_sent"),
        ("whatsapp.failed", "whatsapp_failed"),
        ("whatsapp.received", "whatsapp_received"),
        ("whatsapp.voice.transcribed", "whatsapp_voice_transcribed"),
        ("email.sent", "email_sent"),
        ("email.received", "email_received"),
        ("fax.received", "unknown_event"),
    ],
)
def test_each_type_of_event_has_a_signal(kind: str, signal: str, heard: list[Heard]) -> None:
    assert deliver(event(kind, guid=GUID, **{"from": "+33639985678"}, message="")) == 202
    assert [each.signal for each in heard] == [getattr(signals, signal)]


@pytest.mark.parametrize("url", ["/sms/webhook", "/sms/webhook/"])
def test_a_slash_at_the_end_makes_no_difference(url: str) -> None:
    assert deliver(received(), url=url) == 202


def test_no_login_is_needed(settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert deliver(received()) == 202


@pytest.mark.django_db(transaction=True)
def test_a_project_with_atomic_requests_commits_the_claim_before_the_event_is_handled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    claims: list[int] = []

    def look_from_another_connection(**_: Any) -> None:
        def look() -> None:
            claims.append(HandledEvent.objects.count())
            connection.close()

        thread = Thread(target=look)
        thread.start()
        thread.join()

    payload = received()
    signals.sms_received.connect(look_from_another_connection)
    try:
        assert [deliver(payload), deliver(payload)] == [202, 200]
    finally:
        signals.sms_received.disconnect(look_from_another_connection)
    assert claims == [1]
    assert IncomingMessage.objects.count() == 1


def test_the_size_of_a_body_is_limited_by_the_endpoint_alone(settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert deliver(received("a" * 900_000)) == 202
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    assert deliver(received("a" * 1024 * 1024)) == 413


def test_other_methods_are_refused() -> None:
    answer = Client().get("/sms/webhook")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_what_is_not_proven_is_refused(heard: list[Heard]) -> None:
    assert deliver(received(), secret="another") == 401
    assert deliver(received(), at=int(time.time()) - 301) == 401
    assert Client().post("/sms/webhook", data="{}", content_type="application/json").status_code == 401
    assert post(b"no JSON").status_code == 400
    assert (heard, IncomingMessage.objects.count()) == ([], 0)


def test_another_secret_is_used_at_once(settings: Any) -> None:
    assert deliver(received()) == 202
    settings.SMSMOBILE = {"WEBHOOK_SECRET": ["the-old-one-of-the-tests", "the-new-one-of-the-tests"]}
    assert deliver(received(), secret=SECRET) == 401
    assert deliver(received(guid="a"), secret="the-old-one-of-the-tests") == 202
    assert deliver(received(guid="b"), secret="the-new-one-of-the-tests") == 202


def test_without_a_secret_everything_is_refused(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.SMSMOBILE = {}
    assert deliver(received()) == 401
    assert "WEBHOOK_SECRET" in caplog.text


def post_v1(token: str) -> int:
    payload = {"message": "Hello", "number": "+12025550123", "guid": "abcde12345"}
    return Client().post(f"/sms/webhook/{token}", data=payload, content_type="application/json").status_code


def test_version_1_webhooks_need_the_token(settings: Any, heard: list[Heard]) -> None:
    settings.SMSMOBILE = {"WEBHOOK_URL_TOKEN": TOKEN}
    assert [post_v1(TOKEN + "x"), post_v1(TOKEN), post_v1(TOKEN)] == [401, 202, 200]
    assert [(each.signal, each.event.signed) for each in heard] == [(signals.sms_received, False)]


def test_the_token_of_version_1_is_in_no_log_record(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.SMSMOBILE = {"WEBHOOK_URL_TOKEN": TOKEN}

    def fail(**_: Any) -> None:
        raise ValueError("as the test wants it")

    signals.sms_received.connect(fail)
    try:
        with caplog.at_level(logging.DEBUG):
            assert post_v1(TOKEN) == 500
    finally:
        signals.sms_received.disconnect(fail)
    assert "as the test wants it" in caplog.text
    assert TOKEN not in caplog.text


def test_nor_if_the_endpoint_cannot_be_used(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.SMSMOBILE = {"WEBHOOK_URL_TOKEN": "too-short"}
    with caplog.at_level(logging.DEBUG):
        assert post_v1(TOKEN) == 503
    assert "url_token has 9 characters" in caplog.text
    assert TOKEN not in caplog.text


def test_nor_if_the_body_cannot_be_read(
    settings: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> bytes:
        raise UnreadablePostError("the client has gone away")

    settings.SMSMOBILE = {"WEBHOOK_URL_TOKEN": TOKEN}
    monkeypatch.setattr(HttpRequest, "read", fail)
    with caplog.at_level(logging.DEBUG):
        assert post_v1(TOKEN) == 400
    assert "could not be read (UnreadablePostError)" in caplog.text
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("transactional", [pytest.param(True, marks=pytest.mark.django_db(transaction=True)), False])
def test_what_a_failing_receiver_changed_is_undone_and_the_event_comes_again(transactional: bool) -> None:
    fails = True

    def handle(event: Any, **_: Any) -> None:
        OutgoingSMS.objects.create(key=event.id, to="+33639981234", message="Thanks")
        if fails:
            raise ValueError("as the test wants it")

    payload = received()
    signals.sms_received.connect(handle)
    try:
        assert deliver(payload) == 500
        assert (OutgoingSMS.objects.count(), IncomingMessage.objects.count()) == (0, 0)
        fails = False
        assert [deliver(payload), deliver(payload)] == [202, 200]
    finally:
        signals.sms_received.disconnect(handle)
    assert (OutgoingSMS.objects.count(), IncomingMessage.objects.count()) == (1, 1)


def test_texts_that_not_every_database_stores_are_stored() -> None:
    body = json.dumps(received("a\0b\ud83d c", alias="n" * 300)).encode()
    assert post(body).status_code == 202
    (row,) = IncomingMessage.objects.all()
    assert row.message == "ab? c"
    assert row.name == "n" * 255


def outgoing(state: State = State.ACCEPTED) -> OutgoingSMS:
    return OutgoingSMS.objects.create(to="+33639981234", message="Hello", state=state, guid=GUID)


def test_a_message_follows_its_events() -> None:
    row = outgoing()
    assert deliver(event("sms.failed", guid=GUID, error="no signal")) == 202
    row.refresh_from_db()
    assert (row.state, row.reason) == (State.FAILED, "no signal")

    assert deliver(event("sms.sent", guid=GUID)) == 202
    row.refresh_from_db()
    assert (row.state, row.reason, row.finished_at.isoformat()) == (State.SENT, "", "2026-12-01T12:00:00+00:00")

    assert deliver(event("sms.failed", guid=GUID, error="too late")) == 202
    row.refresh_from_db()
    assert row.state == State.SENT


def test_a_message_in_doubt_follows_its_events() -> None:
    row = outgoing(State.UNKNOWN)
    deliver(event("sms.sent", guid=GUID))
    row.refresh_from_db()
    assert row.state == State.SENT


def test_a_project_without_timezones_receives(settings: Any) -> None:
    settings.USE_TZ = False
    settings.TIME_ZONE = "Europe/Paris"
    row = outgoing()
    assert [deliver(received(received_at=NOW)), deliver(event("sms.sent", guid=GUID))] == [202, 202]
    row.refresh_from_db()
    assert row.finished_at.isoformat() == "2026-12-01T13:00:00"
    assert IncomingMessage.objects.get().received_at == row.finished_at


def test_events_of_other_messages_change_nothing() -> None:
    row, queued = outgoing(), queue_sms("+33639981234", "Hello")
    for data in ({"guid": "another"}, {}, {"guid": "\0"}):
        assert deliver(event("sms.sent", **data)) == 202
    row.refresh_from_db()
    queued.refresh_from_db()
    assert (row.state, queued.state) == (State.ACCEPTED, State.QUEUED)


def test_an_event_that_comes_before_the_guid_is_kept_for_the_worker() -> None:
    assert deliver(event("sms.sent", "an-event", guid=GUID)) == 202
    (row,) = HandledEvent.objects.all()
    assert (row.type, row.guid) == ("sms.sent", GUID)


def test_a_message_that_is_reported_before_the_worker_knows_its_guid_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    def report_at_once(sms: RecordedSMS) -> None:
        assert deliver(event("sms.sent", guid=sms.guid)) == 202

    monkeypatch.setattr(outbox, "append", report_at_once)
    row = queue_sms("+33639981234", "Hello")
    call_command("sms_worker", once=True)
    row.refresh_from_db()
    assert row.state == State.SENT


@pytest.mark.django_db(transaction=True)
def test_a_guid_that_is_stored_while_its_event_is_handled_is_found() -> None:
    row = OutgoingSMS.objects.create(to="+33639981234", message="Hello", state=State.ACCEPTED)

    def store_the_guid(**_: Any) -> None:  # as a worker whose commit is the earlier one
        OutgoingSMS.objects.filter(pk=row.pk).update(guid=GUID)

    signals.sms_sent.connect(store_the_guid)
    try:
        assert deliver(event("sms.sent", guid=GUID)) == 202
    finally:
        signals.sms_sent.disconnect(store_the_guid)
    row.refresh_from_db()
    assert row.state == State.SENT


@pytest.mark.django_db(transaction=True)
def test_an_event_is_acknowledged_though_what_follows_its_commit_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    follow, done = endpoint._follow, []

    def fail_at_last(event: Any, guid: str) -> None:
        if event in done:
            raise OperationalError("as the test wants it")
        done.append(event)
        follow(event, guid)

    def later(**_: Any) -> None:
        transaction.on_commit(lambda: done.append("what a receiver wants to do after the commit"))

    monkeypatch.setattr(endpoint, "_follow", fail_at_last)
    signals.sms_sent.connect(later)
    try:
        assert deliver(event("sms.sent", guid=GUID)) == 202
    finally:
        signals.sms_sent.disconnect(later)
    assert len(done) == 2
    assert "as the test wants it" in caplog.text
