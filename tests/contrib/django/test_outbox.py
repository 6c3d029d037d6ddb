"""`send_sms`, `queue_sms` and the worker: what is committed is sent once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from io import StringIO
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest
import responses
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import F
from django.utils import timezone as django_timezone
from django.utils.translation import gettext_lazy
from requests import ConnectTimeout

from smsmobile import ConnectionFailed, InvalidRequestError
from smsmobile.contrib._offline import RecordedSMS
from smsmobile.contrib.django import conf, queue_sms, send_sms, worker
from smsmobile.contrib.django.endpoint import get_endpoint
from smsmobile.contrib.django.models import HandledEvent, JournalMessage, OutgoingSMS, State
from smsmobile.delivery import SendStatus
from smsmobile.sandbox import Sandbox
from smsmobile.testing import activate
from smsmobile.webhooks import SMSSent
from smsmobile.webhooks.events import EventData

from .databases import Database

NUMBER, TEXT = "+33639980001", "Your order is here."
Sent = list[RecordedSMS]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Callable[..., None]]:
    """Makes the service answer each send in one way."""
    settings.SMSMOBILE = {"BACKEND": "sandbox", "BASE_URL": "http://127.0.0.1:9"}
    with responses.RequestsMock(assert_all_requests_are_fired=False) as service:

        def answer(**how: Any) -> None:
            service.upsert(responses.POST, "http://127.0.0.1:9/sendsms/", **how)

        yield answer


def run_worker() -> str:
    out = StringIO()
    call_command("sms_worker", once=True, stdout=out)
    return out.getvalue()


def make_due() -> None:
    OutgoingSMS.objects.update(due_at=django_timezone.now())


class PhoneNumber:
    """What django-phonenumber-field gives."""

    as_e164 = NUMBER


# --- send_sms -------------------------------------------------------------------------------------------------------


def test_a_direct_send_needs_no_database(sent: Sent) -> None:
    assert send_sms(NUMBER, TEXT, sim=2).guid == sent[0].guid
    assert (sent[0].recipient, sent[0].message, sent[0].sim) == (NUMBER, TEXT, 2)


def test_numbers_and_texts_of_django_are_taken(sent: Sent) -> None:
    send_sms(PhoneNumber(), gettext_lazy("Yes"))
    assert (sent[0].recipient, sent[0].message) == (NUMBER, "Yes")


@pytest.mark.django_db
def test_under_a_key_it_is_sent_once(sent: Sent) -> None:
    first, second = (send_sms(PhoneNumber(), gettext_lazy("Yes"), key=4711) for _ in range(2))
    assert (first.status, second.status, second.recorded) == (SendStatus.SENT, SendStatus.DUPLICATE, SendStatus.SENT)
    assert first.guid == second.guid == sent[0].guid
    assert len(sent) == 1


def test_under_a_key_inside_of_a_transaction_it_is_refused(database: Database, sent: Sent) -> None:
    with transaction.atomic(using=database.alias), pytest.raises(RuntimeError, match="queue_sms"):
        send_sms(NUMBER, TEXT, key="order-1")
    assert sent == []


# --- queue_sms ------------------------------------------------------------------------------------------------------


def test_what_is_committed_is_sent_and_what_is_rolled_back_is_not(database: Database, sent: Sent) -> None:
    with transaction.atomic(using=database.alias):
        queue_sms(NUMBER, "committed")
    with transaction.atomic(using=database.alias):
        queue_sms(NUMBER, "rolled back")
        transaction.set_rollback(True, using=database.alias)
    assert sent == []
    assert "1 message(s)" in run_worker()
    assert [message.message for message in sent] == ["committed"]


@pytest.mark.django_db
def test_the_worker_records_what_became_of_a_message(sent: Sent) -> None:
    row = queue_sms(NUMBER, TEXT)
    assert (row.state, row.attempts, row.guid) == (State.QUEUED, 0, "")
    run_worker()
    row.refresh_from_db()
    assert (row.state, row.attempts, row.guid, row.reason) == (State.ACCEPTED, 1, sent[0].guid, "")
    assert row.attempted_at is not None
    assert (row.claimed_until, row.finished_at) == (None, None)
    assert "0 message(s)" in run_worker()


@pytest.mark.django_db
def test_all_options_arrive(sent: Sent) -> None:
    at = datetime(2027, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    queue_sms(
        PhoneNumber(), gettext_lazy("Yes"), sim=1, device="SID", schedule_at=at, shorten_urls=True, encrypt=True,
        whatsapp=True,
    )  # fmt: skip
    run_worker()
    (message,) = sent
    assert message == RecordedSMS(NUMBER, "Yes", message.guid, "sms", 1, "SID", at, True, True, True)


@pytest.mark.django_db
def test_times_are_kept_without_time_zones_in_the_database(settings: Any, sent: Sent) -> None:
    settings.USE_TZ = False
    at = datetime(2027, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    queue_sms(NUMBER, TEXT, schedule_at=at)
    run_worker()
    assert sent[0].schedule_at == at


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("to", "message", "key"),
    [
        ("0639980001", TEXT, None),
        (NUMBER, " ", None),
        (NUMBER, "NUL \0", None),
        (NUMBER, TEXT, "k" * 256),
        (NUMBER, TEXT, ""),
        (None, TEXT, None),
    ],
)
def test_what_cannot_be_sent_is_not_queued(sent: Sent, to: Any, message: str, key: str | None) -> None:
    with pytest.raises(InvalidRequestError):
        queue_sms(to, message, key=key)
    assert not OutgoingSMS.objects.exists()


@pytest.mark.django_db
def test_a_key_is_queued_once(sent: Sent) -> None:
    assert queue_sms(NUMBER, TEXT, key=4711) == queue_sms(NUMBER, "something else", key="4711")
    run_worker()
    assert [message.message for message in sent] == [TEXT]


@pytest.mark.django_db
def test_both_ways_share_a_key(sent: Sent) -> None:
    send_sms(NUMBER, TEXT, key="order-1")
    row = queue_sms(NUMBER, TEXT, key="order-1")
    queue_sms(NUMBER, "Another text.", key="order-2")
    run_worker()
    assert send_sms(NUMBER, "Another text.", key="order-2").status is SendStatus.DUPLICATE
    row.refresh_from_db()
    assert (row.state, row.guid) == (State.ACCEPTED, sent[0].guid)
    assert len(sent) == 2


def test_one_of_many_threads_queues_a_key(database: Database, sent: Sent) -> None:
    def queue(_: int) -> int:
        with transaction.atomic(using=database.alias):
            return queue_sms(NUMBER, TEXT, key="order-1").pk

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(queue, range(8)))) == 1
    assert OutgoingSMS.objects.count() == 1


# --- the worker -----------------------------------------------------------------------------------------------------


def test_workers_share_the_queue(database: Database, sent: Sent) -> None:
    for number in range(30):
        queue_sms(f"+3363998{number:04}", TEXT)
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: worker.drain(), range(4)))
    assert sum(counts) == len(sent) == len({message.recipient for message in sent}) == 30


@pytest.mark.django_db
def test_a_message_that_a_worker_has_taken_is_left_alone_until_its_time_is_over(sent: Sent) -> None:
    queue_sms(NUMBER, TEXT)
    assert worker._take() is not None
    run_worker()
    assert sent == []
    OutgoingSMS.objects.update(claimed_until=F("claimed_until") - timedelta(seconds=worker.LEASE))
    run_worker()
    assert len(sent) == 1


@pytest.mark.django_db
def test_a_message_whose_worker_had_a_clock_that_was_set_back_is_taken(sent: Sent) -> None:
    row = queue_sms(NUMBER, TEXT)
    OutgoingSMS.objects.update(claimed_until=django_timezone.now() + timedelta(days=1))
    run_worker()
    row.refresh_from_db()
    assert (row.state, len(sent)) == (State.ACCEPTED, 1)


@pytest.mark.django_db
def test_a_message_that_another_caller_is_sending_stays_queued(sent: Sent) -> None:
    row = queue_sms(NUMBER, TEXT, key="order-1")
    send_sms(NUMBER, TEXT, key="order-1")
    JournalMessage.objects.update(state="planned")
    run_worker()
    row.refresh_from_db()
    assert row.state == State.QUEUED
    assert "in flight" in row.reason
    assert row.due_at > django_timezone.now() + timedelta(seconds=30)
    assert len(sent) == 1


@pytest.mark.django_db
def test_a_refused_message_is_recorded_with_the_reason(failing: Callable[..., None]) -> None:
    failing(json={"error": "blocked_number", "message": "This number is blocked."})
    row = queue_sms(NUMBER, TEXT)
    run_worker()
    row.refresh_from_db()
    assert (row.state, row.attempts) == (State.REFUSED, 1)
    assert row.reason
    assert row.finished_at is not None


@pytest.mark.django_db
def test_what_cannot_be_sent_with_the_settings_of_the_worker_is_refused(sent: Sent) -> None:
    row = queue_sms(NUMBER, TEXT)
    OutgoingSMS.objects.update(to="0639980001")
    run_worker()
    row.refresh_from_db()
    assert row.state == State.REFUSED
    assert "national number" in row.reason


@pytest.mark.django_db
@pytest.mark.parametrize(
    "how",
    [
        {"body": ConnectTimeout()},
        {"status": 401, "json": {"error": "invalid_apikey"}},
        {"status": 429, "json": {"error": "rate_limited"}},
    ],
    ids=["unreachable", "wrong key", "rate limit"],
)
def test_a_failure_that_all_would_meet_ends_the_run_and_loses_nothing(
    failing: Callable[..., None], sent: Sent, settings: Any, how: dict[str, Any]
) -> None:
    rows = [queue_sms(f"+3363998000{number}", TEXT) for number in range(3)]
    failing(**how)
    with pytest.raises(CommandError, match="stay queued"):
        run_worker()
    assert [row.state for row in OutgoingSMS.objects.all()] == [State.QUEUED] * 3
    first = OutgoingSMS.objects.get(pk=rows[0].pk)
    assert first.attempts == 1
    assert first.reason
    assert first.due_at > django_timezone.now()
    settings.SMSMOBILE = {}
    make_due()
    run_worker()
    assert len(sent) == 3


@pytest.mark.django_db
def test_the_messages_of_a_phone_that_is_offline_wait_and_those_of_others_do_not(settings: Any) -> None:
    settings.SMSMOBILE = {}
    with activate() as box:
        box.add_phone("Office").switch_off()
        for number in range(3):
            queue_sms(f"+3363998000{number}", TEXT, device=box.phones[1].sid)
        queue_sms(NUMBER, TEXT, device=box.phone.sid)
        with pytest.raises(CommandError, match="stay queued"):
            run_worker()
        assert [sms.recipient for sms in box.phone.outbox] == [NUMBER]
        assert len(box.requests) == 2  # one of those that wait was tried
        box.phones[1].switch_on()
        make_due()
        run_worker()
        assert len(box.phones[1].outbox) == 3


def test_the_worker_goes_on_after_a_failure_and_ends_when_it_is_told(
    database: Database, sent: Sent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker, "FIRST_PAUSE", 0.01)
    stopping = Event()
    failures = iter([ConnectionFailed("The service is away."), ValueError])
    real = worker.send_once

    def send(*args: Any, **kwargs: Any) -> Any:
        failure = next(failures)
        if isinstance(failure, Exception):
            raise failure
        stopping.set()
        return real(*args, **kwargs)

    monkeypatch.setattr(worker, "send_once", send)
    queue_sms(NUMBER, TEXT)

    def run() -> None:
        worker.work(stopping, interval=0.01)

    thread = Thread(target=run)
    thread.start()
    for _ in range(2000):
        if not thread.is_alive():
            break
        make_due()
        thread.join(0.02)
    stopping.set()
    thread.join()
    assert len(sent) == 1
    assert "The service is away." in caplog.text
    assert NUMBER not in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("types", "state"),
    [(["sms.sent"], State.SENT), (["sms.failed"], State.FAILED), (["sms.failed", "sms.sent"], State.SENT)],
)
def test_an_event_that_came_before_the_guid_was_recorded_counts(
    sent: Sent, monkeypatch: pytest.MonkeyPatch, types: list[str], state: State
) -> None:
    def record(sms: RecordedSMS) -> None:
        for kind in types:
            HandledEvent.objects.create(id=kind, type=kind, guid=sms.guid, expires_at=django_timezone.now())

    monkeypatch.setattr(conf, "_record", record)
    row = queue_sms(NUMBER, TEXT)
    run_worker()
    row.refresh_from_db()
    assert row.state == state
    assert row.finished_at is not None


def test_a_guid_that_not_every_database_stores_is_recorded_and_found(
    database: Database, sent: Sent, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    guid = "a-guid\0 of a broken service"
    monkeypatch.setattr("smsmobile.contrib._offline.uuid4", lambda: SimpleNamespace(hex=guid))
    row = queue_sms(NUMBER, TEXT)
    run_worker()
    row.refresh_from_db()
    assert (row.state, len(sent)) == (State.ACCEPTED, 1)

    now = django_timezone.now()
    reported = SMSSent(id="an-event", api_version=None, created_at=now, occurred_at=now, data=EventData(guid=guid))
    settings.SMSMOBILE = {"WEBHOOK_SECRET": "a-secret-of-the-tests"}
    assert get_endpoint().handle(reported).status == 202
    row.refresh_from_db()
    assert row.state == State.SENT


def test_a_lost_answer_is_looked_up_and_not_sent_again(
    database: Database, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as box:
        settings.SMSMOBILE = {"BACKEND": "sandbox", "BASE_URL": box.url}
        monkeypatch.setattr("smsmobile.contrib._settings.SANDBOX_KEY", box.api_key)
        box.faults.add("reset_after", path="/sendsms/")
        queue_sms(NUMBER, TEXT)
        run_worker()
        row = OutgoingSMS.objects.get()
        assert (row.state, len(box.phone.outbox)) == (State.ACCEPTED, 1)
        assert row.guid
        conf.reset_client()


def test_a_worker_that_would_never_rest_is_refused() -> None:
    with pytest.raises(CommandError, match="above 0"):
        call_command("sms_worker", interval=0.0)


@pytest.mark.skipif(sys.platform == "win32", reason="the signal would end this process")
def test_sigterm_ends_the_worker(database: Database, sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(conf, "_record", lambda sms: (sent.append(sms), os.kill(os.getpid(), signal.SIGTERM)))
    for _ in range(2):
        queue_sms(NUMBER, TEXT)
    out = StringIO()
    call_command("sms_worker", stdout=out)
    states = sorted(row.state for row in OutgoingSMS.objects.all())
    assert states == [State.ACCEPTED, State.QUEUED], "the current message was finished, and no other one begun"
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.django_db
def test_no_text_of_the_command_shows_a_number(sent: Sent) -> None:
    queue_sms(NUMBER, TEXT)
    assert NUMBER not in run_worker()
